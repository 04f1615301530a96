"""Regions and arguments, on a good file."""

from .build import BASE, REGION, UNKNOWN_CONTIG, Corpus, N


def region(corpus: Corpus) -> None:
    corpus.put("regions.bam", BASE)
    corpus.index("regions.bam", "regions.bam.bai")
    refused = [
        ("", "is empty"),
        (":", "no contig before its colon"),
        ("chr1:", "no valid positions"),
        ("chr1:0-10", "below 1"),
        ("chr1:10-5", "after end"),
        ("chr1:-5-10", "no valid positions"),
        ("chr1:1-99999999999999999999", "no valid positions"),
        ("chr1:1e3-2e3", "no valid positions"),
        ("chr1:a-b", "no valid positions"),
        ("chr1:10001-10100", "past the end"),
        ("{chr1", "without '}'"),
        (("chr1", 0, 10), "below 1"),
        (("chr1", 10, 5), "after end"),
        (("chr1", 10_001, 10_002), "past the end"),
    ]
    for i, (place, word) in enumerate(refused):
        corpus.case("regions.bam", None, REGION, ("region", word), id=f"region_{i:02}", regions=place)
    unknown = [
        ("chr9", "chr9"),
        ("1", "did you mean 'chr1'"),
        ("\u202echr1", "\\u{202e}chr1"),
        ("chr1\0:1-5", "\\u{0}"),
        (("chr9", 1, 5), "chr9"),
    ]
    for i, (place, word) in enumerate(unknown):
        corpus.case("regions.bam", None, UNKNOWN_CONTIG, ("not in the header", word), id=f"contig_{i}", regions=place)
    for place, covered in [("chr1:1,001-2,000", 500), ("chr1:9990", 0), ("chr1:-500", 250), ("chr2", 0)]:
        corpus.case("regions.bam", None, id=f"region_{place}", regions=place, covered=covered)
    for place, covered in [("chr1:5901-20000", 50), ("chr1:9990-20000", 0)]:
        because = "the requested region is only partly there, so a warning says so"
        corpus.case(
            "regions.bam", None, id=f"region_{place}", regions=place, covered=covered, outcome="warn", because=because
        )
    _arguments(corpus)


def _arguments(corpus: Corpus) -> None:
    for name, value, cls in [
        ("n_cores", 0, "ValueError"),
        ("n_cores", -1, "ValueError"),
        ("n_cores", 1.5, "TypeError"),
        ("n_cores", True, "TypeError"),
        ("min_mapq", 256, "ValueError"),
        ("min_mapq", -1, "ValueError"),
        ("exclude_flags", 70_000, "ValueError"),
        ("timeout", -1, "ValueError"),
        ("max_memory", 0, "ValueError"),
    ]:
        corpus.case("regions.bam", None, cls, (name,), id=f"arg_{name}_{value}", **{name: value})
    for value in (10_000, 2**40):
        because = "more workers than processors are allowed: capped"
        corpus.case("regions.bam", None, id=f"arg_n_cores_{value}", covered=N, n_cores=value, because=because)
