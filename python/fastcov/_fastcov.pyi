"""The Rust core. Private: use the functions of the package, which say what every number means."""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer, Unpack

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
def always_excluded(name: str) -> int: ...
def resolve_rules(name: str, overrides: dict[str, Any]) -> dict[str, Any]: ...

class Depth(TypedDict):
    table: ArrowTable
    warnings: list[str]
    metadata: dict[str, Any]

class Options(TypedDict, total=False):
    reference: str | None
    index: str | None
    n_cores: int | None
    allow_truncated: bool
    timeout: float | None
    max_memory: int | None
    progress: Callable[[int, int], None] | None
    # Sizes of the units of work, for tests: the numbers do not depend on them.
    span_bytes: int
    part_bytes: int

class ArrowTable:
    def __new__(cls, columns: list[tuple[str, Buffer, str, list[str] | None]]) -> ArrowTable: ...
    def __len__(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def column(self, i: int) -> tuple[Buffer, str, list[str] | None]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def coverage(
    bam: str,
    regions: list[str | tuple[str, int, int]] | None,
    rules: dict[str, Any],
    *,
    runs: bool = False,
    **options: Unpack[Options],
) -> Depth: ...
def region_depth(
    bam: str, chrom: str, start: int, end: int, rules: dict[str, Any], **options: Unpack[Options]
) -> RegionDepth: ...
