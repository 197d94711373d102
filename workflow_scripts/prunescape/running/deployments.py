"""What a run says of the models that it deployed."""

from pathlib import Path

from prunescape.store.files import read_json


def deployment_line(path: Path | str) -> str:
    """One deployed model in a line: what it is, how accurate and how fast, and where its file is."""
    found = read_json(path, "variant", "setting", "latency_s")
    setting = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in found["setting"].items()
    )
    known = (
        ""
        if found["top1"] is None
        else f"{found['top1']:.1f} % ({found['top1_low']:.1f} to {found['top1_high']:.1f}){_loss(found)}, "
    )
    times = " to ".join(f"{1000 * found[name]:.3g}" for name in ("latency_low", "latency_high"))
    run = f"{1000 * found['latency_s']:.3g} ms ({times}) per batch of {found['batch']} on {found['target']}"
    return f"{found['experiment']}: {found['variant']}, {setting}: {known}{run}: {Path(path).resolve()}"


def _loss(found: dict) -> str:
    """What the precision changed, where it is not fp32."""
    if found.get("change_low") is None:
        return ""
    return f" in {found['precision']}, {found['top1_change']:+.1f} points against fp32"
