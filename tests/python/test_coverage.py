"""What `get_coverage` takes and gives: the frame, its buffers, the keywords."""

import inspect
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastcov
from fastcov import FastcovWarning, Rules, _fastcov, get_coverage
from simulate import Record, cigar, write_bam, write_fasta

REGION = ("chr1", 20_001, 20_400)


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def buffers(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The arrays behind the columns; through the blocks, because pandas 3 hands out read-only views."""
    out = {}
    for block in frame._mgr.blocks:
        (place,) = block.mgr_locs.as_array
        values = block.values
        out[frame.columns[place]] = values._ndarray if isinstance(values, pd.Categorical) else values[0]
    return out


def test_signature_is_the_one_promised():
    assert str(inspect.signature(get_coverage)).split("min_mapq")[0].replace("str | os.PathLike[str]", "P") == (
        "(bam: P, chrom: str, start: int, end: int, ref: P | None = None, n_cores: int | None = None, *, "
        "rules: fastcov.rules.Rules | str | None = None, index: P | None = None, allow_truncated: bool = False, "
        "progress: bool = False, timeout: float | None = None, max_memory: int | None = None, "
    )


def test_frame_has_the_columns_dtypes_and_rows_promised(sample):
    bam, ref = sample
    frame = get_coverage(bam, *REGION, ref)
    assert list(frame.columns) == ["pos", "chr", "base", "coverage"]
    assert isinstance(frame.index, pd.RangeIndex)
    assert frame["pos"].dtype == np.int64
    assert frame["coverage"].dtype == np.int32
    assert isinstance(frame["chr"].dtype, pd.CategoricalDtype)
    assert isinstance(frame["base"].dtype, pd.CategoricalDtype)
    assert frame["pos"].tolist() == list(range(20_001, 20_401))
    assert frame["chr"].cat.categories.tolist() == ["chr1", "chr2"]
    assert set(frame["chr"]) == {"chr1"}
    assert frame["coverage"].between(1, 60).all()


def test_base_is_the_letter_of_the_fasta_as_it_stands(sample):
    bam, ref = sample
    frame = get_coverage(bam, "chr2", 1_990, 2_210, ref)
    lines = ref.read_text().split(">chr2\n")[1].replace("\n", "")
    assert "".join(frame["base"].astype(str)) == lines[1_989:2_210]
    assert {"a", "N", "A"} < set(frame["base"]), "the stretch holds lower case, N and upper case"


def test_without_reference_base_is_n_and_there_is_no_baq(sample):
    bam, ref = sample
    frame = get_coverage(bam, *REGION)
    assert set(frame["base"]) == {"N"}
    without_baq = get_coverage(bam, *REGION, ref, baq=False)
    assert frame["coverage"].tolist() == without_baq["coverage"].tolist()
    assert frame["coverage"].tolist() != get_coverage(bam, *REGION, ref)["coverage"].tolist()


def test_numpy_owns_the_buffers_of_the_core_uncopied_and_writeable(sample, monkeypatch):
    given = {}

    def spy(*args, **kwargs):
        given.update(original(*args, **kwargs))
        return given

    original = _fastcov.region_depth
    monkeypatch.setattr(_fastcov, "region_depth", spy)
    frame = get_coverage(*sample[:1], *REGION, sample[1])
    columns = {"pos": "pos", "chr": "chrom_codes", "base": "base_codes", "coverage": "depth"}
    for column, buffer in buffers(frame).items():
        array = given[columns[column]]
        assert address(buffer) == address(array), f"{column} was copied"
        assert buffer.flags.writeable, column
        assert buffer.flags.c_contiguous, column
        assert isinstance(array, np.ndarray), column


def test_writing_changes_the_frame_in_place_and_no_other(sample):
    first = get_coverage(*sample[:1], *REGION, sample[1])
    second = get_coverage(*sample[:1], *REGION, sample[1])
    before = {column: address(buffer) for column, buffer in buffers(first).items()}
    first.loc[0, "coverage"] = 12_345
    first.loc[1, "pos"] = -1
    first.loc[0, "base"] = "N"
    first["coverage"] += 1
    assert {c: address(b) for c, b in buffers(first).items() if c != "coverage"} == {
        c: a for c, a in before.items() if c != "coverage"
    }
    assert first.loc[0, "coverage"] == 12_346
    assert first.loc[1, "pos"] == -1
    assert second.loc[0, "coverage"] != 12_345
    assert second.loc[1, "pos"] == 20_002


def test_frames_of_different_regions_join_as_categories(sample):
    bam, ref = sample
    whole = pd.concat([get_coverage(bam, "chr1", 1, 10, ref), get_coverage(bam, "chr2", 1, 10, ref)])
    assert isinstance(whole["chr"].dtype, pd.CategoricalDtype)
    assert isinstance(whole["base"].dtype, pd.CategoricalDtype)
    assert whole["chr"].tolist() == ["chr1"] * 10 + ["chr2"] * 10


def test_region_nothing_covers_is_all_there_with_zeros(sample):
    bam, ref = sample
    frame = get_coverage(bam, "chr1", 44_301, 44_500, ref)
    assert len(frame) == 200
    assert set(frame["coverage"]) == {0}
    assert set(frame["base"]) <= set("ACGT")
    assert set(frame["chr"]) == {"chr1"}


def test_one_position(sample):
    frame = get_coverage(sample[0], "chr1", 20_001, 20_001, sample[1])
    assert frame["pos"].tolist() == [20_001]


def test_file_without_a_single_read(tmp_path):
    bam = write_bam(tmp_path / "empty.bam", {"c": 50}, [])
    frame = get_coverage(bam, "c", 1, 50)
    assert frame["coverage"].tolist() == [0] * 50


def test_end_past_the_contig_is_cut_with_a_warning_that_points_here(sample):
    bam, ref = sample
    with pytest.warns(FastcovWarning, match=r"chr2:5990-7000.*6000") as caught:
        frame = get_coverage(bam, "chr2", 5_990, 7_000, ref)
    assert frame["pos"].tolist() == list(range(5_990, 6_001))
    assert [Path(w.filename).name for w in caught] == [Path(__file__).name]


def test_depth_cap_is_announced_with_its_remedy(tmp_path):
    bam = write_bam(
        tmp_path / "deep.bam", {"c": 50}, [Record("r", 0, 10, 60, cigar("5M"), "ACGTA", bytes([40] * 5))] * 30
    )
    with pytest.warns(FastcovWarning, match=r"max_depth") as caught:
        frame = get_coverage(bam, "c", 1, 50, max_depth=7)
    assert frame["coverage"].max() == 7
    assert len(caught) == 1
    assert get_coverage(bam, "c", 1, 50, max_depth=0)["coverage"].max() == 30


def test_old_keywords(sample):
    bam, ref = sample
    new = get_coverage(bam, *REGION, ref, 2)
    old = get_coverage(bam_file=bam, chr="chr1", start=20_001, end=20_400, ref=ref, n_cores=2)
    mixed = get_coverage(bam, chr="chr1", start=20_001, end=20_400, ref=ref)
    pd.testing.assert_frame_equal(old, new)
    pd.testing.assert_frame_equal(mixed, new)


def test_paths_of_every_kind(sample):
    bam, ref = sample

    class Odd(os.PathLike):
        def __fspath__(self):
            return str(bam)

    expected = get_coverage(str(bam), *REGION, str(ref))
    for path in (bam, Odd(), os.fsencode(bam)):
        pd.testing.assert_frame_equal(get_coverage(path, *REGION, ref, index=f"{bam}.bai"), expected)


def test_odd_file_and_contig_names(tmp_path):
    bam = tmp_path / "my reads (1) ü;$x.bam"
    contigs = {"HLA-A*01:01:01:01": 30, "gi|1|ref|NC_1.1|": 30, "1": 30, "NA": 30}
    records = [Record("r", 0, 5, 60, cigar("5M"), "ACGTA", bytes([40] * 5), contig) for contig in range(4)]
    write_bam(bam, contigs, records)
    ref = write_fasta(tmp_path / "my ref.fa", dict.fromkeys(contigs, "ACGTACGTAC" * 3))
    for name in contigs:
        frame = get_coverage(bam, name, 1, 30, ref, baq=False)
        assert frame["coverage"].tolist() == [0] * 5 + [1] * 5 + [0] * 20
        assert set(frame["chr"]) == {name}


@pytest.mark.skipif(sys.platform != "linux", reason="only here a file name may be any bytes")
def test_file_name_that_is_not_utf8(sample, tmp_path):
    bam = os.fsencode(tmp_path) + b"/\xff\xfe.bam"
    shutil.copy(sample[0], bam)
    shutil.copy(f"{sample[0]}.bai", bam + b".bai")
    assert len(get_coverage(bam, *REGION)) == 400


def test_numpy_integers_are_integers(sample):
    frame = get_coverage(sample[0], np.str_("chr1"), np.int32(20_001), np.uint64(20_400), n_cores=np.int8(2))
    assert len(frame) == 400


def test_csi_index_and_index_elsewhere(sample, samtools, tmp_path):
    bam, ref = sample
    expected = get_coverage(bam, *REGION, ref)
    alone = shutil.copy(bam, tmp_path / "alone.bam")
    samtools("index", "-c", alone)
    pd.testing.assert_frame_equal(get_coverage(alone, *REGION, ref), expected)
    os.rename(f"{alone}.csi", tmp_path / "elsewhere.csi")
    pd.testing.assert_frame_equal(get_coverage(alone, *REGION, ref, index=tmp_path / "elsewhere.csi"), expected)


@pytest.mark.parametrize("kind", ["plain", "plain with .fai", "bgzip"])
def test_reference_of_every_kind(sample, samtools, tmp_path, kind):
    bam, ref = sample
    expected = get_coverage(bam, *REGION, ref)
    copy = shutil.copy(ref, tmp_path / "ref.fa")
    if kind == "plain with .fai":
        samtools("faidx", copy)
    if kind == "bgzip":
        import pysam

        pysam.tabix_compress(str(copy), f"{copy}.gz")
        copy = f"{copy}.gz"
        samtools("faidx", copy)
    before = sorted(os.listdir(tmp_path))
    pd.testing.assert_frame_equal(get_coverage(bam, *REGION, copy), expected)
    assert sorted(os.listdir(tmp_path)) == before, "nothing is written beside the data"


def test_rules_by_name_by_value_and_by_field(sample):
    bam, ref = sample

    def depth(**how):
        return get_coverage(bam, *REGION, ref, **how)["coverage"].tolist()

    default = depth()
    assert depth(rules=Rules.mpileup(min_mapq=10)) == default
    assert depth(rules="mpileup", min_mapq=10) == default
    assert depth(rules=Rules.mpileup(), min_mapq=10) == default
    assert depth(min_baseq=0) == depth(rules=Rules.mpileup(min_mapq=10, min_baseq=0)) != default
    assert depth(rules="depth") == depth(rules=Rules.depth()) != default


def test_rules_used_are_in_attrs(sample):
    frame = get_coverage(*sample[:1], *REGION, sample[1], min_baseq=20)
    rules = frame.attrs["fastcov"]["rules"]
    assert rules["name"] == "mpileup"
    assert rules["min_mapq"] == 10
    assert rules["min_baseq"] == 20


def test_progress_is_a_bar_over_bytes(sample, capsys):
    get_coverage(*sample[:1], "chr1", 1, 60_000, sample[1], progress=True)
    err = capsys.readouterr().err
    assert "chr1:1-60000" in err
    assert "100%" in err
    assert "B/s" in err


def test_progress_without_tqdm_says_what_to_install(sample, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"pip install 'fastcov-bio\[progress\]'"):
        get_coverage(sample[0], *REGION, progress=True)


def test_public_names_are_all_and_nothing_else():
    assert sorted(fastcov.__all__) == [
        "Comparison",
        "CoverageStream",
        "FastcovWarning",
        "QcReport",
        "Region",
        "Rules",
        "Table",
        "TargetStats",
        "__version__",
        "base_counts",
        "blocks",
        "compare",
        "contigs",
        "coverage",
        "coverage_matrix",
        "discordant_pairs",
        "distribution",
        "errors",
        "flag_summary",
        "get_coverage",
        "insert_sizes",
        "iter_coverage",
        "map_regions",
        "plot",
        "qc",
        "quantize",
        "show_versions",
        "sv_clusters",
        "sv_evidence",
        "target_stats",
        "window_stats",
    ]
    assert fastcov.__version__ == _fastcov.__version__
    for name in fastcov.__all__:
        assert hasattr(fastcov, name)
