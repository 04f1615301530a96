"""The keywords every function that reads a file takes, checked in one place."""

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict

from .errors import FastcovWarning, InvalidArgumentError
from .rules import Rules, as_int, check_names, is_bool

__all__ = ["Options", "StrPath", "bar", "flag", "options", "path", "places", "resolve", "warn"]

StrPath = str | os.PathLike[str]

# More workers than any machine has; the core caps the number at what the process may use.
_MOST_CORES = 65_536


class Options(TypedDict):
    """What the core is told besides file, places and rule."""

    reference: str | None
    index: str | None
    n_cores: int | None
    allow_truncated: bool
    timeout: float | None
    max_memory: int | None


def options(
    *,
    ref: StrPath | None,
    index: StrPath | None,
    n_cores: int | None,
    allow_truncated: bool,
    timeout: float | None,
    max_memory: int | None,
) -> Options:
    """The keywords as the core takes them."""
    return {
        "reference": None if ref is None else path("ref", ref),
        "index": None if index is None else path("index", index),
        "n_cores": _default_cores() if n_cores is None else min(_positive("n_cores", n_cores), _MOST_CORES),
        "allow_truncated": flag("allow_truncated", allow_truncated),
        "timeout": None if timeout is None else _seconds("timeout", timeout),
        "max_memory": None if max_memory is None else _positive("max_memory", max_memory),
    }


def _default_cores() -> int | None:
    """One in a worker of a pool or of dask, whose other cores have workers of their own; else the core decides."""
    process = sys.modules.get("multiprocessing.process")
    in_a_pool = process is not None and process.current_process().daemon
    return 1 if in_a_pool and "FASTCOV_NUM_THREADS" not in os.environ else None


def warn(messages: Iterable[str], depth: int) -> None:
    """Each message once, as a warning about the line ``depth`` calls above the caller."""
    for message in dict.fromkeys(messages):
        warnings.warn(message, FastcovWarning, stacklevel=depth + 1)


def resolve(rules: Rules | str, overrides: dict[str, Any], caller: str) -> Rules:
    """The rule a caller means: a Rules, or the name of a tool, with the fields that differ."""
    check_names(overrides, caller)
    if isinstance(rules, str):
        return Rules(rules, **overrides)
    if isinstance(rules, Rules):
        return rules.replace(**overrides) if overrides else rules
    raise TypeError(f"rules must be a Rules or the name of a tool, not {type(rules).__name__}")


def places(argument: str, value: Any) -> list[str | tuple[str, int, int]] | None:
    """Regions as the core takes them: a region, or any number of them; None, the whole genome, stays None."""
    if value is None:
        return None
    if isinstance(value, str) or _is_range(value):
        return [_place(argument, value)]
    if isinstance(value, os.PathLike) or hasattr(value, "columns") or hasattr(value, "__arrow_c_stream__"):
        raise TypeError(
            f"{argument} must be {_REGION}, or a list of those, not {type(value).__name__}; a BED file or a frame of "
            "intervals is for bed, as in target_stats(bam, bed)"
        )
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{argument} must be {_REGION}, or a list of those, not {type(value).__name__}")
    if _is_range_of_texts(value):
        raise TypeError(
            f"{argument}={value!r}: start and end must be integers; give {value[0]!r}, {int(value[1])}, "
            f"{int(value[2])}, or a list for three contigs"
        )
    return [_place(argument, each) for each in value]


# More than any position has.
_DIGITS = 20
_REGION = "a region string or a tuple (chrom, start, end)"


def _is_range(value: Any) -> bool:
    # A tuple of strings alone is several regions.
    return isinstance(value, tuple) and any(not isinstance(part, (str, tuple, list)) for part in value)


def _is_range_of_texts(value: Any) -> bool:
    """A region of one contig whose numbers are texts, as they come out of a file."""
    if not isinstance(value, tuple) or len(value) != 3 or not all(isinstance(part, str) for part in value):
        return False
    return all(part.isascii() and part.isdigit() and len(part) < _DIGITS for part in value[1:])


def _place(argument: str, value: Any) -> str | tuple[str, int, int]:
    if isinstance(value, str):
        return readable(argument, value)
    if isinstance(value, (tuple, list)) and len(value) == 3 and isinstance(value[0], str):
        return (
            readable(argument, value[0]),
            as_int(f"start in {argument}", value[1]),
            as_int(f"end in {argument}", value[2]),
        )
    raise TypeError(f"{argument} must hold {_REGION}, 1-based and inclusive, not {value!r}")


def readable(argument: str, value: str) -> str:
    """A string that a file can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"{argument} has {value!r}, which is no name: half of a character stands in it"
        ) from None
    return str(value)


def path(argument: str, value: Any) -> str:
    try:
        name = os.fspath(value)
    except TypeError:
        raise TypeError(f"{argument} must be a path (str or os.PathLike), not {type(value).__name__}") from None
    name = os.fsdecode(name)
    if not name or "\0" in name:
        raise InvalidArgumentError(f"{argument}={name!r} is no path: give the path of a file")
    return name


def _positive(argument: str, value: Any) -> int:
    number = as_int(argument, value)
    if number < 1:
        raise InvalidArgumentError(
            f"{argument}={number} is out of range: give an integer of at least 1, or None for the default"
        )
    return number


def _seconds(argument: str, value: Any) -> float:
    if is_bool(value) or isinstance(value, str):
        raise TypeError(f"{argument} must be a number of seconds, not {type(value).__name__}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{argument} must be a number of seconds, not {type(value).__name__}") from None
    if not (number > 0 and math.isfinite(number)):
        raise InvalidArgumentError(
            f"{argument}={value} is out of range: give a number of seconds above 0, or None for no limit"
        )
    return number


def flag(argument: str, value: Any) -> bool:
    if not is_bool(value):
        raise TypeError(f"{argument} must be True or False, not {type(value).__name__}")
    return bool(value)


@contextmanager
def bar(title: str, *, wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over bytes, as the function that moves it; None when none is wanted."""
    if not wanted:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: pip install 'fastcov-bio[progress]'"
        ) from error
    with tqdm(desc=title, unit="B", unit_scale=True) as shown:

        def report(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield report
