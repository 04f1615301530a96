"""Real files of other projects: no position differs from samtools 1.24, in depth or in letter.

The data is not a part of the project; see conftest.py for where it is looked for.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

import peers
from fastcov import FastcovWarning, errors, get_coverage

# BAM -> reference.
FILES = {
    "mtb/tbprofiler.test.h37rv.bam": "mtb/h37rv.fa.gz",
    "freebayes_chr22/NA12878.chr22.tiny.bam": "freebayes_chr22/q.fa",
    "sarscov2/subsample1.MN908947.3.bam": "sarscov2/nCoV-2019.reference.fasta",
    "measles/measles.fa.sorted.bam": "measles/measles.fa",
    "bamtocov/input/phi/shotgun.bam": "bamtocov/input/phi/phi.fa",
    "bamtocov/input/phi/wildtype.bam": "bamtocov/input/phi/phi.fa",
    "longread_small/pacbio.bam": "longread_small/reference.fasta",
    "human_rnaseq/heart_slc25a3.bam": None,
    "pysamstats/deep.bam": None,
    "yeast_rnaseq/yeast_RNASeq_excerpt.sorted.bam": None,
}
# The index beside it is another file's, as a test below says.
TO_INDEX = {"measles/measles.fa.sorted.bam"}

QUESTIONS = [
    ("mpileup", {}),
    ("mpileup", {"min_mapq": 10}),
    ("mpileup", {"min_mapq": 10, "baq": False}),
    ("mpileup", {"baq": False, "min_baseq": 0, "mates": "both", "orphans": True, "max_depth": 0}),
    ("mpileup", {"max_depth": 50}),
    ("depth", {}),
    ("depth", {"deletions": True, "mates": "once"}),
    ("depth", {"min_baseq": 20, "min_mapq": 20}),
]
# Longer contigs are counted where their reads lie, with a margin on both sides.
LONGEST = 5_000_000


@pytest.fixture(scope="module", params=FILES, ids=lambda name: Path(name).name)
def files(request, real_data, samtools, tmp_path_factory):
    """Copies of a BAM, its index and its reference: samtools writes the index of a FASTA beside it."""
    folder = tmp_path_factory.mktemp("real")
    bam = copy(real_data / request.param, folder)
    if request.param in TO_INDEX:
        samtools("index", bam)
    else:
        copy(real_data / f"{request.param}.bai", folder)
    ref = None
    if FILES[request.param]:
        ref = copy(real_data / FILES[request.param], folder)
        for suffix in (".fai", ".gzi"):
            if Path(f"{real_data / FILES[request.param]}{suffix}").is_file():
                copy(Path(f"{real_data / FILES[request.param]}{suffix}"), folder)
    return bam, ref


def copy(path: Path, folder: Path) -> Path:
    return Path(shutil.copyfile(path, folder / path.name))


def regions(bam: Path) -> list[tuple[str, int, int]]:
    """Every contig with reads; whole, or where the reads lie."""
    import pysam

    out = []
    with pysam.AlignmentFile(bam) as file:
        for contig in file.get_index_statistics():
            if contig.mapped:
                length = file.get_reference_length(contig.contig)
                start, end = 1, length
                if length > LONGEST:
                    reads = list(file.fetch(contig.contig))
                    start = max(1, reads[0].reference_start - 1_000)
                    end = min(length, max(read.reference_end or 0 for read in reads) + 1_000)
                out.append((contig.contig, start, end))
    return out


def check(samtools, bam, ref, question, places):
    rule, fields = question
    assert places
    for chrom, start, end in places:
        arguments = peers.options(rule, fields)
        if rule == "mpileup":
            arguments += ["-f", ref] if ref else []
            wanted, letters = samtools.mpileup(*arguments, bam, chrom=chrom, start=start, end=end)
        else:
            wanted, letters = samtools.depth(*arguments, bam, chrom=chrom, start=start, end=end)
        for n_cores in (1, 2, 5):
            frame = get_coverage(bam, chrom, start, end, ref, n_cores, rules=rule, **fields)
            wrong = np.flatnonzero(frame["coverage"].to_numpy() != wanted)
            shown = [(start + int(i), int(frame["coverage"].iloc[i]), int(wanted[i])) for i in wrong[:10]]
            assert not shown, f"{wrong.size} positions of {bam.name} differ, n_cores={n_cores}: {shown}"
            base = frame["base"].astype(object).to_numpy()
            odd = [(p, base[p - start], letter) for p, letter in letters.items() if base[p - start] != letter]
            assert not odd, f"{len(odd)} letters differ: {odd[:10]}"


@pytest.mark.filterwarnings("ignore:.*(max_depth|past the end of their contig):fastcov.FastcovWarning")
@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_no_position_differs(files, samtools, question):
    check(samtools, *files, question, regions(files[0]))


@pytest.mark.parametrize(
    "question",
    [("mpileup", {"mates": "both", "min_baseq": 0}), ("depth", {}), ("depth", {"deletions": True, "mates": "once"})],
    ids=str,
)
def test_reads_without_letters(real_data, samtools, tmp_path, question):
    """Where samtools does not stop at them: it does at overlapping mates, and at a limit on base quality."""
    bam = copy(real_data / "bamtocov/input/phi/wildtype.no-seq.bam", tmp_path)
    samtools("index", bam)
    check(samtools, bam, copy(real_data / "bamtocov/input/phi/phi.fa", tmp_path), question, regions(bam))


def test_the_whole_chromosome_by_default(real_data, samtools, tmp_path):
    """The call of the README, on the genome it is about."""
    bam = copy(real_data / "mtb/tbprofiler.test.h37rv.bam", tmp_path)
    copy(real_data / "mtb/tbprofiler.test.h37rv.bam.bai", tmp_path)
    ref = real_data / "mtb/h37rv.fa.gz"
    (chrom, start, end), *_ = regions(bam)
    assert (start, end) == (1, 4_411_532)
    wanted, letters = samtools.mpileup("--min-MQ", 10, "-f", ref, bam, chrom=chrom, start=start, end=end)
    assert len(letters) > 200_000
    for n_cores in (1, 2, 5):
        frame = get_coverage(bam, chrom, start, end, ref, n_cores)
        assert (frame["coverage"].to_numpy() == wanted).all()
        assert len(frame) == end
        assert "N" not in set(frame["base"])


def test_measles_index_belongs_to_another_file(real_data, tmp_path):
    bam = copy(real_data / "measles/measles.fa.sorted.bam", tmp_path)
    copy(real_data / "measles/measles.fa.sorted.bam.bai", tmp_path)
    with pytest.raises(errors.IndexMismatchError, match="samtools index"):
        get_coverage(bam, regions_of_header(bam)[0], 1, 1_000)


def regions_of_header(bam: Path) -> tuple[str, ...]:
    import pysam

    with pysam.AlignmentFile(bam) as file:
        return file.references


def test_cap_of_8000_is_announced(real_data, tmp_path):
    bam = copy(real_data / "pysamstats/deep.bam", tmp_path)
    copy(real_data / "pysamstats/deep.bam.bai", tmp_path)
    (chrom, start, end), *_ = regions(bam)
    with pytest.warns(FastcovWarning, match=r"8000.*max_depth=0"):
        capped = get_coverage(bam, chrom, start, end, rules="mpileup")
    whole = get_coverage(bam, chrom, start, end, rules="mpileup", max_depth=0)
    assert (capped["coverage"].max(), whole["coverage"].max()) == (7_094, 13_909)
    assert (capped["coverage"] <= whole["coverage"]).all()
