"""Some of the random mutations of `tests/tools/mutations.py`; `make mutations` runs 20,000."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools" / "mutations.py"


def test_an_error_or_the_sum_samtools_gives(pysam_installed):
    count = os.environ.get("MUTATIONS", "2000")
    command = [sys.executable, "-X", "faulthandler", SCRIPT, "--count", count, "--seed", "1000000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr[-2000:]}")
