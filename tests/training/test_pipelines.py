"""How pruned networks start and are trained: schedules in closed form, and a training by hand with torch.optim."""

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise, planned_network
from prunescape.models.counting import count_flops
from prunescape.models.weights import save_weights
from prunescape.pruning import retraining
from prunescape.pruning.retraining import cut_short, rate_factors, retraining_recipe
from prunescape.pruning.variant_plan import stretched_pipeline, write_widths
from prunescape.space import variants
from prunescape.space.cells import Cell
from prunescape.space.pipelines import PIPELINES, plan_pipeline
from prunescape.space.recipe import Recipe
from prunescape.space.settings import Setting
from prunescape.space.variants import Variant
from prunescape.store.files import file_digest, read_json, write_json
from prunescape.tasks.images.prepared import load_prepared
from support.cells import BASE_PLAN, base_cell, cell_files
from support.small_images import prepare_noise
from train_cell import train_cell
from train_start import train_start

RATE, DECAY, BATCH, EPOCHS = -1.5, -3.0, 25, 2
SETTING = {"log10_lr": RATE, "log10_wd": DECAY}
RECIPE = {"epochs": 4, "batch_size": BATCH, "schedule": "cosine", "momentum": 0.9, "warmup_epochs": 1}


def test_plans_name_starts_and_segments_that_cells_train_by():
    known = {retraining.INITIALISED, retraining.INHERITED, retraining.INITIAL}
    assert {pipeline.start for pipeline in PIPELINES.values()} == known
    segments = [pipeline.segment(2) for pipeline in PIPELINES.values()]
    assert {each if isinstance(each, str) else each["name"] for each in segments} == set(retraining.SEGMENTS)


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("scratch", [1.0, 1.0, 0.1, 0.01]),
        ("scratch_b", [1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01]),  # half of the FLOPs, so twice the epochs
        ("fine_tune", [0.01, 0.01]),
        ("rewind_rate", [0.1, 0.01]),
        ("rewind_weights", [0.1, 0.01]),
        ("restart", [1.0, 0.5]),
        ("init", [1.0, 1.0, 0.1, 0.01]),
        ("cyclic", [0.5, 1.0]),
    ],
)
def test_schedules_of_pipelines_follow_their_closed_forms(name, factors):
    recipe = Recipe(epochs=4, batch_size=1, milestones=(2, 3))
    planned = stretched_pipeline(plan_pipeline(name, epochs=2), share=0.5)
    assert rate_factors(planned, recipe) == pytest.approx(factors)


@pytest.mark.parametrize("name", variants.FROM_TRAINED)
def test_a_budget_of_a_search_cuts_what_follows_pruning_and_not_the_recipe(name):
    recipe = {"epochs": 4, "batch_size": 1, "milestones": (2, 3)}
    plan, values = cut_short(plan_pipeline(name, epochs=3, cut=True), {"epochs": 2, "log10_lr": -1.0})
    assert values == {"log10_lr": -1.0}
    assert rate_factors(plan, Recipe(**recipe)) == rate_factors(plan_pipeline(name, epochs=2), Recipe(**recipe))
    whole = plan_pipeline(name, epochs=3)
    assert cut_short(whole | {"shorter": []}, values) == (whole | {"shorter": []}, values)  # a whole training
    assert cut_short(whole, {"epochs": 2}) == (whole, {"epochs": 2})  # a grid's epochs are those of the recipe


@pytest.mark.parametrize(("epochs", "rising"), [(1, 0), (4, 1), (20, 2), (72, 8)])
def test_a_cycle_rises_to_the_full_rate_and_falls_by_a_cosine(epochs, rising):
    """The fall is torch's CosineAnnealingLR, which restarts nothing before its end."""
    factors = PIPELINES["cyclic"].segment(epochs)["factors"]
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=epochs - rising)
    falling = []
    for _ in range(epochs - rising):
        falling.append(annealing.get_last_lr()[0])
        optimiser.step()
        annealing.step()
    assert factors[rising:] == pytest.approx(falling) and len(factors) == epochs
    assert factors[: rising + 1] == pytest.approx([(epoch + 1) / (rising + 1) for epoch in range(rising + 1)])


def test_only_weights_that_are_new_warm_up():
    recipe = Recipe(epochs=4, batch_size=1, warmup_epochs=2)
    warmed = {name: retraining_recipe(plan_pipeline(name, epochs=1), recipe).warmup_epochs for name in PIPELINES}
    assert warmed == {name: 0 if name in variants.FROM_TRAINED else 2 for name in PIPELINES}
    initial = plan_pipeline("rewind_weights", epochs=4, rewound_to=0)
    assert retraining_recipe(initial, recipe).warmup_epochs == 2


