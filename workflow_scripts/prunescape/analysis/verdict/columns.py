"""The columns of the tables `verdicts` and `looks`."""

from prunescape.analysis.axes import VARIANT_KEY_COLUMNS, Axes
from prunescape.analysis.verdict.failures import LEVEL
from prunescape.config.noises import ASSUMED

LOOK_COLUMNS: dict[str, tuple[str, str]] = {
    **VARIANT_KEY_COLUMNS,
    "look": ("int64", "number of the look, from 1"),
    "seeds": ("int64", "fresh seeds per open point at this look"),
    "open": ("int64", "points that it leaves open: not shown to gain less than the margin"),
    "upper": ("float64", "R_v's upper bound at this look, percentage points; null when an open point tells nothing"),
    "lower": ("float64", "R_v's lower bound at this look, percentage points; null without one"),
    "verdict": ("string", "what is decided by now; it stands, with its bounds, while looks at alpha / claims go on"),
    **{
        f"{name}_bonferroni": (kind, f"the same at alpha / claims: of `{name}`")
        for name, kind in (("open", "int64"), ("upper", "float64"), ("lower", "float64"), ("verdict", "string"))
    },
}


def _failure_columns(name: str, where: str) -> dict[str, tuple[str, str]]:
    interval = f"of the exact {100 * LEVEL:.0f} % interval of that share"
    return {
        f"trained_{name}": ("int64", f"fresh seeds trained at {where}"),
        f"failed_{name}": ("int64", f"how many of them failed; shares under about 1 / trained_{name} stay unseen"),
        f"failed_{name}_low": ("float64", f"lower end {interval} (Clopper-Pearson); null without seeds"),
        f"failed_{name}_high": ("float64", f"upper end {interval}"),
    }


def verdict_columns(axes: Axes, risk_threshold: float) -> dict[str, tuple[str, str]]:
    """The columns of `verdicts`."""
    best = {
        f"best_{axis.name}": (
            "float64",
            f"{axis.value} of the best point, chosen among open points by stage 1 and earlier looks' seeds",
        )
        for axis in axes
    }
    region = f"base's {risk_threshold:g}-ROI"
    return {
        **VARIANT_KEY_COLUMNS,
        "verdict": (
            "string",
            "keep, retune or inconclusive, for this test set; wrong in alpha of cases at most, under `noise`",
        ),
        "verdict_images": ("string", "the same for test images like these"),
        "verdict_bonferroni": ("string", "this test set, at alpha / claims: for statements about single variants"),
        "verdict_images_bonferroni": ("string", "images like these, at alpha / claims"),
        "reason": ("string", "why the verdict is inconclusive, or what else it rests on; null otherwise"),
        "reason_images": ("string", "the same of verdict_images"),
        "margin": ("float64", "m, the gain from tuning that would matter, percentage points"),
        "alpha": ("float64", "bound on the chance of a wrong verdict"),
        "alpha_screen": ("float64", "the part of alpha that the screen may use for keep"),
        "claims": ("int64", "V, pruned variants of the study"),
        "upper": ("float64", "R_v's upper bound, percentage points; null when a kept point tells nothing"),
        "upper_bonferroni": ("float64", "the same at alpha / claims"),
        "upper_images": ("float64", "the same for images like these"),
        "lower": ("float64", "lower bound of the gain at the best point, percentage points; null without one"),
        "lower_bonferroni": ("float64", "the same at alpha / claims"),
        "lower_images": ("float64", "the same for images like these"),
        "gain": (
            "float64",
            "mean gain, over the base's good settings, of the points that earlier seeds named, on later seeds; points",
        ),
        **best,
        "d_mean": ("float64", "mean risk (Eq 3.5) on stage 1, percentage points: biased upwards, decides nothing"),
        "k": ("int64", f"K, points of the {region} that the variant was trained at in stage 1"),
        "points": ("int64", "points of the variant in stage 1"),
        "kept": ("int64", "points that the screen keeps"),
        "reopened": ("int64", "points that the screen had dropped, and that fresh seeds opened again"),
        "doubtful": ("int64", "dropped points that may yet gain the margin, and have no fresh seed"),
        "suspect": (
            "int64",
            "dropped points that may have failed in stage 1: far under their neighbours, without a fresh seed",
        ),
        "replicates_fewest": ("int64", "fewest fresh seeds at a kept point"),
        "replicates_most": ("int64", "most fresh seeds at a kept point"),
        "trainings": ("int64", "fresh seeds that the verdict read, at all points"),
        "unread": ("int64", "fresh seeds in the table that the design does not plan, and the verdict did not read"),
        "looks": ("string", "numbers of fresh seeds at which the design looks; null: once, at all there are"),
        "look": ("int64", "fresh seeds per point at the last look taken"),
        "futile": ("bool", "stopped early: more seeds would hardly decide it"),
        "failed": (
            "int64",
            "fresh seeds that failed: diverged, or far under others of their point; gains leave them out",
        ),
        **_failure_columns("best", "the best point"),
        **_failure_columns("carried", f"the {region}"),
        "failure_difference": ("float64", "share of failed seeds at the best point - that at the carried settings"),
        "noise": ("string", "where standard errors come from: " + "; ".join(f"{n}: {t}" for n, t in ASSUMED.items())),
        "error": ("float64", "standard error of `gain`, percentage points"),
        "s": ("float64", "standard deviation between fresh seeds, pooled within kept points near the best, points"),
        "freedom": ("float64", "degrees of freedom of the error; null for a given sigma"),
        "welch": ("bool", "noise is pooled no more, as it differs between points: each has its own"),
        "homogeneity": ("float64", "p of equal noise (Brown-Forsythe); null when not testable (under 3 seeds a point)"),
        "sigma": ("float64", "seed noise that the screen used, percentage points"),
        "sigma_source": ("string", "given, pilot or replicates; null without any: then nothing is dropped"),
    }
