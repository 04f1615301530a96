"""Per-base depth of BAM files: any tool's numbers, by name, at the speed the file can be inflated."""

from typing import TYPE_CHECKING, Any

from . import _fastcov, errors
from ._bases import base_counts
from ._blocks import Region, blocks, contigs
from ._compare import Comparison, compare
from ._coverage import coverage, get_coverage
from ._evidence import flag_summary, insert_sizes
from ._fastcov import __version__
from ._pairs import discordant_pairs
from ._parallel import map_regions
from ._qc import QcReport, qc
from ._samples import coverage_matrix
from ._stream import CoverageStream, iter_coverage
from ._summary import TargetStats, distribution, quantize, target_stats, window_stats
from ._sv import sv_clusters, sv_evidence
from ._table import Table
from ._versions import show_versions
from .errors import FastcovWarning
from .rules import Rules

if TYPE_CHECKING:
    from . import plot

__all__ = [
    "Comparison",
    "CoverageStream",
    "FastcovWarning",
    "QcReport",
    "Region",
    "Rules",
    "Table",
    "TargetStats",
    "__version__",
    "base_counts",
    "blocks",
    "compare",
    "contigs",
    "coverage",
    "coverage_matrix",
    "discordant_pairs",
    "distribution",
    "errors",
    "flag_summary",
    "get_coverage",
    "insert_sizes",
    "iter_coverage",
    "map_regions",
    "plot",
    "qc",
    "quantize",
    "show_versions",
    "sv_clusters",
    "sv_evidence",
    "target_stats",
    "window_stats",
]

if _fastcov.debug_build:
    import warnings

    warnings.warn(
        "this is a debug build of fastcov, many times slower than a release build: install it with 'pip install .', or "
        "with 'maturin develop --release'",
        FastcovWarning,
        stacklevel=2,
    )


def __getattr__(name: str) -> Any:
    """``fastcov.plot``, imported when it is used."""
    if name == "plot":
        from importlib import import_module

        return import_module(".plot", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
