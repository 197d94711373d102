"""The error for input that cannot be used, in one line, and the one for work that was asked to end."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

Result = TypeVar("Result")
# what others call hyperparameters of ours
CALLED = {"lr": "log10_lr", "learning_rate": "log10_lr", "wd": "log10_wd", "weight_decay": "log10_wd"}


class InputError(Exception):
    """Input that cannot be used: `str()` is one line with what, where, what is allowed, and a hint."""

    def __init__(self, what: str, *, where: object = "", allowed: str = "", hint: str = "") -> None:
        self.what, self.where, self.allowed, self.hint = what, str(where), allowed, hint
        parts = [
            f"{self.where}: {what}" if self.where else what,
            f"allowed: {allowed}" if allowed else "",
            f"hint: {hint}" if hint else "",
        ]
        super().__init__(" ".join("; ".join(part for part in parts if part).split()))


class Stopped(Exception):
    """The process got `signal`, SIGTERM or SIGINT, and saved its state; `position` is where it was."""

    def __init__(self, signal: int, position: str) -> None:
        self.signal = int(signal)
        super().__init__(f"stopped by signal {self.signal} {position}: the next run goes on from there")


def nearest(name: str, choices) -> str:
    """A hint that names the choice most like `name`, or an empty text when none is near."""
    texts = {str(choice).casefold(): str(choice) for choice in reversed([*choices])}  # of equals the first
    known = CALLED.get(str(name))
    found = [known] if known in texts else get_close_matches(str(name).casefold(), texts, n=1, cutoff=0.5)
    return f'did you mean "{texts[found[0]]}"?' if found else ""


def located(where: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function, and put the place `where` before that of its InputError."""
    try:
        return function(*arguments)
    except InputError as error:
        place = ".".join(filter(None, [where, error.where]))
        raise InputError(error.what, where=place, allowed=error.allowed, hint=error.hint) from None
