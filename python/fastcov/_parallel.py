"""``map_regions``: a function of the caller's over regions, on all cores."""

import functools
import inspect
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from ._bed import read_bed
from ._blocks import Region
from ._blocks import blocks as cut
from ._checks import StrPath, flag, path, positive, seconds
from ._join import failure_table, join, label
from ._options import default_cores
from ._pool import Outcomes, job_bytes, on_executor, on_joblib, on_own_threads, on_processes
from ._worker import Job
from .errors import InvalidArgumentError, WorkerError

__all__ = ["map_regions"]

# Blocks for each worker where a BAM is cut: the last ones to end leave little time in which some workers are idle.
_BLOCKS_PER_WORKER = 8
_REGION_TEXT = re.compile(r"\{?(?P<chrom>[^{}]+?)\}?:(?P<start>[0-9][0-9,]*)-(?P<end>[0-9][0-9,]*)")


def map_regions(
    func: Callable[..., Any],
    regions: StrPath | Iterable[Any],
    *args: Any,
    n_cores: int | None = None,
    executor: Any = None,
    ordered: bool = True,
    timeout: float | None = None,
    on_error: str = "raise",
    progress: bool = False,
    star: bool = False,
    initializer: Callable[..., Any] | None = None,
    initargs: tuple[Any, ...] = (),
    chunksize: int = 1,
    blocks: int | None = None,
    **kwargs: Any,
) -> Any:
    """
    Call a function for each region, on all cores, and join what it returns.

    Parameters
    ----------
    func : callable
        Called as ``func(region, *args, **kwargs)``. It may be written in a notebook cell, be a lambda or a closure:
        cloudpickle sends it to the workers.
    regions : BAM, BED, or iterable
        A BAM file (``str`` or path-like) is cut into ``blocks``, its index needed. A BED file gives its intervals.
        Any iterable gives its items, whatever they are; it is read no further ahead than workers need. Of these a tuple
        ``(chrom, start, end)`` and a string ``"chrom:start-end"``, 1-based and both ends included, become a
        :class:`fastcov.Region`, as do the intervals of a BED file (``start`` + 1). All other items reach ``func``
        unchanged. Regions may overlap, and are neither sorted nor checked.
    *args, **kwargs
        Further arguments of ``func``, the same for each call.
    n_cores : int, optional
        Number of workers. Default: the environment variable ``FASTCOV_NUM_THREADS``, else 1 in a daemonic process, else
        as many as there are cores for this process. It does not go with ``executor``.
    executor : optional
        Where to call: a ``concurrent.futures.Executor`` (loky's among them), a ``joblib.Parallel``, or a
        ``dask.distributed.Client``. Default: threads where ``func`` is one of fastcov's own functions, or a
        ``functools.partial`` of one, which is then called with ``n_cores=1``; for others, worker processes that live as
        long as the call.
    ordered : bool, default True
        Join results in the order of ``regions``. False: in the order in which calls ended.
    timeout : float, optional
        Seconds that each call may take. The worker of a late one is ended, the others go on.
    on_error : {"raise", "collect"}, default "raise"
        ``"raise"``: the first call that fails ends the others, and its exception is raised. ``"collect"``: the other
        calls go on, and a table of failures is returned beside the result.
    progress : bool, default False
        Show a progress bar over regions (needs tqdm).
    star : bool, default False
        Call ``func(*item, *args, **kwargs)``: items are tuples of arguments, as ``zip`` gives them.
    initializer, initargs : optional
        Called once in each worker, before its first call: ``initializer(*initargs)``. An exception in it is raised,
        whatever ``on_error``. It does not go with ``executor``.
    chunksize : int, default 1
        Items sent to a worker at a time. More save time where a call takes less than a millisecond.
    blocks : int, optional
        Into how many blocks a BAM is cut. Default: 8 for each worker.

    Returns
    -------
    result, or (result, failures) with ``on_error="collect"``
        Where all values are frames of one kind (pandas, polars, Arrow, :class:`fastcov.Table`), the frames one below
        the other; ``None`` among frames stands for no rows. Frames of pandas are numbered anew if each had a
        RangeIndex. Anything else is a list of the values, without those of calls that failed.

        ``failures`` is a pandas DataFrame with the columns ``chrom``, ``start``, ``end`` (missing where the item is no
        region), ``error`` and ``traceback`` (text); its index ``block`` is the number of the item, from 0.

    Raises
    ------
    Exception
        What ``func`` raised, with a note that names the block; its ``__cause__`` holds the traceback of the worker.
    TimeoutError
        A call took longer than ``timeout``.
    WorkerError
        A worker process died during a call: out of memory, a crash, ``os._exit``. The call is not tried again.
    InvalidArgumentError
        Arguments do not go together (``timeout`` with threads or ``executor``: what runs there cannot be ended);
        ``func`` cannot be sent to another process; frames have different columns (the error's ``results`` holds them).
    KeyboardInterrupt
        Ctrl-C ends all calls; no process and no thread is left.

    Notes
    -----
    Worker processes are new interpreters, whatever the start method of multiprocessing: they copy no lock and no
    thread, and do not import the caller's main module, so that a script needs no ``if __name__ == "__main__"``. In them
    ``FASTCOV_NUM_THREADS`` is 1 if it is not set. What ``func`` prints goes to standard error. Processes that ``func``
    starts end with its worker. See ``docs/parallel.md``.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> def deepest(region, bam):
    ...     depth = fastcov.coverage(bam, region).to_pandas()
    ...     return depth.nlargest(1, "depth")
    >>> fastcov.map_regions(deepest, ["chr1:20001-20100", ("chr1", 20101, 20200)], "sample.bam")
      chrom    pos  depth
    0  chr1  20082     28
    1  chr1  20101     28
    """
    if not callable(func):
        raise TypeError(f"func must be a function, not {type(func).__name__}")
    if on_error not in ("raise", "collect"):
        raise InvalidArgumentError(f"on_error={on_error!r} is not a choice: give 'raise' or 'collect'")
    ordered, star = flag("ordered", ordered), flag("star", star)
    how = _How(executor, n_cores, timeout, initializer, chunksize, own=_is_own(func))
    items = _items(regions, blocks, how, star=star)
    how.fit(items)
    job = Job(_single(func) if how.threads else func, args, kwargs, star, initializer, tuple(initargs))
    with _bar(len(items) if isinstance(items, Sized) else None, wanted=flag("progress", progress)) as step:
        return _collect(how, job, items, ordered=ordered, on_error=on_error, step=step)


