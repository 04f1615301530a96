"""Corrupt BAMs found and made by others: the sum samtools gives, or an error."""

import shutil
import warnings
from pathlib import Path

import pytest

import fastcov
from depth_sums import samtools_sums
from fastcov import FastcovWarning, errors

FOLDERS = ["corrupt", "corrupt_derived", "samtools/quickcheck"]
# What samtools counts although it should not, or cannot know: why an error is better.
REFUSED = {
    "bad_isize.bam": "a frame states another length than it has",
    "data_after_eof.bam": "bytes behind the end",
    "trailing_garbage.bam": "bytes behind the end",
    "missing_eof_block.bam": "the end may be missing; allow_truncated=True counts it",
    "1.quickcheck.badeof.bam": "the end may be missing",
    "bad_index.bam": "the end may be missing",
    "plain_gzip_not_bgzf.bam": "gzip cannot be read at any place",
    "pos_beyond_contig.bam": "a record at a position the contig does not have",
    "pos_negative.bam": "a record at a negative position",
    "index_garbage.bam": "the index beside it is damaged",
    "index_truncated.bam": "the index beside it is damaged",
    "index_of_other_file.bam": "the index beside it is another file's",
    "refid_out_of_range.bam": "a record on a contig the header does not have",
    "unsorted_marked_sorted.bam": "not sorted, so a region may be incomplete",
    "truncated.bam": "the file is cut short",
    "truncated_midblock.bam": "the file is cut short; samtools warns, and counts what is left of a region",
    "truncated_at_block_boundary_no_eof.bam": "likewise",
    "truncated_header.bam": "samtools fails to read it, prints nothing and calls that success",
    "l_text_huge.bam": "likewise",
    "header_only_no_records.bam": "the index beside it is another state's",
}


def fastcov_sum(path: Path, region: str | None) -> int | errors.FastcovError:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FastcovWarning)
        try:
            columns = fastcov.coverage(path, region, rules="depth", runs=True).to_numpy()
        except errors.FastcovError as error:
            return error
    return int(((columns["end"] - columns["start"]) * columns["depth"].astype("int64")).sum())


@pytest.mark.parametrize("folder", FOLDERS)
def test_samtools_sum_or_an_error(real_data, tmp_path, pysam_installed, folder):
    # A copy: samtools looks for, and writes, indexes beside the files.
    copies = Path(shutil.copytree(real_data / folder, tmp_path / "copies"))
    questions = []
    for path in sorted(copies.glob("*.bam")):
        questions.append((path, None))
        if folder == "corrupt_derived":
            questions += [(path, "Pf3D7_01_v3:2000-4000"), (path, "Pf3D7_01_v3"), (path, "Pf3D7_02_v3")]
    assert (
        len({path for path, _ in questions}) >= {"corrupt": 4, "corrupt_derived": 33, "samtools/quickcheck": 5}[folder]
    )
    theirs = samtools_sums([(str(path), region, "index" if region else "scan") for path, region in questions])
    counted, wrong = 0, []
    for (path, region), expected in zip(questions, theirs, strict=True):
        got = fastcov_sum(path, region)
        counted += got == expected
        if isinstance(got, errors.FastcovError):
            if expected is not None and path.name not in REFUSED and not isinstance(got, errors.IndexMissingError):
                wrong.append(f"{path.name} {region}: samtools counts {expected}, {type(got).__name__}: {got}")
            if not str(got).startswith(str(copies)):
                wrong.append(f"{path.name} {region}: no file is named in {got}")
        elif got != expected:
            wrong.append(f"{path.name} {region}: {got}, samtools has {expected}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert counted > 0
