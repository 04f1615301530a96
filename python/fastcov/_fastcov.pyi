"""The Rust core. Private: use the functions of the package, which say what every number means."""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

__version__: str
debug_build: bool

class RegionDepth(TypedDict):
    pos: npt.NDArray[np.int64]
    chrom_codes: npt.NDArray[np.signedinteger[Any]]
    contigs: list[str]
    base_codes: npt.NDArray[np.int8]
    bases: list[str]
    depth: npt.NDArray[np.int32]
    warnings: list[str]
    metadata: dict[str, Any]

def error_kinds() -> list[str]: ...
def rule_names() -> list[str]: ...
def resolve_rules(name: str, overrides: dict[str, Any]) -> dict[str, Any]: ...
def region_depth(
    bam: str,
    chrom: str,
    start: int,
    end: int,
    rules: dict[str, Any],
    *,
    reference: str | None,
    index: str | None,
    n_cores: int | None,
    allow_truncated: bool,
    timeout: float | None,
    max_memory: int | None,
    progress: Callable[[int, int], None] | None,
) -> RegionDepth: ...
