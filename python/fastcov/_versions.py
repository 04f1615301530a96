"""What a bug report needs to say about the installation."""

import importlib.metadata
import os
import platform
import sys

from . import _fastcov

__all__ = ["show_versions"]

_PACKAGES = ("numpy", "pandas", "tqdm", "matplotlib", "polars", "pyarrow", "dask", "pysam")


def show_versions() -> None:
    """Print the versions of fastcov, Python and the packages around it, for bug reports.

    Examples
    --------
    >>> import fastcov
    >>> fastcov.show_versions()  # doctest: +SKIP
    """
    rows = [
        ("fastcov", _fastcov.__version__ + (" (debug build: slow)" if _fastcov.debug_build else "")),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("platform", platform.platform()),
        ("machine", platform.machine()),
        ("CPUs", _cpus()),
        *((name, _version(name) or "not installed") for name in _PACKAGES),
    ]
    for name, value in rows:
        print(f"{name:<12}{value}")
    other = _version("fastcov")
    if other is not None:
        # That distribution (a wrapper around gcov) also installs a module called fastcov.
        print(f"\nThe distribution 'fastcov' {other} is another program, whose module has the same name.")
        print("Where import gives you that one: pip uninstall fastcov; pip install --force-reinstall fastcov-bio")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpus() -> str:
    if sys.platform == "linux":
        return f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}"
    return str(os.cpu_count())
