"""Draw the landscapes, the risk, the looks and the fronts of a study, for the browser and for print."""

import shutil
from pathlib import Path

from prunescape.present.figures.folder import DRAWN_ARMS, DRAWN_FACTORS, draw_figures
from prunescape.running.job_log import job_log

if __name__ == "__main__" and "snakemake" in globals():
    with job_log(snakemake.log[0]):
        out = Path(snakemake.output.figures).parent
        shutil.rmtree(out, ignore_errors=True)  # Snakemake deleted the index alone, which stands for the drawings
        draw_figures(
            snakemake.params.study,
            cells=snakemake.input.cells,
            roi=snakemake.input.roi,
            ellipses=snakemake.input.ellipses,
            pareto=snakemake.input.pareto,
            inferred_roi=snakemake.input.inferred_roi,
            inferred_ellipses=snakemake.input.inferred_ellipses,
            verdicts=snakemake.input.verdicts,
            looks=snakemake.input.looks,
            efficiency=snakemake.input.efficiency,
            curves=snakemake.input.curves,
            trials=snakemake.input.trials,
            trial_efficiency=snakemake.input.trial_efficiency,
            factor_tables={name: snakemake.input[name] for name in DRAWN_FACTORS},
            benchmarks=snakemake.input.benchmarks,
            arm_tables={name: snakemake.input[name] for name in DRAWN_ARMS},
            tuning_trials=snakemake.input.tuning_trials[0] if snakemake.input.tuning_trials else None,
            pipelines=snakemake.input.pipelines[0] if snakemake.input.pipelines else None,
            out=out,
        )
