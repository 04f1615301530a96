"""`coverage_matrix`: a column per file, each what `coverage` says of the file alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import simulate
from fastcov import FastcovWarning, coverage, coverage_matrix, errors
from simulate import Record, write_bam

CONTIGS = {"chr1": 300, "chr2": 200}


@pytest.fixture(scope="module")
def bams(tmp_path_factory) -> list[Path]:
    """Three samples of one reference."""
    return [simulate.sample(tmp_path_factory.mktemp("samples"), depth=10 * seed, seed=seed)[0] for seed in (1, 2, 3)]


def read(contig: int, pos: int) -> Record:
    return Record("r", 0, pos, 60, [(10, "M")], "A" * 10, b"\x20" * 10, contig)


def bam(folder: Path, name: str, more_header: str = "") -> Path:
    return write_bam(folder / f"{name}.bam", CONTIGS, [read(0, 5), read(1, 7)], more_header=more_header)


@pytest.mark.parametrize("regions", [None, "chr2", ("chr1", 100, 400), ["chr1:1000-2000", ("chr2", 1, 9)]], ids=str)
@pytest.mark.parametrize("how", [{}, {"rules": "depth", "min_baseq": 20}, {"rules": "mpileup", "ref": True}], ids=str)
def test_each_column_is_the_coverage_of_its_file(bams, regions, how):
    if "ref" in how:
        how = how | {"ref": next(bams[0].parent.glob("*.fa"))}
    table = coverage_matrix(bams, regions, names=["a", "b", "c"], **how)
    got = table.to_numpy()
    assert table.columns == ["chrom", "pos", *(["base"] if "ref" in how else []), "a", "b", "c"]
    for name, file in zip("abc", bams, strict=True):
        alone = coverage(file, regions, **how)
        wanted = alone.to_numpy()
        assert (got[name] == wanted["depth"]).all()
        assert got[name].dtype == np.int32
        assert all((got[column] == wanted[column]).all() for column in table.columns[:-3])
        assert table.metadata["reads"][name] == alone.metadata["reads"]
    assert len({got[name].sum() for name in "abc"} | {0}) == 4
    assert table.categories["chrom"] == ("chr1", "chr2")


def test_threads_do_not_matter(bams):
    first = coverage_matrix(bams, names=["a", "b", "c"], n_cores=1).to_numpy()
    other = coverage_matrix(bams, names=["a", "b", "c"], n_cores=3).to_numpy()
    assert all((first[name] == other[name]).all() for name in first)


def test_names(tmp_path, bams):
    groups = {
        "one": "@RG\tID:1\tSM:patient 7\n@RG\tID:2\tSM:patient 7\n",
        "two": "@RG\tID:1\tSM:x\n@RG\tID:2\tSM:y\n",
        "none": "@RG\tID:1\n",
    }
    files = [bam(tmp_path, name, text) for name, text in groups.items()]
    table = coverage_matrix(files, "chr1:6-6")
    assert table.columns == ["chrom", "pos", "patient 7", "two", "none"]
    assert table.to_pandas().iloc[0, 2:].tolist() == [1, 1, 1]
    with pytest.raises(errors.InvalidArgumentError, match=r"two\.bam and .*two\.bam are both named 'two'|\"two\""):
        coverage_matrix([files[1], files[1]])
    for names, words in (
        (["a"], "1 names and 2 files"),
        (["a", "a"], '"a"'),
        (["pos", "b"], '"pos"'),
        (["", "b"], '""'),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=words):
            coverage_matrix(files[:2], names=names)


@pytest.mark.parametrize(
    ("contigs", "words", "contig"),
    [
        ({"chr1": 300, "chr2": 250}, "contig 'chr2' has 250 bases here and 200 in .*first.bam", "chr2"),
        (
            {"chr2": 200, "chr1": 300},
            "contig 'chr2' is number 1 in the header here and number 2 in .*first.bam",
            "chr2",
        ),
        ({"chr1": 300}, "contig 'chr2' is missing, .*first.bam has it", "chr2"),
        ({"chr1": 300, "chr2": 200, "chr3": 9}, "contig 'chr3' is not in the header of .*first.bam", "chr3"),
        ({"1": 300, "2": 200}, "contig '1' is not in the header of .*first.bam", "1"),
    ],
)
def test_headers_that_differ(tmp_path, contigs, words, contig):
    first = bam(tmp_path, "first")
    records = [read(0, 5)]
    other = write_bam(tmp_path / "other.bam", contigs, records)
    with pytest.raises(errors.HeaderMismatchError, match=words) as caught:
        coverage_matrix([first, first, other], names=["a", "b", "c"])
    assert (caught.value.path, caught.value.contig) == (str(other), contig)
    assert isinstance(caught.value, ValueError)


def test_memory_is_asked_for_before_work(bams):
    row = 9 + 4 * 3
    coverage_matrix(bams, ("chr1", 1, 1000), names=["a", "b", "c"], max_memory=1000 * row)
    with pytest.raises(errors.ResourceLimitError, match=str(1000 * row)):
        coverage_matrix(bams, ("chr1", 1, 1000), names=["a", "b", "c"], max_memory=1000 * row - 1)


def test_faults_name_their_file(tmp_path, bams):
    cut = Path(shutil.copyfile(bams[1], tmp_path / "cut.bam"))
    shutil.copyfile(f"{bams[1]}.bai", f"{cut}.bai")
    cut.write_bytes(cut.read_bytes()[:-28])
    with pytest.raises(errors.TruncatedFileError) as caught:
        coverage_matrix([bams[0], cut], names=["a", "b"])
    assert caught.value.path == str(cut)
    with pytest.warns(FastcovWarning, match=r"^b: .*cut short"):
        coverage_matrix([bams[0], cut], names=["a", "b"], allow_truncated=True)
    with pytest.raises(errors.FileMissingError, match="nowhere"):
        coverage_matrix([bams[0], tmp_path / "nowhere.bam"])


def test_arguments(bams):
    with pytest.raises(errors.InvalidArgumentError, match="no file"):
        coverage_matrix([])
    for wrong in (bams[0], str(bams[0]), 7, {"a": bams[0]}):
        with pytest.raises(TypeError, match="bams must be a list of paths"):
            coverage_matrix(wrong)
    for names in ("ab", [1, 2]):
        with pytest.raises(TypeError, match="names must be a list of str"):
            coverage_matrix(bams[:2], names=names)


def test_progress_goes_over_all_files(bams, monkeypatch):
    seen = []
    from fastcov import _fastcov

    count = _fastcov.coverage_matrix
    monkeypatch.setattr(
        _fastcov, "coverage_matrix", lambda *a, **how: count(*a, **how | {"progress": lambda *x: seen.append(x)})
    )
    coverage_matrix(bams, names=["a", "b", "c"])
    done, totals = zip(*seen, strict=True)
    assert len(set(totals)) == 1
    assert list(done) == sorted(done)
    assert done[-1] == totals[0] >= sum(file.stat().st_size for file in bams) * 0.5
