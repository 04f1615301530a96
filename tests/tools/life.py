"""What happens to a process in which fastcov is called: interrupts, forks, threads, thousands of calls.

`python tests/tools/life.py PART BAM REF SLOW_BAM SLOW_REF AMOUNT` runs one part in this process and prints its figures
as JSON; a wrong number or a hang ends it with an error. `tests/python/test_process.py` runs all parts for a short time,
`make soak` for a long time.
"""

import ctypes
import gc
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import fastcov
from fastcov import errors, get_coverage

# A child that hangs is killed by the kernel after so many seconds.
PATIENCE = 60


@dataclass
class Files:
    bam: str
    ref: str
    slow_bam: str
    slow_ref: str

    def good(self, n_cores: int | None = 2):
        return get_coverage(self.bam, "chr1", 1, 20_000, self.ref, n_cores=n_cores)

    def slow(self) -> None:
        get_coverage(self.slow_bam, "c", 1, 300, self.slow_ref, max_depth=0)

    def bad(self, which: int) -> None:
        """A call that must fail, in one of several ways."""
        calls = [
            (errors.UnknownContigError, lambda: get_coverage(self.bam, "nope", 1, 2)),
            (errors.RegionError, lambda: get_coverage(self.bam, "chr1", 10, 5)),
            (errors.FileMissingError, lambda: get_coverage(self.bam + ".none", "chr1", 1, 2)),
            (errors.UnsupportedFormatError, lambda: get_coverage(self.ref, "chr1", 1, 2)),
            (errors.ReferenceMissingError, lambda: get_coverage(self.bam, "chr1", 1, 2, self.slow_ref)),
            (errors.TimeoutError, lambda: get_coverage(self.bam, "chr1", 1, 20_000, timeout=1e-9)),
        ]
        wanted, call = calls[which % len(calls)]
        try:
            call()
        except wanted:
            return
        raise AssertionError(f"{wanted.__name__} was due")


