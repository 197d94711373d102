from prunescape.space.recipe import PARAMETERS


def test_a_hyperparameter_acts_only_where_its_condition_holds():
    decay = PARAMETERS["decay"]
    assert decay.acts({"schedule": "step"}) and not decay.acts({"schedule": "cosine"})
    assert PARAMETERS["epochs"].acts({})