@pytest.mark.parametrize("name", ["base", "uniform-0.5", "nonuniform-0.25-scratch_b", "uniform-0.5-fine_tune"])
def test_a_variants_name_is_read_back(name):
    assert Variant.parse(name).name == name
    assert Variant.parse(name).inherits == name.endswith("fine_tune")


@pytest.mark.parametrize("name", ["base-fine_tune", "uniform-0.5-scratch", "uniform-0.5-tune", "uniform-fine_tune"])
def test_a_name_of_no_variant_is_refused(name):
    with pytest.raises(InputError, match="no variant is called"):
        Variant.parse(name)


@pytest.fixture
def files(tmp_path):
    """Data, recipe, and a base whose weights differ from those that seed 0 gives."""
    prepared = prepare_noise(tmp_path, (1, 8, 8), 10, train=60, test=20)
    write_json(tmp_path / "shared.json", {"recipe": RECIPE, "code": "code"})
    base = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 11)
    save_weights(base, tmp_path / "base.safetensors", {"status": "ok"})
    return prepared | {"shared": tmp_path / "shared.json"}


def planned(folder, files, name: str, *, ranked=True, earlier=None, epochs=EPOCHS, rewound_to=None, **plan) -> dict:
    """The files of a pruned variant whose filters the base's weights rank, or the initial ones."""
    paths = {"out": folder / "widths.json", "start": folder / "start.safetensors"}
    known = BASE_PLAN | {"method": "uniform", "ratio": "0.5", "score": "l1", "min_keep": 0.1}
    write_widths(
        known | {"pipeline": plan_pipeline(name, epochs=epochs, rewound_to=rewound_to)} | plan,
        identity=files["identity"],
        weights=folder / "base.safetensors" if ranked else None,
        earlier=earlier,
        **{name: str(path) for name, path in paths.items()},
    )
    return files | {"widths": paths["out"], "start": paths["start"]}


def trained_by_hand(network, files, factors, *, seed: int, warmup: int = 0) -> dict[str, torch.Tensor]:
    """The weights after a plain loop with torch.optim, with so many warm-up steps (He et al., 2019)."""
    network.to(memory_format=torch.channels_last).train()
    data, generator = load_prepared(files["data"], files["identity"]), torch.Generator().manual_seed(seed)
    mean, std = (torch.from_numpy(each).reshape(-1, 1, 1) for each in (data.mean, data.std))
    images = torch.from_numpy(data.train_images) * (1 / (255 * std)) - mean / std
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(data.train_labels)
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9, weight_decay=10**DECAY)
    step = 0
    for factor in factors:
        for batch in torch.randperm(60, generator=generator).split(BATCH):
            step += 1
            optimiser.param_groups[0]["lr"] = 10**RATE * factor * min(1.0, step / max(1, warmup))
            optimiser.zero_grad()
            functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimiser.step()
    return network.state_dict()


def assert_equal_bits(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0, msg=name)


def test_inherited_weights_are_those_of_the_filters_that_rank_highest(tmp_path, files):
    start = load_file(planned(tmp_path, files, "fine_tune")["start"])
    base = load_file(tmp_path / "base.safetensors")
    layer = "layer1.0.conv1.weight"
    norms = base[layer].abs().sum((1, 2, 3))
    kept = norms.argsort(descending=True)[: len(start[layer])].sort().values
    assert len(kept) < len(norms) and torch.equal(start[layer], base[layer][kept])
    assert torch.equal(start["layer1.0.conv2.weight"], base["layer1.0.conv2.weight"][:, kept])
    assert torch.equal(start["conv1.weight"], base["conv1.weight"])  # never cut


def test_a_plan_names_the_weights_that_its_cells_inherit(tmp_path, files):
    once = planned(tmp_path, files, "fine_tune")
    text, digest = once["widths"].read_text(), file_digest(once["start"])
    assert read_json(once["widths"])["pipeline"] == {
        "name": "fine_tune",
        "start": "inherited",
        "segments": [{"name": "last_rate", "epochs": EPOCHS}],
        "weights_digest": digest,
    }
    assert planned(tmp_path, files, "fine_tune")["widths"].read_text() == text  # the same again: nothing runs
    other = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 12)
    save_weights(other, tmp_path / "base.safetensors", {"status": "ok"})
    assert planned(tmp_path, files, "fine_tune")["widths"].read_text() != text


def trained(folder, files, pipeline: str, **cut: int) -> tuple[dict, dict]:
    """Weights and record of a cell of the pruned variant."""
    cell = Cell("e", Variant("uniform", "0.5", pipeline), Setting.of(SETTING | cut), seed=3)
    out = cell_files(folder, **files)
    train_cell(cell.content, out, device="cpu")
    return load_file(out["weights"]), read_json(out["record"])


