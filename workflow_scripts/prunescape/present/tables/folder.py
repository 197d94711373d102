"""The folder of a study's tables: each as Parquet, CSV, Markdown and LaTeX. Needs the study's own tables."""

from __future__ import annotations

from pathlib import Path

from prunescape.analysis.cells_table import scores
from prunescape.analysis.landscape.ellipse import ELLIPSE_COLUMNS
from prunescape.analysis.landscape.risk import RISK_COLUMNS
from prunescape.analysis.sources.optuna_storage import read_cells_or_trials
from prunescape.errors import InputError
from prunescape.present.published import check_reference
from prunescape.present.tables.accuracy_table import ACCURACY_TABLE_COLUMNS, Priors, accuracy_table, print_accuracies
from prunescape.present.tables.ellipse_table import ELLIPSE_TABLE_COLUMNS, ellipse_table, print_ellipses
from prunescape.present.tables.latex import latex
from prunescape.present.tables.markdown import markdown
from prunescape.present.tables.risk_table import RISK_TABLE_COLUMNS, print_risk, risk_table
from prunescape.store.files import whole_file
from prunescape.store.tables import read_result, write_result

FORMATS = {"md": markdown, "tex": latex}


def write_tables(
    *,
    cells: Path | str,
    ellipses: Path | str,
    risk: Path | str,
    out: Path | str,
    reference: str | None = None,
    priors: Priors | None = None,
) -> dict[str, Path]:
    """Write confidence_ellipses, performance_risk and best_accuracies (.parquet, .csv, .md, .tex) into `out`.

    `cells` is a table that the analysis takes, `ellipses` and `risk` are what the analysis wrote of it. With
    `reference` (see landscape.published) what that work published of the same models and data sets stands beside our
    values. `priors` gives log10_lr and log10_wd of the prior by experiment. Gives the written paths by file name.
    Raises InputError for a table that cannot be used, an unknown reference, or when `out` cannot be a folder.
    """
    check_reference(reference)
    landscapes = scores(read_cells_or_trials(cells, partial=True))
    shapes, risks = read_result(ellipses, ELLIPSE_COLUMNS), read_result(risk, RISK_COLUMNS)
    accuracies = accuracy_table(landscapes, priors or {}, reference)
    tables = [
        (ellipse_table(shapes, reference), ELLIPSE_TABLE_COLUMNS, print_ellipses),
        (risk_table(risks, reference), RISK_TABLE_COLUMNS, print_risk),
        (accuracies, ACCURACY_TABLE_COLUMNS, print_accuracies),
    ]
    written = {}
    try:
        for frame, columns, as_printed in tables:
            printed = as_printed(frame, reference)
            paths = {kind: Path(out) / f"{printed.name}.{kind}" for kind in ("parquet", "csv", *FORMATS)}
            write_result(frame, columns, parquet=paths["parquet"], csv=paths["csv"])
            for kind, rendered in FORMATS.items():
                with whole_file(paths[kind]) as temporary:
                    temporary.write_text(rendered(printed), encoding="utf-8")
            written |= {path.name: path for path in paths.values()}
    except OSError as error:
        raise InputError(f"the tables cannot be written ({error.strerror})", where=out) from None
    return written
