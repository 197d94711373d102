"""Arms of random searches compared: what tuning a hyperparameter does to the best models' properties (liao2022)."""
