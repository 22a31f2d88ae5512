"""The processes of a worker: how they are found, and ended."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import processes
from tests.grader.conftest import SESSION_MARK

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


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


def test_kill_all(session: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """Children, and those that left for a session of their own, are killed."""
    program = "if os.fork() == 0:\n    os.setsid()\n    os.fork()\ntime.sleep(60)"
    process = session(program)
    while len(list(processes.marked(SESSION_MARK))) < 3:
        time.sleep(0.02)
    processes.kill_all(process.pid, SESSION_MARK)
    process.wait()
    deadline = time.monotonic() + 10
    while list(processes.marked(SESSION_MARK)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list(processes.marked(SESSION_MARK))


def test_unknown_process() -> None:
    """A process that ended uses nothing."""
    assert not Path("/proc/999999999").exists()
    assert processes.cpu_time_s(999_999_999) == 0.0


def test_stopped(session: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """A process that is suspended is told from one that sleeps."""
    process = session("time.sleep(60)")
    assert not processes.is_stopped(process.pid)
    process.send_signal(signal.SIGSTOP)
    end = time.monotonic() + 10
    while not processes.is_stopped(process.pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert processes.is_stopped(process.pid)
    assert not processes.is_stopped(999_999_999)
