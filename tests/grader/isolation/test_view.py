"""What a worker may see, as lists of paths and as copies."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from grader.isolation import Level, Reached, cgroup, uids, view

ROOT = Path(__file__).resolve().parents[3]


def shown(*readable: Path) -> list[str]:
    """What a worker sees of this machine, besides those."""
    return view.readable(view.View(Path("/nowhere"), readable), ROOT)


def covers(paths: list[str], path: Path) -> bool:
    """Whether a path, or a folder that holds it, is in the list."""
    return any(f"{path}/".startswith(f"{held}/") for held in paths)


def test_rooms(tmp_path: Path) -> None:
    """Python, the three rooms and the submission are seen; the grader and its answers are not."""
    paths = shown(tmp_path)
    for room in ("backend", "emulator", "data"):
        assert covers(paths, ROOT / room)
    assert covers(paths, Path(sys.base_prefix))
    assert covers(paths, Path(os.__file__))
    assert covers(paths, tmp_path)
    for room in ("grader", "solution", "tests", "assignment", ".git", "INSTRUCTORS.md"):
        assert not covers(paths, ROOT / room)
    for path in ("/", "/root", "/home", "/etc/shadow", "/var", "/tmp"):
        assert not covers(paths, Path(path))


def test_no_path_in_another(tmp_path: Path) -> None:
    """No path lies in another of the list, and all are there."""
    (tmp_path / "in").mkdir()
    paths = shown(tmp_path, tmp_path / "in", tmp_path / "not-there")
    assert all(Path(path).exists() for path in paths)
    assert not [a for a in paths for b in paths if a.startswith(f"{b}/")]
    assert str(tmp_path / "in") not in paths


def test_path_that_holds_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder on Python's path that holds the repository is not shown for that."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT.parent), str(ROOT), "/"])
    assert not covers(shown(), ROOT / "solution")


def test_path_of_something_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the path only installed packages are shown, not what a .pth file or a module added."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "solution"), str(tmp_path)])
    assert not covers(shown(), ROOT / "solution")
    assert not covers(shown(), tmp_path)


def test_words(tmp_path: Path) -> None:
    """A view crosses as JSON."""
    made = view.View(tmp_path, (tmp_path / "a",), tmp_path / "cache")
    assert view.View.parse(made.words()) == made
    bare = view.View(tmp_path)
    assert view.View.parse(bare.words()) == bare


def test_open_to_all(tmp_path: Path) -> None:
    """A folder with one file that others may not read is not open to all."""
    tmp_path.chmod(0o755)
    (tmp_path / "a.py").touch(0o644)
    (tmp_path / "a.py").chmod(0o644)
    assert view.is_open_to_all(str(tmp_path))
    (tmp_path / "a.py").chmod(0o600)
    assert not view.is_open_to_all(str(tmp_path))
    assert not view.is_open_to_all(str(tmp_path / "a.py"))


def test_copy(tmp_path: Path) -> None:
    """Files are copied for everybody to read, links stay links, and pipes are left out."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    target.mkdir()
    (source / "deep" / "a.py").write_text("1")
    (source / "deep" / "a.py").chmod(0o600)
    (source / "link").symlink_to("/etc/shadow")
    (source / "folder").symlink_to("/etc")
    os.mkfifo(source / "pipe")
    view.copy(str(source), str(target))
    assert (target / "deep" / "a.py").read_text() == "1"
    assert stat.S_IMODE((target / "deep" / "a.py").stat().st_mode) == 0o444
    assert (target / "link").readlink() == Path("/etc/shadow")
    assert (target / "folder").is_symlink()
    assert not (target / "pipe").exists()


def test_user_ids() -> None:
    """Leases are of different ids, which nobody has, and end with their holder."""
    first, held = uids.lease()
    second, other = uids.lease()
    assert first != second
    assert min(first, second) > 60_000
    held.close()
    third, again = uids.lease()
    assert third == first
    other.close()
    again.close()


def test_control_group_is_taken_away() -> None:
    """A group leaves nothing behind; where none can be made, the reason is told."""
    try:
        made = cgroup.make(1 << 30, 100)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    assert set(made.limited) <= {"memory", "pids"}
    assert all(folder.is_dir() for folder in made.folders)
    sleeper = subprocess.Popen(["sleep", "60"])
    made.add(sleeper.pid)
    made.kill()
    assert sleeper.wait() == -signal.SIGKILL
    made.remove()
    assert not any(folder.exists() for folder in made.folders)


def test_reached() -> None:
    """One sentence says what stands and what not; the light level says nothing."""
    assert Reached().text() == ""
    assert Reached(("a", "b")).text() == "isolation: a, b"
    assert Reached(("a",), ("b (no)",)).text() == "isolation: a; not had here: b (no)"
    assert Reached((), ("b (no)",)).text() == "isolation: none; not had here: b (no)"
    assert Level("full") is Level.FULL
