"""Texts and their classes: data sets, tokens, batches."""
