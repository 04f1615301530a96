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


def contigs_of(tmp_path: Path, *orders: dict[str, int]) -> list[Path]:
    """A file for each list of contigs, all with a read at 5 of chr1 and one at 7 of chr2, where they have those."""
    files = []
    for i, contigs in enumerate(orders):
        ids = list(contigs)
        reads = [read(ids.index(name), pos) for name, pos in (("chr1", 5), ("chr2", 7)) if name in contigs]
        reads.sort(key=lambda record: record.contig)
        files.append(write_bam(tmp_path / f"{'abcdef'[i]}.bam", contigs, reads))
    return files


@pytest.mark.parametrize(
    ("other", "missing"),
    [
        ({"chr2": 200, "chr1": 300}, []),
        ({"decoy1": 50, "chr2": 200, "decoy2": 60, "chr1": 300}, ["decoy1", "decoy2"]),
        ({"chr1": 300, "chr2": 200, **{f"un{i}": 10 for i in range(9)}}, ["un0", "un1", "un2", " and 6 more"]),
    ],
    ids=["order", "decoys", "many"],
)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_common_contigs_by_name(tmp_path, recwarn, other, missing, which):
    orders = [CONTIGS, CONTIGS, CONTIGS]
    orders[which] = other
    files = contigs_of(tmp_path, *orders)
    table = coverage_matrix(files).to_pandas()
    first = [name for name in orders[0] if name in CONTIGS]
    assert table["chrom"].drop_duplicates().tolist() == first
    for name in ("a", "b", "c"):
        for chrom, start in (("chr1", 5), ("chr2", 7)):
            rows = table[table["chrom"] == chrom]
            assert rows[name].tolist() == [int(start <= pos < start + 10) for pos in range(CONTIGS[chrom])], (
                name,
                chrom,
            )
    said = [str(warning.message) for warning in recwarn if warning.category is FastcovWarning]
    assert len(said) == bool(missing)
    assert all(name in said[0] for name in missing)
    if missing:
        count = len(other) - len(CONTIGS)
        assert said[0].startswith(f"{count} contigs are not in every file and left out: ")
        with pytest.raises(errors.HeaderMismatchError):
            coverage_matrix(files, headers="strict")


def test_a_contig_of_the_first_file_alone_is_left_out_even_if_the_reference_lacks_it(tmp_path):
    files = contigs_of(tmp_path, {"decoy": 40, "chr1": 300}, {"chr1": 300})
    reference = tmp_path / "reference.fa"
    reference.write_text(f">chr1\n{'A' * 300}\n")
    (tmp_path / "reference.fa.fai").write_text("chr1\t300\t6\t300\t301\n")
    with pytest.warns(FastcovWarning, match=r"^1 contig is not in every file and left out: 'decoy'$"):
        table = coverage_matrix(files, ref=reference).to_pandas()
    assert (len(table), set(table["base"]), table["a"].sum(), table["b"].sum()) == (300, {"A"}, 10, 10)


def test_only_the_contigs_of_the_regions_matter(tmp_path, recwarn):
    files = contigs_of(tmp_path, CONTIGS, {"x": 9, "chr2": 999, "chr1": 300}, {"chr1": 300})
    table = coverage_matrix(files, ["chr1:1-9", "chr1:11-20"]).to_pandas()
    alone = coverage(files[0], ["chr1:1-9", "chr1:11-20"]).to_pandas()["depth"]
    assert all((table[name] == alone).all() for name in ("a", "b", "c"))
    assert not [warning for warning in recwarn if warning.category is FastcovWarning]
    with pytest.raises(
        errors.HeaderMismatchError, match=r"contig 'chr2' has 999 bases here and 200 in .*a\.bam"
    ) as caught:
        coverage_matrix(files, "chr2:1-9")
    assert (caught.value.path, caught.value.contig) == (str(files[1]), "chr2")
    with pytest.raises(errors.HeaderMismatchError, match=r"contig 'chr2' is missing, .*a\.bam has it") as caught:
        coverage_matrix([files[0], files[2]], "chr2:1-9")
    assert (caught.value.path, caught.value.contig) == (str(files[2]), "chr2")
    with pytest.raises(errors.UnknownContigError):
        coverage_matrix(files, "x:1-9")
    with pytest.raises(errors.HeaderMismatchError):
        coverage_matrix(files, "chr1:1-9", headers="strict")


