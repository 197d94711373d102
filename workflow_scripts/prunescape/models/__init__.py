"""Architectures, their weights, and what they cost."""
