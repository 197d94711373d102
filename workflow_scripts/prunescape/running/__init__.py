"""Runs of Snakemake and the processes of their jobs: locks, warm process, progress, the end."""
