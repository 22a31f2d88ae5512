"""What a worker's session uses, seen from outside."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from grader import limits

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


def reason_within(deadline: limits.Deadline, limit_s: float) -> limits.WorkerDiedError:
    """The error that repeated checks come to."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            deadline.check()
        except limits.WorkerDiedError as error:
            return error
        time.sleep(0.02)
    raise AssertionError("no limit was seen to be passed")


def test_idle(session: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """A process that sleeps passes no limit."""
    limits.Deadline(session("time.sleep(60)").pid).check()


@pytest.mark.parametrize("on_gpu", [False, True])
def test_processor_time(
    session: Callable[[str], subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    on_gpu: bool,
) -> None:
    """Processor time counts; on a GPU, where that is waiting, too, a kernel is named."""
    monkeypatch.setattr(limits, "CPU_LIMIT_S", 0.2)
    error = reason_within(limits.Deadline(session("while True: pass").pid, on_gpu=on_gpu), 20)
    assert ("in a kernel" in error.reason) is on_gpu
    assert error.is_slow
    assert not error.is_backstop


def test_wall_time(session: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """Wall time is a backstop, worth a second try."""
    deadline = limits.Deadline(session("time.sleep(60)").pid)
    deadline.restart(0.1)
    assert reason_within(deadline, 20).is_backstop


def test_memory_of_children(
    session: Callable[[str], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory of the processes that a worker started counts, too."""
    monkeypatch.setattr(limits, "MEMORY_LIMIT_BYTES", 100 << 20)
    process = session("if os.fork() == 0: x = bytearray(b'x') * (150 << 20)\ntime.sleep(60)")
    assert "of memory" in reason_within(limits.Deadline(process.pid), 20).reason


def test_files(session: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path) -> None:
    """Where the system does not bound a scratch folder, the judge does."""
    deadline = limits.Deadline(session("time.sleep(60)").pid)
    deadline.watch(1, None, tmp_path)
    (tmp_path / "deep").mkdir()
    with (tmp_path / "deep" / "sparse").open("wb") as file:
        file.truncate(2 * limits.SCRATCH_LIMIT_BYTES)  # takes no room
    (tmp_path / "loop").symlink_to(tmp_path)
    deadline.check()
    (tmp_path / "deep" / "more").write_bytes(bytes(2 << 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SCRATCH_LIMIT_BYTES", 1 << 20)
        assert "of files" in reason_within(deadline, 20).reason


def test_small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small machine half of its memory is the limit."""
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1 << 18, "SC_PAGE_SIZE": 4096}.get)
    assert limits.memory_limit_bytes() == 1 << 29
