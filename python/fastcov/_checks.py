"""Checks of single values; the messages name the argument and the remedy."""

import math
import operator
import os
from typing import Any

from .errors import InvalidArgumentError

__all__ = ["StrPath", "as_int", "flag", "is_bool", "path", "positive", "readable", "seconds"]

StrPath = str | os.PathLike[str]

_I64 = range(-(2**63), 2**63)


def is_bool(value: Any) -> bool:
    """Whether ``value`` is a bool of Python or of NumPy."""
    # By name, because NumPy's class was called bool_ before NumPy 2.
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def as_int(argument: str, value: Any) -> int:
    """``value`` as a plain int; Python and NumPy integers pass, booleans and floats do not."""
    if is_bool(value):
        raise TypeError(f"{argument} must be an integer, not {type(value).__name__}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{argument} must be an integer, not {type(value).__name__}") from None
    if number not in _I64:
        raise InvalidArgumentError(f"{argument}={number} does not fit in 64 bits")
    return number


def positive(argument: str, value: Any) -> int:
    number = as_int(argument, value)
    if number < 1:
        raise InvalidArgumentError(
            f"{argument}={number} is out of range: give an integer of at least 1, or None for the default"
        )
    return number


def seconds(argument: str, value: Any) -> float:
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


def readable(argument: str, value: str) -> str:
    """A string that a file can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"{argument} has {value!r}, which contains an unpaired surrogate, so it cannot be a name"
        ) from None
    return str(value)


def path(argument: str, value: Any) -> str:
    """A path as the core takes it; ``~`` is the home folder, as in a shell."""
    try:
        name = os.fspath(value)
    except TypeError:
        given = type(value).__name__
        raise TypeError(f"{argument} must be a path (str or os.PathLike), not {given}{_path_meant(value)}") from None
    name = os.fsdecode(name)
    if not name or "\0" in name:
        raise InvalidArgumentError(f"{argument}={name!r} is not a path: give the path of a file")
    # A file that is really called so comes first.
    return os.path.expanduser(name) if name.startswith("~") and not os.path.lexists(name) else name


def _path_meant(value: Any) -> str:
    """What to do with what is no path: an open file of pysam or Python, or several files."""
    name = getattr(value, "filename", getattr(value, "name", None))
    if isinstance(name, (str, bytes, os.PathLike)):
        return f"; give the path of the open file, {os.fsdecode(name)!r}"
    if isinstance(value, (list, tuple, set)):
        return "; give one file, or see coverage_matrix for several"
    return ""
