"""Planted events are in the evidence; clusters; BEDPE; tags and records that are broken."""

import os
import pickle
import stat
import struct
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import fastcov
import naive_sv
import planted
import random_evidence
from fastcov import errors
from naive_evidence import rows
from random_evidence import text_tag
from simulate import EOF_FRAME, Record, cigar, frame, write_bam


def test_every_planted_event_is_in_the_evidence_of_long_reads(tmp_path):
    events = planted.long_reads(tmp_path / "long.bam", 1)
    table = fastcov.sv_evidence(tmp_path / "long.bam", sources=("cigar", "split"))
    found = fastcov.sv_clusters(table).to_pandas()
    assert {event.kind for event in events} == {"DEL", "INS", "DUP", "INV", "BND"}
    explained = set()
    for event in events:
        near = (found["start"] - event.first[1]).abs() <= 10
        near &= (found["mate_pos"] - event.second[1]).abs() <= 10
        # An insertion of sequence from elsewhere, as long as a read, has no read that spans it.
        hits = found[near & (found["type"] == event.kind) & (found["chrom"] == list(planted.CONTIGS)[event.first[0]])]
        if event.kind == "INS" and event.size > 5000:
            continue
        assert len(hits), event
        assert ((hits["size"] - event.size).abs() <= 10).all(), event
        assert (hits["support"] >= 3).all()
        explained |= set(hits.index)
    assert explained == set(found.index), found.loc[~found.index.isin(explained)]


def test_every_planted_event_is_in_the_evidence_of_pairs(tmp_path):
    events = planted.short_pairs(tmp_path / "short.bam", 1)
    table = fastcov.discordant_pairs(tmp_path / "short.bam")
    found = table.to_pandas()
    kinds = {"DEL": "insert", "DUP": "orientation", "INV": "orientation", "BND": "interchromosomal"}
    explained = set()
    for event in (event for event in events if event.kind in kinds):
        here = (found["pos"] - event.first[1]).abs() <= 700
        there = (found["mate_pos"] - event.second[1]).abs() <= 700
        chroms = list(planted.CONTIGS)
        there &= found["mate_chrom"].astype(str) == chroms[event.second[0]]
        hits = found[here & there & (found["kind"] == kinds[event.kind])]
        assert len(hits) >= 3, event
        explained |= set(hits.index)
    # By the limit a few of a million pairs that fit are beyond it, too.
    assert len(found) - len(explained) <= 10
    limit = table.metadata["pairs"][0]["max_insert"]
    assert 500 < limit < 700


def test_clusters_are_those_of_the_loop(tmp_path):
    compared = 0
    for seed in range(60):
        bam = random_evidence.splits(tmp_path / "x.bam", seed)
        table = fastcov.sv_evidence(bam, min_size=5, merge_within=0)
        names = table.categories["chrom"]
        for distance, ratio, support in ((100, 0.3, 3), (1000, 0.0, 1), (0, 1.0, 2)):
            made = fastcov.sv_clusters(table, max_distance=distance, max_size_ratio=ratio, min_support=support)
            wanted = naive_sv.sv_clusters(rows(table), names, distance, ratio, support)

            def places(row: tuple, names: tuple[str, ...] = names) -> tuple:
                return names.index(row[1]), row[2], row[3], naive_sv.KINDS.index(row[0])

            assert [places(row) for row in rows(made)] == [places(row) for row in wanted]
            assert sorted(rows(made), key=repr) == sorted(wanted, key=repr)
            compared += len(wanted)
    assert compared > 1000


