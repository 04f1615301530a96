"""No bad input studied before fastcov was written is missing from `tests/bad_inputs`, and each ends as it should.

Only names and outcomes are compared; `test_bad_inputs.py` calls fastcov.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bad_inputs import GROUPS, Case, Corpus
from fastcov import errors

# CRAM is not read: what was to come of these files is what they are told instead, and one case stands for those that
# differ only in the reference given.
OF_A_REFERENCE = ["missing_contig", "no_reference", "other_reference", "short_reference", "tiny_reference"]
CRAM = {"cram_ok": "cram/ok", **{f"cram_{name}": "cram_with_reference" for name in OF_A_REFERENCE}}


@pytest.fixture
def studied(studied_inputs, tmp_path) -> list[dict[str, Any]]:
    # The script appends to immutable bytes 120,000 times over, which takes a minute.
    source = studied_inputs.read_text().replace("o = magic + struct", "o = bytearray(magic) + struct")
    subprocess.run([sys.executable, "-c", source, tmp_path], stdout=subprocess.DEVNULL, check=True, timeout=600)
    return json.loads((tmp_path / "manifest.json").read_text())


@pytest.fixture
def ours(tmp_path_factory) -> list[Case]:
    found = []
    for name, group in GROUPS.items():
        corpus = Corpus(tmp_path_factory.mktemp(name))
        group(corpus)
        found += corpus.cases
    return found


def test_no_studied_input_is_missing_or_ends_otherwise(pysam_installed, studied, ours):
    assert len({case["id"] for case in studied}) == len(studied) == 382
    by_id = {case.id: case for case in ours}
    by_region = {case.call.get("regions"): case for case in ours if case.path == "regions.bam"}
    by_path = {case.path: case for case in ours}
    wrong, cram = [], 0
    for case in studied:
        path, region = case["call"]["path"], case["call"].get("region")
        if path.endswith(".cram"):
            cram += 1
            found = by_id[CRAM.get(case["id"], case["id"])]
            assert found.exception == "UnsupportedFormatError"
            continue
        # Regions and paths are numbered there; here they are looked for by what they are.
        if case["id"].startswith("region_"):
            found = by_region.get(region)
        elif case["id"].startswith("path_"):
            found = by_path.get(path)
        else:
            found = by_id.get(case["id"])
        wrong += [f"{case['id']}: {what}" for what in differences(case["expect"], found)]
    assert not wrong, "\n" + "\n".join(wrong)
    assert cram == 72


def differences(wanted: dict[str, Any], found: Case | None) -> Iterator[str]:
    """How a case ends otherwise than it was to, without saying why."""
    if found is None:
        yield "missing"
        return
    if found.because:
        return
    if wanted["outcome"] not in {found.outcome, "ok_or_error"}:
        yield f"{wanted['outcome']} was wanted, not {found.outcome}"
    if found.outcome != "ok" and wanted.get("exception") and not is_kind_of(found.exception, wanted["exception"]):
        yield f"{wanted['exception']} was wanted, not {found.exception}"
    if found.exception is None and wanted.get("covered") not in {None, found.covered}:
        yield f"a sum of {wanted['covered']} was wanted, not {found.covered}"


def is_kind_of(name: str | None, wanted: str) -> bool:
    found, base = (getattr(errors, each or "", None) for each in (name, wanted))
    return name == wanted or (found is not None and base is not None and issubclass(found, base))
