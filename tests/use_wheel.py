"""Uses an installed wheel with nothing else of the project at hand; `make wheel-test` runs it in an empty environment."""

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # for simulate.py, copied beside this file

import fastcov
import simulate

assert "site-packages" in fastcov.__file__, f"not the installed package: {fastcov.__file__}"
with tempfile.TemporaryDirectory() as folder:
    bam, ref = simulate.sample(Path(folder))
    frame = fastcov.get_coverage(bam, "chr1", 19_990, 20_030, ref)
    assert list(frame.columns) == ["pos", "chr", "base", "coverage"], frame.columns
    assert frame["pos"].tolist() == list(range(19_990, 20_031))
    assert frame["coverage"].sum() > 0, "no read counted"
    try:
        fastcov.get_coverage(bam, "1", 1, 10)
    except fastcov.errors.UnknownContigError as error:
        assert "chr1" in str(error), error
    else:
        raise AssertionError("an unknown contig was accepted")
print(f"fastcov {fastcov.__version__} from {fastcov.__file__}: ok")
