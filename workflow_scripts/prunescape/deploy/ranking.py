"""Which cells of a variant are exported: the best by correct validation or test images."""

from prunescape.store.records import OK


def best_records(records: list[dict], count: int, select_on: str = "validation") -> list[int]:
    """Positions in `records` of the `count` best cells with status ok, best first; fewer when there are fewer.

    Most correct validation images win, or test images where `select_on` is test or nothing is held out. Ties go to
    the smallest setting, value by value in the order of names, then to the smallest seed: no other result breaks them.
    """

    def rank(position: int) -> tuple:
        record = records[position]
        held_out = record.get("val_correct") if select_on == "validation" else None
        correct = record["correct"] if held_out is None else held_out
        setting = record["setting"]
        return -correct, *(setting[name] for name in sorted(setting)), record["seed"]

    finished = [position for position, record in enumerate(records) if record["status"] == OK]
    return sorted(finished, key=rank)[:count]
