"""What counts as depth: one frozen value that names every filter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, TypedDict, TypeVar, Unpack

from . import _fastcov
from ._names import expanded, hint
from .errors import InvalidArgumentError

__all__ = ["FIELDS", "RuleFields", "Rules"]

_STEPPERS: dict[str, "RuleFields"] = {
    "samtools": {},
    "all": {"orphans": True},
    "nofilter": {"exclude_flags": 0x4, "orphans": True},
}
_PERBASE = {"only-depth": "perbase", "base-depth": "perbase-base-depth"}


_R = TypeVar("_R", bound="Rules")


class RuleFields(TypedDict, total=False):
    """The fields of :class:`Rules` as keywords, ``name`` left out."""

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
    read_groups: str | Iterable[str] | None
    strand: Literal["+", "-"] | None
    library: Literal["forward", "reverse"] | None
    min_length: int
    max_length: int | None
    min_fragment: int
    max_fragment: int | None
    unit: Literal["read", "fragment"]
    ends: Literal["5prime", "3prime"] | None


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Rules(_fastcov.Rules):
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
        Cap on the reads held at once (not on the depth itself); 0: unlimited.
    read_groups : tuple of str or None
        Only reads of these read groups (``ID`` of an ``@RG`` line; one name or several may be given). None: all reads,
        those without a group too.
    strand : {"+", "-"} or None
        Only reads aligned to this strand; with ``unit="fragment"`` pairs whose READ1 is. With ``library`` the strand
        is that of the transcript.
    library : {"forward", "reverse"} or None
        How the reads of a stranded library lie on their transcripts. ``"forward"``: READ1 and unpaired reads have the
        strand of the transcript, READ2 the other one. ``"reverse"`` (dUTP): READ2 has it. Needs ``strand``.
    min_length, max_length : int, int or None
        Fewest and most bases of a read that counts, clipped ones included but for hard clips.
    min_fragment, max_fragment : int, int or None
        Shortest and longest fragment that counts. With ``unit="fragment"`` a pair has the length it is counted with;
        every other read has its absolute TLEN, 0 where it has none.
    unit : {"read", "fragment"}
        What counts. ``"fragment"``: a proper pair once at every position from the leftmost to the rightmost aligned
        base of both reads, their introns only with ``skips=True``; any other read as with ``"read"``.
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

    # The values live in the core, which made them; `field()` keeps its attributes from being taken for defaults.
    name: str = field()
    min_mapq: int = field()
    min_baseq: int = field()
    exclude_flags: int = field()
    require_flags: int = field()
    baq: bool | None = field()
    orphans: bool = field()
    mates: Literal["once", "both"] = field()
    deletions: bool = field()
    skips: bool = field()
    max_depth: int = field()
    read_groups: tuple[str, ...] | None = field()
    strand: Literal["+", "-"] | None = field()
    library: Literal["forward", "reverse"] | None = field()
    min_length: int = field()
    max_length: int | None = field()
    min_fragment: int = field()
    max_fragment: int | None = field()
    unit: Literal["read", "fragment"] = field()
    ends: Literal["5prime", "3prime"] | None = field()

    __slots__ = ()

    @expanded
    def __new__(cls, name: str, **overrides: Unpack[RuleFields]) -> Self:
        if not isinstance(name, str):
            raise TypeError(f"name must be the name of a tool (str), not {type(name).__name__}")
        _check_names(name, overrides)
        # The presets, the ranges, and what goes with what, are known to the core alone.
        return super().__new__(cls, name, **overrides)

    @classmethod
    @expanded
    def mpileup(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As samtools 1.24: ``samtools mpileup -f REF BAM``, column 4 (without ``-f`` where no ``ref`` is given).

        Reads with the flags 0x704 and orphans are dropped. Aligned bases, deletions and skips count where the base
        quality, after BAQ (with ``ref``) and after the edit of overlapping proper mates, is at least 13; a deletion or
        skip has the quality of the next base of its read. No more than about 8000 reads are held at once.
        """
        return cls("mpileup", **overrides)

    @classmethod
    @expanded
    def depth(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As samtools 1.24: ``samtools depth -a BAM``.

        Reads with the flags 0x704 are dropped. Aligned bases (M, =, X) count, of both mates. ``deletions=True`` is
        ``-J``, ``mates="once"`` is ``-s``, ``min_baseq`` is ``-q``.
        """
        return cls("depth", **overrides)

    @classmethod
    @expanded
    def mosdepth(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As mosdepth 0.3.3: ``mosdepth PREFIX BAM``, the per-base file.

        Reads with the flags 0x704 are dropped. Aligned bases count, and where both mates of a proper pair are aligned
        once. As in mosdepth, a mate that lies inside the other one, both of one CIGAR operation, takes the rest of the
        longer one with it: ``bases`` does not.
        """
        return cls("mosdepth", **overrides)

    @classmethod
    @expanded
    def mosdepth_fast(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As mosdepth 0.3.3: ``mosdepth --fast-mode PREFIX BAM``, the per-base file.

        Reads with the flags 0x704 are dropped. All positions from a read's first to its last count, deletions and skips
        too, of both mates; a read that covers nothing counts at one position.
        """
        return cls("mosdepth-fast", **overrides)

    @classmethod
    @expanded
    def genomecov(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As bedtools 2.30.0: ``bedtools genomecov -d -ibam BAM``, or ``-bga``.

        Only unmapped reads are dropped. Aligned bases and skips count, deletions do not (``deletions=True`` is
        ``-ignoreD``), of both mates. As in bedtools, a read whose first block is empty and at position 1 adds 1 to its
        whole contig.
        """
        return cls("genomecov", **overrides)

    @classmethod
    @expanded
    def genomecov_split(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As bedtools 2.30.0: ``bedtools genomecov -d -split -ibam BAM``.

        As ``genomecov``, but skips do not count.
        """
        return cls("genomecov-split", **overrides)

    @classmethod
    @expanded
    def count_coverage(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As pysam 0.24.1: ``AlignmentFile.count_coverage(contig, start, stop)``, the sum of the four arrays.

        Reads with the flags 0x704 are dropped (``read_callback="all"``). Aligned A, C, G and T of a quality of at
        least 15 count, of both mates.
        """
        return cls("count_coverage", **overrides)

    @classmethod
    @expanded
    def pileup(
        cls, stepper: Literal["samtools", "all", "nofilter"] = "samtools", **overrides: Unpack[RuleFields]
    ) -> Self:
        """As pysam 0.24.1: ``AlignmentFile.pileup(…, truncate=True, stepper=…)``, ``nsegments`` of each column.

        All positions from a read's first to its last count, whatever the base qualities, of both mates; no more than
        about 8000 reads are held at once. With ``stepper="samtools"`` reads with the flags 0x704 and orphans are
        dropped, with ``"all"`` only the former, with ``"nofilter"`` only unmapped reads. pysam ignores
        ``min_mapping_quality`` with the last two; here ``min_mapq`` acts with all three.
        """
        if stepper not in _STEPPERS:
            raise InvalidArgumentError(f"stepper={stepper!r} is not a choice: give 'samtools', 'all' or 'nofilter'")
        fields: RuleFields = {**_STEPPERS[stepper], **overrides}
        return cls("pileup", **fields)

    @classmethod
    @expanded
    def megadepth(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As megadepth 1.2.0: ``megadepth BAM --coverage``.

        Unmapped and secondary reads are dropped. Aligned bases count, and where both mates of a proper pair are aligned
        once. ``mates="both"`` is ``--double-count``.
        """
        return cls("megadepth", **overrides)

    @classmethod
    @expanded
    def bamcoverage(cls, **overrides: Unpack[RuleFields]) -> Self:
        """As deepTools 3.5: ``bamCoverage --bam BAM --binSize 1``.

        Only unmapped reads are dropped. Aligned bases (M, =, X) count, of both mates.
        """
        return cls("bamcoverage", **overrides)

    @classmethod
    @expanded
    def perbase(cls, mode: Literal["only-depth", "base-depth"] = "only-depth", **overrides: Unpack[RuleFields]) -> Self:
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
    @expanded
    def bases(cls, **overrides: Unpack[RuleFields]) -> Self:
        """The rule of fastcov itself: every usable base once.

        Reads with the flags 0x704 are dropped. Aligned bases (M, =, X) count, where both mates of a template are
        aligned once, proper pair or not. No cap, no bug of another tool.
        """
        return cls("bases", **overrides)

    @expanded
    def replace(self, **overrides: Unpack[RuleFields]) -> Self:
        """The same rule but for ``overrides``."""
        return _restore(type(self), {**_values(self), **overrides})

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_show(name, value)}" for name, value in _values(self).items() if name != "name")
        return f"Rules({self.name!r}, {shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), _values(self))


def _values(rules: Rules) -> dict[str, Any]:
    # Not vars(): a subclass without __slots__ has a __dict__ of its own.
    return {name: getattr(rules, name) for name in ("name", *FIELDS)}


def _restore(cls: type[_R], values: Mapping[str, Any]) -> _R:
    return cls(**values)


def _show(name: str, value: Any) -> str:
    return hex(value) if name.endswith("_flags") else repr(value)


FIELDS = tuple(each.name for each in fields(Rules) if each.name != "name")


def _check_names(rule: str, overrides: RuleFields) -> None:
    """Refuse names that are not there, with the one that is meant; the values are the core's to judge."""
    rules = _fastcov.rule_names()
    if rule not in rules:
        raise InvalidArgumentError(f"rules={rule!r} is not a rule; {hint(rule, rules, 'give one of')}")
    for name in overrides:
        if name not in FIELDS:
            rest = hint(name, FIELDS, "the fields of Rules are")
            raise TypeError(f"Rules got an unexpected keyword argument {name!r}; {rest}")
