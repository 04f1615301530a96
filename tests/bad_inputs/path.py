"""Paths that lead to no BAM, and files that may not be read."""

import os

from .build import BASE, UNSUPPORTED, Corpus, bgzf, head, rec, symlink


def path(corpus: Corpus) -> None:
    case = corpus.case
    for i, (name, cls, words) in enumerate(
        [
            ("nope.bam", "FileNotFoundError", ("nope.bam",)),
            ("", "ValueError", ("bam",)),
            (".", "IsADirectoryError", (".",)),
            ("a\0b.bam", "ValueError", ("bam",)),
            ("http://127.0.0.1:9/x.bam", UNSUPPORTED, ("URL", "local")),
            ("s3://b/k.bam", UNSUPPORTED, ("URL", "local")),
            ("file:///etc/passwd", UNSUPPORTED, ("URL", "local")),
            ("-", "FileNotFoundError", ("-",)),
            ("~/x.bam", "FileNotFoundError", ("/x.bam",)),
            ("x" * 5000, "OSError", ("xxx",)),
            ("ok.bam/x", "NotADirectoryError", ("ok.bam/x",)),
        ]
    ):
        case(name, None, cls, words, id=f"path_{i}")
    case("/dev/zero", None, UNSUPPORTED, ("/dev/zero", "regular file"), id="dev_zero")
    corpus.put("ok.bam", BASE)
    case("perm.bam", BASE, "PermissionError", ("perm.bam",), id="perm_denied", setup="unreadable")
    case("few.bam", BASE, "OSError", ("few.bam", "ulimit -n"), setup="no descriptors")
    os.mkfifo(corpus.folder / "fifo.bam")
    case("fifo.bam", None, UNSUPPORTED, ("regular file",), id="fifo_without_writer")
    corpus.put("dir.bam/keep", b"")
    case("dir.bam", None, "IsADirectoryError", ("dir.bam",), id="is_a_directory")
    symlink("loop.bam", corpus.folder / "loop.bam")
    case("loop.bam", None, "OSError", ("loop.bam",), id="symlink_loop")
    # The address space that is left would not hold the table, which the machine's memory might.
    case(
        "space.bam",
        bgzf(head([("chr1", 100_000_000)]) + rec("a", 0, 5)),
        "MemoryError",
        ("bytes",),
        setup="address space",
        runs=False,
    )
