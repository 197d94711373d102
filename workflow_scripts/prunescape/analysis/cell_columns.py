"""The columns of cells.parquet, apart from what training reads: a new one retrains nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from prunescape.space.recipe import PARAMETERS
from prunescape.space.settings import hyperparameter_columns

Columns = dict[str, tuple[str, str]]

# name -> (arrow type, meaning with unit); None in a record becomes null
IDENTITY_COLUMNS: Columns = {
    "experiment": ("string", "name in the config"),
    "model": ("string", "unpruned architecture"),
    "dataset": ("string", "name of the data set"),
    "variant": ("string", "base, uniform-R or nonuniform-R"),
    "method": ("string", "base, uniform or nonuniform"),
    "ratio": ("float64", "share of FLOPs kept that was asked for; 1 for the base"),
    "ratio_achieved": ("float64", "share of FLOPs kept that whole channels reach"),
}
OTHER_COLUMNS: Columns = {
    "seed": ("int64", "seed of initialisation, order and augmentation"),
    "stage": (
        "string",
        "grid, or a fresh seed: pilot (at the prior, for seed noise) or replicate (kept points)",
    ),
    "round": ("int64", "round that planned the cell: 0 for the configured grid, from 1 on those that read results"),
    "select_on": ("string", "test, or validation: the split by whose top-1 settings are chosen"),
    "precision": (
        "string",
        "of training's products: fp32, tf32, bf16; tests have fp32, on a GPU TF32 unless this is fp32",
    ),
    "status": ("string", "ok, or diverged: the loss was not finite"),
    "classes": ("int64", "number of classes"),
    "tested": ("int64", "images in the test split"),
    "correct": ("int64", "test images whose top-1 class is right after the last epoch; null when diverged"),
    "correct_top5": ("int64", "the same for the five best classes; null when diverged or with 10 classes or fewer"),
    "top1": ("float64", "percent; exactly 100 / classes when diverged (matthiesen2023, 3.1.1)"),
    "top5": ("float64", "percent; exactly 500 / classes when diverged; null with 10 classes or fewer"),
    "val_correct": ("int64", "validation images whose top-1 class is right after the last epoch; null as is `correct`"),
    "val_tested": ("int64", "images held out of the training split for validation; null where there are none"),
    "val_top1": ("float64", "100 val_correct / val_tested, percent; exactly 100 / classes when diverged"),
    "val_top5": ("float64", "as `val_top1` for the five best classes; 500 / classes when diverged; null as is `top5`"),
    "loss": ("float64", "mean cross-entropy on the test split, nats; null when not finite"),
    "train_loss": ("float64", "mean cross-entropy over the last epoch's batches, nats; null when not finite"),
    "train_top1": ("float64", "percent over the last epoch's batches, augmented, in training mode"),
    "best_epoch": ("int64", "epoch (from 1) with the most correct test images: kept, never used"),
    "epochs_trained": ("int64", "epochs finished"),
    "flops": ("int64", "2 x multiply-accumulates of convolutions and linear layers, one image"),
    "parameters": ("int64", "trainable parameters"),
    "seconds": ("float64", "wall time of training and testing, without interruptions"),
    "resumes": ("int64", "how often the training was interrupted and went on from where it was"),
    "images_per_second": ("float64", "training images per second of training"),
    "peak_memory_bytes": ("int64", "peak resident memory of the process, the warm one's share too; or of the GPU"),
    "together": ("int64", "cells that trained in step on the GPU, this one included; they share time and memory"),
    "device": ("string", "cpu, or the name of the GPU"),
    "host": ("string", "name of the host"),
    "cpu": ("string", "name of its processor"),
    "torch": ("string", "version of torch"),
    "numpy": ("string", "version of numpy"),
    "finished": ("string", "when, in universal time (ISO 8601)"),
    "data_digest": ("string", "SHA-256 of the prepared data"),
    "code_digest": ("string", "digest of the training code"),
    "widths_digest": ("string", "SHA-256 of the variant's widths.json"),
    "weights_digest": ("string", "SHA-256 of the weights file"),
    "correct_bits": ("binary", "per-image correctness (top-1), bit i of byte i // 8 from the high end is image i"),
}


def cell_columns(hyperparameters: Iterable[str]) -> Columns:
    """All columns of a study whose settings have these hyperparameters."""
    return IDENTITY_COLUMNS | hyperparameter_columns(hyperparameters) | OTHER_COLUMNS


def record_row(record: dict[str, Any], place: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """One row of cells.parquet from a record as train_cell writes it. Raises KeyError for a record without a field.

    `place` has stage, round and select_on: they belong to the design, which may change without a training. What a
    cell's setting does not give is as in its recipe.
    """
    values = record["recipe"] | record["setting"]
    row = {**dict.fromkeys(columns.keys() & PARAMETERS.keys()), **values, **record, **record["provenance"], **place}
    row["correct_bits"] = base64.b64decode(record["correct_bits"])
    return {name: row[name] for name in columns}
