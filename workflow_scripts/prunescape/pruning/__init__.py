"""Structured pruning: what may be cut, how far, and the cut itself."""