@pytest.mark.parametrize("pipeline", variants.FROM_TRAINED)
def test_training_on_inherited_weights_is_a_plain_loop_bit_for_bit(tmp_path, files, pipeline):
    known = planned(tmp_path, files, pipeline)
    weights, record = trained(tmp_path, known, pipeline)
    assert record["epochs_trained"] == EPOCHS and record["variant"] == f"uniform-0.5-{pipeline}"

    network = planned_network(read_json(known["widths"]))
    network.load_state_dict(load_file(known["start"]))
    factors = rate_factors(plan_pipeline(pipeline, epochs=EPOCHS), Recipe(**RECIPE))
    assert_equal_bits(weights, trained_by_hand(network, known, factors, seed=3))


def test_a_cut_training_on_inherited_weights_is_the_pipeline_with_fewer_epochs(tmp_path, files):
    known = planned(tmp_path, files, "fine_tune", pipeline=plan_pipeline("fine_tune", epochs=EPOCHS, cut=True))
    weights, record = trained(tmp_path, known, "fine_tune", epochs=1)
    assert record["epochs_trained"] == record["setting"]["epochs"] == 1
    network = planned_network(read_json(known["widths"]))
    network.load_state_dict(load_file(known["start"]))
    last = Recipe(**RECIPE).rate_factor(RECIPE["epochs"] - 1)
    assert_equal_bits(weights, trained_by_hand(network, known, [last], seed=3))


@pytest.fixture
def trained_base(tmp_path, files) -> dict:
    """The files of a base that was trained by the whole recipe at this setting."""
    write_widths(BASE_PLAN, identity=files["identity"], weights=None, out=str(tmp_path / "base.json"))
    known = files | {"widths": tmp_path / "base.json", "weights": tmp_path / "base.safetensors"}
    out = cell_files(tmp_path, **known) | {"weights": str(known["weights"])}
    train_cell(base_cell(**SETTING).content, out, device="cpu")
    return known


