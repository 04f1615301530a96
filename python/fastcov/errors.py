"""Exceptions of fastcov.

Every error fastcov raises on purpose is a :class:`FastcovError` and also the builtin exception an existing ``except``
clause expects::

    FastcovError
    ├── UnsupportedFormatError      (ValueError)         the file is of a kind that is not read
    ├── CorruptFileError            (ValueError)         the bytes of an input break its format
    │   ├── TruncatedFileError      (EOFError)           an input ends too early
    │   └── CorruptIndexError                            the bytes of an index break its format
    ├── IndexMismatchError          (ValueError)         the index belongs to another file
    ├── IndexMissingError           (FileNotFoundError)  no index was found
    ├── ReferenceMissingError       (LookupError)        the reference lacks the contig
    ├── ReferenceMismatchError      (ValueError)         the reference has the contig with another length
    ├── HeaderMismatchError         (ValueError)         files counted together have headers that differ
    ├── RegionError                 (ValueError)         the region cannot be read or does not fit the contig
    │   └── UnknownContigError      (LookupError)        the contig is not in the header
    ├── InvalidArgumentError        (ValueError)         an argument is outside its range
    ├── FileError                   (OSError)            the operating system refused (see ``errno``, ``filename``)
    │   ├── FileMissingError        (FileNotFoundError)
    │   ├── FilePermissionError     (PermissionError)
    │   ├── FileIsDirectoryError    (IsADirectoryError)
    │   └── FileNotDirectoryError   (NotADirectoryError)
    ├── FileChangedError            (OSError)            an input changed while it was read
    ├── ResourceLimitError          (MemoryError)        more memory, or a larger number, than is allowed
    ├── TimeoutError                (TimeoutError)       the time given with ``timeout`` is over
    ├── CancelledError                                   the call was cancelled
    ├── WorkerError                 (RuntimeError)       a worker process of ``map_regions`` died
    └── InternalError               (RuntimeError)       a bug of fastcov

The message is one line that names the file, what is wrong with it and what to do. The same facts are attributes,
``None`` where they do not apply: ``path``, ``offset`` (bytes into the compressed file), ``record`` (number of the
record, or of the line of a text file; the first is 1), ``contig`` and ``hint`` (what to do). ``kind`` is a short name
of the class that stays the same between versions. All of them can be pickled.
"""

import builtins
import errno as _errno
from typing import Any

__all__ = [
    "CancelledError",
    "CorruptFileError",
    "CorruptIndexError",
    "FastcovError",
    "FastcovWarning",
    "FileChangedError",
    "FileError",
    "FileIsDirectoryError",
    "FileMissingError",
    "FileNotDirectoryError",
    "FilePermissionError",
    "HeaderMismatchError",
    "IndexMismatchError",
    "IndexMissingError",
    "InternalError",
    "InvalidArgumentError",
    "ReferenceMismatchError",
    "ReferenceMissingError",
    "RegionError",
    "ResourceLimitError",
    "TimeoutError",
    "TruncatedFileError",
    "UnknownContigError",
    "UnsupportedFormatError",
    "WorkerError",
]


class FastcovWarning(UserWarning):
    """The answer is right, but something about it or about the input should be known."""


class FastcovError(Exception):
    """Base of every error fastcov raises on purpose.

    Attributes
    ----------
    kind : str
        Short name of the class; the same in every version.
    path : str or None
        The file it is about.
    offset : int or None
        Where, in bytes from the start of the compressed file.
    record : int or None
        The record, or the line of a text file, counted from 1.
    contig : str or None
        The contig.
    hint : str or None
        What to do about it; also part of the message.
    """

    kind: str = "error"

    def __init__(
        self,
        message: str = "",
        *,
        path: str | None = None,
        offset: int | None = None,
        record: int | None = None,
        contig: str | None = None,
        hint: str | None = None,
        errno: int | None = None,
    ) -> None:
        self._message = message
        self.path = path
        self.offset = offset
        self.record = record
        self.contig = contig
        self.hint = hint
        if isinstance(self, OSError):
            # OSError keeps its facts outside __dict__; it takes (errno, strerror, filename).
            super().__init__(errno, message, path)
        else:
            super().__init__(message)

    def __str__(self) -> str:
        # OSError would print "[Errno N] …: 'path'"; the message names the path already.
        return self._message

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: getattr(self, name) for name in ("path", "offset", "record", "contig", "hint")}
        if isinstance(self, OSError):
            facts["errno"] = self.errno
        return _rebuild, (type(self), self._message, facts)


def _rebuild(cls: type[FastcovError], message: str, facts: dict[str, Any]) -> FastcovError:
    return cls(message, **facts)


