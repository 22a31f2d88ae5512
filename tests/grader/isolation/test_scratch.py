"""Scratch folders go with their maker, or with the next grader."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.isolation import scratch

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's scratch folders are, and nobody else's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(path: Path) -> Path:
    """That folder, as if it were old."""
    os.utime(path, (0, 0))
    return path


def test_removed() -> None:
    """The folder is there within the block, and gone with all in it afterwards."""
    with scratch.Scratch() as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
    assert not folder.exists()


def test_living_one_stays() -> None:
    """The folder of a grader that lives is never swept, however old it is."""
    with scratch.Scratch() as folder:
        aged(folder)
        scratch.sweep()
        assert folder.is_dir()


def test_young_one_stays(tmp_path: Path) -> None:
    """A folder that was made just now may not be locked yet."""
    (tmp_path / f"{scratch.PREFIX}new").mkdir()
    scratch.sweep()
    assert (tmp_path / f"{scratch.PREFIX}new").is_dir()


def test_killed_graders(tmp_path: Path) -> None:
    """What a killed grader left is removed; other folders, files and links are not."""
    program = f"""
import sys, tempfile, time
sys.path.insert(0, {str(ROOT)!r})
tempfile.tempdir = {str(tmp_path)!r}
from grader.isolation.scratch import Scratch
held = Scratch()
print(held.path, flush=True)
time.sleep(60)
"""
    killed = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    left = aged(Path(killed.stdout.readline().strip()))
    scratch.sweep()
    assert left.is_dir()
    killed.kill()
    killed.communicate()
    (tmp_path / "mine").mkdir()
    (tmp_path / f"{scratch.PREFIX}link").symlink_to(aged(tmp_path / "mine"))
    scratch.sweep()
    assert not left.exists()
    assert (tmp_path / "mine").is_dir()
