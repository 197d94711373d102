"""Variants, cells and rounds: the points that a study trains."""
