"""Environments of their own for programs that cannot live in the project's: each is made once, beside the data."""

import subprocess
import sys
from pathlib import Path

# Name -> what is installed. The replaced function breaks under pandas 3.
REQUIREMENTS = {
    "pandas2": ["pandas==2.3.3", "numpy==2.3.5"],
    "polars_bio": ["polars-bio==0.36.2", "pandas==2.3.3", "pyarrow"],
}


def python(folder: Path, name: str) -> Path:
    """Its interpreter, whether it is there or not."""
    return folder / f"venv-{name}" / "bin" / "python"


def make(folder: Path) -> None:
    """Makes the missing ones; one that cannot be made is said and left out."""
    for name, requirements in REQUIREMENTS.items():
        interpreter = python(folder, name)
        if interpreter.exists():
            continue
        print(f"making {interpreter.parents[1]}", file=sys.stderr, flush=True)
        part = folder / f"part-{name}"
        pip = [part / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *requirements]
        try:
            subprocess.run([sys.executable, "-m", "venv", part], check=True)
            subprocess.run(pip, check=True)
        except subprocess.CalledProcessError as error:
            print(f"{name}: {error}; the rows that need it are left out", file=sys.stderr)
            continue
        part.rename(interpreter.parents[1])
