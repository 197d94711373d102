"""A study's figures: which there are and where the report shows each; their folder, as HTML, SVG and PDF."""

import re
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

from prunescape.analysis.analyse import trial_analysis
from prunescape.analysis.axes import METRICS
from prunescape.analysis.efficiency.curves import CURVE_COLUMNS
from prunescape.analysis.efficiency.efficiency import EFFICIENCY_COLUMNS
from prunescape.analysis.factors.of_trials import factor_columns
from prunescape.analysis.landscape.chance import chance_tests
from prunescape.analysis.landscape.regions import ellipses as fit_ellipses
from prunescape.analysis.landscape.regions import regions
from prunescape.analysis.landscape.risk import risk_points
from prunescape.analysis.read_cells import mean_scores
from prunescape.analysis.trials import read_trial_cells
from prunescape.present.figures.again_data import again_figures
from prunescape.present.figures.arm_data import arm_figures
from prunescape.present.figures.arm_drawings import draw_arms_interactive, draw_arms_static
from prunescape.present.figures.curves import curves_figure, draw_curves_interactive, draw_curves_static
from prunescape.present.figures.efficiency import (
    draw_efficiency_interactive,
    draw_efficiency_static,
    efficiency_figure,
)
from prunescape.present.figures.factors_data import trial_factor_figures
from prunescape.present.figures.factors_drawings import draw_factors_interactive, draw_factors_static
from prunescape.present.figures.figure import FOLDED, INDEX, LIBRARY, LINKED, OPEN, Figure
from prunescape.present.figures.forest_data import ForestFigure
from prunescape.present.figures.forest_drawings import draw_forest_interactive, draw_forest_static
from prunescape.present.figures.grid_data import grid_figure
from prunescape.present.figures.grid_drawings import draw_grid_interactive, draw_grid_static
from prunescape.present.figures.inferred_surface import unsure_figure, with_inferred
from prunescape.present.figures.landscape_data import landscape_figure, with_ellipses, without_regions
from prunescape.present.figures.looks_data import looks_figures
from prunescape.present.figures.looks_drawings import draw_looks_interactive, draw_looks_static
from prunescape.present.figures.matplotlib_landscape import draw_landscape_static
from prunescape.present.figures.matrix import draw_matrix_static, matrix_figure
from prunescape.present.figures.matrix_interactive import draw_matrix_interactive
from prunescape.present.figures.pareto import pareto_figures
from prunescape.present.figures.pareto_drawings import draw_pareto_interactive, draw_pareto_static
from prunescape.present.figures.pipelines import (
    draw_pipelines_interactive,
    draw_pipelines_static,
    pipeline_figures,
)
from prunescape.present.figures.plotly_landscape import draw_landscape_interactive
from prunescape.present.figures.risk_data import risk_figure
from prunescape.present.figures.risk_drawings import draw_risk_interactive, draw_risk_static
from prunescape.present.figures.runs_data import design_runs
from prunescape.present.figures.search import draw_search_interactive, draw_search_static
from prunescape.present.figures.style import MATPLOTLIB_STYLE
from prunescape.present.figures.sweep_data import sweep_figure, swept_axis, without_insides
from prunescape.present.figures.sweep_drawings import draw_sweep_interactive, draw_sweep_static
from prunescape.present.figures.tuning import draw_tuning_interactive, draw_tuning_static, tuning_figures
from prunescape.present.figures.verdict_data import verdict_figures
from prunescape.present.labels import joined, variant_title
from prunescape.present.study_terms import StudyTerms
from prunescape.store.files import file_digest, whole_file, write_json
from prunescape.store.tables import read_result

