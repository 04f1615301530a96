"""Arrays of the core -> pandas, without copying a base; and what rides on frames."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["about", "categorical", "column", "to_frame"]


def about(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What rides on a frame: of the request only how many regions, since pandas copies ``attrs`` in every operation."""
    small = {**metadata, "regions": len(metadata["regions"])} if "regions" in metadata else dict(metadata)
    if "rules" in small and "name" not in small["rules"]:
        # Of a comparison: the rules by the names of their columns.
        small["rules"] = {label: each["rules"] for label, each in small["rules"].items()}
    return small


def to_frame(parts: Mapping[str, Any]) -> pd.DataFrame:
    """The frame of ``get_coverage``: its columns are the arrays in ``parts``, not copies of them.

    Each array becomes its own block and is not shared, so the frame is writable.
    """
    columns = {
        "pos": parts["pos"],
        "chr": categorical(parts["chrom_codes"], tuple(parts["contigs"])),
        "base": categorical(parts["base_codes"], tuple(parts["bases"])),
        "coverage": parts["depth"],
    }
    return pd.DataFrame(columns, copy=False)


def categorical(codes: Any, categories: tuple[str, ...]) -> pd.Categorical:
    # The core made the codes: looking at each of them again costs more than counting them did.
    return pd.Categorical.from_codes(codes, dtype=_dtype(categories), validate=False)


def column(values: np.ndarray, names: tuple[str, ...] | None) -> Any:
    """Values, or codes of names, as a column of a frame."""
    if not isinstance(values, np.ma.MaskedArray):
        return values if names is None else categorical(values, names)
    mask = np.ma.getmaskarray(values)
    if names is None and values.dtype.kind == "f":
        return np.where(mask, np.nan, np.ma.getdata(values))
    if names is None:
        return pd.arrays.IntegerArray(np.ma.getdata(values), mask)
    return categorical(np.where(mask, -1, np.ma.getdata(values)), names)


@lru_cache(maxsize=8)
def _dtype(categories: tuple[str, ...]) -> pd.CategoricalDtype:
    """One dtype per list of names, so that frames of many calls share it and are joined as categories."""
    return pd.CategoricalDtype(list(categories))
