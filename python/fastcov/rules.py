"""What counts as depth: one frozen value that names every filter."""

import operator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal

from . import _fastcov
from .errors import InvalidArgumentError

__all__ = ["Rules"]

_I64 = range(-(2**63), 2**63)


@dataclass(frozen=True, init=False, repr=False)
class Rules:
    """The rule by which bases are counted, with every filter visible.

    Make one with the name of a tool, which gives that tool's own defaults, and change what you want to change::

        Rules.mpileup(min_mapq=10)
        Rules.depth(deletions=True)

    Parameters
    ----------
    name : str
        The tool whose numbers these are: ``"mpileup"`` (``samtools mpileup`` 1.24) or ``"depth"`` (``samtools depth
        -a`` 1.24).
    **overrides
        Fields below that differ from the tool's defaults.

    Attributes
    ----------
    name : str
        The tool whose numbers these are.
    min_mapq : int
        Smallest mapping quality of a read that counts, 0 to 255. A mapping quality of 255 is a large number, not
        "missing".
    min_baseq : int
        Smallest base quality (phred) that counts, 0 to 255; 0 lets every base pass.
    exclude_flags : int
        Reads with any of these flag bits are dropped.
    require_flags : int
        Reads without all of these flag bits are dropped; 0 asks for nothing.
    baq : bool or None
        Whether base qualities are lowered by alignment doubt (BAQ) first. None: where a reference is given, as mpileup
        does.
    orphans : bool
        Whether paired reads without the proper-pair flag count.
    mates : {"once", "both"}
        Whether a base under both mates of a pair counts once, in the tool's own way, or twice.
    deletions : bool
        Whether a deletion (CIGAR D) counts at the positions it spans.
    skips : bool
        Whether a skipped stretch (CIGAR N, an intron) counts at the positions it spans.
    max_depth : int
        Cap on the reads held at once (not on the depth itself); 0 is no cap.

    Raises
    ------
    InvalidArgumentError
        A value is outside its range, or the tool has no such option.
    TypeError
        An override is unknown or of the wrong type.

    Notes
    -----
    The exact meaning of every field is in ``docs/semantics.md``.

    Examples
    --------
    >>> from fastcov import Rules
    >>> Rules.mpileup(min_mapq=10).min_baseq
    13
    >>> Rules.mpileup(min_mapq=10) == Rules.mpileup().replace(min_mapq=10)
    True
    """

    name: str
    min_mapq: int
    min_baseq: int
    exclude_flags: int
    require_flags: int
    baq: bool | None
    orphans: bool
    mates: Literal["once", "both"]
    deletions: bool
    skips: bool
    max_depth: int

    def __init__(self, name: str, **overrides: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be the name of a tool (str), not {type(name).__name__}")
        check_names(overrides, "Rules")
        # The presets, the ranges, and what goes with what, are known to the core alone.
        for field, value in _fastcov.resolve_rules(name, overrides).items():
            object.__setattr__(self, field, value)

    @classmethod
    def mpileup(cls, **overrides: Any) -> "Rules":
        """The rule of ``samtools mpileup``, with its own defaults but for ``overrides``."""
        return cls("mpileup", **overrides)

    @classmethod
    def depth(cls, **overrides: Any) -> "Rules":
        """The rule of ``samtools depth -a``, with its own defaults but for ``overrides``."""
        return cls("depth", **overrides)

    def replace(self, **overrides: Any) -> "Rules":
        """The same rule but for ``overrides``."""
        return type(self)(self.name, **{**self._changes(), **overrides})

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={self._show(field)}" for field in FIELDS)
        return f"Rules({self.name!r}, {shown})"

    def __reduce__(self):
        return _restore, (self.name, self._changes())

    def _show(self, field: str) -> str:
        value = getattr(self, field)
        return hex(value) if field.endswith("_flags") else repr(value)

    def _changes(self) -> dict[str, Any]:
        """The fields that differ from the tool's own defaults."""
        defaults = _fastcov.resolve_rules(self.name, {})
        return {field: getattr(self, field) for field in FIELDS if getattr(self, field) != defaults[field]}


def _restore(name: str, changes: dict[str, Any]) -> Rules:
    return Rules(name, **changes)


FIELDS = tuple(field.name for field in fields(Rules) if field.name != "name")


def check_names(overrides: dict[str, Any], caller: str) -> None:
    """Refuses keywords that are no field of Rules, the way Python does; the values are the core's to judge."""
    for field in overrides:
        if field not in FIELDS:
            near = get_close_matches(field, FIELDS, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else f"; the fields of Rules are {', '.join(FIELDS)}"
            raise TypeError(f"{caller} got an unexpected keyword argument {field!r}{meant}")


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
