"""Search strategies on trainings that are finished: what each would have chosen, and for how many epochs."""
