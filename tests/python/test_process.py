"""The life of a process that calls fastcov: short runs of `tests/tools/life.py`, long ones with `FASTCOV_SOAK=1`."""

import json
import os
import subprocess
import sys
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import pytest

import simulate
from fastcov import _fastcov, _options, errors, get_coverage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc and sends signals")

LIFE = Path(__file__).parents[1] / "tools" / "life.py"
LONG = os.environ.get("FASTCOV_SOAK") == "1"
SOAK_SECONDS = int(os.environ.get("FASTCOV_SOAK_SECONDS", "3600"))
# A call that is told to stop has 200 ms; a second on top for a machine that is busy with other things.
SOON_MS = 1200
# The pool has as many threads as the process may use cores.
WORKERS = len(os.sched_getaffinity(0))


def life(part: str, files: tuple, short: int, long: int) -> dict:
    """The figures of a part in a process of its own."""
    amount = long if LONG else short
    command = [sys.executable, LIFE, part, *map(str, files), str(amount)]
    environment = {k: v for k, v in os.environ.items() if k != "FASTCOV_NUM_THREADS"}
    # All memory comes from one allocator, which keeps nothing of what a thread gave back: counted is what is used.
    environment |= {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    print(part, figures)
    return figures


@pytest.fixture(scope="module")
def files(sample, slow) -> tuple:
    return (*sample, *slow)


def test_interrupts_at_random_times(files):
    figures = life("interrupts", files, 10, 100)
    assert figures["median_ms"] <= SOON_MS
    assert figures["worst_ms"] <= SOON_MS
    assert figures["workers"] <= WORKERS


def test_forks_while_the_parent_works(files):
    figures = life("forks", files, 50, 1_000)
    assert figures["hangs"] == 0


def test_killed_children_leave_nothing(files):
    assert life("kills", files, 10, 200)["kills"] >= 10


def test_calls_from_many_threads(files):
    figures = life("threads", files, 100, 1_000)
    assert figures["workers"] <= WORKERS
    assert figures["python_threads_left"] == 1
    assert figures["descriptors_left"] == 0


def test_calls_leave_nothing_behind(files):
    figures = life("leak", files, 1_000, 10_000)
    assert figures["grown_kb"] < 4 * 1024
    assert figures["descriptors_left"] == 0


def test_little_memory(files):
    figures = life("little_memory", files, 256, 1024)
    assert figures["good"] > 0
    assert figures["refused"] > 0


def test_peak_memory(tmp_path, slow):
    length = 20_000_000
    reads = [
        simulate.Record("r", 0, at, 60, simulate.cigar("100M"), "A" * 100, None) for at in range(0, length - 200, 2_000)
    ]
    bam = simulate.write_bam(tmp_path / "long.bam", {"chr1": length}, reads)
    figures = life("peak", (bam, slow[1], *slow), length, length)
    assert figures["positions"] == length
    assert figures["besides_mb"] <= 64 + 8 * WORKERS


def test_soak(files):
    figures = life("soak", files, 5, SOAK_SECONDS)
    assert figures["descriptors_left"] == 0
    assert figures["good"] > 0
    assert figures["bad"] > 0
    assert figures["grown_kb"] < 4 * 1024


EXIT = """
import sys, threading, time
from fastcov import get_coverage
bam, ref = sys.argv[1:]
threading.Thread(target=get_coverage, args=(bam, "c", 1, 300, ref), kwargs={"max_depth": 0}, daemon=True).start()
time.sleep(0.3)
print("leaving", flush=True)
"""


def test_an_interpreter_that_leaves_while_a_call_runs(slow):
    for _ in range(10 if LONG else 2):
        command = [sys.executable, "-c", EXIT, *map(str, slow)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")


def _cores_of_a_worker(files: tuple) -> tuple:
    return _options.default_cores(), get_coverage(files[0], "chr1", 1, 5_000, files[1])


@pytest.mark.parametrize("method", get_all_start_methods())
def test_a_daemonic_worker_uses_one_core(sample, monkeypatch, method):
    monkeypatch.delenv("FASTCOV_NUM_THREADS", raising=False)
    expected = get_coverage(sample[0], "chr1", 1, 5_000, sample[1])
    with get_context(method).Pool(2) as pool:
        for n_cores, table in pool.map(_cores_of_a_worker, [sample] * 4):
            assert n_cores == 1
            assert table.equals(expected)
    assert _cores_of_a_worker(sample)[0] is None


def test_joblib_workers(sample):
    joblib = pytest.importorskip("joblib")
    expected = get_coverage(sample[0], "chr1", 1, 5_000, sample[1])
    call = joblib.delayed(get_coverage)
    for backend in ("loky", "threading"):
        tables = joblib.Parallel(2, backend=backend)([call(sample[0], "chr1", 1, 5_000, sample[1])] * 4)
        assert all(table.equals(expected) for table in tables)


def test_dask_workers(sample):
    dask = pytest.importorskip("dask")
    expected = get_coverage(sample[0], "chr1", 1, 5_000, sample[1])
    for scheduler in ("threads", "processes"):
        calls = [dask.delayed(get_coverage)(sample[0], "chr1", 1, 5_000, sample[1]) for _ in range(4)]
        tables = dask.compute(*calls, scheduler=scheduler)
        assert all(table.equals(expected) for table in tables)


def test_workers_of_a_dask_cluster(sample):
    """Its workers are daemonic processes with several threads each, and errors come back pickled."""
    distributed = pytest.importorskip("distributed")
    expected = get_coverage(sample[0], "chr1", 1, 5_000, sample[1])
    options = {"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        found = client.gather([client.submit(_cores_of_a_worker, sample, pure=False) for _ in range(8)])
        assert all(n_cores == 1 and table.equals(expected) for n_cores, table in found)
        with pytest.raises(errors.UnknownContigError, match="nope"):
            client.submit(get_coverage, sample[0], "nope", 1, 2).result()


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="before 3.12 an interpreter does not tell a module where it is loaded"
)
def test_a_subinterpreter_is_refused():
    import _interpreters

    code = f"""
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("_fastcov", {_fastcov.__file__!r})
try:
    spec.loader.exec_module(module_from_spec(spec))
except ImportError:
    pass
else:
    raise AssertionError("it was loaded")
"""
    interpreter = _interpreters.create()
    try:
        assert _interpreters.run_string(interpreter, code) is None
    finally:
        _interpreters.destroy(interpreter)
