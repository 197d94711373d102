"""How two records of the same studies differ, to the last bit. Needs nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from recorded import read_record


def compare(first: Path, second: Path, renamed: dict[str, str]) -> bool:
    """Print table by table how two records differ; whether the second has all of the first, equal to the last bit."""
    before, after, equal = read_record(first), read_record(second), True
    named = {renamed_table(name, renamed): rename(table, renamed) for name, table in before.items()}
    for name, table in named.items():
        lines = differences(table, after[name]) if name in after else ["missing"]
        new = [column for column in after.get(name, table)["columns"] if column not in table["columns"]]
        note = f" (new columns: {', '.join(new)})" if new else ""
        print(f"{name}: {'DIFFERENT' if lines else 'equal'}, {len(table['rows'])} rows{note}")
        print("".join(f"    {line}\n" for line in lines), end="")
        equal &= not lines
    for name in sorted(set(after) - set(named)):
        print(f"{name}: new table")
    equal &= bool(before)
    print("EQUAL to the last bit" if equal else "NOT EQUAL")
    return equal


def renamed_table(name: str, renamed: dict[str, str]) -> str:
    """The name of a table after the renaming, which may be given with or without its study."""
    study, _, table = name.partition("/")
    return renamed.get(name, f"{study}/{renamed.get(table, table)}")


def rename(table: dict, renamed: dict[str, str]) -> dict:
    """A packed table with its columns renamed."""
    columns = {renamed.get(name, name): kind for name, kind in table["columns"].items()}
    return {"columns": columns, "keys": [renamed.get(key, key) for key in table["keys"]], "rows": table["rows"]}


def differences(before: dict, after: dict) -> list[str]:
    """How the columns and rows of `before` differ in `after`, one line each; new columns are no difference."""
    missing = [name for name in before["columns"] if name not in after["columns"]]
    common = [name for name in before["columns"] if name not in missing]
    kinds = [name for name in common if before["columns"][name] != after["columns"][name]]
    lines = [f"column {name} is missing" for name in missing]
    lines += [f"column {name} was {before['columns'][name]} and is {after['columns'][name]}" for name in kinds]
    keys = [key for key in before["keys"] if key in common]
    left, right = by_key(before, keys, common), by_key(after, keys, common)
    for note, others in (("missing", left.keys() - right.keys()), ("added", right.keys() - left.keys())):
        lines += [f"{len(others)} rows {note}, such as {min(others)}"] if others else []
    changed = Counter(name for key in left.keys() & right.keys() for name in unequal(left[key], right[key]))
    for name, count in changed.items():
        key = min(key for key in left.keys() & right.keys() if name in unequal(left[key], right[key]))
        lines.append(f"column {name} in {count} rows, such as {left[key][name]} -> {right[key][name]} at {key}")
    return lines


def by_key(table: dict, keys: list[str], columns: list[str]) -> dict[str, dict[str, str]]:
    """Exact text of each value, by the text of the row's keys and how often these came before."""
    seen, rows = Counter(), {}
    for values in table["rows"]:
        row = dict(zip(table["columns"], values, strict=True))
        key = ", ".join(f"{name} {row[name]}" for name in keys)
        seen[key] += 1
        rows[f"{key} #{seen[key]}"] = {name: repr(row[name]) for name in columns}
    return rows


def unequal(left: dict[str, str], right: dict[str, str]) -> list[str]:
    """The columns in which two rows differ."""
    return [name for name in left if left[name] != right[name]]
