"""What identifies the code and the weights of models that are not ours, and what the config refuses of them."""

import copy
from importlib.metadata import version

import pytest

from prunescape.config.factories import check_factory, factory_identity
from prunescape.config.models import code_identity, timm_tags
from prunescape.config.starting_weights import check_weights, weights_identity
from prunescape.config.study import load_study
from prunescape.errors import InputError
from prunescape.models.timm_models import import_timm
from support.good_config import GOOD

FILES = {
    "nets/__init__.py": "",
    "nets/small.py": "from . import blocks\nfrom shapes import *\nimport torch, scipy.stats\ndef make(classes): pass\n",
    "nets/blocks.py": "import nets.deeper as d\n",
    "nets/deeper.py": "def unused():\n    import later\n",
    "nets/apart.py": "",
    "shapes.py": "",
    "later.py": "",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [name for name in FILES if name != "nets/apart.py"])
def test_what_a_factory_imports_is_digested(folder, name):
    before = factory_identity("nets.small:make")
    (folder / name).write_text(FILES[name] + "# more\n")
    assert factory_identity("nets.small:make") != before
    (folder / name).write_text(FILES[name])
    assert factory_identity("nets.small:make") == before


def test_what_it_does_not_import_and_where_it_lies_is_not(folder, tmp_path, monkeypatch):
    before = factory_identity("nets.small:make")
    (folder / "nets/apart.py").write_text("# more\n")
    assert factory_identity("nets.small:make") == before
    moved = folder.rename(folder.with_name("elsewhere"))
    monkeypatch.chdir(moved)
    assert factory_identity("nets.small:make") == before


def test_libraries_count_by_name_and_version(folder, monkeypatch):
    def newer(name):
        return lambda asked: f"{version(asked)}.post1" if asked == name else version(asked)

    from prunescape.config import factories

    own, theirs = factory_identity("nets.small:make"), factory_identity("torchvision.models:resnet18")
    assert theirs != factory_identity("timm.models:resnet18")
    for name, changes in (("scipy", True), ("torch", False), ("pandas", False)):
        factories._library.cache_clear()
        monkeypatch.setattr(factories, "version", newer(name))
        assert (factory_identity("nets.small:make") != own) == changes
    factories._library.cache_clear()
    monkeypatch.setattr(factories, "version", newer("torchvision"))
    assert factory_identity("torchvision.models:resnet18") != theirs
    factories._library.cache_clear()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nowhere:make", 'there is no module "nowhere" in .*; hint: run from the folder that holds it'),
        ("nets.nowhere:make", 'there is no module "nets.nowhere"'),
        ("shapes.more:make", 'there is no module "shapes.more"'),
        ("nets.blocks:maker", r'"nets.blocks" \(.*blocks.py\) has no callable "maker"'),
        ("broken:make", r"broken.py is no Python \(line 1: "),
    ],
)
def test_what_is_no_factory_is_refused_without_importing_it(folder, model, said):
    (folder / "broken.py").write_text("def make(:\n")
    with pytest.raises(InputError, match=said):
        check_factory(model)


@pytest.mark.parametrize("text", ["make = print", "if True:\n    from nets import make", "from shapes import *"])
def test_a_factory_may_be_any_name_of_a_module(folder, text):
    (folder / "mine.py").write_text(text)
    check_factory("mine:make")


def test_our_models_and_torchvisions_are_identified_by_the_projects_code():
    assert code_identity("resnet8") == code_identity("torchvision:resnet18") == ""
    assert code_identity("timm:resnet18") == f"timm {version('timm')}"


@pytest.mark.parametrize(
    ("model", "weights", "said"),
    [
        (
            "resnet8",
            "published",
            "nobody publishes weights of resnet8; allowed: a file; published for torch",
        ),
        (
            "torchvision:resnet18",
            "publishd",
            '"publishd" is no file of weights; allowed: published, or a file that .*did you mean "published"',
        ),
        ("resnet8", "a" * 5000 + ".pth", "there is no file aaa"),
        ("resnet8", "nowhere.pth", "there is no file nowhere.pth"),
    ],
)
def test_weights_that_cannot_be_are_refused(folder, model, weights, said):
    with pytest.raises(InputError, match=said):
        check_weights(model, weights)


def test_a_file_of_weights_is_identified_by_its_content(folder):
    (folder / "a.pth").write_bytes(b"1")
    (folder / "b.pth").write_bytes(b"1")
    one, two = weights_identity("resnet8", "a.pth"), weights_identity("resnet8", "b.pth")
    (folder / "b.pth").write_bytes(b"2")
    assert one == two != weights_identity("resnet8", "b.pth")
    assert weights_identity("timm:resnet18", "published") == f"published timm {version('timm')}"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nets.small.py:make", 'no module "nets.small.py" .*did you mean "nets.small:make"'),
        ("torchvison:resnet18", 'did you mean "torchvision:resnet18"'),
        ("Timm:resnet18", 'did you mean "timm:resnet18"'),
        ("bare:make", r'"bare" is a folder without __init__.py.*hint: name a module in it, bare\.MODULE:make'),
        ("deep:make", r"deep\.py is no Python \(nested too deep\)"),
        ("zero:make", r"zero\.py is no Python \(source code string cannot contain null bytes\)"),
        ("nets.small:make", r"nets.deeper\.py is no Python \(line 1: "),
    ],
)
def test_a_module_that_cannot_be_read_or_is_not_there(folder, model, said):
    (folder / "bare").mkdir()
    (folder / "deep.py").write_text(f"x = {'-' * 200_000}1\n")
    (folder / "zero.py").write_bytes(b"make = 1\0")
    (folder / "nets/deeper.py").write_text("def (")
    with pytest.raises(InputError, match=said) as error:
        load_study({**GOOD, "experiments": {"e": GOOD["experiments"]["e"] | {"model": model}}})
    assert str(error.value).startswith("config: experiments.e.model: ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "nets.blocks:make"}, r'experiments.e.model: "nets.blocks" \(.*blocks.py\) has no callable "make"'),
        ({"model": "timm:resnet81"}, 'experiments.e.model: timm has no model "resnet81"; .*did you mean "resnet'),
        ({"model": "timm:resnet18.a1_in2k"}, 'timm has no weights "a1_in2k" of resnet18; .*did you mean "a1_in1k"'),
        ({"weights": "nowhere.pth"}, "experiments.e.weights: there is no file nowhere.pth"),
    ],
)
def test_mistakes_are_found_when_the_config_is_read(folder, changes, said):
    (folder / "given.pth").write_bytes(b"1")
    config = copy.deepcopy(GOOD)
    experiment = config["experiments"]["e"] | {"model": "nets.small:make", "weights": "given.pth"}
    config["experiments"]["e"] = experiment
    assert load_study(config).experiments["e"].weights_identity == weights_identity("nets.small:make", "given.pth")
    config["experiments"]["e"] = experiment | changes
    with pytest.raises(InputError, match=said):
        load_study(config)


def test_tags_are_those_of_the_timm_that_is_installed():
    """Where its sources list some, they are all that its registry has: a tag is refused by them."""
    names = [name.partition(".") for name in import_timm().list_models(pretrained=True)]
    missing = {f"{name}.{tag}" for name, _, tag in names if tag and tag not in timm_tags().get(name, [tag])}
    assert not missing and len(timm_tags()) > 500