class UnsupportedFormatError(FastcovError, ValueError):
    """The file is of a kind that is not read here."""

    kind = "unsupported_format"


class CorruptFileError(FastcovError, ValueError):
    """The bytes of an input break its format."""

    kind = "corrupt_file"


class TruncatedFileError(CorruptFileError, EOFError):
    """An input ends too early; ``allow_truncated=True`` accepts a BAM that only lacks its end marker."""

    kind = "truncated_file"


class CorruptIndexError(CorruptFileError):
    """The bytes of an index break its format."""

    kind = "corrupt_index"


class IndexMismatchError(FastcovError, ValueError):
    """The index belongs to another file, or to another state of this file."""

    kind = "index_mismatch"


class IndexMissingError(FastcovError, FileNotFoundError):
    """No index was found."""

    kind = "index_missing"


class ReferenceMissingError(FastcovError, LookupError):
    """The reference lacks the contig."""

    kind = "reference_missing"


class ReferenceMismatchError(FastcovError, ValueError):
    """The reference has the contig with another length."""

    kind = "reference_mismatch"


class HeaderMismatchError(FastcovError, ValueError):
    """Files that are counted together have headers that differ."""

    kind = "header_mismatch"


class RegionError(FastcovError, ValueError):
    """The region cannot be read, or does not fit the contig."""

    kind = "region"


class UnknownContigError(RegionError, LookupError):
    """The contig is not in the header."""

    # Not KeyError: its str() puts quotes around the message.
    kind = "unknown_contig"


class InvalidArgumentError(FastcovError, ValueError):
    """An argument is outside its range, or does not go with another one."""

    kind = "invalid_argument"
    # All that func of map_regions returned, where its frames cannot be joined.
    results: list[Any] | None = None


class FileError(FastcovError, OSError):
    """The operating system refused; ``errno`` and ``filename`` say what and where."""

    kind = "os"


class FileMissingError(FileError, FileNotFoundError):
    """The file is not there."""


class FilePermissionError(FileError, PermissionError):
    """The file may not be read."""


class FileIsDirectoryError(FileError, IsADirectoryError):
    """The path is a folder."""


class FileNotDirectoryError(FileError, NotADirectoryError):
    """A part of the path that should be a folder is not one."""


class FileChangedError(FastcovError, OSError):
    """An input changed while it was read."""

    kind = "file_changed"


class ResourceLimitError(FastcovError, MemoryError):
    """More memory, or a larger number, is needed than is allowed."""

    kind = "resource_limit"


# The name users look for; an `except TimeoutError` without an import catches it too.
class TimeoutError(FastcovError, builtins.TimeoutError):  # noqa: A001
    """The time given with ``timeout`` is over."""

    kind = "timeout"


class CancelledError(FastcovError):
    """The call was cancelled."""

    kind = "cancelled"


class WorkerError(FastcovError, RuntimeError):
    """A worker process of ``fastcov.map_regions`` died, or sent what cannot be read."""

    kind = "worker"


class InternalError(FastcovError, RuntimeError):
    """A bug of fastcov; please report it with the message and ``fastcov.show_versions()``."""

    kind = "internal"


# Which class a kind of the core becomes. A test compares the keys with the core's own list.
_BY_KIND: dict[str, type[FastcovError]] = {
    cls.kind: cls
    for cls in (
        UnsupportedFormatError,
        CorruptFileError,
        TruncatedFileError,
        CorruptIndexError,
        IndexMismatchError,
        IndexMissingError,
        ReferenceMissingError,
        ReferenceMismatchError,
        HeaderMismatchError,
        RegionError,
        UnknownContigError,
        FileChangedError,
        ResourceLimitError,
        InvalidArgumentError,
        TimeoutError,
        CancelledError,
        FileError,
        InternalError,
    )
}

_BY_ERRNO: dict[int, type[FileError]] = {
    _errno.ENOENT: FileMissingError,
    _errno.EACCES: FilePermissionError,
    _errno.EPERM: FilePermissionError,
    _errno.EISDIR: FileIsDirectoryError,
    _errno.ENOTDIR: FileNotDirectoryError,
}


def _from_core(  # noqa: PLR0917 - called from Rust, by position
    kind: str,
    message: str,
    path: str | None,
    offset: int | None,
    record: int | None,
    contig: str | None,
    hint: str | None,
    errno: int | None,
) -> FastcovError:
    """The exception for an error of the Rust core; the core is the only caller."""
    cls = _BY_KIND.get(kind, InternalError)
    if cls is FileError:
        cls = _BY_ERRNO.get(errno or 0, FileError)
    elif cls is IndexMissingError:
        errno = errno or _errno.ENOENT
    return cls(message, path=path, offset=offset, record=record, contig=contig, hint=hint, errno=errno)
