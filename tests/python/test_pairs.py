"""``discordant_pairs`` against a plain loop over pysam that was written from its docstring, and on planted events."""

import os
import random
import warnings

import fastcov
import naive_evidence
import random_evidence
from fastcov import _fastcov, errors
from fastcov._table import Table
from naive_evidence import rows

RANDOM = int(os.environ.get("FASTCOV_EVIDENCE_BAMS", "200"))
KINDS = naive_evidence.KINDS


def quietly(function, *arguments, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcov.FastcovWarning)
        return function(*arguments, **keywords)


def test_random_files_have_the_rows_of_the_loop(tmp_path, pysam_installed):
    compared = Counted()
    for seed in range(RANDOM):
        rng = random.Random(seed)
        bam = random_evidence.pairs(tmp_path / "x.bam", seed)
        area = rng.choice((None, None, [("c0", 500, 9000)], [("c0", 3000, 3300), ("c1", 1, 3000), ("c0", 3100, 5000)]))
        how = {
            "max_insert": rng.choice(("auto", "auto", 400)),
            "min_mapq": rng.choice((20, 0)),
            "kinds": rng.choice((KINDS, KINDS, ("insert",), ("orientation", "interchromosomal"))),
            "one_per_pair": rng.random() < 0.7,
        }
        compared.add(
            rows(quietly(fastcov.discordant_pairs, bam, area, **how)),
            naive_evidence.discordant_pairs(bam, area, **how),
            seed,
        )
        # Parts so small that what is usual is guessed in many of them.
        sizes = {"span_bytes": 2000, "part_bytes": rng.choice((1, 3000, 20_000)), "n_cores": rng.choice((1, 3))}
        limit = None if how["max_insert"] == "auto" else how["max_insert"]
        rule = fastcov.Rules.bases()
        parts = _fastcov.discordant_pairs(
            str(bam), area, limit, how["min_mapq"], list(how["kinds"]), how["one_per_pair"], rule, **sizes
        )
        assert rows(Table(parts["table"], {})) == compared.last, (seed, sizes)
    assert compared.rows > 50 * RANDOM**0.5, compared.rows


class Counted:
    """Compares tables and counts their rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.last: list[tuple] = []

    def add(self, made: list[tuple], wanted: list[tuple], what: object) -> None:
        assert made == wanted, what
        self.rows += len(made)
        self.last = made


def test_real_files_have_the_rows_of_the_loop(real_data, pysam_installed):
    compared = Counted()
    files = 0
    for bam in sorted(real_data.rglob("*.bam")):
        if bam.stat().st_size > 40 << 20 or bam.parent.name in ("corrupt", "corrupt_derived", "quickcheck"):
            continue
        try:
            made = rows(quietly(fastcov.discordant_pairs, bam))
        except errors.FastcovError:
            # What fastcov refuses is looked at by test_corrupt_data.py and test_real_data.py.
            continue
        try:
            wanted = naive_evidence.discordant_pairs(bam)
        except (OSError, ValueError):
            continue
        compared.add(made, wanted, bam)
        files += 1
    assert files > 100
    assert compared.rows > 1000
