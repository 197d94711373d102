"""Landscapes of which a part is trained: one process over variants, what it infers, which settings come next."""
