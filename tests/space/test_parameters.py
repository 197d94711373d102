from prunescape.space.recipe import PARAMETERS


def test_a_hyperparameter_acts_only_where_its_condition_holds():
    decay = PARAMETERS["decay"]
    assert decay.acts({"schedule": "step"}) and not decay.acts({"schedule": "cosine"})
    assert PARAMETERS["epochs"].acts({})


def test_what_shapes_the_network_is_of_architecture_or_layer():
    """liao2022, Table 2: the dimensions of its hyperparameters."""
    found = {name: known.meaning.dimension for name, known in PARAMETERS.items() if known.meaning.network}
    architecture = dict.fromkeys(("filters", "units", "kernel", "embedding"), "architecture")
    assert found == architecture | dict.fromkeys(("dropout", "activation", "pooling"), "layer")
