"""Which factors (hyperparameters) decide a response: F tables, effects, importance, interactions with the variant."""
