"""Statistics of depth and their thresholds, as a caller names them."""

from collections.abc import Sequence

from ._checks import as_int
from .errors import InvalidArgumentError

__all__ = ["STATS", "THRESHOLDS", "Asked", "Threshold"]

STATS = ("mean", "median", "min", "max", "sd", "cv", "pct")
THRESHOLDS = (1, 10, 20, 30)
Threshold = int | str


class Asked:
    """Which statistics, at which thresholds."""

    def __init__(self, stats: Sequence[str], thresholds: Sequence[Threshold]) -> None:
        names = [stats] if isinstance(stats, str) else list(stats)
        unknown = [name for name in names if name not in STATS]
        if unknown:
            raise InvalidArgumentError(f"stats={unknown[0]!r} is not a statistic: give some of {', '.join(STATS)}")
        self.stats = names
        self.labels = []
        self.thresholds: list[tuple[float, bool]] = []
        for threshold in [thresholds] if isinstance(thresholds, (str, int)) else thresholds:
            value, of_mean = _threshold(threshold)
            self.labels.append(f"pct_{value:g}x_mean" if of_mean else f"pct_{value:.0f}x")
            self.thresholds.append((value, of_mean))
        names = [name for name, _ in self.columns()]
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise InvalidArgumentError(
                f"two columns would be called {twice[0]!r}: give each statistic and threshold once"
            )

    def columns(self) -> list[tuple[str, str]]:
        """Names and kinds of the columns, as the core takes them: a percentage for each threshold."""
        percent = [(label, "pct") for label in self.labels]
        return [
            ("length", "length"),
            *(c for name in self.stats for c in (percent if name == "pct" else [(name, name)])),
        ]


def _threshold(threshold: Threshold) -> tuple[float, bool]:
    """The value of a threshold, and whether it is meant as a multiple of the mean."""
    if isinstance(threshold, str):
        number, times, mean = threshold.replace(" ", "").partition("*")
        value = _number(number)
        if (times, mean) == ("*", "mean") and value is not None:
            return value, True
        raise InvalidArgumentError(f"thresholds: {threshold!r} is not a depth: {_threshold_meant(threshold)}")
    depth = as_int("a threshold", threshold)
    if not 0 <= depth < 1 << 31:
        raise InvalidArgumentError(f"thresholds: {depth} is not a depth: give an integer of 0 or more")
    return float(depth), False


def _number(text: str) -> float | None:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _threshold_meant(text: str) -> str:
    """What to write in place of a string that is no threshold."""
    value = _number(text.strip().lower().rstrip("x"))
    if value is None:
        return "write an integer, or a multiple of the mean like '0.2*mean'"
    multiple = f"{f'{value:g}*mean'!r} for {value:g} times the mean"
    return f"write {value:.0f} for a depth, or {multiple}" if value == int(value) else f"write {multiple}"
