"""Uses an installed wheel and nothing else of the project; `make wheel-test` runs it in an empty environment."""

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
    assert fastcov.get_coverage(bam, "chr2", 1, 10, ref)["base"].isin(list("ACGTNacgtn")).all()
print(f"fastcov {fastcov.__version__} from {fastcov.__file__}: ok")
