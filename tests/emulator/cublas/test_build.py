from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.cublas import build

if TYPE_CHECKING:
    from pathlib import Path


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a compiler the error says what to install."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.BuildError, match=r"no C\+\+ compiler found .*install g\+\+"):
        build.libraries()


def test_a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command and the compiler's own words are shown; nothing is left behind."""
    compiler = tmp_path / "bad-c++"
    compiler.write_text("#!/bin/sh\necho 'no such flag'\nexit 1\n")
    compiler.chmod(0o755)
    cache = tmp_path / "cache"
    monkeypatch.setenv("CXX", f"{compiler} --really")
    monkeypatch.setenv("EMULATOR_CACHE", str(cache))
    with pytest.raises(build.BuildError, match=r"--really.*\n.*no such flag"):
        build.libraries()
    assert not list(cache.iterdir())


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names the folder and the variable that moves it."""
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("EMULATOR_CACHE", str(file))
    with pytest.raises(build.BuildError, match="EMULATOR_CACHE"):
        build.libraries()


def test_built_libraries_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is in the cache is not built again."""
    monkeypatch.setenv("EMULATOR_CACHE", str(tmp_path))
    built: list[Path] = []

    def pretend(_: list[str], folder: Path) -> None:
        folder.mkdir()
        for soname in ("libcublas.so", "libcudart.so", "libcuda.so"):
            (folder / soname).touch()
        built.append(folder)

    monkeypatch.setattr(build, "_build", pretend)
    assert build.libraries() == build.libraries()
    assert len(built) == 1
