"""A config that is accepted."""

EXPERIMENT = {
    "model": "resnet8",
    "dataset": "digits",
    "recipe": {"epochs": 10, "batch_size": 64},
    "variants": {"uniform": [0.6, 0.2], "nonuniform": [0.4]},
    "prior": {"log10_lr": -1.0, "log10_wd": -4.0},
    "grid": {"log10_lr": [-2, -1, 0], "log10_wd": {"step": 0.2, "size": 9}},
    "extension": {"max_rounds": 0},
}
GOOD = {"study": "s", "experiments": {"e": EXPERIMENT}, "targets": {"here": {}}}
