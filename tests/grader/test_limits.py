"""What a worker's session uses, seen from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import limits, processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK = "LIMITS_TEST=7c1f"


@pytest.fixture
def session() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Run a Python program in a session of its own; it has begun when this returns."""
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str) -> subprocess.Popen[bytes]:
        code = f"import os, sys, time\nos.write(1, b'x')\n{program}"
        name, _, value = MARK.partition("=")
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code],
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, name: value},
        )
        assert process.stdout is not None
        process.stdout.read(1)
        started.append(process)
        return process

    yield start
    for process in started:
        processes.kill_all(process.pid, MARK)
        process.communicate()


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


@pytest.mark.skipif(os.geteuid() != 0, reason="another user id needs root")
def test_user_id(session: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """Processes of a user id are found in any session, though they hide from /proc's owner."""
    uid = 0x70000000 + 5000
    program = f"""
import ctypes
os.setresuid({uid}, {uid}, {uid})
if os.fork() == 0: os.setsid()
ctypes.CDLL(None).prctl(4, 0)
time.sleep(60)"""
    process = session(program)
    end = time.monotonic() + 20
    while len(list(processes.owned_by(uid))) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    processes.kill_all(process.pid, "NO=MARK", uid)
    process.wait()
    while list(processes.owned_by(uid)) and time.monotonic() < end:
        time.sleep(0.02)
    assert list(processes.owned_by(uid)) == []


def test_small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small machine half of its memory is the limit."""
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1 << 18, "SC_PAGE_SIZE": 4096}.get)
    assert limits.memory_limit_bytes() == 1 << 29


def test_kill_all(session: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """Children, and those that left for a session of their own, are killed."""
    program = "if os.fork() == 0:\n    os.setsid()\n    os.fork()\ntime.sleep(60)"
    process = session(program)
    while len(list(processes.marked(MARK))) < 3:
        time.sleep(0.02)
    processes.kill_all(process.pid, MARK)
    process.wait()
    deadline = time.monotonic() + 10
    while list(processes.marked(MARK)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list(processes.marked(MARK))


def test_unknown_process() -> None:
    """A process that ended uses nothing."""
    assert not Path("/proc/999999999").exists()
    assert processes.cpu_time_s(999_999_999) == 0.0
