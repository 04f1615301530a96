"""``iter_coverage``: the rows of ``coverage()``, in batches, in order, in the background; and what ends it."""

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastcov
from fastcov import FastcovWarning, coverage, errors, iter_coverage
from simulate import Record, cigar, write_bam

RULES = ["bases", "depth", "mosdepth", "genomecov", {"rules": "mpileup", "max_depth": 10}]


def together(batches, columns) -> pd.DataFrame:
    frames = [batch.to_pandas() for batch in batches]
    return pd.concat(frames, ignore_index=True)[columns]


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.filterwarnings("ignore:the depth cap")
def test_batches_are_the_rows_of_coverage(sample, rules, runs):
    how = rules if isinstance(rules, dict) else {"rules": rules}
    regions = ["chr1:500-31234", "chr2", ("chr1", 30_000, 30_000), "chr1:59990-60000"]
    wanted = coverage(sample[0], regions, ref=sample[1], runs=runs, **how)
    for rows, n_cores in [(1_000, 2), (7_777, 1), (1_000_000, 2)]:
        stream = iter_coverage(sample[0], regions, ref=sample[1], runs=runs, batch_rows=rows, n_cores=n_cores, **how)
        assert stream.columns == wanted.columns
        assert "reads" not in stream.metadata
        batches = list(stream)
        assert {len(batch) for batch in batches[:-1]} <= {rows}
        assert 0 < batches[-1].num_rows <= rows
        assert together(batches, wanted.columns).equals(wanted.to_pandas())
        assert stream.metadata == wanted.metadata
        asked = [region for batch in batches for region in batch.metadata["regions"]]
        assert sum(end - start + 1 for _, start, end in asked) == sum(
            e - s + 1 for _, s, e in wanted.metadata["regions"]
        )
        with pytest.raises(StopIteration):
            next(stream)


def test_a_batch_knows_its_positions(sample):
    for batch in iter_coverage(sample[0], ["chr1:100-5099", "chr2:1-2000"], batch_rows=3_000):
        pos = batch.to_numpy()["pos"]
        asked = [np.arange(start, end + 1) for _, start, end in batch.metadata["regions"]]
        assert np.concatenate(asked).tolist() == pos.tolist()


def test_arrow_takes_batches_and_streams(sample):
    pa = pytest.importorskip("pyarrow")
    wanted = coverage(sample[0]).to_arrow()
    reader = pa.RecordBatchReader.from_stream(iter_coverage(sample[0], batch_rows=9_999))
    assert reader.schema == wanted.schema
    batches = list(reader)
    assert {batch.num_rows for batch in batches[:-1]} == {9_999}
    assert pa.Table.from_batches(batches).combine_chunks().equals(wanted)
    batch = next(iter_coverage(sample[0], batch_rows=50))
    assert pa.record_batch(batch).equals(wanted.slice(0, 50).to_batches()[0])
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(iter_coverage(sample[0], batch_rows=9_999))
    assert frame["depth"].to_list() == wanted["depth"].to_pylist()


def test_an_arrow_stream_is_the_rest_and_is_given_once(sample):
    pa = pytest.importorskip("pyarrow")
    stream = iter_coverage(sample[0], "chr1:1-1000", batch_rows=300)
    assert len(next(stream)) == 300
    rest = pa.table(stream)
    assert rest["pos"].to_pylist() == list(range(301, 1001))
    assert stream.metadata["reads"]["used"] > 0
    with pytest.raises(StopIteration):
        next(stream)
    with pytest.raises(errors.InvalidArgumentError, match="handed over"):
        pa.table(stream)


def test_warnings_come_once(sample):
    with pytest.warns(FastcovWarning) as caught:
        batches = list(iter_coverage(sample[0], "chr2:1-99999", rules="mpileup", max_depth=5, batch_rows=5_000))
    assert len(batches) > 1
    said = [str(w.message) for w in caught]
    assert sorted(m.split()[0] for m in said) == ["region", "the"], said
    assert all(Path(w.filename).name == Path(__file__).name for w in caught)


