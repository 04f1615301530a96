"""Files that change while they are read: noticed, whatever the change makes of them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fastcov import Rules, _fastcov, errors


def write_over(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"other bytes")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def grow(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"more bytes")


def count(bam: Path, ref: Path, change: Callable[[], object]) -> int:
    """The sum of all depths; `change` is called when the files are open and nothing has been counted."""
    calls = iter([change])

    def progress(done: int, total: int) -> None:
        next(calls, lambda: None)()

    rules = Rules("depth")
    parts = _fastcov.coverage(str(bam), ["chr1", "chr2"], rules, reference=str(ref), progress=progress)
    depth, dtype, _ = parts["table"].column(parts["table"].column_names.index("depth"))
    return sum(memoryview(depth).cast("B").cast("i" if dtype == "int32" else "q"))


@pytest.fixture
def files(sample, tmp_path):
    bam, ref = (Path(shutil.copy(path, tmp_path / Path(path).name)) for path in sample)
    shutil.copy(f"{sample[0]}.bai", f"{bam}.bai")
    # As it is before a writer comes: the clock of a file system may be coarse.
    for path in (bam, ref):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return bam, ref


@pytest.mark.parametrize("change", [write_over, cut, grow])
@pytest.mark.parametrize("which", ["bam", "ref"])
def test_change_in_place(files, change, which):
    changed = files[0] if which == "bam" else files[1]
    with pytest.raises(errors.FileChangedError, match="changed while it was read") as caught:
        count(*files, lambda: change(changed))
    assert caught.value.path == str(changed)
    assert isinstance(caught.value, OSError)


def test_replaced_file_is_read_as_it_was(files):
    bam, ref = files
    expected = count(bam, ref, lambda: None)
    new = bam.with_name("new")
    new.write_bytes(b"something else")
    assert count(bam, ref, lambda: os.replace(new, bam)) == expected > 0
