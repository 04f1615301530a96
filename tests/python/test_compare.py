"""A part of the random comparison with the slow twin and samtools; `make compare` runs as much of it as one likes."""

import os
import shutil

import pytest

import compare

SAMPLES = int(os.environ.get("FASTCOV_COMPARE", "300"))


def test_random_samples(tmp_path, capsys, samtools):
    if shutil.which("cargo") is None:
        pytest.fail("the twin is a part of the crate: cargo has to be there")
    differs = compare.main(["--count", str(SAMPLES), "--seed", "1", "--samtools", "3", "--keep", str(tmp_path)])
    said = capsys.readouterr().out
    assert not differs, said
    assert f"twin:     {SAMPLES:,} BAMs" in said
    assert "samtools: 0 BAMs" not in said


def test_a_difference_is_seen(tmp_path):
    """The comparison can fail."""
    query = {"rule": "depth", "options": {}, "contig": "c", "start": 5, "end": 7, "reference": False}
    answer = {"depth": compare.np.array([1, 2, 3]), "how": {}}
    assert compare.differences("twin", query, answer, compare.np.array([1, 2, 3])) == []
    (text,) = compare.differences("twin", query, answer, compare.np.array([1, 2, 4]))
    assert "1 positions differ from twin (7: 3 not 4): depth c:5-7" in text
    (text,) = compare.differences("twin", query, "Boom", compare.np.array([1, 2, 4]))
    assert "Boom" in text
