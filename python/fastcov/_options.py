"""The keywords that functions which read a file share: declared, checked and handed to the core in one place."""

import inspect
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict

from ._checks import StrPath, as_int, flag, path, positive, readable, seconds
from ._names import DEFAULTS, hint
from .errors import CancelledError, FastcovWarning
from .rules import FIELDS, RuleFields, Rules

__all__ = [
    "CommonOptions",
    "CoreOptions",
    "FileOptions",
    "ReadOptions",
    "Region",
    "bar",
    "cancelling",
    "default_cores",
    "keywords",
    "places",
    "request",
    "resolve",
    "warn",
]

# A region string or (chrom, start, end), 1-based and inclusive.
Region = str | tuple[str, int, int]

# More workers than any machine has; the core caps the number at what the process may use.
_MOST_CORES = 65_536


class CommonOptions(TypedDict, total=False):
    """What every function takes."""

    n_cores: int | None
    allow_truncated: bool
    progress: bool
    timeout: float | None
    max_memory: int | None


class FileOptions(CommonOptions, total=False):
    """What a function of one file takes."""

    ref: StrPath | None
    index: StrPath | None


class ReadOptions(FileOptions, RuleFields, total=False):
    """What a function takes that counts reads by a rule: also the fields that differ from it."""


class CoreOptions(TypedDict):
    """What the core is told besides file, places and rule."""

    reference: str | None
    index: str | None
    n_cores: int | None
    allow_truncated: bool
    timeout: float | None
    max_memory: int | None


def request(
    function: Callable[..., Any], rules: Rules | str, options: Mapping[str, Any]
) -> tuple[Rules, CoreOptions, bool]:
    """The rule a call means, what the core is told, and whether a bar is wanted."""
    overrides, how, progress = keywords(function, options)
    return resolve(rules, overrides), how, progress


def keywords(function: Callable[..., Any], options: Mapping[str, Any]) -> tuple[dict[str, Any], CoreOptions, bool]:
    """Fields of Rules, what the core is told, and whether a bar is wanted; unknown keywords are refused."""
    known = inspect.signature(function).parameters
    for name in options:
        if name not in known:
            rest = hint(name, known, "its arguments are")
            raise TypeError(f"{function.__name__} got an unexpected keyword argument {name!r}; {rest}")
    given = {**DEFAULTS, **options}
    how: CoreOptions = {
        "reference": None if given["ref"] is None else path("ref", given["ref"]),
        "index": None if given["index"] is None else path("index", given["index"]),
        "n_cores": _cores(given["n_cores"]),
        "allow_truncated": flag("allow_truncated", given["allow_truncated"]),
        "timeout": None if given["timeout"] is None else seconds("timeout", given["timeout"]),
        "max_memory": None if given["max_memory"] is None else positive("max_memory", given["max_memory"]),
    }
    overrides = {name: value for name, value in options.items() if name in FIELDS}
    return overrides, how, flag("progress", given["progress"])


def _cores(value: Any) -> int | None:
    return default_cores() if value is None else min(positive("n_cores", value), _MOST_CORES)


def default_cores() -> int | None:
    """One in a worker of a pool or of dask, whose other cores have workers of their own; else None, all of them."""
    process = sys.modules.get("multiprocessing.process")
    in_a_pool = process is not None and process.current_process().daemon
    return 1 if in_a_pool and "FASTCOV_NUM_THREADS" not in os.environ else None


def resolve(rules: Rules | str, overrides: Mapping[str, Any]) -> Rules:
    """The rule a caller means: a Rules, or the name of a tool, with the fields that differ."""
    if isinstance(rules, str):
        return Rules(rules, **overrides)
    if isinstance(rules, Rules):
        return rules.replace(**overrides) if overrides else rules
    raise TypeError(f"rules must be a Rules or the name of a tool, not {type(rules).__name__}")


def warn(messages: Iterable[str], depth: int) -> None:
    """Each message once, as a warning about the line ``depth`` calls above the caller."""
    for message in dict.fromkeys(messages):
        warnings.warn(message, FastcovWarning, stacklevel=depth + 1)


def places(argument: str, value: Any) -> list[Region] | None:
    """Regions as the core takes them: a region, or any number of them; None, the whole genome, stays None."""
    if value is None:
        return None
    if isinstance(value, str) or _is_range(value):
        return [_place(argument, value)]
    if isinstance(value, os.PathLike):
        raise TypeError(
            f"{argument} must be {_REGION}, or a list of those, not {type(value).__name__}; a BED file "
            "is for bed, as in target_stats(bam, bed)"
        )
    if hasattr(value, "columns") or hasattr(value, "__arrow_c_stream__"):
        raise TypeError(
            f"{argument} takes {_REGION}, 1-based and inclusive, or a list of those, not a frame: give BED intervals "
            "to target_stats(bed=…), or list(zip(frame.chrom, frame.start + 1, frame.end)) here"
        )
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{argument} must be {_REGION}, or a list of those, not {type(value).__name__}")
    if _is_range_of_texts(value):
        chrom, start, end = value
        raise TypeError(
            f"{argument}={value!r}: start and end must be integers; give {chrom!r}, {int(start)}, {int(end)}, "
            "or a list for three contigs"
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


def _place(argument: str, value: Any) -> Region:
    if isinstance(value, str):
        return readable(argument, value)
    if isinstance(value, (tuple, list)) and len(value) == 3 and isinstance(value[0], str):
        return (
            readable(argument, value[0]),
            as_int(f"start in {argument}", value[1]),
            as_int(f"end in {argument}", value[2]),
        )
    raise TypeError(f"{argument} must hold {_REGION}, 1-based and inclusive, not {value!r}")


_thread = threading.local()


def cancelling(stopped: Callable[[], bool]) -> None:
    """Lets calls of this thread, which no Ctrl-C reaches, end as soon as ``stopped()`` is true."""
    _thread.stopped = stopped


@contextmanager
def bar(title: str, *, wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over bytes, as the function that moves it; None when none is wanted."""
    if not wanted:
        stopped = getattr(_thread, "stopped", None)
        yield None if stopped is None else _ending(stopped)
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


def _ending(stopped: Callable[[], bool]) -> Callable[[int, int], None]:
    def look(_done: int, _total: int) -> None:
        if stopped():
            raise CancelledError("the call was cancelled, as the calls beside it were")

    return look
