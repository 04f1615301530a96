"""The examples in the docstrings, run where the sample lies that they speak of."""

import doctest
import importlib

import pytest

MODULES = ["fastcov._coverage", "fastcov.errors", "fastcov.plot", "fastcov.rules", "fastcov._versions"]


@pytest.mark.parametrize("module", MODULES)
def test_examples(sample, monkeypatch, module):
    monkeypatch.chdir(sample[0].parent)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_the_public_functions_have_examples():
    import fastcov
    from fastcov.plot import plot_coverage

    for thing in (fastcov.get_coverage, fastcov.Rules, fastcov.show_versions, plot_coverage):
        assert ">>> " in thing.__doc__, thing
