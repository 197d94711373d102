"""How pruned networks are trained on, and by which score they are cut: pipelines and scores compared."""
