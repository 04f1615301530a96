"""What the Python tests share: the simulated sample, real data where it is present, and samtools as bundled in pysam.

Two environment variables turn a missing thing from a skip into a failure: FASTCOV_REQUIRE_DATA=1 (real data, found in
the folder FASTCOV_DATA names or in `../shared/data` beside the checkout) and FASTCOV_REQUIRE_PEERS=1 (the tools
compared with).
"""

import importlib.util
import os
import struct
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import oracle
import other_tools
import peers
import simulate

CHECKOUT = Path(__file__).resolve().parents[2]


def missing(what: str, variable: str) -> None:
    """Skips, or fails where the thing is required."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{what}, and {variable}=1 asks for it")
    pytest.skip(what)


def shared_folder() -> Path:
    """The folder with real data (`data/`) and the studied inputs (`bad-inputs/`), neither a part of the project."""
    if "FASTCOV_DATA" in os.environ:
        return Path(os.environ["FASTCOV_DATA"]).resolve().parent
    return CHECKOUT.parent / "shared"


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = shared_folder() / "data"
    if not folder.is_dir():
        missing(f"no real data: {folder} is not there, and FASTCOV_DATA names no other folder", "FASTCOV_REQUIRE_DATA")
    return folder


@pytest.fixture(scope="session")
def micro_cases(pysam_installed, tmp_path_factory) -> Path:
    """A folder with every case of `tests/oracle` as NAME.bam and NAME.fa."""
    folder = tmp_path_factory.mktemp("oracle")
    oracle.build(folder)
    return folder


@pytest.fixture(scope="session")
def studied_inputs() -> Path:
    """The script that writes the bad inputs studied before fastcov was written; never required, so only skipped."""
    script = shared_folder() / "bad-inputs" / "make_bad.py"
    if not script.is_file():
        pytest.skip(f"no studied inputs: {script} is not there")
    return script


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """BAM and FASTA of the simulated sample, both with an index."""
    return simulate.sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def slow(tmp_path_factory) -> tuple[Path, Path]:
    """A file small on disk that takes many seconds: one frame of reads in doubt, thousands of times over."""
    folder = tmp_path_factory.mktemp("slow")
    letters = "ACGTTGCAAC" * 30
    ref = simulate.write_fasta(folder / "slow.fa", {"c": letters})
    # Letters that do not fit the reference, with good qualities: nothing about such a read can be settled cheaply.
    read = simulate.Record("r", 0, 40, 60, simulate.cigar("150M"), "A" * 150, bytes([25, 35] * 75))
    few = simulate.write_bam(folder / "few.bam", {"c": len(letters)}, [read] * 200, level=1).read_bytes()
    header = 1 + int.from_bytes(few[16:18], "little")
    reads = few[header : -len(simulate.EOF_FRAME)]
    assert len(reads) == 1 + int.from_bytes(reads[16:18], "little"), "the reads are one frame"
    bam = folder / "slow.bam"
    with open(bam, "wb") as file:
        file.write(few[:header])
        for _ in range(100):
            file.write(reads * 250)
        file.write(simulate.EOF_FRAME)
    # One contig with two bins: the reads', with one chunk, and the one that says where they lie and how many there are.
    place = (header << 16, (header + 25_000 * len(reads)) << 16)
    bins = struct.pack("<IIQQ", 4681, 1, *place) + struct.pack("<IIQQQQ", 37450, 2, *place, 5_000_000, 0)
    index = b"BAI\1" + struct.pack("<II", 1, 2) + bins + struct.pack("<IQQ", 1, place[0], 0)
    Path(f"{bam}.bai").write_bytes(index)
    return bam, ref


@pytest.fixture(scope="session")
def other_peers() -> None:
    """For tests that compare with mosdepth and bedtools."""
    if not other_tools.installed():
        missing("mosdepth and bedtools, which this test compares with, are not installed", "FASTCOV_REQUIRE_PEERS")


class Samtools:
    """samtools as pysam bundles it (1.24), in processes of its own: it keeps global state and leaves with exit()."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __call__(self, *arguments: object) -> bytes:
        return self._run(peers.run, *arguments)

    def mpileup(self, *arguments: object, **where: object) -> tuple:
        return self._run(peers.mpileup, *arguments, **where)

    def letters(self, *arguments: object, **where: object) -> dict:
        return self._run(peers.letters, *arguments, **where)

    def depth(self, *arguments: object, **where: object) -> tuple:
        return self._run(peers.depth, *arguments, **where)

    def _run(self, function: Callable, *arguments: object, **where: object) -> object:
        return self._pool.submit(function, *map(str, arguments), **where).result(timeout=600)

    def close(self) -> None:
        self._pool.shutdown()


@pytest.fixture(scope="session")
def pysam_installed() -> None:
    if importlib.util.find_spec("pysam") is None:
        missing("pysam, whose samtools these tests compare with, is not installed", "FASTCOV_REQUIRE_PEERS")


@pytest.fixture(scope="session")
def samtools(pysam_installed):
    tool = Samtools()
    yield tool
    tool.close()
