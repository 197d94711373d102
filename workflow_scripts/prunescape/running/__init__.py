"""Runs of Snakemake and the processes of their jobs: who holds a study, who outlives whom, who trains for whom."""
