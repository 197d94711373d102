"""The hyperparameters of networks: what shapes one, beside its model and its pruning (liao2022, Table 2).

Which of them a model has, and their defaults, stands in config/models.py.
"""

from annotated_types import Ge, Gt, Le, Lt

from prunescape.space.parameters import Dimension, Meaning, Parameter, Scale

ACTIVATIONS = ("relu", "tanh", "sigmoid")
POOLINGS = ("max", "avg", "globalmax", "globalavg")
Bound = Ge | Gt | Le | Lt


def _entry(
    name: str, label: str, scale: Scale, dimension: Dimension, *bounds: Bound, levels: tuple[str, ...] = ()
) -> Parameter:
    return Parameter(name, Meaning(label, scale, dimension, network=True), bounds, levels)


NETWORK = {
    parameter.name: parameter
    for parameter in (
        _entry("filters", "filters", "integer", "architecture", Ge(1), Le(4096)),
        _entry("units", "units", "integer", "architecture", Ge(1), Le(8192)),
        _entry("kernel", "kernel size", "integer", "architecture", Ge(1), Le(31)),
        _entry("embedding", "embedding dimension", "integer", "architecture", Ge(1), Le(4096)),
        _entry("dropout", "dropout ratio", "linear", "layer", Ge(0), Lt(1)),
        _entry("activation", "activation function", "categorical", "layer", levels=ACTIVATIONS),
        _entry("pooling", "pooling method", "categorical", "layer", levels=POOLINGS),
    )
}
