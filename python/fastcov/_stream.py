"""``iter_coverage``: depth too large for memory, batch by batch."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, Unpack

from . import _fastcov
from ._checks import StrPath, as_int, flag, path
from ._names import expanded
from ._options import ReadOptions, Region, bar, places, request, warn
from ._table import Table
from .errors import InvalidArgumentError
from .rules import Rules

__all__ = ["CoverageStream", "iter_coverage"]


class CoverageStream:
    """
    Depth that is being counted: an iterator of tables, and an Arrow stream. :func:`iter_coverage` returns it.

    It can be iterated once. Threads in the background keep a few batches ready and wait when none is taken;
    they end with the last batch, with :meth:`close`, at the end of a ``with`` block, and when nothing refers to the
    stream any more.

    Attributes
    ----------
    columns : list of str
        Names of the columns.
    metadata : dict
        What the numbers are, as in :class:`Table`. ``reads``, what became of the records, is there when the end was
        reached.

    Notes
    -----
    ``pyarrow.RecordBatchReader.from_stream(stream)``, ``duckdb.sql("select … from stream")`` and every other library
    that reads the Arrow C stream interface take the batches that are left. An error then has the class the library
    gives it; its text begins with the class it has here.
    """

    def __init__(
        self,
        core: "_fastcov.DepthStream",
        report: Mapping[str, Any],
        columns: list[str],
        progress: Callable[[int, int], None] | None,
        cleanup: ExitStack,
    ) -> None:
        self._core = core
        self._over = False
        self._said = set(report["warnings"])
        self._progress = progress
        self._cleanup = cleanup
        self.columns = columns
        self.metadata: dict[str, Any] = {k: v for k, v in report["metadata"].items() if k != "reads"}

    def __iter__(self) -> "CoverageStream":
        return self

    def __next__(self) -> Table:
        if self._over:
            raise StopIteration
        try:
            item = self._core.next()
            if item is None:
                self._end(3)
            elif self._progress is not None:
                self._progress(*self._core.progress())
        except StopIteration as error:
            # It would look like the end.
            self.close()
            raise RuntimeError("the progress bar raised StopIteration") from error
        except BaseException:
            # The batch is lost, so there is none after it.
            self.close()
            raise
        if item is None:
            raise StopIteration
        columns, regions = item
        return Table(columns, {**self.metadata, "regions": regions})

    def _end(self, depth: int = 2) -> None:
        """Stores the report when the end is reached."""
        if self._over:
            return
        self._over = True
        report = self._core.report()
        self.metadata = report["metadata"]
        if self._progress is not None:
            _, total = self._core.progress()
            self._progress(total, total)
        self.close()
        warn([message for message in report["warnings"] if message not in self._said], depth)

    def close(self) -> None:
        """End the work and throw away the batches that were not taken. It may be called again."""
        self._core.close()
        self._cleanup.close()

    def __enter__(self) -> "CoverageStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __arrow_c_schema__(self) -> Any:
        return self._core.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._core.hand_over(self._end, requested_schema)

    def __repr__(self) -> str:
        return f"<fastcov.CoverageStream: {self.metadata['tool']}, columns {', '.join(self.columns)}>"


@expanded
def iter_coverage(
    bam: StrPath,
    regions: Region | Iterable[Region] | None = None,
    *,
    batch_rows: int = 1_000_000,
    runs: bool = False,
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> CoverageStream:
    """
    Depth at every base, batch by batch: the rows of :func:`fastcov.coverage` in little memory.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    regions : str, tuple, or a list of those, optional
        ``"chr1"``, ``"chr1:1000-2000"``, ``("chr1", 1000, 2000)``: 1-based, both ends included, whatever the
        container. Default: every contig of the header, whole.
    batch_rows : int, default 1,000,000
        Rows of every batch but the last one, 1 or more. A batch goes on over the end of a region.
    runs : bool, default False
        Runs of equal depth instead of single positions.
    rules, **options
        As for :func:`fastcov.coverage`, but for two. ``timeout`` is the seconds from this call on, what the caller does
        between batches included, after which the next batch is a :class:`fastcov.errors.TimeoutError`. ``max_memory``
        is the bytes that all batches which are there at once may take, five of them. The batches are the same for
        every ``n_cores``.

    Returns
    -------
    CoverageStream
        An iterator of tables with the columns of :func:`fastcov.coverage`: ``chrom`` (category), ``pos`` (int64,
        1-based), ``base`` (category, with ``ref`` only) and ``depth`` (int32), or, with ``runs=True``, ``chrom``,
        ``start``, ``end`` (int64, 0-based and half-open as in BED) and ``depth``. It is an Arrow stream, too.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`. What is found while counting is raised where the next batch would come. The
        numbers are vouched for when the end has been reached: only then is it known, for example, that the file did
        not change meanwhile.
    InvalidArgumentError
        ``batch_rows`` is not possible; also from an iteration, when the stream is closed.

    Warns
    -----
    FastcovWarning
        As for :func:`fastcov.coverage`, in part at the end of the iteration.

    Notes
    -----
    Batches are final once yielded. So where the depth cap of the rule can act (``mpileup``,
    ``pileup``, ``perbase-base-depth``; not with ``max_depth=0``) a preliminary pass finds out
    which reads it drops. ``mosdepth`` needs one too, since a reused name changes earlier depths.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> with fastcov.iter_coverage("sample.bam", "chr1", batch_rows=25_000) as batches:
    ...     for batch in batches:
    ...         print(batch.metadata["regions"], int(batch.to_numpy()["depth"].sum()))
    [('chr1', 1, 25000)] 631975
    [('chr1', 25001, 50000)] 584949
    [('chr1', 50001, 60000)] 241653
    """
    rule, how, wanted = request(iter_coverage, rules, options)
    rows, runs = as_int("batch_rows", batch_rows), flag("runs", runs)
    if not 1 <= rows < 1 << 31:
        raise InvalidArgumentError(f"batch_rows={rows} is out of range: give an integer from 1 to 2147483647")
    name, where = path("bam", bam), places("regions", regions)
    with ExitStack() as stack:
        report = stack.enter_context(bar(os.path.basename(name), wanted=wanted))
        core, said = _fastcov.stream_coverage(name, where, rule, batch_rows=rows, runs=runs, **how)
        cleanup = stack.pop_all()
    warn(said["warnings"], 2)
    if runs:
        columns = ["chrom", "start", "end", "depth"]
    else:
        columns = ["chrom", "pos", *(["base"] if how["reference"] is not None else []), "depth"]
    return CoverageStream(core, said, columns, report, cleanup)
