"""``flag_summary``, ``insert_sizes`` and ``qc`` against samtools and against the functions they share tables with."""

import math
import os
import re
import warnings

import numpy as np
import pytest

import fastcov
import hostile_records
import samtools_stats
from fastcov import errors
from fastcov._table import Table
from simulate import Record, cigar, write_bam

# Tables over all records, and what makes the same numbers.
NAMES = ("flags", "insert_sizes", "lengths", "mapq", "base_quality")
RANDOM = int(os.environ.get("FASTCOV_HOSTILE_BAMS", "200"))


def rows(table: Table) -> list[tuple]:
    columns = table.to_numpy()
    named = table.categories
    values = [[named[n][i] for i in v] if n in named else v.tolist() for n, v in columns.items()]
    return list(zip(*values, strict=True))


def check(bam, samtools, max_insert: int = 8000) -> bool:
    """Compares with samtools; False where samtools stats gives up on the file."""
    flags = samtools_stats.parse_flagstat(samtools("flagstat", bam).decode())
    assert rows(fastcov.flag_summary(bam)) == flags
    try:
        text = samtools("stats", "-m", "1.0", "-i", max_insert, bam).decode()
    except Exception as error:
        if "SamtoolsError" not in f"{type(error)}{error}" and "samtools" not in str(error).lower():
            raise
        return False
    assert rows(fastcov.insert_sizes(bam, max_insert)) == samtools_stats.insert_sizes(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastcov.FastcovWarning)
            report = fastcov.qc(bam, max_insert=max_insert)
    except errors.CorruptFileError as error:
        # Depth needs sorted records that lie on their contigs; the two functions above do not.
        if not re.search("not sorted|position|reference id", str(error)):
            raise
        return True
    expected = [
        flags,
        samtools_stats.insert_sizes(text),
        samtools_stats.lengths(text),
        samtools_stats.mapq(text),
        samtools_stats.base_quality(text),
    ]
    for name, wanted in zip(NAMES, expected, strict=True):
        assert rows(getattr(report, name)) == wanted, name
    return True


@pytest.fixture(scope="module")
def unsorted(tmp_path_factory):
    bam = tmp_path_factory.mktemp("unsorted") / "x.bam"
    reads = [Record(f"r{i}", 0, pos, 60, cigar("5M"), "ACGTA", bytes([30] * 5)) for i, pos in enumerate((40, 3))]
    return write_bam(bam, {"c": 100}, reads)


def test_the_sample_has_the_numbers_of_samtools(sample, samtools):
    assert check(sample[0], samtools)
    assert check(sample[0], samtools, 200)
    assert check(sample[0], samtools, 0)


def test_random_records_of_any_kind_have_the_numbers_of_samtools(samtools, tmp_path):
    compared = sum(check(hostile_records.write(tmp_path / f"{seed}.bam", seed), samtools) for seed in range(RANDOM))
    assert compared > RANDOM / 2


@pytest.mark.filterwarnings("ignore:.*it is not aligned:fastcov.FastcovWarning")
def test_real_files_have_the_numbers_of_samtools(real_data, samtools):
    compared = refused = 0
    for bam in sorted(real_data.rglob("*.bam")):
        if bam.stat().st_size > 40 << 20 or bam.parent.name in ("corrupt", "corrupt_derived", "quickcheck"):
            continue
        try:
            fastcov.flag_summary(bam)
        except errors.FastcovError:
            # What fastcov refuses is looked at by test_corrupt_data.py and test_real_data.py.
            refused += 1
            continue
        compared += check(bam, samtools)
    assert compared > 100, (compared, refused)


@pytest.mark.parametrize("tuning", [(1, 1), (3000, 500), (1 << 20, 1 << 20)])
@pytest.mark.parametrize("n_cores", [1, 3])
def test_the_numbers_do_not_depend_on_workers_and_sizes(sample, tuning, n_cores):

    from fastcov import _fastcov

    bam = str(sample[0])
    rule = fastcov.Rules.bases()
    sizes = {"span_bytes": tuning[0], "part_bytes": tuning[1], "n_cores": n_cores}
    parts = _fastcov.qc(
        bam, None, (1000, 1000), [(1.0, False)], [("length", "length"), ("mean", "mean")], 8000, rule, **sizes
    )
    wanted = fastcov.qc(bam, windows=1000)
    for name in NAMES:
        assert rows(Table(parts[name], {})) == rows(getattr(wanted, name)), name
    mean = Table(parts["windows"]["table"], {}).to_numpy()["mean"]
    assert np.array_equal(mean, wanted.windows.to_numpy()["mean"])


@pytest.mark.parametrize("rules", ["bases", "depth", "mosdepth", "genomecov", "mpileup"])
def test_a_report_has_the_tables_of_the_single_functions(sample, rules):
    bam, ref = sample
    bed = [("chr1", 100, 5000, "a"), ("chr2", 0, 500, "b"), ("chr1", 4000, 4500, "c")]
    how = {"rules": rules, "ref": ref}
    report = fastcov.qc(bam, bed, windows=(700, 300), thresholds=(1, "0.5*mean"), **how)
    for made, wanted in [
        (report.distribution, fastcov.distribution(bam, **how)),
        (report.targets, fastcov.target_stats(bam, bed, thresholds=(1, "0.5*mean"), **how)),
        (report.windows, fastcov.window_stats(bam, 700, 300, thresholds=(1, "0.5*mean"), **how)),
        (report.flags, fastcov.flag_summary(bam)),
        (report.insert_sizes, fastcov.insert_sizes(bam)),
    ]:
        assert made.columns == wanted.columns
        assert made.to_pandas().equals(wanted.to_pandas())
    assert report.targets.summary() == fastcov.target_stats(bam, bed, thresholds=(1, "0.5*mean"), **how).summary()


