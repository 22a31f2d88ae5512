"""Findings on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pycuda import gpuarray

from emulator.driver import reporting
from emulator.driver.settings import settings
from emulator.findings import Finding, Kind, findings, record, wrappers

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


def test_wrappers_are_not_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A finding's place is the program's own line, also where a tool wraps PyCUDA's functions."""
    monkeypatch.setattr(settings, "report", False)
    scope: dict[str, Any] = {}
    code = compile("def get(A):\n    return A.get()", str(tmp_path / "tool.py"), "exec")
    exec(code, scope)  # noqa: S102 - a function with a file of its own
    scope["get"](gpuarray.empty(4, np.float32))
    wrappers.append(f"{tmp_path}/")
    try:
        scope["get"](gpuarray.empty(4, np.float32))
    finally:
        wrappers.remove(f"{tmp_path}/")
    files = [Path(found.place.file).name for found in findings() if found.place]
    assert files == ["tool.py", "test_reporting.py"]
