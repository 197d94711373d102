"""The names of the tables that compare models on targets, for whoever must not load what makes them. Needs nothing."""

COMPARED = ("recommendations", "rivals", "pareto", "scenarios", "speedups", "properties", "correlations")
