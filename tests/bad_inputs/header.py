"""The head of a BAM: its text and its list of contigs."""

from .build import CORRUPT, LIMIT, REFS, REGION, TRUNCATED, UNSUPPORTED, Corpus, G, N, bgzf, head, rec, text

ODD_NAMES = ["HLA-A*01:01:01:01", "chr1:1-100", "a,b", "x|y", "chrUn-1", "c{1}", "1"]


def header(corpus: Corpus) -> None:
    _lengths(corpus)
    _contigs(corpus)
    _text(corpus)
    _names(corpus)


def _lengths(corpus: Corpus) -> None:
    case = corpus.case
    version = "@HD\tVN:1.6\n"
    case("magic_bad.bam", bgzf(head(magic=b"BAM\x02") + G), UNSUPPORTED, ("magic",))
    case(
        "l_text_huge.bam",
        bgzf(head(l_text=0x7FFFFFFF) + G),
        CORRUPT,
        ("header",),
        because="the file could not hold such a text, however it ends: corrupt, not cut short",
    )
    case("l_text_neg.bam", bgzf(head(l_text=0xFFFFFFFF) + G), CORRUPT, ("header",))
    case("l_text_past_end.bam", bgzf(head(l_text=6000) + G[:100]), TRUNCATED, ("header",))
    case("n_ref_huge.bam", bgzf(head(n_ref=0x7FFFFFFF, txt=version)), CORRUPT, ("header",))
    case("n_ref_neg.bam", bgzf(head(n_ref=0xFFFFFFFF) + G), CORRUPT, ("header",))
    case("n_ref_zero_reads.bam", bgzf(head([], txt=version) + G), CORRUPT, ("reference id 0", "record 1"))
    case(
        "no_contigs_no_reads.bam",
        bgzf(head([], txt=version)),
        covered=0,
        outcome="warn",
        because="an empty table is right, and may surprise: nothing was aligned",
    )
    case("l_name_zero.bam", bgzf(head(l_name=0) + G), CORRUPT, ("header",))
    case("l_name_huge.bam", bgzf(head(l_name=0x7FFFFFF0) + G), CORRUPT, ("header",))
    case("l_name_4g.bam", bgzf(head(l_name=0xFFFFFFF0) + G), CORRUPT, ("header",))
    case("contig_len_zero.bam", bgzf(head([("chr0", 0), *REFS]) + rec("a", 1, 0)), covered=50)
    case("contig_len_neg.bam", bgzf(head(lens={0: -5}) + G), CORRUPT, ("chr1",))
    longest = bgzf(head([("big", 2**31 - 1)]) + rec("a", 0, 2**31 - 60))
    case("contig_len_max.bam", longest, covered=50)
    case(
        "contig_len_max.bam",
        None,
        LIMIT,
        ("max_memory", "bytes"),
        id="contig_len_max_dense",
        runs=False,
        max_memory=1 << 30,
    )
    case("contig_len_max.bam", None, LIMIT, ("bytes",), id="contig_len_max_dense_no_limit", runs=False)


def _contigs(corpus: Corpus) -> None:
    case = corpus.case
    shorter = text([("chr1", 999), *REFS[1:]])
    case("sq_text_binary_mismatch.bam", bgzf(head(txt=shorter) + G), CORRUPT, ("chr1", "999", "10000"))
    case("sq_text_more.bam", bgzf(head(txt=text([*REFS, ("x", 5)])) + G), CORRUPT, ("'x'", "header's text"))
    twice = [("chr1", 10_000), ("chr1", 10_000)]
    case("dup_sq.bam", bgzf(head(twice) + G), CORRUPT, ("chr1",))
    case("dup_sq_binary_only.bam", bgzf(head(twice, txt="@HD\tVN:1.6\n") + G + rec("z", 1, 0)), CORRUPT, ("chr1",))
    many = [(f"ctg{i:06}", 1000) for i in range(120_000)]
    case("contigs_120k.bam", bgzf(head(many) + rec("a", 0, 0) + rec("b", 119_999, 900), 60_000), covered=100)


def _text(corpus: Corpus) -> None:
    def same_sum(name: str, txt: str) -> None:
        corpus.case(name, bgzf(head(txt=txt) + G), covered=N)

    same_sum("no_text.bam", "")
    same_sum("no_hd.bam", text().split("\n", 1)[1])
    same_sum("header_garbage.bam", "@HD\tVN:1.6\nthis is not a header line\n" + text().split("\n", 1)[1])
    same_sum("header_co_latin1.bam", text(extra="@CO\tcaf\xe9\n"))
    same_sum("header_nul_padded.bam", text() + "\0" * 500)
    same_sum("header_crlf.bam", text().replace("\n", "\r\n"))
    same_sum("header_empty_tag.bam", text(extra="@RG\tID:a\tDS:\n@PG\tID:x\tID:x\n"))
    same_sum("header_dup_rg.bam", text(extra="@RG\tID:a\n@RG\tID:a\n"))
    same_sum("hd_vn_odd.bam", text().replace("VN:1.6", "VN:1"))


def _names(corpus: Corpus) -> None:
    case = corpus.case
    data = bgzf(head([(name, 1000) for name in ODD_NAMES]) + b"".join(rec("r", i, 10) for i in range(7)))
    case("odd_names.bam", data, covered=350)
    corpus.put("odd_names_indexed.bam", data)
    corpus.index("odd_names_indexed.bam", "odd_names_indexed.bam.bai")
    because = "a region needs an index, so there is one"
    for i, name in enumerate(ODD_NAMES[:6]):
        place = f"odd_name_region_{i}"
        case("odd_names_indexed.bam", None, covered=50, id=place, regions=name, because=because)
    case("odd_names_indexed.bam", None, covered=0, id="odd_name_and_range", regions="chr1:1-100:1-5", because=because)
    both = bgzf(head([("c", 1000), ("c:1-5", 1000)]) + rec("r", 0, 10))
    corpus.put("odd_name_both.bam", both)
    corpus.index("odd_name_both.bam", "odd_name_both.bam.bai")
    case("odd_name_both.bam", None, REGION, ("is both", "'c'"), id="odd_name_ambiguous", regions="c:1-5")
    case("odd_name_both.bam", None, covered=0, id="odd_name_in_braces", regions="{c:1-5}:1-5")
    for i, name in enumerate(["=", "*", "né", "sp ace"]):
        case(f"odd_name_illegal_{i}.bam", bgzf(head([(name, 1000)], txt="") + rec("r", 0, 10)), covered=50)
        latin = name.encode().decode("latin-1")
        data = bgzf(head([(name, 1000)], txt=text([(latin, 1000)])) + rec("r", 0, 10))
        case(f"odd_name_in_text_{i}.bam", data, covered=50)
