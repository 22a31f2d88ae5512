"""Two processes on one core for a while."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from grader.timing import one_core

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pids() -> Iterator[list[int]]:
    """Two processes that wait."""
    command = [sys.executable, "-c", "input()"]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
    yield [process.pid for process in started]
    for process in started:
        process.communicate(b"\n")


def test_both_get_the_same_core(pids: list[int]) -> None:
    """One core for both, and what they had before when that is over, also after a failure."""
    before = [os.sched_getaffinity(pid) for pid in pids]
    meanwhile: list[set[int]] = []

    def fail() -> None:
        with one_core.shared(pids):
            meanwhile.extend(os.sched_getaffinity(pid) for pid in pids)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    first, second = meanwhile
    assert len(first) == 1
    assert first == second
    assert first <= before[0]
    assert [os.sched_getaffinity(pid) for pid in pids] == before


def test_all_or_none(pids: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one may not be moved, or is gone, the other stays where it is."""
    before = os.sched_getaffinity(pids[0])
    move = os.sched_setaffinity

    def refuse(pid: int, mask: set[int]) -> None:
        if pid == pids[1]:
            raise PermissionError
        move(pid, mask)

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    for both in (pids, [*pids[:1], 1 << 30], []):
        with one_core.shared(both):
            assert os.sched_getaffinity(pids[0]) == before