def test_clusters_take_any_frame_in_any_order(tmp_path):
    planted.long_reads(tmp_path / "long.bam", 2, coverage=6)
    table = fastcov.sv_evidence(tmp_path / "long.bam")
    made = rows(fastcov.sv_clusters(table))
    assert len(made) > 5
    shuffled = pl.DataFrame(table).sample(fraction=1.0, shuffle=True, seed=3)
    assert sorted(map(repr, rows(fastcov.sv_clusters(shuffled)))) == sorted(map(repr, made))
    with pytest.raises(errors.InvalidArgumentError, match="no column 'type'"):
        fastcov.sv_clusters(fastcov.insert_sizes(tmp_path / "long.bam"))
    with pytest.raises(TypeError, match="Arrow stream"):
        fastcov.sv_clusters([1])
    for wrong in ({"max_distance": -1}, {"max_size_ratio": 1.5}, {"min_support": 0}):
        with pytest.raises(errors.InvalidArgumentError):
            fastcov.sv_clusters(table, **wrong)


def test_bedpe(tmp_path):
    planted.long_reads(tmp_path / "long.bam", 1, coverage=8)
    evidence = fastcov.sv_evidence(tmp_path / "long.bam")
    clusters = fastcov.sv_clusters(evidence)
    for table, name in ((evidence, "e.bedpe"), (clusters, "c.bedpe")):
        out = tmp_path / name
        table.write(out)
        lines = [line.split("\t") for line in out.read_text().splitlines()]
        assert lines[0][0] == "#chrom1"
        assert len(lines) == len(table) + 1
        frame = table.to_pandas()
        for line, row in zip(lines[1:], frame.to_dict("records"), strict=True):
            side = 1 if row["strand"] == "+" else 0
            assert line[:3] == [row["chrom"], str(row["start"] - side), str(row["start"] - side + 1)]
            assert line[8] == row["strand"]
            assert line[10:] == [row["type"], str(row["size"])]
            if row["type"] == "CLIP":
                assert line[3:6] == [".", "-1", "-1"]
            else:
                other = row["mate_pos"] - (row["mate_strand"] == "+")
                assert line[3:6] == [row["mate_chrom"], str(other), str(other + 1)]
    with pytest.raises(errors.InvalidArgumentError, match="exists"):
        clusters.write(tmp_path / "c.bedpe")
    clusters.write(tmp_path / "c.bedpe", overwrite=True)
    with pytest.raises(errors.InvalidArgumentError, match="suffix"):
        clusters.write(tmp_path / "c.vcf")
    with pytest.raises(errors.InvalidArgumentError, match="no column"):
        fastcov.flag_summary(tmp_path / "long.bam").write(tmp_path / "f.bedpe")
    with pytest.raises(errors.FileMissingError):
        clusters.write(tmp_path / "nowhere" / "c.bedpe")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.bedpe", "e.bedpe", "long.bam", "long.bam.bai"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    table = fastcov.sv_evidence(write_bam(tmp_path / "x.bam", {"c": 100}, []))
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(errors.FilePermissionError, match=r"x\.bedpe"):
        table.write(folder / "x.bedpe")


READ = Record("r", 0, 100, 60, cigar("60M50S"), "A" * 110, None)


@pytest.mark.parametrize("tag", [*random_evidence.BAD_TAGS, "c0,1,+,60S50M,60,0;" * 500_000 + "x"])
def test_a_tag_that_cannot_be_read_is_counted_and_the_rest_stays(tmp_path, tag):
    bam = write_bam(tmp_path / "x.bam", random_evidence.CONTIGS, [replace(READ, tags=text_tag("SA", tag))])
    table = fastcov.sv_evidence(bam)
    assert rows(table) == [("CLIP", "c0", 160, 160, 50, None, None, None, "r", 60, "+", "clip", None)]
    assert table.metadata["bad_tags"] == 1


def test_a_tag_of_a_million_alignments(tmp_path):
    tag = "".join(f"c0,{i % 10_000 + 1},+,{10 + i % 90}S10M{90 - i % 90}S,60,0;" for i in range(200_000))
    bam = write_bam(tmp_path / "x.bam", random_evidence.CONTIGS, [replace(READ, tags=text_tag("SA", tag))])
    table = fastcov.sv_evidence(bam)
    assert table.metadata["bad_tags"] == 0
    assert rows(table) == naive_sv.sv_evidence(bam)


