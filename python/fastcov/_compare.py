"""``compare``: several rules over one region, and which filter makes the difference at each position."""

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from . import _fastcov
from ._checks import StrPath, path
from ._coverage import count
from ._frame import categorical
from ._names import expanded
from ._options import CommonOptions, CoreOptions, Region, bar, keywords, places, resolve, warn
from ._table import Column, Table, arrow
from .errors import FileChangedError
from .rules import RuleFields, Rules

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["REASONS", "Comparison", "compare"]

# The flags a read can be dropped for, by the name of the reason.
_FLAGS = {"unmapped": 0x4, "secondary": 0x100, "qcfail": 0x200, "duplicate": 0x400, "supplementary": 0x800}

# Why a read that spans a position does not count there, in the order in which the filters are switched on.
REASONS = (
    *_FLAGS,
    "other_flag",
    "required_flag",
    "mapq",
    "orphan",
    "deletion",
    "skip",
    "letter",
    "other",
    "base_quality",
    "baq",
    "mate_overlap",
    "cap",
)


class Comparison(Table):
    """
    The depth at every base of one region by several rules: a :class:`Table` with the columns ``chrom``, ``pos`` and one
    column (int32) per rule.

    ``metadata`` holds, for each column, what :attr:`Table.metadata` says of that rule.
    """

    _source: tuple[str, Region, CoreOptions, dict[str, Rules]]

    def explain(self, a: str | None = None, b: str | None = None) -> "pd.DataFrame":
        """
        Which filter makes the difference: where two rules differ, how many reads each reason accounts for.

        Parameters
        ----------
        a, b : str, optional
            Names of two columns. Default: all pairs of columns; with one name, that column against all others.

        Returns
        -------
        pandas.DataFrame
            One row per pair of rules and position at which they differ, with the columns ``chrom``, ``pos``, ``a``,
            ``b`` (names of the rules), ``depth_a``, ``depth_b``, ``difference`` (``depth_a - depth_b``) and one per
            reason: the number of reads it takes away from ``b`` less the number it takes away from ``a``. **The
            reasons of a row add up to its difference.** They are

            ============================ ===================================================================
            unmapped, secondary, qcfail, the flags 0x4, 0x100, 0x200, 0x400, 0x800; other_flag: any other
            duplicate, supplementary,    excluded flag
            other_flag
            required_flag                a flag of ``require_flags`` is missing
            mapq, orphan                 mapping quality; paired, but not a proper pair
            deletion, skip               the read has a D or an N there
            letter                       the base is not A, C, G or T (``count_coverage``)
            other                        what only this tool does: ``docs/semantics.md``, 12
            base_quality, baq            base quality as it is in the file; as BAQ lowers it
            mate_overlap                 the other mate is there, and counts
            cap                          the depth cap
            ============================ ===================================================================

        Notes
        -----
        For each rule the region is counted again, first with no filter at all (every record at every position it
        spans), then with one filter more each time, in the order above. What a step takes away is its
        reason's count, so a read that two filters would drop is booked with the first. A reason can be negative where
        a step adds reads: the sum of two mates' qualities can pass where each alone did not.

        Two rules take about twelve passes over the region, all thirteen take 36: ask for the regions in question, not
        for a genome. The file has to be as it was for ``compare``.

        Examples
        --------
        On the sample that ``examples/simulate.py`` writes:

        >>> import fastcov
        >>> table = fastcov.compare("sample.bam", "chr1:20001-20003", "sample.fa", rules=["mpileup", "depth"])
        >>> rows = table.explain("mpileup", "depth")
        >>> rows.loc[0, ["depth_a", "depth_b", "deletion", "base_quality", "baq", "mate_overlap"]].tolist()
        [21, 0, 26, -1, -1, -3]
        """
        pairs = self._pairs(a, b)
        depths = self.to_numpy()
        differ = [np.flatnonzero(depths[a] != depths[b]) for a, b in pairs]
        rows = np.unique(np.concatenate([*differ, np.empty(0, np.intp)]))
        # Rules have most steps in common; only the rows in question are kept.
        known: dict[Rules, np.ndarray] = {}
        taken = {name: self._taken(name, rows, known) for name in dict.fromkeys(itertools.chain.from_iterable(pairs))}
        return self._frame_of(pairs, differ, [np.searchsorted(rows, each) for each in differ], taken)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._columns(), self.metadata, self._source)

    def _title(self) -> str:
        return f"{len(self.metadata['rules'])} rules, {len(self):,} rows"

    def _pairs(self, a: str | None, b: str | None) -> list[tuple[str, str]]:
        names = list(self._source[3])
        for name in (a, b):
            if name is not None and name not in names:
                raise ValueError(f"{name!r} is not a column of this comparison: give one of {', '.join(names)}")
        if a is not None and b is not None:
            return [(a, b)]
        if a is None and b is None:
            return list(itertools.combinations(names, 2))
        return [(a or other, b or other) for other in names if other != (a or b)]

    def _taken(self, name: str, rows: np.ndarray, known: dict[Rules, np.ndarray]) -> dict[str, np.ndarray]:
        """How many reads each reason takes away at ``rows``, by one rule."""
        bam, where, how, rules = self._source
        taken: dict[str, np.ndarray] = {}
        before: np.ndarray | None = None
        for reason, step in _chain(rules[name], baq=self.metadata["rules"][name]["baq"]):
            if step not in known:
                known[step] = count(bam, [where], step, how)[0].to_numpy()["depth"][rows]
            if before is not None:
                taken[reason] = before - known[step]
            before = known[step]
        if before is None or not np.array_equal(before, self.to_numpy()[name][rows]):
            raise FileChangedError(
                f"{bam}: {name!r} gives other numbers than it gave to compare(); call compare() again", path=bam
            )
        return taken

    def _frame_of(
        self,
        pairs: list[tuple[str, str]],
        differ: list[np.ndarray],
        at: list[np.ndarray],
        taken: dict[str, dict[str, np.ndarray]],
    ) -> "pd.DataFrame":
        """The rows of all pairs; ``differ`` are rows of this table, ``at`` the same among those of ``taken``."""
        import pandas as pd

        columns = self._columns()
        names = tuple(self._source[3])
        sizes = [len(rows) for rows in differ]

        def joined(values: Iterable[np.ndarray], dtype: Any = np.int32) -> np.ndarray:
            return np.concatenate([*values, np.empty(0, dtype)]).astype(dtype, copy=False)

        def side(which: int) -> "pd.Categorical":
            return categorical(
                np.repeat([names.index(pair[which]) for pair in pairs], sizes).astype(np.min_scalar_type(-len(names))),
                names,
            )

        chrom, contigs = columns["chrom"]
        frame: dict[str, Any] = {
            "chrom": categorical(joined([chrom[rows] for rows in differ], chrom.dtype), contigs or ()),
            "pos": joined([columns["pos"][0][rows] for rows in differ], np.int64),
            "a": side(0),
            "b": side(1),
            "depth_a": joined(columns[a][0][rows] for (a, _), rows in zip(pairs, differ, strict=True)),
            "depth_b": joined(columns[b][0][rows] for (_, b), rows in zip(pairs, differ, strict=True)),
        }
        frame["difference"] = frame["depth_a"] - frame["depth_b"]
        for reason in REASONS:
            frame[reason] = joined(
                _at(taken[b].get(reason), rows) - _at(taken[a].get(reason), rows)
                for (a, b), rows in zip(pairs, at, strict=True)
            )
        return pd.DataFrame(frame)


