"""Findings on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pycuda import gpuarray

from emulator.driver import reporting
from emulator.driver.settings import settings
from emulator.findings import Finding, Kind, findings, record

if TYPE_CHECKING:
    import pytest


def test_told_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding is written once with the program's line, and counted at the end."""
    monkeypatch.setattr(settings, "report", True)
    for _ in range(3):
        gpuarray.empty(4, np.float32).get()
    text = capsys.readouterr().err
    assert text.count("unwritten-read") == 1
    assert "test_reporting.py" in text
    reporting._tell_repeats()
    assert "2 more times" in capsys.readouterr().err


def test_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A program can have the log without the words."""
    monkeypatch.setattr(settings, "report", False)
    gpuarray.empty(4, np.float32).get()
    assert capsys.readouterr().err == ""
    assert len(findings()) == 1


def test_fatal_is_in_the_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fatal finding is not written, because the exception says it."""
    monkeypatch.setattr(settings, "report", True)
    record(Finding(Kind.OUT_OF_BOUNDS, "too far", "k", fatal=True))
    assert capsys.readouterr().err == ""


def test_unchecked_device_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without checks a download is not looked at."""
    monkeypatch.setattr(settings, "check", False)
    gpuarray.empty(4, np.float32).get()
    assert findings() == []
