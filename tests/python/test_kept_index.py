"""The index of a file is kept between calls, and never used once one of the two files was touched."""

import os
import shutil
import time
from pathlib import Path

import pytest

from fastcov import errors, get_coverage

pytestmark = pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count what is read")


def bytes_read() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar:"))


def depth(bam: Path):
    return get_coverage(bam, "chr1", 15_000, 16_000, rules="depth", n_cores=1)["coverage"]


def cost(bam: Path) -> int:
    """Bytes that one call reads."""
    before = bytes_read()
    depth(bam)
    return bytes_read() - before


@pytest.fixture
def settled(sample, tmp_path) -> Path:
    """A new file and its index, both last changed a while ago."""
    bam = tmp_path / "sample.bam"
    shutil.copy(sample[0], bam)
    shutil.copy(f"{sample[0]}.bai", f"{bam}.bai")
    time.sleep(2.2)
    return bam


def test_an_index_is_read_once(settled):
    index = Path(f"{settled}.bai").stat().st_size
    expected = depth(settled)
    again = cost(settled)
    # A second before its index, which would be older otherwise.
    now = time.time()
    os.utime(settled, (now - 1, now - 1))
    os.utime(f"{settled}.bai", (now, now))
    assert cost(settled) >= again + index
    assert depth(settled).equals(expected)


def test_one_that_was_just_written_is_read_again(settled):
    index = Path(f"{settled}.bai").stat().st_size
    depth(settled)
    again = cost(settled)
    os.utime(f"{settled}.bai")
    assert cost(settled) >= again + index
    assert cost(settled) >= again + index


def test_damage_is_noticed_although_the_size_and_the_time_are_the_same(settled):
    path = Path(f"{settled}.bai")
    depth(settled)
    times = path.stat()
    good = path.read_bytes()
    path.write_bytes(bytes(4) + good[4:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(errors.CorruptIndexError):
        depth(settled)
    path.write_bytes(good)
    assert depth(settled).sum() > 0


def test_another_file_under_the_same_name_is_noticed(settled, tmp_path):
    path = Path(f"{settled}.bai")
    depth(settled)
    good = path.read_bytes()
    other = tmp_path / "other"
    other.write_bytes(bytes(4) + good[4:])
    time.sleep(2.2)
    other.replace(path)
    with pytest.raises(errors.CorruptIndexError):
        depth(settled)
