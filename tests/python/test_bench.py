"""The benchmarks' harness on data of a moment: sets, answers, the table, and a wrong answer that fails the run."""

import gzip
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import data
import report
import rows
from answers import Answers
from tasks import CALLS, Call, Floor, Program, Result, SkippedError, WrongAnswerError


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, samtools) -> data.Set:
    """A hundred thousand positions of mtb; needs `samtools`, because pysam's sorts and answers."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--example", "floor"], cwd=data.CHECKOUT, check=True)
    return data.build("mtb", tmp_path_factory.mktemp("bench"), scale=0.01)


def test_data_is_the_same_every_time(tiny, tmp_path):
    again = data.build("mtb", tmp_path, scale=0.01)
    assert again.reference.read_bytes() == tiny.reference.read_bytes()
    assert again.bam.read_bytes() == tiny.bam.read_bytes()
    assert again.contigs == {"NC_000962.3": 100_000}


@pytest.mark.parametrize("what", ["depth", "bases", "mpileup, no BAQ", "mpileup", "coverage, depth", "1 kb"])
def test_calls_give_the_answer_of_the_tool(tiny, what):
    answers = Answers(tiny.folder)
    result = Call(tiny, what, 2).run(answers)
    assert result.seconds > 0
    assert result.more["answer"]["sum"] > 0


def test_a_wrong_answer_fails(tiny):
    answers = Answers(tiny.folder)
    right = answers.get(tiny, "depth")
    for wrong in ({**right, "sum": right["sum"] + 1}, {**right, "crc": right["crc"] ^ 1}):
        answers.put(tiny, "depth", wrong)
        try:
            with pytest.raises(WrongAnswerError, match="mtb, depth, 1"):
                Call(tiny, "depth", 1).run(answers)
        finally:
            answers.put(tiny, "depth", right)


def test_a_wrong_answer_ends_the_run(tiny):
    answers = Answers(tiny.folder)
    right = answers.get(tiny, "depth")
    answers.put(tiny, "depth", {**right, "sum": right["sum"] + 1})
    try:
        done = run(tiny, "--rows", "mtb, depth, 2 threads")
        assert done.returncode == 1
        assert "WRONG: mtb, depth, 2 threads" in done.stderr
    finally:
        answers.put(tiny, "depth", right)


def test_a_damaged_file_of_answers_is_made_anew(tiny):
    right = Answers(tiny.folder).get(tiny, "depth")
    path = tiny.folder / "answers.json"
    path.write_text(path.read_text().replace(str(right["sum"]), str(right["sum"] + 1)))
    assert Answers(tiny.folder).get(tiny, "depth") == right


def test_the_run_prints_a_table(tiny):
    done = run(tiny, "--rows", "mtb, depth, [12] thread", "mtb, depth, gain", "import")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| mtb, depth")]
    assert len(lines) == 4, done.stdout
    assert all("× floor" in line for line in lines[:2])
    assert run(tiny, "--rows", "no such row").returncode == 2


def test_the_floor_inflates_all_of_it(tiny):
    said = Floor(tiny, 2).run(Answers(tiny.folder)).more
    with gzip.open(tiny.bam) as file:
        assert said["inflated"] == sum(len(block) for block in iter(lambda: file.read(1 << 20), b""))


def test_a_missing_program_is_said(tiny):
    with pytest.raises(SkippedError, match="no-such-program is not installed"):
        Program(tiny, "none", ("no-such-program", "{bam}")).run(Answers(tiny.folder))


def test_lines_show_median_spread_and_missed_aims(tiny):
    row = replace(rows.rows(tiny)[0], aim=rows.Aim("<=", 1.15))
    text = report.table([report.Line(row, [1.3, 1.2, 1.1], [[0.3], [0.2]])])
    assert "| ≤ 1.15 × floor | **1.20 × floor** | 1.10 .. 1.30 | 0.30 / 0.20 |" in text
    assert "- mtb, depth, 1 thread: gone" in report.table([report.Line(row, [], [], "gone")])


def test_the_headlines_are_rows_and_readme_has_only_those(tiny):
    every = {row.label: row for name in ("mtb", "wgs") for row in rows.rows(replace(tiny, name=name))}
    assert [label for label in rows.HEADLINES if label not in every] == []
    measured = [report.Line(row, [2.0], [[0.2], [0.1]]) for row in every.values()]
    short, whole = report.short_text(measured, 3), report.text(measured, 3, "make bench")
    labels = [line.split(" | ")[0].removeprefix("| ") for line in short.splitlines() if line.startswith("| ")]
    assert labels == ["what", *rows.HEADLINES]
    assert all(f"| {label} |" in whole for label in every)
    assert f"at commit {report.commit()}," in short
    assert f"at commit {report.commit()}," in whole


def test_a_headline_that_was_not_measured_is_left_out(tiny):
    row = next(row for row in rows.rows(tiny) if row.label in rows.HEADLINES)
    assert row.label not in report.short_text([report.Line(row, [], [], "gone")], 3)


@pytest.mark.parametrize(("page", "count"), [("README.md", 6), ("docs/performance.md", 40)])
def test_the_pages_say_what_was_measured_and_where(page, count):
    text = (data.CHECKOUT / page).read_text()
    part = text.split("<!-- make bench: begin -->")[1].split("<!-- make bench: end -->")[0]
    assert len([line for line in part.splitlines() if line.startswith("| ")]) - 1 >= count
    assert re.search(r"at commit [0-9a-f]{7,}", part)


def test_the_table_goes_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- make bench: begin -->\nold\n<!-- make bench: end -->\nafter\n")
    report.write(page, "new")
    assert page.read_text() == "before\n<!-- make bench: begin -->\nnew\n<!-- make bench: end -->\nafter\n"
    with pytest.raises(ValueError, match="has no"):
        report.write(data.CHECKOUT / "LICENSE", "new")


def test_every_call_has_a_question_and_every_row_figures():
    some = Result(2.0, {"extra_bytes": 1, "frame_seconds": 0.1, "import_seconds": 0.1, "seconds": 2.0})
    for name in data.SPECS:
        for row in rows.rows(data.Set(name, Path())):
            assert np.isfinite(row.figure(dict.fromkeys(row.tasks, some))), row.label
            assert all(task.what in CALLS for task in row.tasks if isinstance(task, Call)), row.label


def run(tiny: data.Set, *words: str) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        data.CHECKOUT / "benches" / "bench.py",
        "--quick",
        "--rounds",
        "1",
        "--data",
        tiny.folder,
    ]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False)
