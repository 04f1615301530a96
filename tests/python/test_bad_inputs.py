"""Every bad input of `tests/bad_inputs` gets the error or the sum it must get: in time and memory, without a crash."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bad_inputs import GROUPS, Case, Corpus
from bad_inputs.build import BASE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and memory are those of Linux")

# Cases per process: what one leaves behind another may stumble over.
BATCH = 50
SECONDS = 5
GROWTH = 256 << 20


@pytest.fixture
def folder() -> Iterator[Path]:
    # One that other users may enter, for the case of an unreadable file.
    with tempfile.TemporaryDirectory(prefix="fastcov-bad-inputs-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize("group", GROUPS)
def test_group(group, folder, pysam_installed):
    corpus = Corpus(folder)
    corpus.put("warm_up.bam", BASE)
    GROUPS[group](corpus)
    ids = [case.id for case in corpus.cases]
    assert len(set(ids)) == len(ids) > 0
    batches = [corpus.cases[i : i + BATCH] for i in range(0, len(ids), BATCH)]
    with ThreadPoolExecutor(2) as pool:
        results = {name: r for batch in pool.map(lambda b: run(folder, b), batches) for name, r in batch.items()}
    wrong = [f"{case.id}: {fault}{_why(case)}" for case in corpus.cases for fault in faults(case, results[case.id])]
    assert not wrong, "\n" + "\n".join(wrong)


def run(folder: Path, batch: list[Case]) -> dict[str, dict[str, Any]]:
    """The results of one process, by case."""
    done = subprocess.run(
        [sys.executable, "-m", "bad_inputs.worker", str(folder)],
        input=json.dumps([asdict(case) for case in batch]),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    results: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        if "begins" in line:
            results[line["begins"]] = {"outcome": "killed", "how": f"exit code {done.returncode}: {done.stderr[-500:]}"}
        else:
            results[line.pop("ends")] = line
    nothing = {"outcome": "not run", "how": f"exit code {done.returncode}: {done.stderr[-500:]}"}
    return {case.id: results.get(case.id, nothing) for case in batch}


def faults(case: Case, result: dict[str, Any]) -> Iterator[str]:
    """In what a result is not what it should be."""
    outcome = result["outcome"]
    if outcome == "error":
        yield from _faults_of_error(case, result)
    elif outcome == "ok":
        if case.outcome == "error":
            yield f"ok, {case.exception} was wanted"
        if case.covered is not None and result["covered"] != case.covered:
            yield f"a sum of {result['covered']} instead of {case.covered}"
        if case.outcome in {"ok", "warn"} and bool(result["warnings"]) != (case.outcome == "warn"):
            yield f"warnings: {result['warnings']}"
    else:
        yield f"{outcome}, {result['how']}"
        return
    if result["seconds"] >= SECONDS:
        yield f"took {result['seconds']:.1f} s"
    if result["growth"] >= GROWTH:
        yield f"grew by {result['growth'] >> 20} MiB"
    if result["files_left_open"]:
        yield "left files open"


def _faults_of_error(case: Case, result: dict[str, Any]) -> Iterator[str]:
    what = f"{result['classes'][0]}: {result['message']}"
    if case.outcome not in {"error", "ok_or_error"}:
        yield f"{what}; none was wanted"
    if case.exception not in result["classes"]:
        yield f"{what}; a {case.exception} was wanted"
    if "FastcovError" not in result["classes"] and "TypeError" not in result["classes"]:
        yield f"{what}; it is not a FastcovError"
    missing = [word for word in case.names if word not in result["message"]]
    if missing:
        yield f"{what}; without {missing}"
    if "OSError" in result["classes"] and not result["errno"] and "IndexMissingError" not in result["classes"]:
        yield f"{what}; without errno"
    if "\n" in result["message"]:
        yield f"{what}; of several lines"


def _why(case: Case) -> str:
    return f" ({case.because})" if case.because else ""
