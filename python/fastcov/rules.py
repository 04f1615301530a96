"""What counts as depth: one frozen value that names every filter."""

import operator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal

from . import _fastcov
from .errors import InvalidArgumentError

__all__ = ["Rules"]

_I64 = range(-(2**63), 2**63)

_STEPPERS = {"samtools": {}, "all": {"orphans": True}, "nofilter": {"exclude_flags": 0x4, "orphans": True}}
_PERBASE = {"only-depth": "perbase", "base-depth": "perbase-base-depth"}


@dataclass(frozen=True, init=False, repr=False)
class Rules:
    """The rule by which bases are counted, with every filter visible.

    Make one with the name of a tool, which gives that tool's own defaults, and change what you want to change::

        Rules.mpileup(min_mapq=10)
        Rules.depth(deletions=True)

    Parameters
    ----------
    name : str
        The tool whose numbers these are: ``"mpileup"``, ``"depth"``, ``"mosdepth"``, ``"mosdepth-fast"``,
        ``"genomecov"``, ``"genomecov-split"``, ``"count_coverage"``, ``"pileup"``, ``"megadepth"``, ``"bamcoverage"``,
        ``"perbase"``, ``"perbase-base-depth"``, or ``"bases"``, fastcov's own. There is a method for each, which says
        what it counts.
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
    read_groups : tuple of str or None
        Only reads of these read groups (``ID`` of an ``@RG`` line; one name or several may be given). None: all reads,
        those without a group too.
    strand : {"+", "-"} or None
        Only reads aligned to this strand; with ``unit="fragment"`` pairs whose READ1 is.
    min_length, max_length : int, int or None
        Fewest and most bases of a read that counts, clipped ones included but for hard clips.
    min_fragment, max_fragment : int, int or None
        Shortest and longest template (absolute TLEN) of a read that counts. A read without one has 0.
    unit : {"read", "fragment"}
        What counts. ``"fragment"``: a proper pair once at every position from its leftmost to its rightmost, any other
        read as it would by itself.
    ends : {"5prime", "3prime"} or None
        Only the position of the first (last) aligned base of each read, in the direction it was read.

    Raises
    ------
    InvalidArgumentError
        A value is outside its range, or the tool has no such option.
    TypeError
        An override is unknown or of the wrong type.

    Notes
    -----
    ``docs/semantics.md`` compares the tools, says how to choose one, and what every field means exactly. The fields
    from ``read_groups`` on are filters of fastcov (``docs/filters.md``): no tool has them among its defaults.

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
    read_groups: tuple[str, ...] | None
    strand: Literal["+", "-"] | None
    min_length: int
    max_length: int | None
    min_fragment: int
    max_fragment: int | None
    unit: Literal["read", "fragment"]
    ends: Literal["5prime", "3prime"] | None

    def __init__(self, name: str, **overrides: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be the name of a tool (str), not {type(name).__name__}")
        check_names(overrides, "Rules")
        # The presets, the ranges, and what goes with what, are known to the core alone.
        for field, value in _fastcov.resolve_rules(name, overrides).items():
            object.__setattr__(self, field, value)

    @classmethod
    def mpileup(cls, **overrides: Any) -> "Rules":
        """As samtools 1.24: ``samtools mpileup -f REF BAM``, column 4 (without ``-f`` where no ``ref`` is given).

        Reads with the flags 0x704 and orphans are dropped. Aligned bases, deletions and skips count where the base
        quality, after BAQ (with ``ref``) and after the edit of overlapping proper mates, is at least 13; a deletion or
        skip has the quality of the next base of its read. No more than about 8000 reads are held at once.
        """
        return cls("mpileup", **overrides)

    @classmethod
    def depth(cls, **overrides: Any) -> "Rules":
        """As samtools 1.24: ``samtools depth -a BAM``.

        Reads with the flags 0x704 are dropped. Aligned bases (M, =, X) count, of both mates. ``deletions=True`` is
        ``-J``, ``mates="once"`` is ``-s``, ``min_baseq`` is ``-q``.
        """
        return cls("depth", **overrides)

    @classmethod
    def mosdepth(cls, **overrides: Any) -> "Rules":
        """As mosdepth 0.3.3: ``mosdepth PREFIX BAM``, the per-base file.

        Reads with the flags 0x704 are dropped. Aligned bases count, and where both mates of a proper pair are aligned
        once. As in mosdepth, a mate that lies inside the other one, both of one CIGAR operation, takes the rest of the
        longer one with it: ``bases`` does not.
        """
        return cls("mosdepth", **overrides)

    @classmethod
    def mosdepth_fast(cls, **overrides: Any) -> "Rules":
        """As mosdepth 0.3.3: ``mosdepth --fast-mode PREFIX BAM``, the per-base file.

        Reads with the flags 0x704 are dropped. All positions from a read's first to its last count, deletions and skips
        too, of both mates; a read that covers nothing counts at one position.
        """
        return cls("mosdepth-fast", **overrides)

    @classmethod
    def genomecov(cls, **overrides: Any) -> "Rules":
        """As bedtools 2.30.0: ``bedtools genomecov -d -ibam BAM``, or ``-bga``.

        Only unmapped reads are dropped. Aligned bases and skips count, deletions do not (``deletions=True`` is
        ``-ignoreD``), of both mates. As in bedtools, a read whose first block is empty and at position 1 adds 1 to its
        whole contig.
        """
        return cls("genomecov", **overrides)

    @classmethod
    def genomecov_split(cls, **overrides: Any) -> "Rules":
        """As bedtools 2.30.0: ``bedtools genomecov -d -split -ibam BAM``.

        As ``genomecov``, but skips do not count.
        """
        return cls("genomecov-split", **overrides)

    @classmethod
    def count_coverage(cls, **overrides: Any) -> "Rules":
        """As pysam 0.24.1: ``AlignmentFile.count_coverage(contig, start, stop)``, the sum of the four arrays.

        Reads with the flags 0x704 are dropped (``read_callback="all"``). Aligned A, C, G and T of a quality of at
        least 15 count, of both mates.
        """
        return cls("count_coverage", **overrides)

    @classmethod
    def pileup(cls, stepper: Literal["samtools", "all", "nofilter"] = "samtools", **overrides: Any) -> "Rules":
        """As pysam 0.24.1: ``AlignmentFile.pileup(…, truncate=True, stepper=…)``, ``nsegments`` of each column.

        All positions from a read's first to its last count, whatever the base qualities, of both mates; no more than
        about 8000 reads are held at once. With ``stepper="samtools"`` reads with the flags 0x704 and orphans are
        dropped, with ``"all"`` only the former, with ``"nofilter"`` only unmapped reads. pysam ignores
        ``min_mapping_quality`` with the last two; here ``min_mapq`` acts with all three.
        """
        if stepper not in _STEPPERS:
            raise InvalidArgumentError(f"stepper={stepper!r} is not a choice: give 'samtools', 'all' or 'nofilter'")
        return cls("pileup", **{**_STEPPERS[stepper], **overrides})

    @classmethod
    def megadepth(cls, **overrides: Any) -> "Rules":
        """As megadepth 1.2.0: ``megadepth BAM --coverage``.

        Unmapped and secondary reads are dropped. Aligned bases count, and where both mates of a proper pair are aligned
        once. ``mates="both"`` is ``--double-count``.
        """
        return cls("megadepth", **overrides)

    @classmethod
    def bamcoverage(cls, **overrides: Any) -> "Rules":
        """As deepTools 3.5: ``bamCoverage --bam BAM --binSize 1``.

        Only unmapped reads are dropped. Aligned bases (M, =, X) count, of both mates.
        """
        return cls("bamcoverage", **overrides)

    @classmethod
    def perbase(cls, mode: Literal["only-depth", "base-depth"] = "only-depth", **overrides: Any) -> "Rules":
        """As perbase 1.4.0: ``perbase only-depth BAM``, or ``perbase base-depth BAM``, column DEPTH.

        Aligned bases and deletions count, of both mates. ``only-depth`` drops no read at all, unmapped ones with a
        place included; ``base-depth`` drops unmapped reads and holds no more than about 100,000 at once.

        ``mates="once"`` is ``-m``: with ``only-depth``, reads of one name whose mates may be in reach count as one;
        with ``base-depth``, of all reads of a name the one with the highest mapping quality, then READ1, decides.
        ``skips=True`` is ``-x`` (``--fast-mode``) of ``only-depth``: all positions from a read's first to its last
        count; a read that covers nothing counts at one position.
        """
        if mode not in _PERBASE:
            raise InvalidArgumentError(f"mode={mode!r} is not a choice: give 'only-depth' or 'base-depth'")
        return cls(_PERBASE[mode], **overrides)

    @classmethod
    def bases(cls, **overrides: Any) -> "Rules":
        """The rule of fastcov itself: every usable base once.

        Reads with the flags 0x704 are dropped. Aligned bases (M, =, X) count, where both mates of a template are
        aligned once, proper pair or not. No cap, no bug of another tool.
        """
        return cls("bases", **overrides)

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
