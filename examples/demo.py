"""What fastcov does, on a simulated sample or on a file of yours.

    python examples/demo.py                                                     a sample simulated on the spot python
    examples/demo.py --bam my.bam --ref my.fa --region chr1:1-10000      your own; without --region, the start of its
    first contig

`make demo` runs it in an environment of its own. Prints the head of the frame and a summary, and writes a plot.
"""

import argparse
import gzip
import re
import struct
import time
from pathlib import Path

import fastcov
from fastcov.plot import plot_coverage

LONGEST = 1_000_000  # positions shown when no region is given: a frame of a human chromosome takes gigabytes
REGION = re.compile(r"(?P<contig>.+):(?P<start>[\d,]+)-(?P<end>[\d,]+)")


def main() -> None:
    args = parse_arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.bam is None:
        import simulate

        args.bam, args.ref = simulate.sample(args.out)
        print(f"simulated {args.bam} (30x, paired, with its index and reference)")
    chrom, start, end = parse_region(args.region, args.bam)

    ref = f", {str(args.ref)!r}" if args.ref else ""
    print(f"\n>>> frame = get_coverage({str(args.bam)!r}, {chrom!r}, {start}, {end}{ref})")
    began = time.perf_counter()
    try:
        frame = fastcov.get_coverage(args.bam, chrom, start, end, args.ref)
    except fastcov.errors.FastcovError as error:
        raise SystemExit(f"error: {error}") from None
    seconds = time.perf_counter() - began

    print(f">>> frame.head()\n{frame.head()}\n")
    depth = frame["coverage"]
    print(f"positions  {len(frame):,} in {seconds:.3f} s")
    print(f"mean       {depth.mean():.2f}")
    print(f"median     {depth.median():g}")
    print(f"min, max   {depth.min()}, {depth.max()}")
    for least in (1, 10, 20):
        print(f"breadth    {100 * (depth >= least).mean():.2f} % of positions have a depth of at least {least}")
    picture = args.out / "coverage.png"
    plot_coverage(frame, picture)
    print(f"\nplot       {picture.resolve()}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Depth of a region, printed and plotted.")
    parser.add_argument("--bam", type=Path, help="BAM file with an index (default: simulate a sample)")
    parser.add_argument("--ref", type=Path, help="FASTA the reads were aligned to")
    parser.add_argument(
        "--region", help="contig:start-end, 1-based, both included (default: the first contig, up to 1,000,000 bases)"
    )
    parser.add_argument("--out", type=Path, default=Path("demo-output"), help="folder for what is written")
    args = parser.parse_args()
    if args.ref is not None and args.bam is None:
        parser.error("--ref needs --bam")
    return args


def parse_region(text: str | None, bam: Path) -> tuple[str, int, int]:
    if text is None:
        name, length = first_contig(bam)
        return name, 1, min(length, LONGEST)
    found = REGION.fullmatch(text)
    if found is None:
        raise SystemExit(f"region {text!r} cannot be read: write contig:start-end")
    start, end = (int(found[part].replace(",", "")) for part in ("start", "end"))
    return found["contig"], start, end


def first_contig(bam: Path) -> tuple[str, int]:
    """Name and length of the first contig in the header; a BAM is gzip with an agreed layout."""
    try:
        with gzip.open(bam) as file:
            _, text_len = struct.unpack("<4sI", file.read(8))
            file.read(text_len)
            _, name_len = struct.unpack("<II", file.read(8))
            name = file.read(name_len)[:-1].decode()
            return name, *struct.unpack("<I", file.read(4))
    except (OSError, EOFError, struct.error) as error:
        raise SystemExit(f"error: {bam}: the header cannot be read ({error}); is it a BAM file?") from None


if __name__ == "__main__":
    main()