def test_records_that_are_broken_are_errors(tmp_path):
    broken = [
        (replace(READ, seq="A" * 100), "read bases"),
        (replace(READ, contig=5), "reference id 5"),
        (replace(READ, pos=30_000), "at position 30001"),
        (replace(READ, tags=b"SAZabc"), None),
        (replace(READ, tags=b"SAi\x01"), "tag"),
    ]
    for record, message in broken:
        bam = tmp_path / "x.bam"
        good = write_bam(bam, random_evidence.CONTIGS, [READ])
        raw = replace(record, contig=0, pos=100) if record.contig == 5 or record.pos == 30_000 else record
        data = bytearray()
        encoded = bytearray(raw.encode())
        struct.pack_into("<ii", encoded, 4, record.contig, record.pos)
        data += encoded
        _append(good, bytes(data))
        with pytest.raises(errors.CorruptFileError, match=message) as caught:
            fastcov.sv_evidence(bam)
        assert "x.bam" in str(caught.value)


def _append(bam: Path, data: bytes) -> None:
    whole = bam.read_bytes()
    bam.write_bytes(whole[: -len(EOF_FRAME)] + frame(data) + EOF_FRAME)


def test_mates_that_the_header_lacks(tmp_path):
    read = Record("r", 1 | 0x40, 100, 60, cigar("60M"), "A" * 60, None, 0, 0, 200_000, 0)
    bam = write_bam(tmp_path / "x.bam", random_evidence.CONTIGS, [read])
    table = fastcov.discordant_pairs(bam, max_insert=500)
    assert len(table) == 0
    assert table.metadata["skipped"] == 1
    encoded = bytearray(read.encode())
    struct.pack_into("<i", encoded, 24, 7)
    _append(bam, bytes(encoded))
    with pytest.raises(errors.CorruptFileError, match="mate reference id 7"):
        fastcov.discordant_pairs(bam, max_insert=500)


def test_frames_have_the_types_of_the_docs(tmp_path):
    planted.short_pairs(tmp_path / "short.bam", 4, coverage=4)
    table = fastcov.discordant_pairs(tmp_path / "short.bam")
    frame = table.to_pandas()
    assert str(frame["mapq"].dtype) == "UInt8"
    assert isinstance(frame["read_group"].dtype, pd.CategoricalDtype)
    assert frame["read_group"].isna().all()
    assert frame["pos"].dtype == "int64"
    polars = table.to_polars()
    assert polars["read_name"].to_list() == frame["read_name"].tolist()
    assert polars["mate_mapq"].dtype == pl.UInt8
    again = pickle.loads(pickle.dumps(table))
    assert again.to_pandas().equals(frame)
    clusters = fastcov.sv_clusters(fastcov.sv_evidence(tmp_path / "short.bam"))
    assert pickle.loads(pickle.dumps(clusters)).to_pandas().equals(clusters.to_pandas())
    assert "discordant" in repr(table)
    assert "<table" in table._repr_html_()


def test_wrong_arguments(sample):
    for wrong in ({"kinds": ()}, {"kinds": "x"}, {"max_insert": "x"}, {"max_insert": -1}, {"min_mapq": 256}):
        with pytest.raises(errors.InvalidArgumentError):
            fastcov.discordant_pairs(sample[0], **wrong)
    for wrong in ({"sources": ()}, {"sources": ("x",)}, {"min_size": 0}, {"merge_within": -1}):
        with pytest.raises(errors.InvalidArgumentError):
            fastcov.sv_evidence(sample[0], **wrong)


def test_without_proper_pairs_there_is_a_warning(tmp_path):
    bam = write_bam(tmp_path / "x.bam", {"c": 100}, [])
    with pytest.warns(fastcov.FastcovWarning, match="no pair is flagged as proper"):
        table = fastcov.discordant_pairs(bam)
    assert table.metadata["pairs"][0]["max_insert"] is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(fastcov.discordant_pairs(bam, kinds="orientation")) == 0