PATH, LONG_NUMBER = re.compile(r' d="[^"]*"'), re.compile(r"-?\d+\.\d{3,}")
LINES_TO = re.compile(r"(?:\nL [-.0-9 ]+)+")  # the straight parts of a path, one after the other
WITH_FORMULAS = ("pareto", "curves", "efficiency")  # their static drawings hold no names but of variants
IMAGE_DPI = 450  # of images within a drawing
BUTTONS = 26  # pixels above a drawing for plotly's buttons
METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # no dates: the same figure gives the same bytes
# kind -> (the drawing for the browser, the one for print)
DRAWINGS = {
    "verdict": (draw_forest_interactive, draw_forest_static),
    "pipelines": (draw_pipelines_interactive, draw_pipelines_static),
    "again": (draw_forest_interactive, draw_forest_static),
    "landscape": (draw_landscape_interactive, draw_landscape_static),
    "sweep": (draw_sweep_interactive, draw_sweep_static),
    "pareto": (draw_pareto_interactive, draw_pareto_static),
    "risk": (draw_risk_interactive, draw_risk_static),
    "grid": (draw_grid_interactive, draw_grid_static),
    "looks": (draw_looks_interactive, draw_looks_static),
    "factors": (draw_factors_interactive, draw_factors_static),
    "matrix": (draw_matrix_interactive, draw_matrix_static),
    "curves": (draw_curves_interactive, draw_curves_static),
    "efficiency": (draw_efficiency_interactive, draw_efficiency_static),
    "search": (draw_search_interactive, draw_search_static),
    "arm_boxes": (draw_arms_interactive, draw_arms_static),
    "arm_densities": (draw_arms_interactive, draw_arms_static),
    "tuning": (draw_tuning_interactive, draw_tuning_static),
}


TIMED = ("experiment", "variant", "rank", "target", "precision", "threads", "batch", "samples")  # of benchmarks
DRAWN_FACTORS = ("fit", "importance", "effects", "interactions")  # tables of factors
DRAWN_ARMS = ("arm_scaled", "arm_changes", "arm_pairs")  # tables of arms


def draw_figures(
    study: dict[str, Any],
    *,
    cells: Path | str,
    roi: Path | str,
    ellipses: Path | str,
    out: Path | str,
    pareto: Path | str | None = None,
    inferred_roi: Path | str | None = None,
    inferred_ellipses: Path | str | None = None,
    verdicts: Path | str | None = None,
    looks: Path | str | None = None,
    efficiency: Path | str | None = None,
    curves: Path | str | None = None,
    trials: Path | str | None = None,
    trial_efficiency: Path | str | None = None,
    factor_tables: Mapping[str, Path | str] = MappingProxyType({}),
    benchmarks: Path | str | None = None,
    arm_tables: Mapping[str, Path | str] = MappingProxyType({}),
    tuning_trials: Path | str | None = None,
    pipelines: Path | str | None = None,
) -> None:
    """Write every figure of whatever cells exist into the folder `out`, and the fronts where `pareto` holds them.

    `benchmarks` tells how sure their latencies are.

    Experiments that trained a share of their grid need both inferred tables; `verdicts` and `looks` show sequential
    verdicts, `efficiency` and `curves` all runs over three hyperparameters or more. `trials`, `trial_efficiency` and
    `factor_tables` (by name) show the same, and what matters, of designs with a space, and with `benchmarks` and
    `arm_tables` (by name) what arms do; `tuning_trials` are those of searches, `pipelines` the
    table of that name. `study` is the study's summary, or
    empty. Raises InputError for unusable tables.
    """
    terms = StudyTerms.of(study)
    known = terms.read_cells(cells)
    tables = {"roi": terms.read("roi", roi), "ellipses": terms.read("ellipses", ellipses)}
    paths = {"inferred_roi": inferred_roi, "inferred_ellipses": inferred_ellipses}
    inferred = tuple(terms.read(name, path) for name, path in paths.items() if path)
    judged = tuple(terms.read(name, path) for name, path in {"verdicts": verdicts, "looks": looks}.items() if path)
    shown = {"chance": chance_tests(known), "inferred": inferred or None, "judged": judged or None}
    figures = study_figures(terms.scores(known), **tables, terms=terms, **shown)
    if pareto:
        timed = read_result(benchmarks, dict.fromkeys(TIMED)) if benchmarks else None
        figures += [(figure, OPEN) for figure in pareto_figures(terms.read("pareto", pareto), timed)]
    if efficiency and curves:
        histories = read_result(curves, CURVE_COLUMNS)
        figures += run_figures(known, terms.read("efficiency", efficiency), histories)
        if trials and trial_efficiency:
            trained, _ = read_trial_cells(cells, trials)
            figures += run_figures(trained, read_result(trial_efficiency, EFFICIENCY_COLUMNS), histories)
    found = {name: read_result(path, factor_columns(name)) for name, path in factor_tables.items()}
    if found:
        figures += [(figure, OPEN) for figure in (*again_figures(found["interactions"]), *trial_factor_figures(found))]
    if trials and benchmarks and arm_tables:
        places = {"cells": cells, "trials": trials, "benchmarks": benchmarks, "written": arm_tables}
        figures += [(figure, FOLDED) for figure in arm_figures(trial_analysis(study.get("trials", {}), **places))]
    if pipelines:
        figures += [(figure, OPEN) for figure in pipeline_figures(terms.read("pipelines", pipelines))]
    if tuning_trials:
        figures += [(figure, OPEN) for figure in tuning_figures(read_result(tuning_trials, {}))]
    write_figures(figures, out)


