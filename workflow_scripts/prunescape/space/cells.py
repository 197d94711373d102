"""Cells and their paths: a variant with a setting and a seed is one training."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from prunescape.errors import InputError
from prunescape.space.settings import DIGEST_PATTERN, NETWORK_PATTERN, RECIPE_ALONE, SETTING_PATTERN, Setting
from prunescape.space.variants import VARIANT_PATTERN, Variant

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
EXPERIMENT_PATH = "experiment={experiment}"
VARIANT_PATH = EXPERIMENT_PATH + "{network}/variant={variant}"  # {network} is empty, or has a slash before it
CELL_PATH = VARIANT_PATH + "/{setting}/seed={seed}"

BESIDE_SETTING = ("experiment", "variant", "seed")  # what else stands in the path of a cell


def file_name(path: str) -> str:
    """The path of a cell as the name of one file."""
    return path.replace("/", ",")


@dataclass(frozen=True, order=True)
class Cell:
    """One training: variant + setting + seed, within an experiment."""

    experiment: str
    variant: Variant
    setting: Setting
    seed: int = 0

    @property
    def path(self) -> str:
        """The folder of this cell, relative to the study's results."""
        return CELL_PATH.format(**self.wildcards)

    @property
    def variant_path(self) -> str:
        """The folder of its variant of its network, relative to the study's results."""
        return VARIANT_PATH.format(**self.wildcards)

    @property
    def whole(self) -> Self:
        """The cell of the same training to its end: itself, unless its setting stops it early."""
        return replace(self, setting=self.setting.whole)

    @property
    def wildcards(self) -> dict[str, str]:
        """The values that stand in `CELL_PATH`."""
        return {
            "experiment": self.experiment,
            "network": self.setting.network_path,
            "variant": self.variant.name,
            "setting": self.setting.path,
            "seed": str(self.seed),
        }

    @property
    def content(self) -> dict[str, Any]:
        """The cell as JSON values, whatever its path spells out; `from_content` is the inverse."""
        known = {"experiment": self.experiment, "variant": self.variant.name}
        return known | {"setting": dict(self.setting.texts), "seed": self.seed}

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Self:
        """The cell that a round or a record describes.

        Raises KeyError for a missing field, InputError for an impossible one.
        """
        variant, setting = Variant.parse(content["variant"]), Setting.of(content["setting"])
        return cls(content["experiment"], variant, setting, int(content["seed"]))

    @classmethod
    def parse(cls, path: str) -> Self:
        """The cell whose `path` this is; raises InputError for anything else, and where a digest names a part of it."""
        found = CELL_PATTERN.fullmatch(path)
        if not found or not spells_out(path):
            raise InputError(f'"{path}" spells no cell', allowed=CELL_PATH)
        pairs = found["network"].removeprefix("/network=").split(",")
        pairs += [] if found["setting"] == RECIPE_ALONE else found["setting"].split("/")
        return cls.from_content(found.groupdict() | {"setting": dict(pair.split("=") for pair in pairs if pair)})


def spells_out(path: str) -> bool:
    """Whether the path of a cell spells out its whole setting: none of it is named by a digest."""
    return not re.search(f"/(?:setting|network)={DIGEST_PATTERN}/", path)


def setting_name(wildcards: Mapping[str, str]) -> str:
    """What names a setting in the path of a cell with these `wildcards`."""
    named = (wildcards[name].strip("/") for name in sorted(wildcards.keys()) if name not in BESIDE_SETTING)
    return "/".join(filter(None, named))


CELL_PATTERN = re.compile(
    CELL_PATH.format(
        experiment=f"(?P<experiment>{NAME_PATTERN})",
        network=f"(?P<network>{NETWORK_PATTERN})",
        variant=f"(?P<variant>{VARIANT_PATTERN})",
        setting=f"(?P<setting>{SETTING_PATTERN})",
        seed="(?P<seed>[0-9]+)",
    )
)


def grid_settings(axes: Mapping[str, Iterable[str]]) -> list[Setting]:
    """Every setting of a grid, in a fixed order: the first axis (by name) varies slowest."""
    names = sorted(axes)
    return [Setting.of(dict(zip(names, values, strict=True))) for values in itertools.product(*map(axes.get, names))]


def grid_cells(experiment: str, variants, axes: Mapping[str, Iterable[str]], seeds) -> list[Cell]:
    """Every cell of an experiment's grid, in a fixed order: variant, setting, seed."""
    settings = grid_settings(axes)
    return [Cell(experiment, *rest) for rest in itertools.product(variants, settings, seeds)]
