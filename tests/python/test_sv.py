"""``sv_evidence`` against a plain loop over pysam that was written from its docstring."""

import os
import random
import warnings

import fastcov
import naive_sv
import random_evidence
from fastcov import _fastcov, errors
from fastcov._table import Table
from naive_evidence import rows

RANDOM = int(os.environ.get("FASTCOV_EVIDENCE_BAMS", "200"))
SOURCES = naive_sv.SOURCES


def quietly(function, *arguments, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcov.FastcovWarning)
        return function(*arguments, **keywords)


def test_random_files_have_the_rows_of_the_loop(tmp_path, pysam_installed):
    kinds: set[tuple] = set()
    for seed in range(RANDOM):
        rng = random.Random(seed)
        bam = random_evidence.splits(tmp_path / "x.bam", seed)
        area = rng.choice((None, None, [("c0", 5000, 9000)], [("c0", 3000, 3300), ("c1", 1, 400), ("c0", 3100, 8000)]))
        how = {
            "min_size": rng.choice((50, 50, 5, 200)),
            "min_mapq": rng.choice((20, 0)),
            "sources": rng.choice((SOURCES, SOURCES, ("split",), ("cigar", "clip"))),
            "merge_within": rng.choice((0, 0, 15, 1000)),
            "sequence": rng.random() < 0.7,
        }
        made = rows(quietly(fastcov.sv_evidence, bam, area, **how))
        assert made == naive_sv.sv_evidence(bam, area, **how), (seed, area, how)
        kinds.update((row[0], row[11], row[12] is not None) for row in made)
        sizes = {"span_bytes": 2000, "part_bytes": rng.choice((1, 3000, 20_000)), "n_cores": rng.choice((1, 3))}
        given = ((how["min_size"], how["merge_within"]), how["min_mapq"], list(how["sources"]), how["sequence"])
        parts = _fastcov.sv_evidence(str(bam), area, *given, fastcov.Rules.bases(), **sizes)
        assert rows(Table(parts["table"], {})) == made, (seed, sizes)
    # DEL and INS by CIGAR and by split, INV, DUP, BND, CLIP; INS and CLIP with and without bases.
    assert len(kinds) == 11, kinds


def test_real_files_have_the_rows_of_the_loop(real_data, pysam_installed):
    files = compared = 0
    for bam in sorted(real_data.rglob("*.bam")):
        if bam.stat().st_size > 40 << 20 or bam.parent.name in ("corrupt", "corrupt_derived", "quickcheck"):
            continue
        try:
            made = rows(quietly(fastcov.sv_evidence, bam, min_size=20, sequence=True))
        except errors.FastcovError:
            # What fastcov refuses is looked at by test_corrupt_data.py and test_real_data.py.
            continue
        try:
            wanted = naive_sv.sv_evidence(bam, min_size=20, sequence=True)
        except (OSError, ValueError):
            continue
        assert made == wanted, bam
        files += 1
        compared += len(made)
    assert files > 100
    assert compared > 1000
