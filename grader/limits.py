"""What one request to the worker may use, and how the judge sees that it uses more.

Processor time is counted where the system tells it (Linux), so that a busy machine changes no
verdict; wall time is a backstop, and running into it is worth a second try. Memory and processes
are watched from outside: a limit on the address space (RLIMIT_AS, RLIMIT_DATA) would forbid CUDA's
and the emulator's large reservations, and one on processes (RLIMIT_NPROC) counts all of a user's,
and none of root's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU_LIMIT_S = 10.0
"""For one request; the slowest honest one (a training on the emulator) takes about 2 s."""

WALL_LIMIT_S = 90.0
"""The backstop for one request: a machine so busy that 10 s of work take that long is no honest
case."""

MEMORY_LIMIT_BYTES = 4 << 30
"""Resident, of the worker and all it started; the largest honest one takes 0.4 GiB on the emulator
and 0.7 GiB on a GPU."""

SCRATCH_LIMIT_BYTES = 1 << 30
"""Of the files in a worker's folder, where the system itself does not bound them."""

PROCESS_LIMIT = 64
"""Of the worker and all it started; a compiler takes five or six."""


class WorkerDiedError(Exception):
    """The worker ended, or was ended, before it answered.

    Attributes:
        reason: in words for the student.
        is_backstop: it ran into the wall-clock limit, which a busy machine can cause.
        is_slow: it ran into a limit, so that running the same again would take as long.
        file, line: where the submission was then, None where that is not known.
    """

    def __init__(self, reason: str, *, is_backstop: bool = False, is_slow: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_backstop, self.is_slow = reason, is_backstop, is_slow
        self.file: str | None = None
        self.line: int | None = None


class Deadline:
    """Raises WorkerDiedError when a request has used more than it may.

    Args:
        pid: of the worker, which leads a session of its own.
        on_gpu: waiting for a kernel counts as work of the worker.
    """

    def __init__(self, pid: int, *, on_gpu: bool = False) -> None:
        self._pid, self._on_gpu = pid, on_gpu
        self._uid: int | None = None
        self._scratch: Path | None = None
        self.restart()

    def watch(self, pid: int, uid: int | None, scratch: Path | None) -> None:
        """Know the worker better: it is that process, and all of that user id is its own.

        Args:
            pid: leads a session of its own.
            uid: None where it has the judge's.
            scratch: a folder whose size is bounded from here; None where the system does that.
        """
        self._pid, self._uid, self._scratch = pid, uid, scratch
        self.restart()

    def restart(self, wall_limit_s: float | None = None) -> None:
        """A new request begins; its wall time is `WALL_LIMIT_S`, unless another is given."""
        self._begun, self._cpu_begun_s = time.monotonic(), _cpu_time_s(self._pid)
        self._wall_limit_s = WALL_LIMIT_S if wall_limit_s is None else wall_limit_s

    def check(self) -> None:
        """Raise if a limit is passed."""
        used_s = _cpu_time_s(self._pid) - self._cpu_begun_s
        if used_s > CPU_LIMIT_S:
            reason = f"stopped after {CPU_LIMIT_S:.0f} s of work: an endless loop?"
            if self._on_gpu:
                reason = f"no answer in {CPU_LIMIT_S:.0f} s: an endless loop, in a kernel or here?"
            raise WorkerDiedError(reason, is_slow=True)
        if time.monotonic() - self._begun > self._wall_limit_s:
            raise WorkerDiedError(
                f"stopped after {self._wall_limit_s:.0f} s: it waits for what never comes?",
                is_backstop=True,
                is_slow=True,
            )
        processes = list(_processes(self._pid) if self._uid is None else _owned_by(self._uid))
        if len(processes) > PROCESS_LIMIT:
            raise WorkerDiedError(
                f"stopped: it started more than {PROCESS_LIMIT} processes", is_slow=True
            )
        limit = memory_limit_bytes()
        if sum(process.resident_bytes for process in processes) > limit:
            raise WorkerDiedError(
                f"stopped: it took more than {limit / (1 << 30):.1f} GiB of memory", is_slow=True
            )
        if self._scratch is not None and _size_bytes(self._scratch) > SCRATCH_LIMIT_BYTES:
            gibibytes = SCRATCH_LIMIT_BYTES / (1 << 30)
            raise WorkerDiedError(
                f"stopped: it wrote more than {gibibytes:.1f} GiB of files", is_slow=True
            )


def memory_limit_bytes() -> int:
    """`MEMORY_LIMIT_BYTES`, or half of the machine's memory where that is less."""
    with contextlib.suppress(OSError, ValueError):
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return min(MEMORY_LIMIT_BYTES, physical // 2)
    return MEMORY_LIMIT_BYTES


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
        left = [p.pid for p in _processes(session)] + list(_marked(mark))
        left += [] if uid is None else [p.pid for p in _owned_by(uid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return


_SWEEPS = 20
_ZOMBIE = "Z"


@dataclass(frozen=True)
class _Process:
    pid: int
    resident_bytes: int


def _pids() -> Iterator[int]:
    with contextlib.suppress(OSError):
        names = os.listdir("/proc")  # noqa: PTH208 - ten times a second, so no Path for each
        yield from (int(name) for name in names if name.isdigit())


def _processes(session: int) -> Iterator[_Process]:
    """The living processes of a session; none where the system does not tell."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    for pid in _pids():
        fields = _stat(pid)
        if fields and fields[0] != _ZOMBIE and int(fields[3]) == session:
            yield _Process(pid, int(fields[21]) * page_bytes)


def _owned_by(uid: int) -> Iterator[_Process]:
    """The living processes of a user id; /proc's owner can be hidden, this can't (proc(5))."""
    for pid in _pids():
        try:
            text = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        owned = str(uid) in fields.get("Uid", "").split()
        if owned and not fields.get("State", _ZOMBIE).startswith(_ZOMBIE):
            yield _Process(pid, int(fields.get("VmRSS", "0").split()[0]) << 10)


def _size_bytes(folder: Path) -> int:
    """Of all files below a folder, as far as they take room on the disk."""
    total, folders = 0, [str(folder)]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += 512 * entry.stat(follow_symlinks=False).st_blocks
    return total


def _marked(mark: str) -> Iterator[int]:
    """The living processes that were started with a definition in their environment."""
    wanted = mark.encode()
    for pid in _pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # another user's, or ended
            continue
        if wanted in environment.split(b"\0"):
            yield pid


def _cpu_time_s(pid: int) -> float:
    """User and system time of a process so far; 0 where the system does not tell."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, ppid, pgrp, session, … (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name in parentheses may hold spaces
