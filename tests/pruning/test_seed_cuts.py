"""What the cells of one seed inherit: the start of each is its own base, cut by hand within the variant's widths."""

import pytest
import torch
from safetensors.torch import load_file

from prunescape.errors import InputError
from prunescape.models.build import build_model, initialise
from prunescape.models.weights import save_weights
from prunescape.pruning.seed_cuts import write_seed_cut
from prunescape.pruning.variant_plan import write_widths
from prunescape.space.pipelines import plan_pipeline
from prunescape.store.files import file_digest, read_json
from support.cells import BASE_PLAN
from support.small_images import prepare_noise

SEEDS = (0, 1, 2)
RATIO = {"uniform": "0.5", "nonuniform": "0.6"}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict:
    """Data, and by seed the weights of a base, `base` after its training and `earlier` before the end of it."""
    folder = tmp_path_factory.mktemp("bases")
    for seed in SEEDS:
        for name in ("base", "earlier"):
            save_weights(a_base(seed + 10 * (name == "earlier")), folder / f"{name}-{seed}", {"status": "ok"})
    return prepare_noise(folder, (1, 8, 8), 10, train=60, test=20) | {"folder": folder}


def a_base(seed: int) -> torch.nn.Module:
    """A network whose every tensor is its own, statistics of batch norm too, as after a training."""
    network, generator = untrained(seed), torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        if tensor.dim() == 1:
            tensor += 0.1 * torch.rand(tensor.shape, generator=generator)
    return network


def untrained(seed: int) -> torch.nn.Module:
    return initialise(build_model("resnet_cifar", "resnet8", in_channels=1, classes=10), seed)


def plan_of(method: str, pipeline: str, **more) -> dict:
    known = {"method": method, "ratio": RATIO[method], "score": "l1_layer", "min_keep": 0.1}
    return BASE_PLAN | known | {"pipeline": plan_pipeline(pipeline, epochs=1, rewound_to=1)} | more


def weights_of(files: dict, name: str, seed: int) -> str:
    return str(files["folder"] / f"{name}-{seed}")


def variant_plan(files: dict, out, method: str, pipeline: str) -> str:
    """The variant's own plan: seed 0's base says how wide the layers of a nonuniform one are."""
    ranked = weights_of(files, "base", 0) if method == "nonuniform" and pipeline != "init" else None
    path = str(out / "widths.json")
    write_widths(plan_of(method, pipeline), identity=files["identity"], weights=ranked, out=path)
    return path


def cut(files: dict, out, widths: str, seed: int, *, pipeline: str = "fine_tune") -> tuple[dict, dict]:
    """The weights and the plan that cells of this seed start from."""
    plan, start = str(out / f"{seed}.json"), str(out / f"{seed}.safetensors")
    given = {} if pipeline == "init" else {"weights": weights_of(files, "base", seed)}
    given |= {"earlier": weights_of(files, "earlier", seed)} if pipeline == "rewind_weights" else {}
    known = BASE_PLAN | {"score": "l1_layer", "seed": seed}
    write_seed_cut(known, widths=widths, identity=files["identity"], out=plan, start=start, **{"weights": None} | given)
    assert file_digest(start) == read_json(plan)["pipeline"]["weights_digest"]
    return load_file(start), read_json(plan)


def cut_by_hand(ranked: dict, kept_of: dict, layers: dict) -> dict[str, torch.Tensor]:
    """`kept_of` without the inner channels of each block that have the smallest L1 norms in `ranked`."""
    state = dict(kept_of)
    for layer, known in layers.items():
        norms = ranked[f"{layer}.weight"].double().abs().sum((1, 2, 3))
        kept = norms.argsort(descending=True)[: known["out"]].sort().values
        assert 0 < len(kept) < known["of"] == len(norms)
        block = layer.removesuffix("conv1")
        for name in (name for name in state if name.startswith((f"{block}conv1.", f"{block}bn1."))):
            state[name] = state[name][kept] if state[name].dim() else state[name]
        state[f"{block}conv2.weight"] = state[f"{block}conv2.weight"][:, kept]
    return state


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
@pytest.mark.parametrize("pipeline", ["fine_tune", "rewind_weights", "init"])
def test_each_seed_starts_from_its_own_base_cut_by_hand(files, tmp_path, method, pipeline):
    """To the bit: the filters that its trained weights rank highest, or its initial ones."""
    widths = variant_plan(files, tmp_path, method, pipeline)
    variant = read_json(widths)
    assert "weights_digest" not in variant["pipeline"]
    for seed in SEEDS:
        ranked = load_file(weights_of(files, "base", seed))
        kept = load_file(weights_of(files, "earlier", seed)) if pipeline == "rewind_weights" else ranked
        if pipeline == "init":
            ranked = kept = untrained(seed).state_dict()
        start, plan = cut(files, tmp_path, widths, seed, pipeline=pipeline)
        expected = cut_by_hand(ranked, kept, variant["layers"])
        assert start.keys() == expected.keys()
        for name, tensor in expected.items():
            torch.testing.assert_close(start[name], tensor, rtol=0, atol=0, msg=name)
        plan["pipeline"].pop("weights_digest")
        assert plan == variant, "widths and schedule are the variant's, whatever the seed"


@pytest.mark.parametrize("method", ["uniform", "nonuniform"])
def test_seed_0_inherits_what_all_seeds_inherit_from_one_base(files, tmp_path, method):
    """Against the cut that `base: one` makes of the same weights."""
    known = plan_of(method, "fine_tune")
    paths = {"out": str(tmp_path / "one.json"), "start": str(tmp_path / "one.safetensors")}
    write_widths(known, identity=files["identity"], weights=weights_of(files, "base", 0), **paths)
    start, plan = cut(files, tmp_path, variant_plan(files, tmp_path, method, "fine_tune"), 0)
    one = load_file(paths["start"])
    assert start.keys() == one.keys() and all(torch.equal(start[name], one[name]) for name in one)
    assert plan == read_json(paths["out"])


def test_a_base_that_diverged_is_named(files, tmp_path):
    widths = variant_plan(files, tmp_path, "uniform", "fine_tune")
    weights = str(tmp_path / "seed=5.safetensors")
    save_weights(untrained(5), weights, {"status": "diverged"})
    paths = {"out": str(tmp_path / "5.json"), "start": str(tmp_path / "5.safetensors")}
    with pytest.raises(InputError, match=r"seed=5\.safetensors.*diverged at the prior and cannot rank filters"):
        write_seed_cut(
            BASE_PLAN | {"score": "l1_layer", "seed": 5},
            widths=widths,
            identity=files["identity"],
            weights=weights,
            **paths,
        )
    assert not (tmp_path / "5.json").exists()
