"""Tables 3 to 6 of liao2022 in the paper's form, and beside them what it leaves out, of arms of random searches."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from prunescape.analysis.arms.statistics import LEVEL
from prunescape.analysis.arms.trials import CONDITION, SEARCHED, WHERE_COLUMNS, RankedArms, standard_of
from prunescape.analysis.results import Analysis
from prunescape.present.labels import arm_title, condition_title, property_title, subject_title
from prunescape.present.numbers import DASH, is_missing, number
from prunescape.present.tables.printed import VALUE, PrintedTable, Row
from prunescape.store.tables import Columns

Table = tuple[pd.DataFrame, Columns, PrintedTable]
Cells = tuple[str, Callable[[dict], str]]  # the head of a printed column and the text of a row of results there
SMALLEST = 0.001
# the files of these tables, in order
PRINTED = (
    *("arms_before_optimisation", "arms_after_optimisation", "arms_corrected", "arms_as_searches", "lard"),
    *("pairwise_differences", "optimisation_and_device"),
)
AS_TRAINED = ("", "")  # of a study's trials: neither a target nor a precision
NOTE = f"p / effect: where p is under {LEVEL} the size of Cliff's delta, else p."


def arm_tables(analysis: Analysis) -> list[Table]:
    """Every table, with rows or without: its frame, its columns, and its print."""
    searches: list[RankedArms] = analysis["arm_models"]
    compared, searched = analysis["arm_comparisons"], analysis["arm_searches"]
    before = _is_standard(compared, searches)
    return [
        _of_arms("Arms before optimisation", compared[before], PAPER, "arm_comparisons", analysis, PAPER_NOTES),
        _of_arms("Arms after optimisation", compared[~before], PAPER, "arm_comparisons", analysis, PAPER_NOTES),
        _of_arms("Arms corrected", compared, CORRECTED, "arm_comparisons", analysis, CORRECTED_NOTES),
        _of_arms("Arms as searches", searched, SEARCHES, "arm_searches", analysis, SEARCH_NOTES),
        lard_table(analysis["arm_spread"], searches),
        pair_table(analysis["arm_pair_tests"]),
        split_table(analysis["arm_split"], analysis.columns("arm_split")),
    ]


def small(value: float, decimals: int = 3) -> str:
    """As the paper prints numbers: three decimals, and `< 0.001` for what would be none of them."""
    if not is_missing(value) and 0 < abs(value) < SMALLEST:
        return f"< {SMALLEST}"
    return number(value, decimals)


def interval(row: dict, value: str, low: str, high: str) -> str:
    """`0.32 [−0.20, 0.70]`."""
    if is_missing(row[value]):
        return DASH
    return f"{number(row[value])} [{number(row[low])}, {number(row[high])}]"


def p_or_effect(row: dict) -> str:
    """The name of the effect where liao2022's p is under 0.05, else that p."""
    return row["magnitude"] if row["p_liao"] < LEVEL else small(row["p_liao"])


PAPER: list[Cells] = [("best", lambda row: small(row["best_difference"])), ("p / effect", p_or_effect)]
PAPER_NOTES = [
    "Best: (fixed - all) / all of the best models by training accuracy, a share.",
    f"{NOTE} p is halved, as in the paper: 8.9 % of equal samples of ten get one under {LEVEL}. At ten against ten a "
    "smaller effect than medium never does, so that names are no measure of relevance (as Tables 3 and 6 of Liao, "
    "2022); the corrected table and that of searches have intervals.",
]
CORRECTED: list[Cells] = [
    ("delta", lambda row: interval(row, "delta", "low", "high")),
    ("p", lambda row: small(row["p_holm"])),
]
CORRECTED_NOTES = [
    "Delta: Cliff's delta of the best models with its 95 % interval, given these models. p: two-sided Mann-Whitney, "
    "corrected (Holm) over all arms but the control and all properties of a group.",
]
SEARCHES: list[Cells] = [
    ("best", lambda row: interval(row, "effect_best", "low", "high")),
    ("selection", lambda row: interval(row, "effect_selection", "selection_low", "selection_high")),
    ("p", lambda row: small(row["p_holm"])),
]
SEARCH_NOTES = [
    "Best: (fixed - all) / all of the geometric means over the best models, a share, with a 95 % interval over whole "
    "searches. Selection: what choosing the best adds to the effect over all trials. p: exchange of whole trials "
    "between two searches, corrected (Holm) over all arms but the control and all properties of a group.",
]


def _is_standard(rows: pd.DataFrame, searches: Iterable[RankedArms]) -> pd.Series:
    """Which rows speak of models before optimisation, in the order of the table."""
    places = _standards(searches)
    keys = list(zip(*(rows[name] for name in ("experiment", *CONDITION)), strict=True))
    return pd.Series([key in places for key in keys], index=rows.index, dtype=bool)


def _standards(searches: Iterable[RankedArms]) -> set[tuple[str, str, str]]:
    """The experiments, targets and precisions of models before optimisation."""
    return {
        (experiment, *standard_of(each.models, each.terms))
        for each in searches
        for experiment in each.models["experiment"].unique()
    }


def _best(searches: Sequence[RankedArms]) -> str:
    """`best 10 models`, or how many of each experiment."""
    known = {name: each.terms.best for each in searches for name in each.models["experiment"].unique()}
    if len(set(known.values())) == 1:
        return f"best {next(iter(known.values()))} models"
    return f"best models ({', '.join(f'{count} of {name}' for name, count in known.items())})"


