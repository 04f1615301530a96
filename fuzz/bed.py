"""Fuzzes the reader of BED files, ``fastcov._bed``, with atheris; what it accepts is compared with a plain reading.

``python fuzz/bed.py CORPUS -runs=1000000`` takes the options of libFuzzer.
"""

import gzip
import io
import re
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fastcov._bed"]):
    from fastcov import _bed

from fastcov.errors import FastcovError

SEEDS = [
    b"chr1\t0\t10\nchr1\t20\t30\tname\n",
    b"track name=x\nbrowser position\n#comment\n\nchr1 5 6\n",
    b"chr1\t10\t5\n",
    b"chr1\t-1\t5\nchr1\t1\n",
    b"chr1\t1e3\t2000\nchr1\t99999999999999999999\t99999999999999999999\n",
    b"\xff\xfe\t\xd9\xa1\t3\r\nc\x00\t1\t2\n",
    b"\x1f\x8b\x08\x00",
]

FILE = "fuzz.bed"


def plain(text: str) -> list[tuple[str, int, int]]:
    """The intervals of a good file: lines whose second and third field are numbers."""
    found = []
    for line in text.split("\n"):
        fields = line.rstrip("\r").split("\t") if "\t" in line.rstrip("\r") else line.split()
        if line.strip() and not re.match(r"#|\s*(#|track|browser)(\s|$)", line):
            found.append((fields[0], int(fields[1].strip()), int(fields[2].strip())))
    return found


def check(data: bytes) -> None:
    compressed = data[:1] == b"\x01"
    text = data[1:]
    content = gzip.compress(text, 1) if compressed else text
    # What the reader opens: a file would take most of the time.
    _bed.open = lambda name, mode: io.BufferedReader(io.BytesIO(content))
    try:
        bed = _bed.read_bed(FILE)
    except FastcovError as refused:
        message = str(refused)
    else:
        message = None
    if message is not None:
        assert "\n" not in message
        assert FILE in message
        return
    assert len(bed.chrom) == len(bed.start) == len(bed.end)
    assert (bed.start >= 0).all()
    assert (bed.start <= bed.end).all()
    if text.isascii() and (compressed or text[:2] != b"\x1f\x8b"):
        read = zip(bed.chrom, bed.start.tolist(), bed.end.tolist(), strict=True)
        assert list(read) == plain(text.decode())


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        for kind in (b"\x00", b"\x01"):
            (folder / f"seed-{number}-{kind[0]}").write_bytes(kind + seed)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
