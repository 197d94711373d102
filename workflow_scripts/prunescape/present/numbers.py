"""Numbers as a reader sees them: fixed decimals, a real minus sign, a dash for what is missing."""

import math

DASH = "–"
MINUS = "\u2212"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_missing(value) -> bool:
    """None, nan and pandas' missing values alike."""
    return value is None or str(value) in ("nan", "<NA>", "NaT")


def number(value, decimals: int = 2, unit: str = "") -> str:
    """`value` with so many decimals, or a dash; a rounded zero has no sign."""
    if is_missing(value):
        return DASH
    text = f"{float(value):.{decimals}f}"
    negative = text.startswith("-") and float(text) != 0
    return (MINUS if negative else "") + text.lstrip("-") + unit


def significant(value, digits: int = 3, unit: str = "") -> str:
    """`value` with so many digits that count, or a dash: `0.0261`, `1.14`, of a larger number all before the point."""
    if is_missing(value) or not math.isfinite(value):
        return DASH
    exponent = int(f"{float(value):.{digits - 1}e}".split("e")[1])
    return number(value, max(0, digits - 1 - exponent) if value else 0, unit)


def span(low, high, decimals: int = 2, joint: str = " to ") -> str:
    """`1.00 to 2.00`; one number where both ends look the same, a dash where one is missing."""
    if is_missing(low) or is_missing(high):
        return DASH
    return joint.join(dict.fromkeys((number(low, decimals), number(high, decimals))))


def whole(value) -> str:
    """A count, with thin spaces between thousands."""
    return DASH if is_missing(value) else f"{int(value):,}".replace(",", "\u202f")


def short(value) -> str:
    """A value of the grid with as many decimals as it needs."""
    return DASH if is_missing(value) else f"{float(value):g}".replace("-", MINUS)


def power(value) -> str:
    """A positive number of any size, `1.5 × 10⁻⁵`."""
    if is_missing(value):
        return DASH
    factor, exponent = f"{float(value):.1e}".split("e")
    return f"{factor} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 cell`, `3 cells`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def standard_error(percent: float, tested: int) -> float:
    """Binomial standard error, percentage points, of one accuracy of `percent` measured on `tested` images.

    100 sqrt(p (1 - p) / n), p = percent / 100. At 0 and 100 % it is 0 and means nothing.
    """
    share = percent / 100
    return 100 * math.sqrt(share * (1 - share) / tested)


def duration(seconds: float) -> str:
    """Seconds for a reader: 42 s, 3 min 10 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