def rewound_base(folder, files, epochs: int):
    """The weights that it had after so many epochs."""
    inputs = {name: str(files[name]) for name in ("shared", "identity", "widths", "data")}
    inputs |= {"checkpoint": str(folder / "rewound.checkpoint")}
    out = str(folder / f"epoch={epochs}.safetensors")
    train_start(base_cell(**SETTING).content, inputs, epochs=epochs, out=out, device="cpu")
    return out


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_the_base_at_an_earlier_epoch_is_a_plain_loop_that_ends_there(tmp_path, files, trained_base, epochs):
    """To the last epoch it is the trained base itself."""
    network = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 0)
    factors, steps_of_epoch = rate_factors(plan_pipeline("scratch"), Recipe(**RECIPE)), -(-60 // BATCH)
    expected = trained_by_hand(network, files, factors[:epochs], seed=0, warmup=steps_of_epoch)
    found = load_file(rewound_base(tmp_path, trained_base, epochs))
    assert_equal_bits(found, expected)
    if epochs == RECIPE["epochs"]:
        assert_equal_bits(found, load_file(trained_base["weights"]))


def test_weights_are_rewound_of_the_filters_that_rank_highest_after_training(tmp_path, files, trained_base):
    """Renda et al. (2020): the trained weights say what stays, the earlier ones are what it starts from."""
    earlier = rewound_base(tmp_path, trained_base, RECIPE["epochs"] - EPOCHS)
    known = planned(tmp_path, files, "rewind_weights", earlier=earlier, rewound_to=RECIPE["epochs"] - EPOCHS)
    start, base, layer = load_file(known["start"]), load_file(trained_base["weights"]), "layer1.0.conv1.weight"
    kept = base[layer].abs().sum((1, 2, 3)).argsort(descending=True)[: len(start[layer])].sort().values
    assert torch.equal(start[layer], load_file(earlier)[layer][kept])
    assert not torch.equal(start[layer], base[layer][kept])

    weights, record = trained(tmp_path, known, "rewind_weights")
    network = planned_network(read_json(known["widths"]))
    network.load_state_dict(start)
    factors = rate_factors(plan_pipeline("scratch"), Recipe(**RECIPE))[-EPOCHS:]
    assert_equal_bits(weights, trained_by_hand(network, known, factors, seed=3))
    assert record["epochs_trained"] == EPOCHS


def test_rewound_by_all_epochs_the_weights_are_the_initial_ones(tmp_path, files, trained_base):
    """A lottery ticket (Frankle and Carbin, 2019): initial weights, the whole schedule, with its warm-up."""
    known = planned(tmp_path, files, "rewind_weights", epochs=RECIPE["epochs"], rewound_to=0)
    initial = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 0).state_dict()
    start, base, layer = load_file(known["start"]), load_file(trained_base["weights"]), "layer1.0.conv1.weight"
    kept = base[layer].abs().sum((1, 2, 3)).argsort(descending=True)[: len(start[layer])].sort().values
    assert torch.equal(start[layer], initial[layer][kept])

    weights, record = trained(tmp_path, known, "rewind_weights")
    network = planned_network(read_json(known["widths"]))
    network.load_state_dict(start)
    factors = rate_factors(plan_pipeline("scratch"), Recipe(**RECIPE))
    assert_equal_bits(weights, trained_by_hand(network, known, factors, seed=3, warmup=-(-60 // BATCH)))
    assert record["epochs_trained"] == RECIPE["epochs"]


def test_weights_cut_at_initialisation_train_by_the_whole_recipe(tmp_path, files):
    """The base's initial weights rank themselves; no training of it matters."""
    known = planned(tmp_path, files, "init", ranked=False)
    initial = initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), 0).state_dict()
    start, layer = load_file(known["start"]), "layer1.0.conv1.weight"
    kept = initial[layer].abs().sum((1, 2, 3)).argsort(descending=True)[: len(start[layer])].sort().values
    assert torch.equal(start[layer], initial[layer][kept])

    weights, record = trained(tmp_path, known, "init")
    network = planned_network(read_json(known["widths"]))
    network.load_state_dict(start)
    factors = rate_factors(plan_pipeline("scratch"), Recipe(**RECIPE))
    assert_equal_bits(weights, trained_by_hand(network, known, factors, seed=3, warmup=-(-60 // BATCH)))
    assert record["epochs_trained"] == RECIPE["epochs"]


def one_step(folder, files, step: int, before: dict | None, **plan) -> dict:
    """The files of one of two steps of pruning with fine-tuning, and in `weights` what its training gives."""
    out = {name: str(folder / f"{step}-{name}") for name in ("widths", "start", "weights", "checkpoint")}
    known = BASE_PLAN | {"method": "uniform", "ratio": "0.25", "score": "l1", "min_keep": 0.1} | plan
    write_widths(
        known | {"pipeline": plan_pipeline("fine_tune", epochs=EPOCHS), "step": [step, 2]},
        identity=files["identity"],
        weights=before["weights"] if before else str(folder / "base.safetensors"),
        before=before["widths"] if before else None,
        out=out["widths"],
        start=out["start"],
    )
    cell = Cell("e", Variant("uniform", "0.25", "fine_tune"), Setting.of(SETTING), seed=0)
    inputs = {name: str(files[name]) for name in ("shared", "identity", "data")}
    inputs |= {name: out[name] for name in ("widths", "start", "checkpoint")}
    train_start(cell.content, inputs, epochs=EPOCHS, out=out["weights"], device="cpu")
    return out


def test_steps_of_pruning_are_a_plain_loop_of_cuts_and_trainings(tmp_path, files):
    """Each ranks what the one before trained; FLOPs are those that torch counts."""
    base = build_model("resnet_cifar", "resnet8", in_channels=1, classes=10)
    full = count_flops(base, (1, 8, 8))
    shared = files | {"widths": tmp_path / "base.json"}
    first = one_step(tmp_path, shared, 1, None)
    second = one_step(tmp_path, shared, 2, first)
    factors = rate_factors(plan_pipeline("fine_tune", epochs=EPOCHS), Recipe(**RECIPE))
    for step, ratio in ((first, 0.5), (second, 0.25)):
        plan = read_json(step["widths"])
        network = planned_network(plan)
        assert count_flops(network, (1, 8, 8)) == plan["flops"] and plan["flops_base"] == full
        assert plan["ratio"] == ratio and plan["ratio_achieved"] == pytest.approx(ratio, rel=0.01)
        network.load_state_dict(load_file(step["start"]))
        assert_equal_bits(load_file(step["weights"]), trained_by_hand(network, files, factors, seed=0))

    plan, before, layer = read_json(second["widths"]), read_json(first["widths"]), "layer3.0.conv1"
    weights, start = load_file(first["weights"])[f"{layer}.weight"], load_file(second["start"])[f"{layer}.weight"]
    norms = weights.abs().sum((1, 2, 3))
    kept = norms.argsort(descending=True)[: len(start)].sort().values
    assert torch.equal(start, weights[kept])  # its inputs are never cut
    assert plan["layers"][layer] | {"flops_share": 0} == {"out": len(start), "of": 64, "flops_share": 0}
    assert len(start) < before["layers"][layer]["out"] < 64
    assert plan["layers"][layer]["flops_share"] == pytest.approx(len(start) / 64)


def test_the_floor_of_a_layer_is_a_share_of_the_base_in_every_step(tmp_path, files):
    step = None
    for number in (1, 2):
        step = one_step(tmp_path, files, number, step, method="nonuniform", ratio="0.6", min_keep=0.5)
    layers = read_json(step["widths"])["layers"].values()
    assert min(known["out"] / known["of"] for known in layers) == 0.5
