"""The Rust core. Private: use the functions of the package, which say what every number means."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self, TypedDict, final, type_check_only

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer, Unpack, disjoint_base

__all__ = [
    "ArrowTable",
    "Bed",
    "DepthStream",
    "Rules",
    "__version__",
    "always_excluded",
    "base_counts",
    "bed_columns",
    "bed_of_arrow",
    "bed_of_columns",
    "binned_runs",
    "blocks",
    "contigs",
    "coverage",
    "coverage_matrix",
    "debug_build",
    "depth_histograms",
    "discordant_pairs",
    "error_kinds",
    "flag_summary",
    "insert_sizes",
    "qc",
    "read_bed",
    "region_depth",
    "rule_names",
    "stream_coverage",
    "sv_clusters",
    "sv_evidence",
    "target_stats",
    "window_stats",
    "write_bedpe",
]
__version__: str
debug_build: bool

@type_check_only
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

@disjoint_base
class Rules:
    def __new__(cls, name: str, **overrides: object) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    name: str
    min_mapq: int
    min_baseq: int
    exclude_flags: int
    require_flags: int
    baq: bool | None
    orphans: bool
    mates: Literal["once", "both"]
    deletions: bool
    skips: bool
    max_depth: int
    read_groups: tuple[str, ...] | None
    strand: Literal["+", "-"] | None
    library: Literal["forward", "reverse"] | None
    min_length: int
    max_length: int | None
    min_fragment: int
    max_fragment: int | None
    unit: Literal["read", "fragment"]
    ends: Literal["5prime", "3prime"] | None

@type_check_only
class Depth(TypedDict):
    table: ArrowTable
    warnings: list[str]
    metadata: dict[str, Any]

@type_check_only
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

# Name, values, dtype ("object" for text and lists of text), categories, which values are missing.
_Column = tuple[str, Buffer | list[str | None] | list[list[str]], str, list[str] | None, Buffer | None]

@final
class ArrowTable:
    def __new__(cls, columns: Sequence[_Column]) -> ArrowTable: ...
    def __len__(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def slice(self, start: int, stop: int) -> ArrowTable: ...
    def column(self, i: int) -> tuple[Buffer | None, str, list[str] | None]: ...
    def missing(self, i: int) -> Buffer | None: ...
    def objects(self, i: int) -> list[str | None] | list[list[str]]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def coverage(
    bam: str,
    regions: list[str | tuple[str, int, int]] | None,
    rules: Rules,
    *,
    runs: bool = False,
    **options: Unpack[Options],
) -> Depth: ...
def base_counts(
    bam: str, regions: list[str | tuple[str, int, int]] | None, rules: Rules, **options: Unpack[Options]
) -> Depth: ...
def coverage_matrix(
    bams: list[tuple[str, str | None]],
    regions: list[str | tuple[str, int, int]] | None,
    names: list[str] | None,
    strict: bool,
    rules: Rules,
    **options: Unpack[Options],
) -> Depth: ...
def region_depth(
    bam: str, chrom: str, start: int, end: int, rules: Rules, **options: Unpack[Options]
) -> RegionDepth: ...

@final
class DepthStream:
    def next(self) -> tuple[ArrowTable, list[tuple[str, int, int]]] | None: ...
    def report(self) -> Summary: ...
    def progress(self) -> tuple[int, int]: ...
    def close(self) -> None: ...
    def __arrow_c_schema__(self) -> object: ...
    def hand_over(self, at_end: Callable[[], None], requested_schema: object | None) -> object: ...

def stream_coverage(
    bam: str,
    regions: list[str | tuple[str, int, int]] | None,
    rules: Rules,
    *,
    batch_rows: int,
    runs: bool = False,
    **options: Unpack[Options],
) -> tuple[DepthStream, Summary]: ...

@type_check_only
class Summary(TypedDict):
    warnings: list[str]
    metadata: dict[str, Any]

@type_check_only
class IntervalStats(Summary):
    table: ArrowTable
    total: ArrowTable
    cut: int
    empty: int

@type_check_only
class Histograms(Summary):
    region: npt.NDArray[np.int64]
    depth: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    contig: npt.NDArray[np.int64]
    contigs: list[str]

@type_check_only
class BinnedRuns(Summary):
    contig: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    bin: npt.NDArray[np.int32]
    contigs: list[str]

_Regions = list[str | tuple[str, int, int]] | None

@final
class Bed:
    def __len__(self) -> int: ...
    def intervals(self) -> list[tuple[str, int, int]]: ...

# The different values of a column, and for each row the index of its own.
_Codes = tuple[list[str], npt.NDArray[np.int64]]

def read_bed(path: str, timeout: float | None = None) -> Bed: ...
def bed_columns(names: list[str]) -> tuple[int, int, int, int | None]: ...
def bed_of_columns(
    chrom: _Codes, start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], name: _Codes | None
) -> Bed: ...
def bed_of_arrow(frame: object) -> Bed: ...
def target_stats(
    bam: str,
    bed: Bed,
    by_name: bool,
    thresholds: list[tuple[float, bool]],
    columns: list[tuple[str, str]],
    rules: Rules,
    **options: Unpack[Options],
) -> IntervalStats: ...
def window_stats(
    bam: str,
    regions: _Regions,
    size: int,
    step: int,
    thresholds: list[tuple[float, bool]],
    columns: list[tuple[str, str]],
    rules: Rules,
    **options: Unpack[Options],
) -> IntervalStats: ...
def depth_histograms(bam: str, regions: _Regions, rules: Rules, **options: Unpack[Options]) -> Histograms: ...
def binned_runs(
    bam: str, regions: _Regions, edges: list[int], rules: Rules, **options: Unpack[Options]
) -> BinnedRuns: ...
def blocks(
    bam: str, n: int, regions: _Regions, rules: Rules, **options: Unpack[Options]
) -> tuple[list[tuple[str, int, int]], list[str]]: ...

@type_check_only
class Contigs(TypedDict):
    names: list[str]
    length: npt.NDArray[np.int64]
    mapped: npt.NDArray[np.float64]
    unmapped: npt.NDArray[np.float64]
    warnings: list[str]

def contigs(bam: str, rules: Rules, **options: Unpack[Options]) -> Contigs: ...
def flag_summary(bam: str, rules: Rules, **options: Unpack[Options]) -> Depth: ...
def insert_sizes(bam: str, max_insert: int, rules: Rules, **options: Unpack[Options]) -> Depth: ...

@type_check_only
class Qc(Summary):
    distribution: dict[str, Any]
    windows: dict[str, Any] | None
    targets: dict[str, Any] | None
    flags: ArrowTable
    insert_sizes: ArrowTable
    lengths: ArrowTable
    mapq: ArrowTable
    base_quality: ArrowTable

def qc(
    bam: str,
    bed: Bed | None,
    windows: tuple[int, int] | None,
    thresholds: list[tuple[float, bool]],
    columns: list[tuple[str, str]],
    max_insert: int,
    rules: Rules,
    **options: Unpack[Options],
) -> Qc: ...

@type_check_only
class Usual(TypedDict):
    read_group: str | None
    max_insert: float | None
    orientation: str
    proper_pairs: int
    median: float | None
    mad: float | None

@type_check_only
class Pairs(TypedDict):
    table: ArrowTable
    usual: list[Usual]
    skipped: int
    warnings: list[str]
    metadata: dict[str, Any]

def discordant_pairs(
    bam: str,
    regions: list[str | tuple[str, int, int]] | None,
    max_insert: int | None,
    min_mapq: int,
    kinds: list[str],
    one_per_pair: bool,
    rules: Rules,
    **options: Unpack[Options],
) -> Pairs: ...

@type_check_only
class Events(TypedDict):
    table: ArrowTable
    bad_tags: int
    skipped: int
    warnings: list[str]
    metadata: dict[str, Any]

def sv_evidence(
    bam: str,
    regions: list[str | tuple[str, int, int]] | None,
    sizes: tuple[int, int],
    min_mapq: int,
    sources: list[str],
    sequence: bool,
    rules: Rules,
    **options: Unpack[Options],
) -> Events: ...
def sv_clusters(evidence: Any, max_distance: int, max_size_ratio: float, min_support: int) -> ArrowTable: ...
def write_bedpe(evidence: Any, path: str, overwrite: bool) -> None: ...