# mosdepth, a pair of which one mate was filtered out and a name used again: what was written far before changes.
#   q  21-30 (its mate, at 25, is a duplicate)      reads of other names in between      q again at 501
def late_reads() -> list[Record]:
    def read(name: str, pos: int, flag: int = 0, mate_pos: int = -1) -> Record:
        mate = {"mate_contig": 0 if flag else -1, "mate_pos": mate_pos}
        return Record(name, flag, pos, 60, cigar("10M"), "A" * 10, bytes([30] * 10), **mate)

    return [read("q", 20, 0x3, 24), *(read(f"r{i}", i) for i in range(30, 480)), read("q", 500, 0x3, 400)]


def test_nothing_is_given_that_changes_later(tmp_path):
    bam = write_bam(tmp_path / "late.bam", {"c": 600}, late_reads())
    parts = {"span_bytes": 1, "part_bytes": 1}
    rules = fastcov.Rules.mosdepth()
    wanted = coverage(bam, "c", rules=rules).to_numpy()["depth"]
    plain = coverage(bam, "c", rules="genomecov").to_numpy()["depth"]
    assert wanted[100] == plain[100] + 1, (
        "the name that is used again changes nothing: the file is not what it is meant to be"
    )
    core, _ = fastcov._fastcov.stream_coverage(str(bam), None, rules, batch_rows=50, **parts)
    found = []
    while (item := core.next()) is not None:
        found += fastcov.Table(item[0], {}).to_numpy()["depth"].tolist()
    assert found == wanted.tolist()


def broken(sample, folder: Path, at: float) -> Path:
    """The sample with a frame spoilt somewhere in the file."""
    data = bytearray(sample[0].read_bytes())
    place = int(len(data) * at)
    data[place : place + 40] = bytes(40)
    bam = folder / "broken.bam"
    bam.write_bytes(data)
    Path(f"{bam}.bai").write_bytes(Path(f"{sample[0]}.bai").read_bytes())
    return bam


def test_errors_come_where_the_batch_would(sample, tmp_path):
    bam = broken(sample, tmp_path, 0.7)
    small = {"span_bytes": 1, "part_bytes": 10_000}
    core, _ = fastcov._fastcov.stream_coverage(str(bam), None, fastcov.Rules.bases(), batch_rows=1_000, **small)
    taken: list[object] = []
    with pytest.raises(errors.CorruptFileError, match=r"broken\.bam"):
        taken.extend(iter(core.next, None))
    assert len(taken) > 5
    with pytest.raises(errors.InvalidArgumentError, match="closed"):
        core.next()
    pa = pytest.importorskip("pyarrow")
    with pytest.raises((OSError, pa.ArrowException), match=r"CorruptFileError.*broken\.bam"):
        pa.table(iter_coverage(bam))
    with pytest.raises(errors.UnknownContigError):
        iter_coverage(sample[0], "chrX")
    with pytest.raises(errors.InvalidArgumentError, match="batch_rows=0"):
        iter_coverage(sample[0], batch_rows=0)
    with pytest.raises(TypeError, match="batch_rows must be an integer"):
        iter_coverage(sample[0], batch_rows=1.5)
    with pytest.raises(errors.ResourceLimitError, match="max_memory"):
        iter_coverage(sample[0], max_memory=100_000)


def workers() -> int:
    found = 0
    for task in Path("/proc/self/task").iterdir():
        # A thread may end between the listing and the look.
        with suppress(FileNotFoundError, ProcessLookupError):
            found += (task / "comm").read_text().startswith("fastcov-stream")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_leaving_early_stops_the_threads(sample):
    assert workers() == 0
    with iter_coverage(sample[0], batch_rows=100) as stream:
        next(stream)
        assert workers() == 1
    assert workers() == 0
    with pytest.raises(errors.InvalidArgumentError, match="closed"):
        next(stream)
    stream = iter_coverage(sample[0], batch_rows=100)
    stream.close()
    stream.close()
    assert workers() == 0
    for _ in iter_coverage(sample[0], batch_rows=100):
        break
    gc.collect()
    assert workers() == 0
    pa = pytest.importorskip("pyarrow")
    reader = pa.RecordBatchReader.from_stream(iter_coverage(sample[0], batch_rows=100))
    reader.read_next_batch()
    del reader
    gc.collect()
    assert workers() == 0