def _collect(
    how: "_How", job: Job, items: Iterable[Any], *, ordered: bool, on_error: str, step: Callable[[], None]
) -> Any:
    asked: dict[int, Any] = {}

    def numbered() -> Iterator[tuple[int, Any]]:
        for number, item in enumerate(items):
            asked[number] = item
            yield number, item

    results, failures = [], []
    outcomes = how.outcomes(job, numbered())
    try:
        for number, value, error, text in outcomes:
            item = asked.pop(number)
            if error is not None and on_error == "raise":
                raise _named(error, label(number, item), text)
            if not isinstance(items, Sized) and not isinstance(item, (Region, str, int)):
                # What an iterator gives may be large, and nothing else keeps it.
                item = f"a {type(item).__name__}"
            if error is None:
                results.append((number, item, value))
            else:
                failures.append((number, item, error, text))
            step()
    finally:
        outcomes.close()
    if ordered:
        results.sort(key=lambda result: result[0])
    joined = join(results)
    return joined if on_error == "raise" else (joined, failure_table(failures))


def _named(error: BaseException, block: str, text: str) -> BaseException:
    """The exception with what its traceback does not say here: which block, and the lines in the worker."""
    error.add_note(f"in {block}")
    if error.__traceback__ is None and not isinstance(error, WorkerError):
        error.__cause__ = WorkerError(f"\n{text.rstrip()}")
    elif isinstance(error, WorkerError):
        error.add_note(text.rstrip())
    return error


class _How:
    """Where calls are made, and what goes with that."""

    def __init__(
        self,
        executor: Any,
        n_cores: int | None,
        timeout: float | None,
        initializer: Callable[..., Any] | None,
        chunksize: int,
        *,
        own: bool,
    ) -> None:
        self.modules: list[str] = []
        self.executor, self.threads = _executor(executor), executor is None and own
        self.timeout = None if timeout is None else seconds("timeout", timeout)
        self.chunksize = positive("chunksize", chunksize)
        if executor is not None:
            for argument, value in (("n_cores", n_cores), ("initializer", initializer)):
                if value is not None:
                    raise InvalidArgumentError(f"{argument} does not go with executor: give it to the executor")
        if timeout is not None and (executor is not None or own):
            where = "an executor" if executor is not None else "threads, in which functions of fastcov are called,"
            raise InvalidArgumentError(
                f"timeout does not go with {where}: a call that runs there cannot be ended; "
                + ("leave out executor" if executor is not None else "give timeout= to the function itself")
            )
        if executor is None:
            self.workers = _default_workers() if n_cores is None else positive("n_cores", n_cores)
        else:
            self.workers = _width(self.executor)

    def fit(self, items: Iterable[Any]) -> None:
        """No more workers than items; and what reading the items needs is imported before the first call."""
        if isinstance(items, Sized):
            self.workers = max(1, min(self.workers, len(items)))
        if not isinstance(items, Sized) or any(isinstance(item, Region) for item in items):
            self.modules = [Region.__module__]

    def outcomes(self, job: Job, items: Iterator[tuple[int, Any]]) -> Outcomes:
        if self.threads:
            return on_own_threads(job, items, workers=self.workers, chunksize=self.chunksize)
        if self.executor is None:
            # Before any process is started.
            blob = job_bytes(job)
            return on_processes(
                blob, items, workers=self.workers, timeout=self.timeout, chunksize=self.chunksize, modules=self.modules
            )
        if isinstance(self.executor, Executor):
            return on_executor(self.executor, job, items, workers=self.workers, chunksize=self.chunksize)
        return on_joblib(self.executor, job, items, chunksize=self.chunksize)


