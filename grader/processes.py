"""The processes of a worker, seen from outside: which there are, what they use, and their end.

All of it is read from /proc, where a system that has none tells nothing (proc(5)).
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SWEEPS = 20
_ZOMBIE = "Z"
_STOPPED = "T"


@dataclass(frozen=True)
class Process:
    """A living process, and the memory that it has in use."""

    pid: int
    resident_bytes: int


def pids() -> Iterator[int]:
    """The ids of all processes that this one may see."""
    with contextlib.suppress(OSError):
        names = os.listdir("/proc")  # noqa: PTH208 - ten times a second, so no Path for each
        yield from (int(name) for name in names if name.isdigit())


def of_session(session: int) -> Iterator[Process]:
    """The living processes of a session; none where the system does not tell."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    for pid in pids():
        fields = stat(pid)
        if fields and fields[0] != _ZOMBIE and int(fields[3]) == session:
            yield Process(pid, int(fields[21]) * page_bytes)


def owned_by(uid: int) -> Iterator[Process]:
    """The living processes of a user id; /proc's owner can be hidden, this can't (proc(5))."""
    for pid in pids():
        try:
            text = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        owned = str(uid) in fields.get("Uid", "").split()
        if owned and not fields.get("State", _ZOMBIE).startswith(_ZOMBIE):
            yield Process(pid, int(fields.get("VmRSS", "0").split()[0]) << 10)


def marked(mark: str) -> Iterator[int]:
    """The living processes that were started with a definition in their environment."""
    wanted = mark.encode()
    for pid in pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # another user's, or ended
            continue
        if wanted in environment.split(b"\0"):
            yield pid


def cpu_time_s(pid: int) -> float:
    """User and system time of a process so far; 0 where the system does not tell."""
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def is_stopped(pid: int) -> bool:
    """Whether it was suspended by a signal (SIGSTOP, SIGTSTP …), and does nothing until SIGCONT."""
    return stat(pid)[:1] == [_STOPPED]


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, ppid, pgrp, session, … (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name in parentheses may hold spaces


def kill_all(session: int, mark: str, uid: int | None = None) -> None:
    """Kill a worker and whatever it started.

    Args:
        session: the worker's pid; it leads a session and a process group.
        mark: an environment variable's definition that only its processes inherit, by which those
            that left the session are found.
        uid: of its processes alone, if they have one.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    for _ in range(_SWEEPS):  # they may start others meanwhile
        left = [p.pid for p in of_session(session)] + list(marked(mark))
        left += [] if uid is None else [p.pid for p in owned_by(uid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
