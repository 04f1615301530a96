"""CRAM, which is not read: whatever is in it, it is named as what it is."""

import random
import struct

from .build import UNSUPPORTED, Corpus, N
from .fasta import FA, SEQUENCES, fai


def cram(corpus: Corpus) -> None:
    import pysam

    case = corpus.case
    case("cram_magic.bam", b"CRAM\x03\x00" + bytes(100), UNSUPPORTED, ("CRAM", "samtools view -b"))
    case("cram4.cram", b"CRAM\x04\x00" + bytes(100), UNSUPPORTED, ("CRAM 4",))
    reference = corpus.put("ref.fa", FA)
    corpus.put("ref.fa.fai", fai(FA))
    path = corpus.folder / "base.cram"
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": name, "LN": len(s)} for name, s in SEQUENCES.items()]}
    with pysam.AlignmentFile(path, "wc", header=header, reference_filename=str(reference)) as file:
        for i in range(N // 50):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.reference_id, read.reference_start = f"g{i}", 0, i * 100
            read.mapping_quality, read.cigarstring = 60, "50M"
            read.query_sequence = SEQUENCES["chr1"][i * 100 : i * 100 + 50]
            read.query_qualities = pysam.qualitystring_to_array("I" * 50)
            file.write(read)
    base = path.read_bytes()
    words = ("CRAM 3", "samtools view -b")
    for name, data in [
        ("ok", base),
        ("cut", base[: len(base) * 2 // 3]),
        ("no_eof", base[:-38]),
        ("trailing", base + b"junk" * 30),
        ("container_len_huge", base[:26] + struct.pack("<i", 0x7FFFFFFF) + base[30:]),
        ("container_len_neg", base[:26] + struct.pack("<i", -1) + base[30:]),
    ]:
        case(f"cram/{name}.cram", data, UNSUPPORTED, words)
    case("cram/ok.cram", None, UNSUPPORTED, words, id="cram_with_reference", ref="ref.fa")
    rng = random.Random(9)
    for i in range(60):
        data = bytearray(base)
        data[rng.randrange(26, len(data))] ^= 1 << rng.randrange(8)
        case(f"flip/cram_{i:02}.cram", bytes(data), UNSUPPORTED, words)
