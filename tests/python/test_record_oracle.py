"""The recorded outputs of `tests/oracle` are what the tools print, as far as they are installed in that version."""

import shutil

import pytest

import oracle
import record_oracle


def test_tools_print_what_is_recorded(pysam_installed, capsys):
    differs = record_oracle.main([])
    said = capsys.readouterr().out
    assert not differs, said
    # pysam has samtools 1.24 with it; the others depend on the machine.
    assert "pysam-0.24.1/pileup: 128 cases, 0 differ" in said
    assert "samtools-1.24/depth_J: 128 cases, 0 differ" in said
    assert "regions/samtools-1.24: 75 commands, 0 differ" in said


@pytest.mark.parametrize("name", ["outputs/samtools-1.24/depth", "regions/samtools-1.24"])
def test_a_difference_is_shown_and_recorded(pysam_installed, tmp_path, monkeypatch, capsys, name):
    copy = shutil.copytree(oracle.ORACLE, tmp_path / "oracle")
    file = copy / f"{name}.tsv"
    right = file.read_text()
    file.write_text(right.replace("cigar_del\t21-30=1", "cigar_del\t21-30=2").replace("\t21\t50\t", "\t21\t49\t"))
    assert file.read_text() != right
    for module in (oracle, record_oracle):
        monkeypatch.setattr(module, "ORACLE", copy)
    only = ["--only", name.removeprefix("outputs/")]
    assert record_oracle.main(only) == 1
    assert "recorded" in capsys.readouterr().out
    assert record_oracle.main([*only, "--write"]) == 1
    assert file.read_text() == right
    assert record_oracle.main(only) == 0
