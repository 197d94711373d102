"""Which cells of a variant are exported: the best by correct validation or test images. Needs nothing."""

from prunescape.store.records import OK


def best_records(records: list[dict], count: int, select_on: str = "validation") -> list[int]:
    """Positions in `records` of the `count` best cells with status ok, best first; fewer when there are fewer.

    Most correct validation images win, or test images where `select_on` is test or nothing is held out. Ties go to
    the smallest (log10_lr, log10_wd, seed) as numbers: a rule that looks at no further result, so that a tie is not
    broken by how a cell did.
    """

    def rank(position: int) -> tuple:
        record = records[position]
        held_out = record.get("val_correct") if select_on == "validation" else None
        correct = record["correct"] if held_out is None else held_out
        return -correct, float(record["log10_lr"]), float(record["log10_wd"]), int(record["seed"])

    finished = [position for position, record in enumerate(records) if record["status"] == OK]
    return sorted(finished, key=rank)[:count]
