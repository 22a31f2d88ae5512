"""Building libraries: once, into the cache, with errors that say what to do."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import pytest

from emulator.runtime import build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source file, and a cache of its own."""
    monkeypatch.setenv("EMULATOR_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "answer.cpp"
    file.write_text('extern "C" __attribute__((visibility("default"))) int answer() { return 42; }')
    return file


def test_built_once(source: Path) -> None:
    """The second call finds the library of the first; another source makes another one."""
    first = build.shared_library("answer", [source], [])
    assert ctypes.CDLL(str(first)).answer() == 42
    stamp = first.stat().st_mtime_ns
    assert build.shared_library("answer", [source], []).stat().st_mtime_ns == stamp
    source.write_text(source.read_text().replace("42", "43"))
    second = build.shared_library("answer", [source], [])
    assert second != first
    assert ctypes.CDLL(str(second)).answer() == 43


def test_error_in_source(source: Path) -> None:
    """What the compiler said is part of the error, with the next step; nothing is left behind."""
    source.write_text("int answer( {")
    with pytest.raises(build.BuildError, match=r"(?s)answer.cpp.*error.*Next: set CXX"):
        build.shared_library("answer", [source], [])
    assert not list((source.parent / "cache").glob("**/*.so"))


def test_no_compiler(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler the error names one to install, or the CXX that is not there."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    build._compiler.cache_clear()
    try:
        with pytest.raises(build.BuildError, match="no-such-compiler"):
            build.shared_library("answer", [source], [])
    finally:
        build._compiler.cache_clear()


def test_cache_that_can_not_be_written(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that is none is named, with the variable to set."""
    monkeypatch.setenv("EMULATOR_CACHE", str(source / "cache"))
    with pytest.raises(build.BuildError, match=r"answer\.cpp.*EMULATOR_CACHE"):
        build.shared_library("answer", [source], [])
