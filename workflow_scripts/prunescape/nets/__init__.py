"""Architectures, their cost, and structured pruning."""