def test_rules_touch_depth_alone(sample):
    strict = fastcov.qc(sample[0], rules="depth", min_mapq=60, exclude_flags=0xF04)
    loose = fastcov.qc(sample[0], rules="genomecov")
    for name in NAMES:
        assert rows(getattr(strict, name)) == rows(getattr(loose, name))
    assert not strict.distribution.to_pandas().equals(loose.distribution.to_pandas())
    assert strict.windows is None
    assert strict.targets is None


def test_the_summary_is_that_of_the_tables(sample):
    bam = sample[0]
    report = fastcov.qc(bam, [("chr1", 0, 1000)], thresholds=(1, 20))
    depth = fastcov.coverage(bam).to_numpy()["depth"]
    summary = report.summary()
    assert summary["positions"] == len(depth)
    assert summary["max_depth"] == depth.max()
    assert summary["mean_depth"] == pytest.approx(depth.mean())
    assert summary["median_depth"] == np.median(depth)
    assert summary["pct_20x"] == pytest.approx(100 * (depth >= 20).mean())
    assert summary["target_positions"] == 1000
    assert summary["target_mean_depth"] == pytest.approx(depth[:1000].mean())
    flags = {category: passed + failed for category, passed, failed in rows(report.flags)}
    assert summary["records"] == flags["in total"]
    assert summary["mapped"] == flags["primary mapped"]
    sizes = np.repeat(*[np.array(c) for c in zip(*[r[:2] for r in rows(report.insert_sizes)], strict=True)])
    assert summary["median_insert_size"] == np.median(sizes)
    assert summary["pairs"] == len(sizes)
    assert "mean_depth" in repr(report)
    assert "<details>" in report._repr_html_()


@pytest.mark.parametrize("reads", [[], [Record("r", 0, 5, 60, cigar("5M"), "ACGTA", bytes([30] * 5))]])
def test_files_with_few_records_give_numbers(tmp_path, reads):
    bam = write_bam(tmp_path / "x.bam", {"c": 100, "empty": 7}, reads)
    bam.with_suffix(".bam.bai").unlink(missing_ok=True)
    report = fastcov.qc(bam, [("c", 0, 10)], windows=50)
    summary = report.summary()
    assert summary["records"] == len(reads) == summary["primary"]
    assert summary["pairs"] == 0
    assert math.isnan(summary["median_insert_size"])
    assert math.isnan(summary["properly_paired_pct"])
    assert math.isnan(summary["mean_read_length"]) == (not reads)
    assert summary["mean_depth"] == pytest.approx(5 * len(reads) / 107)
    assert report.windows.num_rows == 3
    assert report.insert_sizes.num_rows == 0


def test_unsorted_records_are_counted_and_have_no_depth(unsorted):
    assert rows(fastcov.flag_summary(unsorted))[0] == ("in total", 2, 0)
    assert fastcov.insert_sizes(unsorted).num_rows == 0
    with pytest.raises(errors.CorruptFileError, match=r"not sorted.*samtools sort"):
        fastcov.qc(unsorted)


def test_bad_arguments_and_files_are_refused(sample, tmp_path):
    bam = sample[0]
    for windows in (0, -5, (10, 0), (1, 2, 3)):
        with pytest.raises(errors.InvalidArgumentError):
            fastcov.qc(bam, windows=windows)
    with pytest.raises(TypeError):
        fastcov.qc(bam, windows="big")
    with pytest.raises(errors.InvalidArgumentError, match="max_insert"):
        fastcov.insert_sizes(bam, -1)
    with pytest.raises(errors.UnknownContigError):
        fastcov.qc(bam, [("nope", 1, 2)])
    with pytest.raises(FileNotFoundError):
        fastcov.flag_summary(tmp_path / "missing.bam")
    cut = tmp_path / "cut.bam"
    cut.write_bytes(bam.read_bytes()[:-5000])
    for function in (fastcov.flag_summary, fastcov.insert_sizes, fastcov.qc):
        with pytest.raises(errors.TruncatedFileError):
            function(cut)
        with pytest.warns(fastcov.FastcovWarning, match="cut short"):
            function(cut, allow_truncated=True)


def test_a_report_is_drawn(sample, tmp_path):
    pytest.importorskip("matplotlib")
    figure = fastcov.qc(sample[0], windows=1000).plot(tmp_path / "qc.png")
    assert (tmp_path / "qc.png").stat().st_size > 10_000
    assert [a.get_title() for a in figure.axes] == [
        "breadth", "insert sizes", "read lengths", "mapping qualities", "base qualities", "windows",
    ]  # fmt: skip
    assert all(a.get_ylim()[1] > 1.5 for a in figure.axes)
    empty = write_bam(tmp_path / "x.bam", {"c": 100}, [])
    assert any(t.get_text() == "no data" for a in fastcov.qc(empty).plot().axes for t in a.texts)
