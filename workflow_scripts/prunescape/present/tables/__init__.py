"""The tables of a paper: numbers unrounded, and as they are printed."""
