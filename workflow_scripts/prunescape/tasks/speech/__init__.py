"""Spoken words and their classes: the data set, recordings as waves, batches."""
