"""Ctrl-C, timeouts, fork and many threads: a call ends when it is told to, and the next one is right."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from fastcov import errors, get_coverage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc and sends signals")

# A call that is told to stop has 200 ms; a second on top for a machine that is busy with other things.
SOON = 1.2


CHILD = """
import os, signal, sys, threading, time
from fastcov import errors, get_coverage
# A shell's background jobs ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
bam, ref, small_bam, small_ref = sys.argv[1:]
expected = get_coverage(small_bam, "chr1", 1, 60_000, small_ref)
print("started", flush=True)
try:
    get_coverage(bam, "c", 1, 300, ref, max_depth=0)
    print("finished")
except KeyboardInterrupt:
    print("interrupted", time.monotonic())
before = os.times()
time.sleep(0.5)
after = os.times()
print("busy", after.user - before.user + after.system - before.system)
names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
print("threads", sum(name.startswith("fastcov") for name in names), "python", threading.active_count())
print("right", get_coverage(small_bam, "chr1", 1, 60_000, small_ref).equals(expected))
"""


@pytest.mark.parametrize("delay", [0.05, 0.5])
def test_ctrl_c_ends_a_call_and_its_work(slow, sample, delay):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, (*slow, *sample))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == "started\n", child.stderr.read()
        time.sleep(delay)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    said = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert "interrupted" in said, f"the call was over before the signal came: {out}{err}"
    assert float(said["interrupted"]) - sent < SOON
    assert float(said["busy"]) < 0.1, "a worker went on after the call had ended"
    threads, _, python = said["threads"].split()
    assert int(python) == 1
    assert int(threads) <= len(os.sched_getaffinity(0)), "more threads than the pool"
    assert said["right"] == "True"
    assert err == ""


def test_timeout_ends_a_call(slow, sample):
    began = time.monotonic()
    with pytest.raises(errors.TimeoutError, match=r"timeout=0\.3") as caught:
        get_coverage(slow[0], "c", 1, 300, slow[1], max_depth=0, timeout=0.3)
    assert 0.25 < time.monotonic() - began < 0.3 + SOON
    assert isinstance(caught.value, TimeoutError)
    assert len(get_coverage(sample[0], "chr1", 1, 100, sample[1], timeout=60)) == 100


def run(code: str | Path, *arguments: object) -> str:
    """What a fresh interpreter prints; its error output, if it fails."""
    command = [sys.executable, *(("-c", code) if isinstance(code, str) else (code,)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout if done.returncode == 0 and not done.stderr else done.stdout + done.stderr


FORK = """
import os, sys, signal
from fastcov import get_coverage
bam, ref = sys.argv[1:]
call = lambda: get_coverage(bam, "chr1", 1, 60_000, ref, n_cores=2)
expected = call()
for _ in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if call().equals(expected) else 3)
    assert call().equals(expected)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
print("right")
"""


def test_fork_after_use(sample):
    assert run(FORK, *sample) == "right\n"


POOL = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from fastcov import get_coverage

def call(place):
    return get_coverage(sys.argv[1], "chr1", *place, sys.argv[2])

def fail(_):
    return get_coverage(sys.argv[1], "nope", 1, 2)

if __name__ == "__main__":
    places = [(1 + 5_000 * i, 5_000 * (i + 1)) for i in range(12)]
    expected = [call(place) for place in places]
    for method in ("fork", "spawn", "forkserver"):
        with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
            assert all(a.equals(b) for a, b in zip(pool.map(call, places), expected, strict=True)), method
            try:
                list(pool.map(fail, [0]))
            except LookupError as error:
                assert error.contig == "nope"
    print("right")
"""


def test_process_pools_of_every_kind(sample, tmp_path):
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    assert run(script, *sample) == "right\n"


def test_a_hundred_threads_at_once(sample):
    bam, ref = sample
    expected = {n: get_coverage(bam, "chr1", 1, 100 * n, ref) for n in range(1, 101)}
    barrier = threading.Barrier(100)
    wrong = []

    def work(n: int) -> None:
        barrier.wait()
        try:
            pd.testing.assert_frame_equal(get_coverage(bam, "chr1", 1, 100 * n, ref, n_cores=1 + n % 4), expected[n])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_no_file_stays_open(sample, tmp_path):
    bam, ref = sample

    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    get_coverage(bam, "chr1", 1, 100, ref)
    before = count()
    for _ in range(50):
        get_coverage(bam, "chr1", 1, 100, ref)
        with pytest.raises(errors.UnknownContigError):
            get_coverage(bam, "nope", 1, 100, ref)
    assert count() == before


IMPORT = """
import os
import numpy, pandas
files, threads = set(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
import fastcov
assert set(os.listdir("/proc/self/fd")) == files
assert len(os.listdir("/proc/self/task")) == threads
import sys
for name in ("tqdm", "matplotlib", "polars", "pyarrow", "dask"):
    assert name not in sys.modules or name == "pyarrow", name
print("right")
"""


def test_import_starts_nothing_and_loads_no_optional_package():
    assert run(IMPORT) == "right\n"
