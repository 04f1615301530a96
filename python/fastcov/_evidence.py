"""Counts over all records of a file: ``flag_summary`` and ``insert_sizes``."""

import os
from collections.abc import Callable
from typing import Any, Unpack

from . import _fastcov
from ._checks import StrPath, as_int, path
from ._names import expanded
from ._options import CoreOptions, FileOptions, bar, request, warn
from ._table import Table
from .errors import InvalidArgumentError
from .rules import Rules

__all__ = ["MAX_INSERT", "flag_summary", "insert_size_limit", "insert_sizes", "metadata_of"]

# As `samtools stats -i`.
MAX_INSERT = 8000
_MOST_INSERT = (1 << 31) - 1

# The samtools whose numbers the tables have.
_TOOLS = {
    "flags": "samtools flagstat 1.24",
    "insert_sizes": "samtools stats 1.24, IS",
    "lengths": "samtools stats 1.24, RL",
    "mapq": "samtools stats 1.24, MAPQ",
    "base_quality": "samtools stats 1.24, FFQ and LFQ",
}


@expanded
def flag_summary(
    bam: StrPath,
    **options: Unpack[FileOptions],
) -> Table:
    """
    Records by what their flags say, as ``samtools flagstat`` counts them.

    Parameters
    ----------
    bam : str or path-like
        BAM file. It needs no index, and its records may be in any order.
    **options
        ``n_cores``, ``allow_truncated``, ``progress``, ``timeout`` and ``max_memory`` as for
        :func:`fastcov.get_coverage`. ``ref`` and ``index`` are accepted as by every function that reads a file; a BAM
        needs neither here.

    Returns
    -------
    Table
        The columns ``category`` (category; in flagstat's order and words, without counts and percentages), ``passed``
        and ``failed`` (int64: records without and with the flag 0x200, "failed quality checks").

    Raises
    ------
    FastcovError
        As for :func:`fastcov.get_coverage`, as far as the file itself is concerned.

    Notes
    -----
    The numbers are those of ``samtools flagstat`` 1.24. ``docs/semantics.md`` says what each category counts.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.flag_summary("sample.bam").to_pandas().head(3)
        category  passed  failed
    0   in total   11849     122
    1    primary   11792     120
    2  secondary       0       0
    """
    return _count("flags", _fastcov.flag_summary, bam, (), request(flag_summary, Rules.bases(), options))


@expanded
def insert_sizes(
    bam: StrPath,
    max_insert: int = MAX_INSERT,
    **options: Unpack[FileOptions],
) -> Table:
    """
    Pairs by insert size and orientation, as the ``IS`` lines of ``samtools stats -m 1.0``.

    Parameters
    ----------
    bam : str or path-like
        BAM file. It needs no index, and its records may be in any order.
    max_insert : int, default 8000
        Insert sizes above this count as this, as with ``samtools stats -i``; 0 sets no limit.
    **options
        ``n_cores``, ``allow_truncated``, ``progress``, ``timeout`` and ``max_memory`` as for
        :func:`fastcov.get_coverage`. ``ref`` and ``index`` are accepted as by every function that reads a file; a BAM
        needs neither here.

    Returns
    -------
    Table
        The columns ``insert_size`` (the absolute TLEN), ``pairs``, ``inward``, ``outward`` and ``other`` (all int64),
        one row for each insert size that has pairs, from the smallest. ``pairs`` is the sum of the three orientations.

    Raises
    ------
    FastcovError
        As for :func:`flag_summary`.

    Notes
    -----
    The numbers are those of ``samtools stats`` 1.24, which counts two reads as a pair and rounds down.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> table = fastcov.insert_sizes("sample.bam").to_pandas()
    >>> bool((table["pairs"] == table["inward"] + table["outward"] + table["other"]).all())
    True
    """
    limit = insert_size_limit(max_insert)
    return _count("insert_sizes", _fastcov.insert_sizes, bam, (limit,), request(insert_sizes, Rules.bases(), options))


def _count(
    kind: str,
    function: Callable[..., Any],
    bam: StrPath,
    arguments: tuple[int, ...],
    asked: tuple[Rules, CoreOptions, bool],
) -> Table:
    # The core takes a rule with every call; none counts here.
    rule, how, wanted = asked
    bam = path("bam", bam)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        parts = function(bam, *arguments, rule, **how, progress=report)
    warn(parts["warnings"], 3)
    return Table(parts["table"], metadata_of(kind, parts["metadata"]))


def insert_size_limit(value: Any) -> int:
    """``max_insert`` as the core takes it."""
    limit = as_int("max_insert", value)
    if not 0 <= limit <= _MOST_INSERT:
        raise InvalidArgumentError(f"max_insert={limit} is out of range: give 0 (no limit) to {_MOST_INSERT}")
    return limit


def metadata_of(kind: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a table over all records: no rule and no region plays a part."""
    return {"tool": _TOOLS[kind], "version": metadata["version"]}
