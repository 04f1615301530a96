"""Bad and odd inputs as code: every file is built from bytes, so that the project stores none of them.

A group (`container`, `header`, …) is a function that writes its files into a folder and lists its cases. A case says
what is called and what must come of it: the class of the error and words of its message, or the sum of depths.
`because` says why a case is expected to end otherwise than one might think.
"""

from collections.abc import Callable

from .build import Case, Corpus
from .container import container
from .cram import cram
from .fasta import fasta
from .header import header
from .index import index
from .path import path
from .record import record
from .region import region

__all__ = ["GROUPS", "Case", "Corpus"]

GROUPS: dict[str, Callable[[Corpus], None]] = {
    group.__name__: group for group in (container, header, record, index, region, path, fasta, cram)
}
