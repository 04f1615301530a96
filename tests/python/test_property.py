"""Random reads, made by hypothesis, against samtools: what it finds it makes as small as it can."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import peers
from fastcov import get_coverage
from random_reads import FIELDS, LENGTH, LETTERS, reads
from simulate import write_bam, write_fasta


@pytest.fixture(scope="module")
def ref(tmp_path_factory):
    return write_fasta(tmp_path_factory.mktemp("property") / "ref.fa", {"c": LETTERS})


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize("rule", ["mpileup", "depth"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_reads(rule, data, ref, samtools):
    records = data.draw(reads(), label="reads")
    fields = data.draw(FIELDS[rule], label="fields")
    start, end = sorted(data.draw(st.tuples(st.integers(1, LENGTH), st.integers(1, LENGTH)), label="region"))
    with_reference = rule == "mpileup" and data.draw(st.booleans(), label="reference")
    n_cores = data.draw(st.integers(1, 4), label="n_cores")
    with tempfile.TemporaryDirectory() as folder:
        bam = write_bam(
            Path(folder) / "x.bam", {"c": LENGTH}, records, frame_size=data.draw(st.sampled_from((60, 400)))
        )
        arguments = peers.options(rule, fields) + (["-f", ref] if with_reference else [])
        ask = samtools.mpileup if rule == "mpileup" else samtools.depth
        wanted, _ = ask(*arguments, bam, chrom="c", start=start, end=end)
        frame = get_coverage(bam, "c", start, end, ref if with_reference else None, n_cores, rules=rule, **fields)
    assert frame["coverage"].tolist() == wanted.tolist()
