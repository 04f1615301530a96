"""``Table``: the columns the core filled, as pandas, polars, Arrow or NumPy, without copying a base."""

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _fastcov
from ._frame import about, column
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.axes import Axes

__all__ = ["Column", "Table", "arrow"]

# Values or codes, and the names the codes stand for. Values that may be missing are a masked array; text and lists of
# it are objects.
Column = tuple[np.ndarray, tuple[str, ...] | None]

# Rows shown of a table from either end.
_SHOWN = 5


class Table:
    """
    Columns of equal length. Functions of fastcov return it; it is not made by hand.

    Any library that reads the Arrow C stream interface takes a table as it is: ``polars.DataFrame(table)``,
    ``pyarrow.table(table)``, ``duckdb.sql("select … from table")``.

    Attributes
    ----------
    columns : list of str
        Names of the columns.
    categories : dict
        For each column of names: the names, in the order of its codes.
    metadata : dict
        What the numbers are: ``file``, ``rules`` (every filter by name), ``tool`` (tool and version meant), ``baq``
        (whether base qualities were lowered by BAQ), ``reads`` (see below), ``regions`` (chrom, start, end; 1-based,
        inclusive, cut to the contig) and ``version`` (of fastcov).

    Notes
    -----
    ``metadata["reads"]`` counts the records that overlap a region: ``seen`` = ``used`` + all dropped ones.
    A dropped record is tallied under the first filter that rejects it, in the order ``excluded_flags``,
    ``missing_flags``, ``low_mapq``, ``orphans``, ``other_read_groups``, ``other_strand``, ``read_length``,
    ``fragment_length``, ``capped``. A record that overlaps two regions is counted with each.
    ``skipped`` are records with a contig and no position on it, which count nowhere.
    """

    def __init__(self, arrow: "_fastcov.ArrowTable", metadata: dict[str, Any]) -> None:
        self._arrow = arrow
        self.metadata = metadata

    @classmethod
    def _of(cls, columns: dict[str, Column], metadata: dict[str, Any]) -> "Table":
        """A table that keeps these arrays, which must not be written to afterwards."""
        return cls(arrow(columns), metadata)

    @property
    def columns(self) -> list[str]:
        return self._arrow.column_names

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        columns = enumerate(self._arrow.column_names)
        # Without its rows: a column that is computed need not be, for its names.
        none = self._arrow.slice(0, 0)
        found = {name: none.column(i)[2] for i, name in columns}
        return {name: tuple(names) for name, names in found.items() if names is not None}

    @property
    def num_rows(self) -> int:
        """As ``len()``, under the name it has in Arrow."""
        return len(self._arrow)

    def __len__(self) -> int:
        return len(self._arrow)

    def to_numpy(self) -> dict[str, np.ndarray]:
        """
        The columns as NumPy arrays, by name.

        Returns
        -------
        dict of str to numpy.ndarray
            Read-only views of the table's own memory (a TargetStats computes its columns for each call). ``chrom`` and
            ``base`` are small integers; ``categories`` says what they stand for:
            ``np.array(table.categories["chrom"])[arrays["chrom"]]``. Columns with missing values are masked arrays;
            text, and lists of it, are arrays of objects, made for each call.
        """
        return {name: values for name, (values, _) in self._columns().items()}

    def to_pandas(self, *, copy: bool = False) -> "pd.DataFrame":
        """
        The columns as a pandas DataFrame.

        Parameters
        ----------
        copy : bool, default False
            False: the frame's columns are read-only views of the table's own memory, whatever its size. True: the frame
            has its own, writeable columns.

        Returns
        -------
        pandas.DataFrame
            With a RangeIndex; ``chrom`` and ``base`` are categories. Whole numbers that may be missing have pandas'
            nullable type, text has its usual one. ``frame.attrs["fastcov"]`` is ``metadata`` with the number of
            ``regions`` in place of the list: pandas copies ``attrs`` in every operation.

        Notes
        -----
        Writing into a column of a read-only frame, as in ``frame.loc[0, "depth"] = 5``, is pandas'
        ``ValueError: assignment destination is read-only``: take ``to_pandas(copy=True)``, or ``frame.copy()``. A
        column may be replaced without that: ``frame["depth"] = frame["depth"].clip(upper=100)``.

        Examples
        --------
        On the sample that ``examples/simulate.py`` writes:

        >>> import fastcov
        >>> table = fastcov.coverage("sample.bam", "chr1:20001-20003")
        >>> frame = table.to_pandas(copy=True)
        >>> frame.loc[0, "depth"] = 5
        >>> frame["depth"].tolist(), table.to_pandas()["depth"].tolist()
        ([5, 0, 1], [0, 0, 1])
        """
        import pandas as pd

        columns = {}
        for name, (values, names) in self._columns().items():
            mine = values.copy() if copy else values
            columns[name] = column(mine, names)
        frame = pd.DataFrame(columns, copy=False)
        frame.attrs["fastcov"] = about(self.metadata)
        return frame

    def to_polars(self) -> "pl.DataFrame":
        """
        The columns as a polars DataFrame; numbers are not copied, ``chrom`` and ``base`` become Categorical.

        Raises
        ------
        ImportError
            polars is not installed.
        """
        try:
            import polars
        except ImportError as error:
            raise _not_installed("to_polars", "polars", "pip install 'fastcov-bio[polars]'") from error
        return polars.DataFrame(self)

    def to_arrow(self) -> "pa.Table":
        """
        The columns as a pyarrow Table, without a copy; ``schema.metadata[b"fastcov"]`` is JSON of what rides on frames.

        Raises
        ------
        ImportError
            pyarrow is not installed. Other libraries of Arrow take the table as it is.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise _not_installed("to_arrow", "pyarrow", "pip install pyarrow") from error
        table: pa.Table = pyarrow.table(self)
        return table.replace_schema_metadata({"fastcov": json.dumps(about(self.metadata))})

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._arrow.__arrow_c_stream__(requested_schema)

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self._arrow.__arrow_c_array__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._arrow.__arrow_c_schema__()

    def plot(
        self, region: int | None = None, *, path: str | os.PathLike[str] | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """
        Draw the table; needs matplotlib (``pip install 'fastcov-bio[plot]'``).

        Depth, runs, base counts, the samples of a matrix, the rules of a comparison and quantized stretches are drawn
        along the positions of one region; distributions, statistics and counts whole; discordant pairs by insert size,
        with the limit; events and clusters of them by size and type.

        Parameters
        ----------
        region : int, optional
            Of depth: which of ``metadata["regions"]``, counted from 0. Needed where there are several.
        path : str or path-like, optional
            Where to write the picture; the suffix says the format (.png, .svg, .pdf).
        ax : matplotlib.axes.Axes, optional
            Axes to draw on. Default: those of a new figure, which a notebook shows; see
            :func:`fastcov.plot.plot_coverage`.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on; their figure is ``ax.figure``.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        InvalidArgumentError
            The table holds several regions, or the region is not there.

        Examples
        --------
        On the sample that ``examples/simulate.py`` writes:

        >>> import fastcov
        >>> fastcov.coverage("sample.bam", "chr1:20001-20300").plot().get_title()
        'chr1:20001-20300'
        """
        from .plot import plot_table

        return plot_table(self, region, path=path, ax=ax)

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """
        Write the table to a file, whole or not at all; the suffix says the format.

        Parameters
        ----------
        path : str or path-like
            ``.bedpe``: what :func:`fastcov.sv_evidence` and :func:`fastcov.sv_clusters` returned, for IGV and bedtools.
            Each breakpoint is the base next to it on the side where reads are aligned (0-based, half-open). The name is
            that of the read, or the type and the number of the cluster; the score is ``mapq``, or ``support``; the
            columns behind the strands are type and size.
        overwrite : bool, default False
            Whether a file of that name may be replaced.

        Raises
        ------
        InvalidArgumentError
            The suffix is not known, the table is not of that kind, or the file exists.
        FastcovError
            The system refuses the file, or the disk is full (with ``.errno``); what was there before stays.
        """
        name = os.fspath(path)
        if os.path.splitext(name)[1].lower() != ".bedpe":
            raise InvalidArgumentError(f"write() knows the suffix .bedpe, not that of {name!r}")
        _fastcov.write_bedpe(self, name, overwrite)

    def _columns(self) -> dict[str, Column]:
        """Views of the table's memory; the buffer they hang on keeps it alive."""
        columns = {}
        for i, name in enumerate(self._arrow.column_names):
            buffer, dtype, names = self._arrow.column(i)
            if buffer is None:
                values = np.fromiter(self._arrow.objects(i), object, len(self._arrow))
            else:
                values = np.frombuffer(memoryview(buffer), dtype)
                missing = self._arrow.missing(i)
                if missing is not None:
                    values = np.ma.MaskedArray(values, np.frombuffer(memoryview(missing), np.bool_))
            columns[name] = (values, None if names is None else tuple(names))
        return columns

    def _ends(self) -> "tuple[pd.DataFrame, bool]":
        """The rows to show, and whether that is all."""
        rows = len(self)
        if rows <= 2 * _SHOWN:
            return self.to_pandas(), True
        import pandas as pd

        ends = [(0, _SHOWN), (rows - _SHOWN, rows)]
        frames = [Table(self._arrow.slice(start, stop), {}).to_pandas() for start, stop in ends]
        frames[1].index = pd.RangeIndex(*ends[1])
        return pd.concat(frames), False

    def _title(self) -> str:
        return f"{self.metadata['tool']}, {len(self):,} rows"

    def __repr__(self) -> str:
        frame, whole = self._ends()
        lines = frame.to_string().splitlines()
        if not whole:
            lines.insert(1 + _SHOWN, "...")
        return "\n".join([f"fastcov.{type(self).__name__}: {self._title()}", *lines])

    def _repr_html_(self) -> str:
        frame, whole = self._ends()
        cells = frame.to_html(border=0)
        if not whole:
            # The row of the head has a style; the others start alike.
            pieces = cells.split("<tr>")
            pieces.insert(1 + _SHOWN, f'<td colspan="{len(self.columns) + 1}">…</td></tr>')
            cells = "<tr>".join(pieces)
        return f"<p>fastcov.{type(self).__name__}: {self._title()}</p>{cells}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow's memory is not pickled; the arrays in it are.
        return _restore, (type(self), self._columns(), self.metadata)


def arrow(columns: dict[str, Column]) -> "_fastcov.ArrowTable":
    """Arrays as the core holds them, without a copy; they must not be written to afterwards."""
    parts: list[tuple[str, Any, str, list[str] | None, Any]] = []
    for name, (values, names) in columns.items():
        if values.dtype == object:
            parts.append((name, values.tolist(), "object", None, None))
            continue
        plain = np.ascontiguousarray(np.ma.getdata(values))
        missing = np.ma.getmaskarray(values).view(np.uint8).data if isinstance(values, np.ma.MaskedArray) else None
        given = None if names is None else list(names)
        parts.append((name, plain.view(np.uint8).data, str(plain.dtype), given, missing))
    return _fastcov.ArrowTable(parts)


def _restore(cls: type[Table], columns: dict[str, Column], metadata: dict[str, Any]) -> Table:
    return cls._of(columns, metadata)


def _not_installed(what: str, package: str, how: str) -> ImportError:
    return ImportError(f"{what}() needs {package}, which is not installed: {how}")
