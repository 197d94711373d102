"""Data sets: from their original files to one prepared file."""