def test_streams_and_calls_do_not_wait_for_each_other(sample):
    wanted = coverage(sample[0]).to_numpy()["depth"]
    streams = [iter_coverage(sample[0], batch_rows=500) for _ in range(6)]
    found = []
    for batches in zip(*streams, strict=True):
        depths = [batch.to_numpy()["depth"] for batch in batches]
        assert all((d == depths[0]).all() for d in depths)
        found.append(depths[0])
        if len(found) == 3:
            assert (coverage(sample[0]).to_numpy()["depth"] == wanted).all()
    assert (np.concatenate(found) == wanted).all()


def test_threads_may_share_a_stream(sample):
    stream, sums = iter_coverage(sample[0], batch_rows=1_000), []

    def take() -> None:
        sums.append(sum(int(batch.to_numpy()["depth"].sum()) for batch in stream))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(sums) == coverage(sample[0]).to_numpy()["depth"].sum()


def test_the_time_of_the_caller_counts(sample):
    stream = iter_coverage(sample[0], batch_rows=500, timeout=0.4)
    next(stream)
    time.sleep(0.5)
    with pytest.raises(errors.TimeoutError, match=r"timeout=0\.4"):
        next(stream)


def test_progress_is_moved_and_closed(sample, monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto")
    moves = []

    class Bar(tqdm.tqdm):
        def update(self, n=1):
            moves.append((self.n + n, self.total))
            return super().update(n)

        def close(self):
            moves.append("closed")
            super().close()

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    list(iter_coverage(sample[0], batch_rows=5_000, progress=True))
    steps = list(itertools.takewhile(lambda move: move != "closed", moves))
    assert len(steps) > 2
    assert steps[-1][0] == steps[-1][1]
    assert "closed" in moves


FORK = """
import os, sys
from fastcov import errors, iter_coverage
stream = iter_coverage(sys.argv[1], batch_rows=100)
next(stream)
child = os.fork()
if child == 0:
    try:
        next(stream)
    except errors.InvalidArgumentError as e:
        assert "another process" in str(e)
        stream.close()
        assert sum(len(b) for b in iter_coverage(sys.argv[1])) > 1000
        del stream
        os._exit(7)
    os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sum(len(b) for b in stream))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_told(sample):
    done = subprocess.run(
        [sys.executable, "-c", FORK, sample[0]], capture_output=True, text=True, timeout=120, check=False
    )
    code, rows = done.stdout.split()
    assert int(code) == 7, done.stderr
    assert int(rows) == len(coverage(sample[0])) - 100


CHILD = """
import signal, sys, time
import fastcov
how, bam = sys.argv[1:]
stream = fastcov.iter_coverage(bam, batch_rows=1)
next(stream)
print("started", flush=True)
try:
    if how == "loop":
        for batch in stream:
            pass
    else:
        import pyarrow
        pyarrow.table(stream)
    print("finished")
except KeyboardInterrupt:
    print("interrupted", time.monotonic())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sends signals")
@pytest.mark.parametrize("how", ["loop", "arrow"])
def test_ctrl_c_ends_a_stream(sample, how):
    if how == "arrow":
        pytest.importorskip("pyarrow")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, how, sample[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "started\n", child.stderr.read()
        time.sleep(0.3)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        ended = time.monotonic()
    finally:
        child.kill()
    assert "interrupted" in out or "KeyboardInterrupt" in err, f"{out}{err}"
    assert "finished" not in out
    assert ended - sent < 3


def test_a_stream_of_nothing_is_empty(tmp_path):
    bam = write_bam(tmp_path / "none.bam", {"c": 10}, [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = list(iter_coverage(bam, batch_rows=4))
    assert [batch.to_numpy()["depth"].tolist() for batch in batches] == [[0] * 4, [0] * 4, [0] * 2]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, StopIteration])
def test_a_progress_bar_that_raises_ends_the_stream(sample, raised):
    """The batch it was told of is lost; the next one would seem to follow the one before."""
    stream = iter_coverage(sample[0], batch_rows=1_000)

    def progress(done: int, total: int) -> None:
        raise raised

    next(stream)
    stream._progress = progress
    with pytest.raises(RuntimeError if raised is StopIteration else raised):
        next(stream)
    stream._progress = None
    with pytest.raises(errors.InvalidArgumentError, match="closed"):
        next(stream)
