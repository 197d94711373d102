"""Designs: what finished cells say about which cells come next."""
