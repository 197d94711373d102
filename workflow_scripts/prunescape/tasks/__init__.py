"""What is learnt: one folder per kind of task."""
