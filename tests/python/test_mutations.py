"""Some of the random mutations of `tests/mutations.py`; `make mutations` runs 20,000."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_an_error_or_the_sum_samtools_gives(pysam_installed):
    count = os.environ.get("MUTATIONS", "2000")
    command = [sys.executable, "-X", "faulthandler", "mutations.py", "--count", count, "--seed", "1000000"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        command, cwd=TESTS, env=environment, capture_output=True, text=True, timeout=3600, check=False
    )
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr[-2000:]}")
