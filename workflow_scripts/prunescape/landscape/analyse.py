"""The analysis of a table of cells from anywhere: regions of interest, ellipses and risk. Needs pandas and pyarrow."""

from __future__ import annotations

from pathlib import Path

from prunescape.errors import InputError
from prunescape.landscape.ellipse import ELLIPSE_COLUMNS, ellipses
from prunescape.landscape.judging import Terms, judge_study
from prunescape.landscape.result import write_result
from prunescape.landscape.risk import RISK_COLUMNS, risk
from prunescape.landscape.roi import ROI_COLUMNS, regions
from prunescape.landscape.table import read_cells, scores
from prunescape.landscape.verdict import VERDICT_COLUMNS


def analyse(
    cells: Path | str, out: Path | str, *, partial: bool = False, terms: Terms | None = None
) -> dict[str, Path]:
    """Write roi, ellipses, risk and verdicts (.parquet and .csv) of the table `cells` into the folder `out`.

    Gives the written paths by file name. `partial` allows a study in progress, as in `read_cells`; `terms` are those of
    the verdicts, as in `judge_study`. Raises InputError for a table that `read_cells` refuses, or when `out` cannot be
    a folder.
    """
    table = read_cells(cells, partial=partial)
    landscapes = scores(table)
    roi = regions(landscapes)
    tables = {
        "roi": (roi, ROI_COLUMNS),
        "ellipses": (ellipses(roi, landscapes), ELLIPSE_COLUMNS),
        "risk": (risk(landscapes, roi), RISK_COLUMNS),
        "verdicts": (judge_study(table, terms or {}), VERDICT_COLUMNS),
    }
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, (frame, columns) in tables.items():
            write_result(frame, columns, parquet=out / f"{name}.parquet", csv=out / f"{name}.csv")
    except OSError as error:
        raise InputError(f"the results cannot be written ({error.strerror})", where=out) from None
    return {path.name: path for name in tables for path in (out / f"{name}.parquet", out / f"{name}.csv")}