def run_figures(cells: pd.DataFrame, efficiency: pd.DataFrame, curves: pd.DataFrame) -> list[tuple[Figure, str]]:
    """Curves, efficiency and matrices of all runs, of every experiment over three hyperparameters or more."""
    figures: list[tuple[Figure, str]] = []
    for name, runs in design_runs(cells, efficiency).items():
        figures.append((curves_figure(_of(curves, name), name), OPEN))
        figures.append((efficiency_figure(runs, name), OPEN))
        figures.append((matrix_figure(runs, name), OPEN))
    return figures


def write_figures(figures: list[tuple[Figure, str]], out: Path | str) -> None:
    """Write NAME.html, .svg and .pdf of each figure, plotly.js once, and the index with each one's place in the report.

    A figure that the report draws has NAME.fragment.html too. The index holds the digests of all files.
    """
    from plotly.offline import get_plotlyjs

    out = Path(out)
    with whole_file(out / LIBRARY) as temporary:
        temporary.write_text(get_plotlyjs(), encoding="utf-8")
    entries, written = [], [LIBRARY]
    for figure, place in figures:
        _write_interactive(figure, out, with_fragment=place != LINKED)
        _write_static(figure, out)
        kinds = [*([] if place == LINKED else ["fragment.html"]), "html", *METADATA]
        written += [f"{figure.name}.{kind}" for kind in kinds]
        known = {name: getattr(figure, name) for name in ("name", "title", "caption", "experiment", "kind", "metrics")}
        known["caption"] += figure.note
        entries.append({**known, "place": place, "seeds": list(figure.seeds)})
    write_json(out / INDEX, {"figures": entries, "files": {name: file_digest(out / name) for name in written}})


def _write_interactive(figure: Figure, out: Path, *, with_fragment: bool) -> None:
    page = DRAWINGS[figure.kind][0](figure)
    config = {"displaylogo": False, "responsive": True}
    if isinstance(figure, ForestFigure):
        config["displayModeBar"] = False  # there is nothing to zoom into
    else:
        page.update_layout(height=page.layout.height + BUTTONS, margin_t=page.layout.margin.t + BUTTONS)
    options = {"div_id": figure.name, "config": config}
    if with_fragment:
        drawing = page.to_html(full_html=False, include_plotlyjs=False, **options)
        with whole_file(out / f"{figure.name}.fragment.html") as temporary:
            temporary.write_text(f'<div style="min-width: {figure.least_width}px">{drawing}</div>', encoding="utf-8")
    page.update_layout(title={"text": figure.title, "x": 0.5, "y": 0.97}, margin_t=max(104, page.layout.margin.t + 30))
    with whole_file(out / f"{figure.name}.html") as temporary:
        temporary.write_text(page.to_html(include_plotlyjs=LIBRARY, **options), encoding="utf-8")


