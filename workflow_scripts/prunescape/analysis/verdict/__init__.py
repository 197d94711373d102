"""Whether a variant needs tuning again, from fresh seeds, with a known error rate."""
