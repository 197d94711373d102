"""The training of cells: batches, steps, optimisers, checkpoints and records."""