class CompareOptions(CommonOptions, RuleFields, total=False):
    """As ``ReadOptions``, without ``ref``, which is an argument of its own."""

    index: StrPath | None


@expanded
def compare(
    bam: StrPath,
    region: Region,
    ref: StrPath | None = None,
    rules: Iterable[Rules | str] | Mapping[str, Rules | str] | None = None,
    **options: Unpack[CompareOptions],
) -> Comparison:
    """
    Depth at every base of one region by several rules, side by side: why do two tools disagree here?

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    region : str or tuple
        ``"chr1:1000-2000"`` or ``("chr1", 1000, 2000)``: 1-based, both ends included.
    ref : str or path-like, optional
        FASTA the reads were aligned to; turns on BAQ in ``mpileup``.
    rules : list of Rules or str, or dict, optional
        The rules, in the order of the columns; each by its name, or in a dict by the name of its column. Default: all
        there are.
    **options
        As for :func:`fastcov.coverage`; ``timeout`` and ``max_memory`` are for each rule, and fields of :class:`Rules`
        are those that every rule shall have, for example ``min_mapq=20``.

    Returns
    -------
    Comparison
        A :class:`Table` with the columns ``chrom``, ``pos`` (1-based) and one (int32) per rule;
        :meth:`Comparison.explain` says which reads make the difference.

    Raises
    ------
    FastcovError
        As for :func:`get_coverage`.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.compare("sample.bam", "chr1:20001-20003", rules=["depth", "mosdepth-fast"]).to_pandas()
      chrom    pos  depth  mosdepth-fast
    0  chr1  20001      0             26
    1  chr1  20002      0             26
    2  chr1  20003      1             27
    """
    overrides, how, wanted = keywords(compare, {"ref": ref, **options})
    named = _named(rules, overrides)
    where = places("region", region)
    if where is None or len(where) != 1:
        raise TypeError("region must be one region: a string, or a tuple (chrom, start, end)")
    bam = path("bam", bam)
    columns: dict[str, Column] = {}
    about: dict[str, dict[str, Any]] = {}
    messages: list[str] = []
    before = _state(bam)
    with bar(f"{len(named)} rules", wanted=wanted) as report:
        for label, each in named.items():
            table, said = count(bam, where, each, how, progress=report)
            parts = table._columns()
            columns = columns or {name: parts[name] for name in ("chrom", "pos")}
            columns[label] = parts["depth"]
            about[label] = table.metadata
            messages += said
    if _state(bam) != before:
        raise FileChangedError(
            f"{bam}: the file was changed between two rules; call again", path=bam, hint="call again"
        )
    warn(messages, 2)
    first = next(iter(about.values()))
    metadata = {"rules": about, "tool": ", ".join(named), "regions": first["regions"], "version": first["version"]}
    # The region as it was cut to the contig: asking again for it warns of nothing.
    return _restore(columns, metadata, (bam, first["regions"][0], how, named))