def test_another_length_or_no_common_contig_is_an_error(tmp_path):
    files = contigs_of(tmp_path, CONTIGS, {"chr2": 250, "chr1": 300}, {"1": 300}, {"chr1": 300, "chr2": 0})
    for other, here in ((files[1], 250), (files[3], 0)):
        for order in ([files[0], other], [files[0], files[0], other]):
            with pytest.raises(
                errors.HeaderMismatchError, match=f"contig 'chr2' has {here} bases here and 200 in .*a.bam"
            ):
                coverage_matrix(order, names=["x", "y", "z"][: len(order)])
    with pytest.raises(errors.HeaderMismatchError, match=r"has no contig in common .*'1', .*'chr1'") as caught:
        coverage_matrix([files[0], files[2]])
    assert caught.value.path == str(files[2])


def test_a_dict_names_the_columns(bams):
    files = dict(zip(("tumour", "normal"), bams, strict=False))
    table = coverage_matrix(files, "chr1")
    listed = coverage_matrix(list(files.values()), "chr1", names=list(files))
    assert table.columns == ["chrom", "pos", "tumour", "normal"]
    assert all((table.to_numpy()[name] == listed.to_numpy()[name]).all() for name in files)
    assert set(table.metadata["reads"]) == set(files)
    with pytest.raises(errors.InvalidArgumentError, match="both name the columns"):
        coverage_matrix(files, names=["a", "b"])
    with pytest.raises(errors.InvalidArgumentError, match="no file"):
        coverage_matrix({})
    with pytest.raises(TypeError, match="names must be a list of str"):
        coverage_matrix({1: bams[0]})


def test_each_file_has_its_index(tmp_path, bams):
    moved = {}
    for name, file in zip("ab", bams, strict=False):
        moved[name] = Path(shutil.copyfile(file, tmp_path / f"{name}.bam"))
        shutil.copyfile(f"{file}.bai", tmp_path / f"index of {name}")
    indexes = {name: tmp_path / f"index of {name}" for name in moved}
    with pytest.raises(errors.IndexMissingError):
        coverage_matrix(moved)
    wanted = coverage_matrix(bams[:2], names=["a", "b"]).to_numpy()
    tables = [
        coverage_matrix(moved, index=indexes),
        coverage_matrix(moved, index=list(indexes.values())),
        coverage_matrix(list(moved.values()), names=["a", "b"], index=indexes),
        coverage_matrix({"a": moved["a"], "b": bams[1]}, index={"a": indexes["a"]}),
        coverage_matrix({"a": bams[0], "b": moved["b"]}, index=[None, indexes["b"]]),
        coverage_matrix(dict(zip("ab", bams, strict=False)), index={}),
    ]
    assert all((table.to_numpy()[name] == wanted[name]).all() for table in tables for name in wanted)
    with pytest.raises(errors.IndexMissingError):
        coverage_matrix(moved, index={"a": indexes["a"]})
    with pytest.raises(errors.IndexMismatchError):
        coverage_matrix(moved, index=list(indexes.values())[::-1])
    for wrong, words in (([indexes["a"]], "1 paths for 2 files"), ({"c": indexes["a"]}, "'c', which is not the name")):
        with pytest.raises(errors.InvalidArgumentError, match=words):
            coverage_matrix(moved, index=wrong)
    for wrong in (str(indexes["a"]), indexes["a"], 7):
        with pytest.raises(TypeError, match="index must be a list of paths"):
            coverage_matrix(moved, index=wrong)


def test_headers_is_one_of_two_words(bams):
    with pytest.raises(errors.InvalidArgumentError, match="headers='loose' is unknown: give 'common' or 'strict'"):
        coverage_matrix(bams, headers="loose")


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
def test_strict_headers_that_differ(tmp_path, contigs, words, contig):
    first = bam(tmp_path, "first")
    records = [read(0, 5)]
    other = write_bam(tmp_path / "other.bam", contigs, records)
    with pytest.raises(errors.HeaderMismatchError, match=words) as caught:
        coverage_matrix([first, first, other], names=["a", "b", "c"], headers="strict")
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
    for wrong in (bams[0], str(bams[0]), 7):
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
