"""``map_regions``: what it returns, what it does with bad functions, and that nothing is left behind."""

import functools
import gzip
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastcov
from fastcov import Region, errors, map_regions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals and looks at processes")

# Rounds of each way in which a call can end badly.
ROUNDS = 50 if os.environ.get("FASTCOV_SOAK") == "1" else 5


def left_behind() -> set[int]:
    """Processes this one has started and that are still there, dead or alive, with what they started."""
    found = subprocess.run(
        ["ps", "-o", "pid=,comm=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    )
    return {int(line.split()[0]) for line in found.stdout.splitlines() if not line.split()[1].startswith("ps")}


# Tests of pools that are not fastcov's, which keep helper processes of their own for the next pool.
FOREIGN = ("test_a_dask_client", "test_executors", "test_inside_a_worker_of_a_pool")


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    def open_files():
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    before = left_behind(), threading.active_count(), open_files()
    yield
    if request.node.originalname in FOREIGN:
        return
    assert left_behind() <= before[0]
    assert threading.active_count() <= before[1]
    assert open_files() <= before[2]


def twice(region):
    return 2 * region.start


REGIONS = [("chr1", start, start + 99) for start in range(1, 1_000, 100)]


def test_anything_is_a_list_in_order():
    assert map_regions(twice, REGIONS, n_cores=3) == [2 * start for _, start, _ in REGIONS]
    assert map_regions(lambda item: item, ["x.csv", 5, None], n_cores=2) == ["x.csv", 5, None]
    assert map_regions(twice, []) == []


def test_order_of_completion():
    def wait(seconds):
        time.sleep(seconds)
        return seconds

    assert map_regions(wait, [1.0, 0.0], n_cores=2, ordered=False) == [0.0, 1.0]
    assert map_regions(wait, [0.3, 0.0], n_cores=2) == [0.3, 0.0]


def test_regions_are_named_tuples_1_based(sample, tmp_path):
    bed = tmp_path / "targets.bed"
    bed.write_text("track name=x\nchr1\t0\t10\tone\nchr2\t5\t6\n")
    zipped = tmp_path / "targets.bed.gz"
    zipped.write_bytes(gzip.compress(bed.read_bytes()))
    expected = [Region("chr1", 1, 10), Region("chr2", 6, 6)]
    same = lambda region: region  # noqa: E731 - what a notebook has
    for given in (bed, str(zipped), [("chr1", 1, 10), ("chr2", np.int64(6), np.int64(6))], ["chr1:1-10", "chr2:6-6"]):
        got = map_regions(same, given, n_cores=1)
        assert got == expected
        assert all(isinstance(region, Region) for region in got)
    assert map_regions(same, sample[0], blocks=5) == fastcov.blocks(sample[0], 5)
    assert map_regions(same, (item for item in expected), n_cores=1) == expected


def test_star_and_further_arguments():
    def call(a, b, c, *, d):
        return a, b, c, d

    assert map_regions(call, zip([1, 2], "xy", strict=True), 3, star=True, d=4) == [(1, "x", 3, 4), (2, "y", 3, 4)]


def test_frames_are_joined(sample):
    bam, regions = sample[0], ["chr1:20001-20100", "chr2:1-50", "chr1:5-9"]
    whole = fastcov.coverage(bam, regions)
    frames = {
        "to_pandas": lambda region: fastcov.coverage(bam, region).to_pandas(),
        "to_polars": lambda region: fastcov.coverage(bam, region).to_polars(),
        "to_arrow": lambda region: fastcov.coverage(bam, region).to_arrow(),
    }
    for name, func in frames.items():
        if name != "to_pandas":
            pytest.importorskip({"to_polars": "polars", "to_arrow": "pyarrow"}[name])
        joined, expected = map_regions(func, regions, n_cores=2), getattr(whole, name)()
        assert joined.equals(expected) if name != "to_arrow" else joined.to_pandas().equals(expected.to_pandas())
    tables = map_regions(functools.partial(fastcov.coverage, bam), regions, n_cores=2)
    assert isinstance(tables, fastcov.Table)
    assert tables.to_pandas().equals(whole.to_pandas())
    assert tables.metadata["regions"] == whole.metadata["regions"]
    assert tables.metadata["reads"] == whole.metadata["reads"]


def test_functions_of_fastcov_run_in_threads(sample, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(a))
    table = map_regions(functools.partial(fastcov.coverage, sample[0], rules="depth"), sample[0], n_cores=2)
    assert not started
    assert table.to_pandas().equals(fastcov.coverage(sample[0], rules="depth").to_pandas())
    frame = map_regions(functools.partial(fastcov.get_coverage, sample[0]), REGIONS, star=True)
    assert frame.equals(fastcov.get_coverage(sample[0], "chr1", 1, 1_000))


def test_frames_and_none_and_other_columns():
    def some(item):
        return None if item == 1 else pd.DataFrame({"a": [item]})

    assert map_regions(some, range(3), n_cores=1)["a"].tolist() == [0, 2]
    assert map_regions(lambda item: None, range(3), n_cores=1) == [None] * 3
    with pytest.raises(errors.InvalidArgumentError, match=r"a \(block 0, 0\) and b \(block 1, 1\)") as caught:
        map_regions(lambda item: pd.DataFrame({"ab"[item]: [1]}), range(2), n_cores=1)
    assert [list(frame.columns) for frame in caught.value.results] == [["a"], ["b"]]


def test_an_exception_names_its_block_and_its_line():
    def divide(region):
        return 1 / (region.start - 201)

    with pytest.raises(ZeroDivisionError) as caught:
        map_regions(divide, REGIONS, n_cores=2)
    assert caught.value.__notes__ == ["in block 2, chr1:201-300"]
    assert "in divide" in str(caught.value.__cause__)


def test_exceptions_and_results_that_cannot_be_sent():
    class OddError(Exception):
        def __init__(self, one, two):
            super().__init__("odd")

    def fail(kind):
        if kind == "odd":
            raise OddError(1, 2)
        if kind == "exit":
            sys.exit(3)
        if kind == "lock":
            return threading.Lock()
        if kind == "interrupt":
            raise KeyboardInterrupt
        return kind

    result, failures = map_regions(fail, ["odd", "exit", "fine", "lock", "interrupt"], n_cores=1, on_error="collect")
    assert result == ["fine"]
    assert failures.index.tolist() == [0, 1, 3, 4]
    assert failures["error"].str.contains("odd|SystemExit|lock|KeyboardInterrupt").all()
    assert failures["chrom"].isna().all()


def test_failures_are_a_table_of_regions():
    def fail(region):
        if region.start in (101, 301):
            raise ValueError(f"no {region.start}")
        return region.start

    result, failures = map_regions(fail, REGIONS, n_cores=2, on_error="collect")
    assert result == [start for _, start, _ in REGIONS if start not in (101, 301)]
    assert list(failures.columns) == ["chrom", "start", "end", "error", "traceback"]
    assert failures.index.name == "block"
    assert failures[["chrom", "start", "end"]].values.tolist() == [["chr1", 101, 200], ["chr1", 301, 400]]
    assert failures["error"].tolist() == ["ValueError: no 101", "ValueError: no 301"]
    assert failures["traceback"].str.contains("in fail").all()
    assert len(map_regions(twice, REGIONS, n_cores=1, on_error="collect")[1]) == 0


def test_a_killed_worker_is_a_failure_and_is_not_run_again(tmp_path):
    def die(item):
        with open(tmp_path / str(item), "a") as file:
            file.write("x")
        if item % 3 == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if item % 3 == 2:
            os._exit(7)
        return item

    for chunksize in (1, 4) * ((ROUNDS + 1) // 2):
        result, failures = map_regions(die, range(9), n_cores=2, on_error="collect", chunksize=chunksize)
        assert result == [0, 3, 6]
        assert failures.index.tolist() == [1, 2, 4, 5, 7, 8]
        assert failures["error"].str.contains("SIGKILL|status 7").all()
        assert {path.read_text() for path in tmp_path.iterdir()} == {"x"}
        for path in tmp_path.iterdir():
            path.unlink()
    with pytest.raises(errors.WorkerError, match="SIGKILL") as caught:
        map_regions(die, [1], n_cores=1)
    assert caught.value.__notes__[0] == "in block 0, 1"


def test_a_late_call_is_ended_and_the_others_go_on(tmp_path):
    def hang(item):
        if item == 2:
            # What the function starts ends with it.
            subprocess.Popen(["sleep", "1234"])
            (tmp_path / "pid").write_text(str(os.getpid()))
            time.sleep(1_000)
        return item

    for _ in range(ROUNDS):
        before = time.monotonic()
        result, failures = map_regions(hang, range(6), n_cores=2, timeout=0.5, on_error="collect", chunksize=2)
        assert time.monotonic() - before < 20
        assert result == [0, 1, 3, 4, 5]
        assert failures.index.tolist() == [2]
        assert "timeout=0.5" in failures.loc[2, "error"]
        group = (tmp_path / "pid").read_text()
        members = subprocess.run(["ps", "-o", "stat=", "-s", group], capture_output=True, text=True, check=False).stdout
        assert all(state.startswith("Z") for state in members.split())
    with pytest.raises(TimeoutError):
        map_regions(hang, [2], timeout=0.5)


def test_time_waited_for_a_worker_does_not_count():
    def begin():
        time.sleep(1.0)

    assert map_regions(abs, range(4), n_cores=2, timeout=0.9, initializer=begin) == [0, 1, 2, 3]


def test_memory_that_runs_out_is_the_blocks_own_failure():
    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    def much(item):
        return len(bytearray(item))

    result, failures = map_regions(much, [10, 1 << 40, 20], n_cores=1, initializer=limit, on_error="collect")
    assert result == [10, 20]
    assert failures["error"].tolist() == ["MemoryError: "]


def test_an_initializer_that_fails_ends_the_call():
    def begin(what):
        raise LookupError(what)

    with pytest.raises(LookupError, match="lost") as caught:
        map_regions(twice, REGIONS, initializer=begin, initargs=("lost",), on_error="collect")
    assert "initializer" in caught.value.__notes__[0]


def test_items_are_taken_no_sooner_than_needed():
    taken, ahead = [], []

    def items():
        for item in range(60):
            taken.append(item)
            ahead.append(len(taken) - len(list(done.iterdir())))
            yield item

    def mark(item):
        (done / str(item)).touch()

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = Path(folder)
        map_regions(mark, items(), n_cores=2)
    assert len(taken) == 60
    assert max(ahead) <= 2 * 2 + 2


def test_an_iterable_that_fails_ends_the_call():
    def items():
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        map_regions(abs, items(), n_cores=2)


def test_a_bam_that_vanishes_between_blocks(sample, tmp_path):
    bam = shutil.copy(sample[0], tmp_path / "x.bam")
    shutil.copy(f"{sample[0]}.bai", f"{bam}.bai")

    def count(region):
        if region.start > 10_000 and os.path.exists(bam):
            os.unlink(bam)
        return len(fastcov.coverage(bam, region))

    result, failures = map_regions(count, bam, n_cores=1, blocks=20, on_error="collect")
    assert len(result) + len(failures) == 20
    assert len(failures) > 10
    assert failures["error"].str.startswith("FileMissingError: ").all()


def test_regions_that_are_wrong_are_failures_of_their_block(sample):
    regions = ["chr1:1-10", "chr9:1-10", ("chr1", 10, 5), "chr1:1-10"]
    table, failures = map_regions(functools.partial(fastcov.coverage, sample[0]), regions, on_error="collect")
    assert len(table) == 20
    assert failures["error"].str.split(":").str[0].tolist() == ["UnknownContigError", "RegionError"]


def test_arguments_that_do_not_go_together(sample):
    pool = ThreadPoolExecutor(1)
    own = functools.partial(fastcov.coverage, sample[0])
    for more, words in [
        ({"timeout": 1, "executor": pool}, "timeout does not go with an executor"),
        ({"n_cores": 1, "executor": pool}, "n_cores does not go with executor"),
        ({"initializer": print, "executor": pool}, "initializer does not go with executor"),
        ({"on_error": "ignore"}, "on_error='ignore'"),
        ({"timeout": 0}, "timeout=0"),
        ({"n_cores": 0}, "n_cores=0"),
        ({"chunksize": 0}, "chunksize=0"),
        ({"blocks": 3}, "blocks goes with a BAM"),
    ]:
        with pytest.raises(errors.InvalidArgumentError, match=words):
            map_regions(twice, REGIONS, **more)
    with pytest.raises(errors.InvalidArgumentError, match="timeout does not go with threads"):
        map_regions(own, REGIONS, timeout=1)
    for func, regions in [(3, REGIONS), (twice, 5), (twice, pd.DataFrame({"chrom": []})), (twice, "chr1:1-5")]:
        with pytest.raises(TypeError):
            map_regions(func, regions)
    with pytest.raises(TypeError, match="executor must be"):
        map_regions(twice, REGIONS, executor=3)
    pool.shutdown()


def test_what_cannot_be_sent_says_so_before_any_work(monkeypatch):
    lock = threading.Lock()
    with pytest.raises(errors.InvalidArgumentError, match="cannot be sent to another process"):
        map_regions(lambda item: lock, [1])
    # Without cloudpickle what can be imported works, and the rest says what to install.
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    assert map_regions(abs, [-1, 2], n_cores=1) == [1, 2]
    with pytest.raises(errors.InvalidArgumentError, match="install cloudpickle"):
        map_regions(lambda item: item, [1])


def square(item):
    if item == 3:
        raise ValueError("three")
    return item * item


@pytest.mark.parametrize("method", [*get_all_start_methods(), "threads", "loky", "joblib"])
def test_executors(method):
    if method == "threads":
        executor, close = ThreadPoolExecutor(2), True
    elif method == "loky":
        executor, close = pytest.importorskip("joblib").externals.loky.ProcessPoolExecutor(2), True
    elif method == "joblib":
        executor, close = pytest.importorskip("joblib").Parallel(2, prefer="threads"), False
    else:
        executor, close = ProcessPoolExecutor(2, mp_context=get_context(method)), True
    try:
        three = 3

        def closure(item):
            return item + three

        for chunksize in (1, 3):
            assert map_regions(closure, range(8), executor=executor, chunksize=chunksize) == list(range(3, 11))
        result, failures = map_regions(square, range(5), executor=executor, on_error="collect")
        assert result == [0, 1, 4, 16]
        assert failures["error"].tolist() == ["ValueError: three"]
        with pytest.raises(ValueError, match="three") as caught:
            map_regions(square, range(5), executor=executor)
        assert caught.value.__notes__ == ["in block 3, 3"]
    finally:
        if close:
            executor.shutdown()


def test_a_dask_client():
    distributed = pytest.importorskip("distributed")
    three = 3
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert map_regions(lambda item: item + three, range(8), executor=client) == list(range(3, 11))
        result, failures = map_regions(square, range(5), executor=client, on_error="collect")
    assert result == [0, 1, 4, 16]
    assert failures["error"].tolist() == ["ValueError: three"]


SCRIPT = """
import multiprocessing, sys
multiprocessing.set_start_method(sys.argv[1])
import fastcov

class Result:
    def __init__(self, value):
        self.value = value

offset = 10

def work(region):
    return Result(region.start + offset)

print("main")
results = fastcov.map_regions(work, ["chr1:1-5", "chr1:6-9"], n_cores=2)
print([type(r) is Result and r.value for r in results])
"""


@pytest.mark.parametrize("method", get_all_start_methods())
def test_a_script_needs_no_guard(method, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script, method], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "main\n[11, 16]\n"), done.stderr
    # A cell of a notebook is code without a file.
    done = subprocess.run(
        [sys.executable, "-", method], input=SCRIPT, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "main\n[11, 16]\n"), done.stderr


INTERRUPTED = """
import os, signal, sys, threading, time, fastcov
from functools import partial

def work(item):
    import time
    time.sleep(0.02)

what = sys.argv[1]
threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    if what == "processes":
        fastcov.map_regions(work, iter(lambda: 1, 2), n_cores=2)
    else:
        call = partial(fastcov.coverage, sys.argv[3], ref=sys.argv[4], rules="mpileup")
        fastcov.map_regions(call, iter(lambda: ("c", 1, 300), 2), n_cores=2)
except KeyboardInterrupt:
    print("interrupted", threading.active_count(), flush=True)
"""


@pytest.mark.parametrize("what", ["processes", "threads"])
def test_an_interrupt_leaves_nothing(what, tmp_path, slow):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    for i in range(ROUNDS):
        after = 0.3 + 0.13 * i
        command = [sys.executable, script, what, str(after), *map(str, slow)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            out, _ = process.communicate(timeout=60)
        assert out.split()[0] == "interrupted", out
        assert int(out.split()[1]) <= 2
        found = subprocess.run(["ps", "-o", "args=", "-A"], capture_output=True, text=True, check=False).stdout
        assert "__fastcov_worker__" not in found


def test_workers_end_with_a_caller_that_was_killed(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        "import fastcov, time\nfastcov.map_regions(lambda i: time.sleep(600) or i, range(2), n_cores=2)\n"
    )
    with subprocess.Popen([sys.executable, script]) as process:
        until = time.monotonic() + 30
        while len(_workers(process.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        workers = _workers(process.pid)
        assert len(workers) == 2
        time.sleep(1.0)
        process.kill()
    until = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)


def _workers(pid: int) -> list[str]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_inside_a_worker_of_a_pool():
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(_nested) == [2, 202]


def _nested():
    return map_regions(lambda region: 2 * region.start, [*REGIONS[:1], ("chr1", 101, 200)])


def test_each_worker_has_one_thread_and_no_input():
    def look(_):
        import sys

        print("seen")
        return os.environ["FASTCOV_NUM_THREADS"], sys.stdin.read()

    assert map_regions(look, [1], n_cores=1) == [(os.environ.get("FASTCOV_NUM_THREADS", "1"), "")]


def test_what_is_printed_goes_to_standard_error(capfd):
    map_regions(lambda item: print("line", item), range(2), n_cores=1)
    assert capfd.readouterr() == ("", "line 0\nline 1\n")


def test_progress_counts_blocks(capsys, monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto").tqdm
    # A thread of tqdm's that would stay.
    monkeypatch.setattr(tqdm, "monitor_interval", 0)
    map_regions(twice, REGIONS, n_cores=1, progress=True)
    assert "10/10" in capsys.readouterr().err


def test_memory_stays_with_the_results(tmp_path):
    """A megabyte per call, of which nothing is kept."""
    import resource

    map_regions(lambda item: None, range(4), n_cores=2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    map_regions(len, (bytes(1 << 20) for _ in range(400)), n_cores=2)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_a_region_is_pickled_as_itself():
    assert pickle.loads(pickle.dumps(Region("c", 1, 2))) == Region("c", 1, 2)