def workers() -> int:
    """How many threads of fastcov this process has; NumPy and others have some of their own."""
    found = 0
    for task in Path("/proc/self/task").iterdir():
        # A thread may end between the listing and the look.
        with suppress(FileNotFoundError, ProcessLookupError):
            found += (task / "comm").read_text().startswith("fastcov")
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class _MallInfo(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


def in_use() -> int:
    """
    Bytes that are allocated.

    Where the C library does not tell, those that are resident, which say less: memory that was given back stays with
    the allocator, more of it the more threads there were.
    """
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    mallinfo.restype = _MallInfo
    gc.collect()
    info = mallinfo()
    return info.uordblks + info.hblkhd


def interrupt(files: Files, rng: random.Random) -> float:
    """Sends this process a SIGINT while it is in a call, and says how many seconds it took until that was noticed."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(rng.uniform(0.0, 0.4), send)
    began = time.monotonic()
    try:
        timer.start()
        files.slow()
    except KeyboardInterrupt:
        return time.monotonic() - sent[0]
    finally:
        timer.cancel()
        timer.join()
    raise AssertionError(f"a call of {time.monotonic() - began} s was not interrupted by a signal sent at {sent}")


def interrupts(files: Files, amount: int) -> dict:
    rng = random.Random(1)
    expected = files.good()
    after = []
    for _ in range(amount):
        after.append(interrupt(files, rng))
        assert files.good().equals(expected)
    after.sort()
    milliseconds = [round(1000 * seconds) for seconds in after]
    return {
        "interrupts": amount,
        "median_ms": milliseconds[amount // 2],
        "worst_ms": milliseconds[-1],
        "workers": workers(),
    }


def in_child(work: Callable[[], bool]) -> None:
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        os._exit(0 if work() else 3)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"a forked child ended with status {status}"


def forks(files: Files, amount: int) -> dict:
    """Forks while other threads of the parent are in calls."""
    expected = files.good()
    stop = threading.Event()
    calls = [0, 0]

    def load(which: int) -> None:
        while not stop.is_set():
            assert files.good(n_cores=1 + which).equals(expected)
            calls[which] += 1

    busy = [threading.Thread(target=load, args=(which,)) for which in range(len(calls))]
    for thread in busy:
        thread.start()
    try:
        for _ in range(amount):
            in_child(lambda: files.good().equals(expected))
    finally:
        stop.set()
        for thread in busy:
            thread.join()
    assert min(calls) > 0, "the parent was not busy"
    return {"forks": amount, "hangs": 0, "calls_of_the_parent": sum(calls)}


def kills(files: Files, amount: int) -> dict:
    """Children that are killed while they count: nothing of them is left beside the data, and others count on."""
    folders = {Path(file).parent for file in (files.bam, files.slow_bam)}

    def beside() -> dict:
        return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for folder in folders for p in folder.iterdir()}

    rng = random.Random(2)
    expected, before = files.good(), beside()
    for _ in range(amount):
        child = os.fork()
        if child == 0:
            signal.alarm(PATIENCE)
            stream = fastcov.iter_coverage(files.bam, batch_rows=1_000, n_cores=2)
            next(iter(stream))
            files.slow()
            os._exit(0)
        time.sleep(rng.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL, "it had ended before"
    assert files.good().equals(expected)
    assert beside() == before, "a file was written, changed or taken away"
    return {"kills": amount}


def threads(files: Files, amount: int) -> dict:
    """Calls from as many threads at once, each with a region and a number of workers of its own."""
    ends = range(100, 2_100, 100)
    expected = {end: get_coverage(files.bam, "chr1", 1, end, files.ref) for end in ends}
    before = descriptors()
    barrier = threading.Barrier(amount)
    wrong: list[object] = []
    most = 0

    def work(number: int) -> None:
        barrier.wait()
        end = ends[number % len(ends)]
        try:
            if not get_coverage(files.bam, "chr1", 1, end, files.ref, n_cores=1 + number % 4).equals(expected[end]):
                wrong.append(end)
        except BaseException as error:
            wrong.append(error)

    started = [threading.Thread(target=work, args=(number,)) for number in range(amount)]
    for thread in started:
        thread.start()
    while any(thread.is_alive() for thread in started):
        most = max(most, workers())
        time.sleep(0.01)
    for thread in started:
        thread.join()
    assert not wrong, wrong[:3]
    return {
        "calls": amount,
        "workers": most,
        "python_threads_left": threading.active_count(),
        "descriptors_left": descriptors() - before,
    }


def little_memory(files: Files, amount: int) -> dict:
    """Calls of every kind in children that may take no more than so much address space; the last have `amount` MiB."""
    bam, ref = files.bam, files.ref
    targets = [("chr1", 0, 1_000), ("chr1", 5_000, 9_000)]
    calls = {
        "get_coverage": lambda n: int(get_coverage(bam, "chr1", 1, 20_000, ref, n).coverage.sum()),
        "coverage": lambda n: len(fastcov.coverage(bam, ref=ref, n_cores=n)),
        "iter_coverage": lambda n: sum(map(len, fastcov.iter_coverage(bam, batch_rows=20_000, n_cores=n))),
        "window_stats": lambda n: len(fastcov.window_stats(bam, 1000, n_cores=n)),
        "target_stats": lambda n: len(fastcov.target_stats(bam, targets, n_cores=n)),
        "distribution": lambda n: len(fastcov.distribution(bam, n_cores=n)),
        "quantize": lambda n: len(fastcov.quantize(bam, [0, 1, 5, 10], n_cores=n)),
        "base_counts": lambda n: len(fastcov.base_counts(bam, ("chr1", 1, 20_000), ref=ref, n_cores=n)),
        "coverage_matrix": lambda n: len(fastcov.coverage_matrix([bam, bam], names=["a", "b"], n_cores=n)),
    }
    done = {"good": 0, "refused": 0}

    def child(call: Callable[[int], int], n_cores: int, more: int) -> int:
        """How it ended: 0 with a result, 3 for lack of memory. Here the process has not been in a call before."""
        signal.alarm(PATIENCE)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + more, size + more))
        try:
            return 0 if call(n_cores) > 0 else 5
        except errors.ResourceLimitError:
            return 3

    sizes = [0, *(1 << bits for bits in range(12, amount.bit_length() + 20))]
    for name, call in calls.items():
        for n_cores in (1, 2):
            for more in sizes:
                pid = os.fork()
                if pid == 0:
                    code = 6
                    with suppress(BaseException):
                        code = child(call, n_cores, more)
                    os._exit(code)
                status = os.waitpid(pid, 0)[1]
                ended = {0: "good", 3 << 8: "refused"}.get(status)
                assert ended, f"{name} with n_cores={n_cores} and {more} bytes ended with status {status}"
                done[ended] += 1
            assert ended == "good", f"{name} with n_cores={n_cores} has too little in {more} bytes"
    return {"headrooms": len(sizes), **done}


def leak(files: Files, amount: int) -> dict:
    """Good and bad calls in turn; what they leave behind is counted after the first tenth."""

    def few():
        return get_coverage(files.bam, "chr1", 1, 500, files.ref, n_cores=2)

    expected = few()

    def some(count: int) -> None:
        for number in range(count):
            if number % 2:
                files.bad(number // 2)
            else:
                assert few().equals(expected)

    some(max(amount // 10, 100))
    memory, files_open = in_use(), descriptors()
    some(amount)
    return {"calls": amount, "grown_kb": (in_use() - memory) // 1024, "descriptors_left": descriptors() - files_open}


def peak(files: Files, amount: int) -> dict:
    """The most memory a call takes that asks for `amount` positions, besides its result."""
    get_coverage(files.bam, "chr1", 1, 10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = get_coverage(files.bam, "chr1", 1, amount)
    result = int(table.memory_usage(index=False, deep=False).sum())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"positions": len(table), "result_mb": result >> 20, "besides_mb": ((most - before) * 1024 - result) >> 20}


def soak(files: Files, amount: int) -> dict:
    """Everything in turn, at random, for `amount` seconds."""
    rng = random.Random(amount)
    expected = files.good()
    windows = fastcov.window_stats(files.bam, 100, n_cores=1).to_pandas()
    done = dict.fromkeys(("good", "bad", "stream", "windows", "interrupt", "fork", "threads"), 0)

    def once() -> None:
        what = rng.choices(list(done), weights=(50, 40, 10, 10, 2, 4, 1))[0]
        if what == "good":
            assert files.good(n_cores=rng.choice([None, 1, 2, 7])).equals(expected)
        elif what == "bad":
            files.bad(rng.randrange(6))
        elif what == "stream":
            # Now and then it is left before its end.
            stream = fastcov.iter_coverage(files.bam, ["chr1"], batch_rows=7_000, n_cores=2)
            rows = sum(len(batch) for batch, _ in zip(stream, range(rng.choice([1, 5, 100])), strict=False))
            assert 0 < rows <= 60_000
        elif what == "windows":
            assert fastcov.window_stats(files.bam, 100, n_cores=2).to_pandas().equals(windows)
        elif what == "interrupt":
            interrupt(files, rng)
        elif what == "fork":
            in_child(lambda: files.good().equals(expected))
        else:
            threads(files, 20)
        done[what] += 1

    began = time.monotonic()
    while time.monotonic() - began < amount / 10 or sum(done.values()) < 100:
        once()
    memory, files_open = in_use(), descriptors()
    while time.monotonic() - began < amount:
        once()
    return {
        "seconds": round(time.monotonic() - began),
        **done,
        "grown_kb": (in_use() - memory) // 1024,
        "descriptors_left": descriptors() - files_open,
    }


PARTS = {part.__name__: part for part in (interrupts, forks, kills, threads, little_memory, leak, peak, soak)}


def main() -> None:
    # A shell's background jobs ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    part, *files, amount = sys.argv[1:]
    print(json.dumps(PARTS[part](Files(*files), int(amount)) | {"version": fastcov.__version__}))


if __name__ == "__main__":
    main()