def _state(bam: str) -> tuple[int, ...] | None:
    """Which file this is and how it stands; None where that cannot be told, which counting says better."""
    try:
        found = os.stat(bam)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _at(taken: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """What a reason takes away at ``rows``; a reason a rule does not have takes nothing."""
    return np.zeros(len(rows), np.int32) if taken is None else taken[rows]


def _restore(columns: dict[str, Column], metadata: dict[str, Any], source: tuple[Any, ...]) -> Comparison:
    table = Comparison(arrow(columns), metadata)
    table._source = source
    return table


def _named(
    rules: Iterable[Rules | str] | Mapping[str, Rules | str] | None, overrides: dict[str, Any]
) -> dict[str, Rules]:
    """The rules by the names of their columns."""
    if rules is None:
        rules = _fastcov.rule_names()
    if isinstance(rules, Mapping):
        named = {str(label): resolve(rule, overrides) for label, rule in rules.items()}
        if len(named) < len(rules):
            raise ValueError(f"rules names a column twice; its names are {', '.join(map(repr, rules))}")
    else:
        if isinstance(rules, (str, Rules)):
            rules = [rules]
        named = {}
        for rule in rules:
            each = resolve(rule, overrides)
            label = each.name if each.name not in named else repr(each)
            if label in named:
                raise ValueError(f"rules holds {rule!r} twice")
            named[label] = each
    if not named:
        raise ValueError("rules is empty: give at least one rule")
    if not {"chrom", "pos"}.isdisjoint(named):
        raise ValueError("'chrom' and 'pos' are columns already: give the rules other names")
    return named


def _chain(rules: Rules, *, baq: bool) -> Iterator[tuple[str, Rules]]:
    """From no filter at all to ``rules``, one filter more each time; each with the reason of what it takes away.

    Whatever the tools do in their own way comes with the change from a plain rule to theirs, which is why each step is
    an available rule, and the reasons add up whatever the tools do.
    """
    plain = Rules("depth", exclude_flags=0, deletions=True, skips=True)
    yield "", plain
    excluded = rules.exclude_flags | _fastcov.always_excluded(rules.name)
    on = 0
    for reason, bits in [*_FLAGS.items(), ("other_flag", excluded)]:
        if excluded & bits & ~on:
            on |= excluded & bits
            plain = plain.replace(exclude_flags=on)
            yield reason, plain
    steps: list[tuple[str, RuleFields]] = [
        # A flag that is always excluded cannot be required as well.
        ("required_flag", {"require_flags": rules.require_flags & ~on}),
        ("mapq", {"min_mapq": rules.min_mapq}),
        ("orphan", {"orphans": rules.orphans}),
        ("deletion", {"deletions": rules.deletions}),
        ("skip", {"skips": rules.skips}),
    ]
    for reason, fields in steps:
        plain = plain.replace(**fields)
        yield reason, plain
    step = rules.replace(baq=False, min_baseq=0, mates="both", max_depth=0)
    yield ("letter" if rules.name == "count_coverage" else "other"), step
    step = step.replace(min_baseq=rules.min_baseq)
    yield "base_quality", step
    if baq:
        step = step.replace(baq=True)
        yield "baq", step
    step = step.replace(mates=rules.mates)
    yield "mate_overlap", step
    yield "cap", rules