def _executor(given: Any) -> Any:
    if given is None or isinstance(given, Executor) or type(given).__module__.startswith("joblib."):
        return given
    if hasattr(given, "get_executor"):
        # A client of Dask. Calls are told apart even where their arguments are equal.
        return given.get_executor(pure=False)
    raise TypeError(
        "executor must be a concurrent.futures.Executor, a joblib.Parallel or a dask.distributed.Client, not "
        f"{type(given).__name__}"
    )


def _width(executor: Any) -> int:
    """How many workers an executor has, where it tells."""
    client = getattr(executor, "_client", None)
    if client is not None:
        cores: dict[str, int] = client.ncores()
        return max(1, sum(cores.values()))
    width = getattr(executor, "_max_workers", None)
    return width if isinstance(width, int) and width > 0 else _cores()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default_workers() -> int:
    said = os.environ.get("FASTCOV_NUM_THREADS", "")
    if said.isascii() and said.isdigit() and int(said) > 0:
        return int(said)
    return default_cores() or _cores()


def _is_own(func: Any) -> bool:
    """Whether the work of a function is done in the core of fastcov, beside the interpreter."""
    while isinstance(func, functools.partial):
        func = func.func
    return inspect.isfunction(func) and (func.__module__ or "").split(".")[0] == __name__.split(".")[0]


def _single(func: Callable[..., Any]) -> Callable[..., Any]:
    """A function of fastcov with one thread for each call, unless its caller said otherwise."""
    try:
        takes = "n_cores" in inspect.signature(func).parameters
    except (TypeError, ValueError):
        takes = False
    said = isinstance(func, functools.partial) and "n_cores" in func.keywords
    return functools.partial(func, n_cores=1) if takes and not said else func


def _items(regions: Any, blocks: int | None, how: _How, *, star: bool) -> Iterable[Any]:
    if isinstance(regions, (str, bytes, os.PathLike)):
        name = path("regions", regions)
        if _is_bam(name):
            return cut(name, how.workers * _BLOCKS_PER_WORKER if blocks is None else blocks)
        if isinstance(regions, str) and not os.path.exists(name) and _REGION_TEXT.fullmatch(name):
            raise TypeError(f"regions must be a file or an iterable of regions: write [{name!r}]")
        found: Iterable[Any] = _of_bed(name)
    elif hasattr(regions, "columns") or isinstance(regions, Mapping) or not isinstance(regions, Iterable):
        raise TypeError(
            "regions must be a BAM file, a BED file or an iterable of items, such as tuples (chrom, start, end), not "
            f"{type(regions).__name__}; of a frame give zip(frame['chrom'], frame['start'], frame['end']), 1-based"
        )
    elif star:
        found = regions if not isinstance(regions, Iterator) else iter(regions)
    elif isinstance(regions, Sized):
        found = [_item(item) for item in regions]
    else:
        found = map(_item, regions)
    if blocks is not None:
        raise InvalidArgumentError(
            "blocks goes with a BAM file: cut regions with fastcov.blocks(bam, n, regions) and give what it returns"
        )
    return found


def _of_bed(name: str) -> list[Region]:
    return [Region(chrom, start + 1, end) for chrom, start, end in read_bed(name).intervals()]


def _item(item: Any) -> Any:
    if isinstance(item, Region):
        return item
    if isinstance(item, tuple) and len(item) == 3 and isinstance(item[0], str):
        # Integers of NumPy, too, as zip over columns gives them.
        bounds = [bound for bound in item[1:] if hasattr(bound, "__index__") and not isinstance(bound, bool)]
        return Region(item[0], *(bound.__index__() for bound in bounds)) if len(bounds) == 2 else item
    if isinstance(item, str) and (parts := _REGION_TEXT.fullmatch(item)):
        start, end = (int(parts[which].replace(",", "")) for which in ("start", "end"))
        return Region(parts["chrom"], start, end)
    return item


def _is_bam(name: str) -> bool:
    if not os.path.isfile(name):
        # A pipe is read once; what is missing is told by what reads it.
        return name.endswith(".bam")
    with open(name, "rb") as file:
        head = file.read(1 << 16)
    if not head.startswith(b"\x1f\x8b"):
        return False
    try:
        return zlib.decompressobj(31).decompress(head, 4) == b"BAM\1"
    except zlib.error:
        return name.endswith(".bam")


@contextmanager
def _bar(items: int | None, *, wanted: bool) -> Iterator[Callable[[], None]]:
    if not wanted:
        yield lambda: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: pip install 'fastcov-bio[progress]'"
        ) from error
    with tqdm(total=items, unit="block") as shown:

        def step() -> None:
            shown.update()

        yield step
