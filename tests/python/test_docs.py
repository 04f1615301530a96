"""The examples on the pages of docs/, run where the sample lies that they speak of."""

import doctest
import importlib.util
from pathlib import Path

import pytest

from fastcov import get_coverage

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md") if ">>> " in page.read_text())
# What a page asks of libraries that fastcov itself does without.
NEEDS = {"streaming.md": "pyarrow", "windows.md": "pyarrow"}


def test_there_is_a_page_for_each_question():
    questions = {"targets", "holes", "windows", "distribution", "base-counts", "samples", "streaming", "parallel"}
    assert {f"{question}.md" for question in questions} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_examples(sample, monkeypatch, page):
    if page in NEEDS and importlib.util.find_spec(NEEDS[page]) is None:
        pytest.skip(f"{NEEDS[page]} is not installed")
    monkeypatch.chdir(sample[0].parent)
    # The fence behind a block would be taken for output.
    lines = ["" if line.startswith("```") else line for line in (DOCS / page).read_text().split("\n")]
    test = doctest.DocTestParser().get_doctest("\n".join(lines), {"get_coverage": get_coverage}, page, page, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert len(test.examples) >= 2
    assert runner.run(test).failed == 0
