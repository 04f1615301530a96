"""The examples in the docstrings, run where the sample lies that they speak of."""

import doctest
import importlib

import pytest

MODULES = [
    "fastcov._bases",
    "fastcov._blocks",
    "fastcov._compare",
    "fastcov._coverage",
    "fastcov.errors",
    "fastcov._parallel",
    "fastcov.plot",
    "fastcov.rules",
    "fastcov._samples",
    "fastcov._stream",
    "fastcov._summary",
    "fastcov._versions",
]


@pytest.mark.parametrize("module", MODULES)
def test_examples(sample, monkeypatch, module):
    monkeypatch.chdir(sample[0].parent)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_the_public_functions_have_examples():
    import fastcov
    from fastcov.plot import plot_coverage

    functions = [getattr(fastcov, name) for name in fastcov.__all__ if callable(getattr(fastcov, name))]
    own = (
        fastcov.FastcovWarning,
        fastcov.Table,
        fastcov.TargetStats,
        fastcov.Comparison,
        fastcov.CoverageStream,
        fastcov.QcReport,
    )
    for thing in [f for f in functions if f not in own] + [plot_coverage]:
        assert ">>> " in thing.__doc__, thing