def _write_static(figure: Figure, out: Path) -> None:
    # names may hold dollars; only the powers of ten at log axes are formulas
    style = {**MATPLOTLIB_STYLE, "text.parse_math": figure.kind in WITH_FORMULAS}
    with matplotlib.rc_context(style), warnings.catch_warnings(record=True) as caught:
        page = DRAWINGS[figure.kind][1](figure)
        page.get_layout_engine().execute(page)
        page.set_layout_engine("none")  # laid out once, and the same in every format
        for kind, metadata in METADATA.items():
            with whole_file(out / f"{figure.name}.{kind}") as temporary:
                page.savefig(temporary, format=kind, metadata=metadata, dpi=IMAGE_DPI)
                if kind == "svg":
                    temporary.write_text(shorter_paths(temporary.read_text(encoding="utf-8")), encoding="utf-8")
    others = [warning.message for warning in caught if "missing from font" not in str(warning.message)]
    if len(others) < len(caught):
        print(f"warning: {figure.name}: SVG and PDF lack letters of another script; the HTML has them", file=sys.stderr)
    for message in others:
        warnings.warn(message, stacklevel=2)


def shorter_paths(drawing: str) -> str:
    """An SVG drawing with two decimals in its paths and no repeated letters: half as large, and alike to the eye."""

    def shorter(path: re.Match) -> str:
        rounded = LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", path[0])
        return LINES_TO.sub(lambda lines: "\nL " + " ".join(lines[0].replace("\nL", "").split()), rounded)

    return PATH.sub(shorter, drawing)