def _of_arms(
    title: str,
    rows: pd.DataFrame,
    cells: Sequence[Cells],
    name: str,
    analysis: Analysis,
    notes: Sequence[str],
) -> Table:
    """One line per arm, `cells` for each property; a group per experiment, variant, target and precision."""
    searches = analysis["arm_models"]
    properties = _properties(rows, searches)
    groups = []
    for where, here in rows.groupby([*SEARCHED, *CONDITION], sort=False):
        lines = []
        for arm, found in here.groupby("arm", sort=False):
            known = {row["property"]: row for row in found.to_dict("records")}
            texts = [text(known[each]) if each in known else DASH for each in properties for _, text in cells]
            label = arm_title(arm) + " (A/A control)" * bool(found["control"].iloc[0])
            lines.append(Row(label, texts, VALUE))
        groups.append((_group(where), lines))
    spans = [(property_title(each), len(cells)) for each in properties]
    caption = " ".join([f"The {_best(searches)} of each arm against those of the arm that varies all.", *notes])
    printed = PrintedTable(title, caption, spans, [head for head, _ in cells] * len(properties), groups)
    return rows, analysis.columns(name), printed


def _properties(rows: pd.DataFrame, searches: Iterable[RankedArms]) -> list[str]:
    """Those that the rows tell, in the order in which they are compared."""
    told = set(rows["property"])
    return list(dict.fromkeys(name for each in searches for name in each.terms.properties if name in told))


def _group(where: tuple[str, str, str, str]) -> str:
    condition = condition_title(*where[2:])
    return subject_title(*where[:2]) + (f" ({condition})" if condition else "")


def lard_table(spread: pd.DataFrame, searches: Sequence[RankedArms]) -> Table:
    """LARD of the baseline's best models before and after optimisation, one line per property (Table 4)."""
    baselines = {each.terms.baseline for each in searches}
    rows = spread[spread["arm"].isin(baselines) & (spread["models"] == "best")]
    standards = _standards(searches)
    places = sorted(
        dict.fromkeys(rows[[*SEARCHED, *CONDITION]].itertuples(index=False, name=None)),
        key=lambda place: (place[:2], (place[0], *place[2:]) not in standards, place[2:] != AS_TRAINED),
    )
    values = rows.set_index([*SEARCHED, *CONDITION, "property"])["lard"]
    heads = [condition_title(*place[2:]) or "as trained" for place in places]
    lines = [
        Row(property_title(name), [number(values.get((*place, name))) for place in places], VALUE)
        for name in _properties(rows, searches)
    ]
    spans = {subject_title(*place[:2]): 0 for place in places}
    for place in places:
        spans[subject_title(*place[:2])] += 1
    caption = (
        f"LARD, (max - min) / min, of the {_best(searches)} of the arm that varies all (as Table 4 of Liao, 2022, "
        "whose printed formula divides by the worst instead). The first column of each network is before optimisation."
    )
    printed = PrintedTable("LARD", caption, list(spans.items()), heads, [("Best models", lines)])
    columns = {name: known for name, known in WHERE_COLUMNS.items()}
    columns |= {"property": ("string", "a column of the table"), "n": ("int64", "models that tell it")}
    columns |= {"lard": ("float64", "(max - min) / min"), "lard_printed": ("float64", "|(best - worst) / worst|")}
    return rows[list(columns)], columns, printed


def pair_table(tests: pd.DataFrame) -> Table:
    """p of the Kolmogorov-Smirnov test of pairwise differences before and after, one line per property (Table 5)."""
    places = list(dict.fromkeys(tests[[*SEARCHED, *CONDITION]].itertuples(index=False, name=None)))
    found = tests.set_index([*SEARCHED, *CONDITION, "property"])["ks_p"]
    names = list(dict.fromkeys(tests["property"]))
    lines = [Row(property_title(name), [small(found.get((*place, name))) for place in places], VALUE) for name in names]
    caption = (
        "p of the Kolmogorov-Smirnov test between the relative differences of all pairs of the best models before and "
        "after optimisation (as Table 5 of Liao, 2022). Descriptive only: pairs that share a model are dependent."
    )
    printed = PrintedTable("Pairwise differences", caption, [], [_group(place) for place in places], [("p", lines)])
    columns = {**WHERE_COLUMNS, "property": ("string", "a column of the table")}
    columns |= {"pairs": ("int64", "pairs of models"), "ks": ("float64", "Kolmogorov-Smirnov statistic")}
    columns |= {"ks_p": ("float64", "its p, descriptive only: pairs are dependent")}
    return tests[list(columns)], columns, printed


def split_table(split: pd.DataFrame, columns: Columns) -> Table:
    """What precision and target do alone, one line per change (the paper changes both at once)."""
    names = list(dict.fromkeys(split["property"]))
    groups = []
    for where, here in split.groupby([*SEARCHED, *CONDITION], sort=False):
        lines = []
        for change, found in here.groupby("change", sort=False):
            known = {row["property"]: row for row in found.to_dict("records")}
            texts = [interval(known[name], "median", "low", "high") if name in known else DASH for name in names]
            lines.append(Row(change, texts, VALUE))
        groups.append((_group(where), lines))
    caption = (
        "Median over the best models of the relative difference that each change makes to a model, a share, with an "
        "interval of at least 95 % from order statistics. Interaction: 0 where precision does the same on both targets."
    )
    return (
        split,
        columns,
        PrintedTable("Optimisation and device", caption, [], [property_title(n) for n in names], groups),
    )
