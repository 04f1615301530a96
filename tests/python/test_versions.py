"""`show_versions`, and the warning of a debug build."""

import importlib
import warnings

import pytest

import fastcov
from fastcov import FastcovWarning, _fastcov, _versions, show_versions


def test_show_versions_names_what_a_report_needs(capsys):
    show_versions()
    out = capsys.readouterr().out
    for word in ("fastcov", fastcov.__version__, "python", "platform", "numpy", "pandas", "tqdm"):
        assert word in out
    assert "another program" not in out


def test_the_other_fastcov_is_pointed_out(monkeypatch, capsys):
    monkeypatch.setattr(_versions, "_version", lambda name: "1.16" if name == "fastcov" else None)
    show_versions()
    out = capsys.readouterr().out
    assert "'fastcov' 1.16 is another program" in out
    assert "pip install --force-reinstall fastcov-bio" in out


def test_debug_build_warns_at_import(monkeypatch):
    monkeypatch.setattr(_fastcov, "debug_build", True)
    with pytest.warns(FastcovWarning, match="debug build"):
        importlib.reload(fastcov)
    monkeypatch.setattr(_fastcov, "debug_build", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.reload(fastcov)