def study_figures(
    scores: Mapping[str, pd.DataFrame],
    roi: pd.DataFrame,
    ellipses: pd.DataFrame,
    terms: StudyTerms,
    chance: pd.DataFrame | None = None,
    inferred: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    judged: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> list[tuple[Figure, str]]:
    """Every figure of a study with its place in the report, in the order of the report.

    `scores` are the landscapes of each experiment, `inferred` the tables inferred_roi and inferred_ellipses, `judged`
    verdicts and looks, whose figures stand first, below the report's verdicts. A variant that learnt nothing, by
    `chance_tests`, has no ellipse, and no risk is shown without an answer.
    """
    points = {
        name: risk_points(rows, _of(roi, name), terms.axes_of(name), terms.risk_threshold, chance)
        for name, rows in sorted(scores.items())
    }
    judgements = [*verdict_figures(judged[0]), *looks_figures(*judged)] if judged else []
    chosen: list[tuple[Figure, str]] = [(figure, OPEN if figure.kind == "verdict" else FOLDED) for figure in judgements]
    if sum(map(len, points.values())) > max(map(len, points.values()), default=0):
        chosen += _risk_figures(pd.concat(points.values()), terms, of_study=True)
    for name, rows in points.items():
        figures = _experiment_figures(scores[name], _of(ellipses, name), name, _risk_figures(rows, terms), terms)
        if inferred and name in terms.adaptive and figures:
            figures[0] = _with_inferred(*figures[0], scores[name], terms, [_of(table, name) for table in inferred])
        figures = figures if chance is None else _without_the_unlearnt(figures, _of(chance, name))
        chosen += [shown for figure, place in figures for shown in ((figure, place), *_further_views(figure, place))]
    return chosen


def _further_views(figure: Figure, place: str) -> list[tuple[Figure, str]]:
    """What belongs to an open landscape: how unsure an inferred one is, and its confidence ellipses, in files only."""
    if figure.kind != "landscape" or place != OPEN:
        return []
    ellipses = with_ellipses(figure)
    unsure = [(unsure_figure(figure), FOLDED)] if figure.inferred else []
    return unsure + ([(ellipses, LINKED)] if ellipses else [])


def _with_inferred(
    figure: Figure, place: str, scores: pd.DataFrame, terms: StudyTerms, tables: list[pd.DataFrame]
) -> tuple[Figure, str]:
    """The first figure of ONE experiment, its landscape, with what is inferred of it in `tables`, if anything is."""
    if figure.kind != "landscape" or tables[0].empty:
        return figure, place
    shown = mean_scores(scores, terms.axes_of(figure.experiment)) if len(figure.seeds) > 1 else scores
    return with_inferred(figure, shown, *tables), place


def _without_the_unlearnt(figures: list[tuple[Figure, str]], chance: pd.DataFrame) -> list[tuple[Figure, str]]:
    """The figures of ONE experiment, which tell no good settings of a variant that learnt nothing, and say so."""
    names = chance.loc[~chance["learnt"].astype(bool), "variant"].tolist()
    if not names:
        return figures
    note = f" {joined([variant_title(name) for name in names])} learnt nothing: best cells there are luck."
    plainly = {"landscape": without_regions, "sweep": without_insides}
    plain = [
        (plainly[figure.kind](figure, names) if figure.kind in plainly else figure, place) for figure, place in figures
    ]
    return [(replace(figure, note=note), place) for figure, place in plain]


def _of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return table[table["experiment"] == experiment]


def _risk_figures(points: pd.DataFrame, terms: StudyTerms, *, of_study: bool = False) -> list[tuple[Figure, str]]:
    """One per metric; that of top-1 is open."""
    axes = {name: terms.axes_of(name) for name in points["experiment"].unique()}
    figures = [risk_figure(rows, axes, terms.risk_threshold, of_study=of_study) for rows in _by_metric(points)]
    return [(figure, OPEN if figure.metrics == [METRICS[0]] else FOLDED) for figure in figures]


def _experiment_figures(
    scores: pd.DataFrame, ellipses: pd.DataFrame, experiment: str, risks: list[tuple[Figure, str]], terms: StudyTerms
) -> list[tuple[Figure, str]]:
    """Landscape, risk and annotated grid; of several seeds those of their mean first, then each seed's landscape.

    Cells that differ along one axis span no landscape: they are drawn over that.
    """
    axes, prior = terms.axes_of(experiment), terms.priors.get(experiment)
    seeds = tuple(int(seed) for seed in np.unique(scores["seed"]))
    mean = mean_scores(scores, axes) if len(seeds) > 1 else scores
    grids = [(grid_figure(rows, axes, terms.thresholds, prior, seeds), FOLDED) for rows in _by_metric(mean)]
    if swept_axis(scores, axes):
        shown, of = (scores[scores["seed"] == seeds[0]], seeds[:1]) if mean.empty else (mean, seeds)
        first, *others = [sweep_figure(rows, axes, terms.risk_threshold, prior, of) for rows in _by_metric(shown)]
        return [(first, OPEN), *risks, *((figure, FOLDED) for figure in others), *grids]
    chosen: list[tuple[Figure, str]] = []
    if not mean.empty:
        shapes = ellipses if mean is scores else fit_ellipses(regions(mean, axes, terms.thresholds), mean, axes)
        chosen.append((landscape_figure(mean, shapes, axes, prior, seeds), OPEN))
    chosen += [*risks, *grids]
    for seed in seeds if len(seeds) > 1 else ():
        one, shapes = (table[table["seed"] == seed] for table in (scores, ellipses))
        place = OPEN if mean.empty and seed == seeds[0] else LINKED
        chosen.append((landscape_figure(one, shapes, axes, prior, (seed,)), place))
    return chosen


def _by_metric(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [rows for metric in METRICS if len(rows := table[table["metric"] == metric])]
