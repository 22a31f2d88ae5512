"""Turns on a device that several gradings share."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from grader.grade import ROOT
from grader.turns import VARIABLE, Turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

_SOON_S, _LONG_S = 0.2, 10.0


class Waiting:
    """Something that may have to wait, in a thread of its own."""

    def __init__(self, wait: Callable[[], None]) -> None:
        self._done = threading.Event()

        def until_done() -> None:
            wait()
            self._done.set()

        threading.Thread(target=until_done, daemon=True).start()

    def is_over(self, within_s: float = _LONG_S) -> bool:
        """Whether the waiting ends."""
        return self._done.wait(within_s)


def test_checks_run_together(tmp_path: Path) -> None:
    """Nobody waits for others' checks, and asking again changes nothing."""
    for turns in (Turns(tmp_path), Turns(tmp_path)):
        assert Waiting(turns.together).is_over()
        assert Waiting(turns.together).is_over()


def test_times_are_taken_alone(tmp_path: Path) -> None:
    """They wait for the checks under way, and checks and other times wait for them."""
    checks, times, others, later = (Turns(tmp_path) for _ in range(4))
    checks.together()
    mine = Waiting(times.alone)
    assert not mine.is_over(_SOON_S)
    checks.leave()
    assert mine.is_over()
    waiting = [Waiting(others.alone), Waiting(later.together)]
    assert not any(other.is_over(_SOON_S) for other in waiting)
    times.together()  # who is alone stays alone
    assert not any(other.is_over(_SOON_S) for other in waiting)
    times.leave()
    assert waiting[0].is_over()
    others.leave()
    assert waiting[1].is_over()


def test_times_go_first(tmp_path: Path) -> None:
    """New checks wait as soon as somebody waits for times, who would wait for ever otherwise."""
    checks, times, later = (Turns(tmp_path) for _ in range(3))
    checks.together()
    mine = Waiting(times.alone)
    assert not mine.is_over(_SOON_S)
    new = Waiting(later.together)
    assert not new.is_over(_SOON_S)
    checks.leave()
    assert mine.is_over()
    assert not new.is_over(_SOON_S)
    times.leave()
    assert new.is_over()


def test_from_checks_to_times(tmp_path: Path) -> None:
    """Two gradings whose checks are done take times one after the other."""
    first, second = Turns(tmp_path), Turns(tmp_path)
    first.together()
    second.together()
    waiting = [Waiting(first.alone), Waiting(second.alone)]
    assert [each.is_over(_SOON_S) for each in waiting].count(True) == 1
    (first if waiting[0].is_over(0) else second).leave()
    assert all(each.is_over() for each in waiting)


def test_killed_grading(tmp_path: Path) -> None:
    """A grading that is killed keeps nobody waiting."""
    program = (
        "from pathlib import Path; import sys; from grader.turns import Turns\n"
        "turns = Turns(Path(sys.argv[1])); turns.alone(); print('there', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        mine = Waiting(Turns(tmp_path).together)
        assert not mine.is_over(_SOON_S)
        process.kill()
    assert mine.is_over()


def test_one_grading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns are those that the environment names; without it nobody waits."""
    monkeypatch.delenv(VARIABLE, raising=False)
    for _ in range(2):
        turns = Turns.of_environment()
        turns.alone()
    turns.leave()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    Turns.of_environment().together()
    assert {path.name for path in tmp_path.iterdir()} == {"device", "times"}
    assert not any(path.stat().st_mode & 0o077 for path in tmp_path.iterdir())
