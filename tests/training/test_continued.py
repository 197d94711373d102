"""A rung of a search goes on with the training of the rung before: the bits of a training that never stopped."""

import signal
from pathlib import Path

import pytest

from prepare_data import prepare_data
from prunescape.errors import Stopped
from prunescape.pruning.variant_plan import write_widths
from prunescape.space.cells import Cell
from prunescape.store.files import read_json, write_json
from prunescape.training.checkpointing import Checkpointer
from support.cells import BASE_PLAN, base_cell, cell_files
from support.small_images import prepared_files
from support.trainings import TIMES
from train_cell import train_cell, train_cells

EPOCHS = 5
OF_THE_CACHE = (*TIMES, "resumes", "continued_from")
AUGMENTED = {"crop_padding": 1, "flip": True}
RECIPES = {
    "cosine": {"schedule": "cosine", "warmup_epochs": 2, **AUGMENTED},
    "step": {"schedule": "step", "milestones": [1, 3], "augmentation": "mixup", **AUGMENTED},
}


@pytest.fixture(scope="module", params=RECIPES)
def study(request, tmp_path_factory) -> Path:
    """What cells of ResNet-8 on 120 digits need: SGD with momentum and weight decay, batches of 40."""
    out = tmp_path_factory.mktemp(request.param)
    options = {"name": "digits", "test": 60, "train": 120, "validation": 60, "split_seed": 0}
    prepare_data(options, **prepared_files(out, "digits"))
    write_widths(BASE_PLAN, identity=out / "digits.json", weights=None, out=out / "widths.json")
    recipe = {"epochs": EPOCHS, "batch_size": 40, "precision": "fp32", **RECIPES[request.param]}
    write_json(out / "shared.json", {"recipe": recipe, "code": "code"})
    return out


def cell(stop: int | None = None, seed: int = 0) -> Cell:
    setting = {"log10_lr": -1.5, "log10_wd": -2} | ({} if stop is None else {"stop_epoch": stop})
    return base_cell(seed=seed, **setting)


def files_of(study: Path, out: Path, state: Path, stop: int | None) -> dict[str, str]:
    out = out / str(stop)
    out.mkdir(parents=True, exist_ok=True)
    inputs = {"shared": study / "shared.json", "widths": study / "widths.json", **prepared_files(study, "digits")}
    return cell_files(out, **inputs) | {"checkpoint": str(state)}


def train(study: Path, out: Path, stop: int | None = None, *, state: Path | None = None) -> dict:
    """The record of the cell that stops there; cells with one `state` share where their training stopped."""
    files = files_of(study, out, state or out / f"alone-{stop}.safetensors", stop)
    train_cell(cell(stop).content, files, device="cpu")
    return read_json(files["record"])


@pytest.fixture(scope="module")
def anew(study, tmp_path_factory) -> dict[int | None, dict]:
    """The record of each rung, every one trained from its first epoch."""
    out = tmp_path_factory.mktemp("anew")
    return {stop: train(study, out, stop) for stop in (2, 3, None)}


def assert_same(found: dict, wanted: dict) -> None:
    """The same weights, scores and history; what a clock and the cache say may differ."""
    assert found["provenance"]["weights_digest"] == wanted["provenance"]["weights_digest"]
    assert {k: v for k, v in found.items() if k not in OF_THE_CACHE} == {
        k: v for k, v in wanted.items() if k not in OF_THE_CACHE
    }


def test_a_rung_is_the_beginning_of_the_whole_training(anew):
    """Schedule and warm-up are those of all epochs, so that its history is that of the whole training till there."""
    for stop in (2, 3):
        assert anew[stop]["history"] == anew[None]["history"][:stop] and anew[stop]["epochs_trained"] == stop
        assert anew[stop]["setting"] == anew[None]["setting"] | {"stop_epoch": stop}
        assert "continued_from" not in anew[stop]
    assert anew[2]["val_tested"] == 60 and anew[2]["correct_bits"] != anew[None]["correct_bits"]


def test_rungs_that_go_on_reach_the_bits_of_rungs_that_train_anew(study, anew, tmp_path):
    state = tmp_path / "state.safetensors"
    for stop, before in ((2, 0), (3, 2), (None, 3)):
        found = train(study, tmp_path, stop, state=state)
        assert_same(found, anew[stop])
        assert found.get("continued_from", 0) == before and found["resumes"] == 0


def test_a_rung_that_is_killed_goes_on_from_where_it_was(study, anew, tmp_path, monkeypatch):
    """Within its second epoch of its own: it is one resume, and still 2 of its epochs were another's."""
    state, batches = tmp_path / "state.safetensors", 0
    train(study, tmp_path, 2, state=state)
    own = Checkpointer.between_batches

    def interrupted(checkpointer, training):
        nonlocal batches
        batches += 1
        if batches == 8:  # the test of epoch 2 again, 3 batches and a test of epoch 3, 2 batches of epoch 4
            checkpointer.asked = signal.SIGTERM
        own(checkpointer, training)

    monkeypatch.setattr(Checkpointer, "between_batches", interrupted)
    with pytest.raises(Stopped, match="in epoch 4 after"):
        train(study, tmp_path, None, state=state)
    found = train(study, tmp_path, None, state=state)
    assert_same(found, anew[None])
    assert (found["continued_from"], found["resumes"]) == (2, 1)


@pytest.mark.parametrize("damage", ["missing", "damaged", "of other code", "further"])
def test_without_a_usable_state_a_rung_trains_anew_to_the_same_bits(study, anew, tmp_path, damage):
    state = tmp_path / "state.safetensors"
    train(study, tmp_path, 3 if damage == "further" else 2, state=state)
    if damage == "missing":
        state.unlink()
    elif damage == "damaged":
        state.write_bytes(state.read_bytes()[:-9])
    elif damage == "of other code":
        declared = read_json(study / "shared.json")
        write_json(study / "shared.json", declared | {"code": "other"})
    stop = 2 if damage == "further" else 3
    found = train(study, tmp_path, stop, state=state)
    if damage == "of other code":
        write_json(study / "shared.json", declared)
    assert_same(found, anew[stop])
    assert "continued_from" not in found


def test_a_record_that_was_lost_comes_again_from_the_state_where_it_stopped(study, anew, tmp_path):
    state = tmp_path / "state.safetensors"
    train(study, tmp_path, 2, state=state)
    found = train(study, tmp_path, 2, state=state)
    assert_same(found, anew[2])
    assert "continued_from" not in found and found["resumes"] == 1


def test_rungs_that_train_beside_each_other_stop_and_go_on_alone(study, anew, tmp_path):
    """As cells of one variant do on a GPU; in step with another one, sums may round in another order."""
    state = {stop: tmp_path / f"{stop}.safetensors" for stop in (2, 3)}
    requests = [
        (str(tmp_path / f"{stop}.log"), {"cell": cell(stop).content, "files": files, "device": "cpu"})
        for stop, files in ((stop, files_of(study, tmp_path, state[stop], stop)) for stop in state)
    ]
    train_cells(requests)
    for stop, file in state.items():
        found = train(study, tmp_path, None, state=file)
        assert found["continued_from"] == stop and found["epochs_trained"] == EPOCHS
        accuracy = [entry["correct"] for entry in found["history"][:stop]]
        beside = read_json(files_of(study, tmp_path, file, stop)["record"])["history"]
        assert accuracy == [entry["correct"] for entry in beside]
