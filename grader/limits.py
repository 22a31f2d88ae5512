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
import time
from typing import TYPE_CHECKING

from grader import processes

if TYPE_CHECKING:
    from pathlib import Path

    from grader.budget import Budget

CPU_LIMIT_S = 10.0
"""For one request; the slowest honest one (a training on the emulator) takes about 2 s."""

WALL_LIMIT_S = 90.0
"""The backstop for one request: a machine so busy that 10 s of work take that long is no honest
case."""

STOPPED_LIMIT_S = 1.0
"""For a process that a signal has suspended: nothing that is graded wakes it up."""

MEMORY_LIMIT_BYTES = 4 << 30
"""Resident, of the worker and all it started; the largest honest one takes 0.4 GiB on the emulator
and 0.7 GiB on a GPU."""

SCRATCH_LIMIT_BYTES = 1 << 30
"""Of the files in a worker's folder, where the system itself does not bound them."""

PROCESS_LIMIT = 64
"""Of the worker and all it started; a compiler takes five or six."""

_LONGEST_LOOK_S = 1.0
"""Between two looks at a worker; where it was longer, the judge itself was suspended."""


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


class BudgetSpentError(WorkerDiedError):
    """Nothing is left of what a submission may use in a whole grading; see `grader.budget`."""


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

    def restart(self, wall_limit_s: float | None = None, budget: Budget | None = None) -> None:
        """A new request begins.

        Args:
            wall_limit_s: for it; `WALL_LIMIT_S` if None.
            budget: of the grading, of which it takes its part.
        """
        self._looked, self._cpu_begun_s = time.monotonic(), processes.cpu_time_s(self._pid)
        self._cpu_s = self._wall_s = self._stopped_s = 0.0
        self._wall_limit_s = WALL_LIMIT_S if wall_limit_s is None else wall_limit_s
        self._budget = budget

    def used_s(self) -> tuple[float, float]:
        """Processor and wall time that the request has taken, also of a worker that is gone."""
        now, cpu_s = time.monotonic(), processes.cpu_time_s(self._pid) - self._cpu_begun_s
        since_s = min(now - self._looked, _LONGEST_LOOK_S)
        is_stopped = processes.is_stopped(self._pid)
        self._stopped_s = self._stopped_s + since_s if is_stopped else 0.0
        self._looked, self._wall_s = now, self._wall_s + since_s
        self._cpu_s = max(self._cpu_s, cpu_s)
        return self._cpu_s, self._wall_s

    def check(self) -> None:
        """Raise if a limit is passed."""
        self._check_time()
        owned = processes.of_session(self._pid)
        found = list(owned if self._uid is None else processes.owned_by(self._uid))
        if len(found) > PROCESS_LIMIT:
            raise WorkerDiedError(
                f"stopped: it started more than {PROCESS_LIMIT} processes", is_slow=True
            )
        limit = memory_limit_bytes()
        if sum(process.resident_bytes for process in found) > limit:
            raise WorkerDiedError(
                f"stopped: it took more than {limit / (1 << 30):.1f} GiB of memory", is_slow=True
            )
        if self._scratch is not None and _size_bytes(self._scratch) > SCRATCH_LIMIT_BYTES:
            gibibytes = SCRATCH_LIMIT_BYTES / (1 << 30)
            raise WorkerDiedError(
                f"stopped: it wrote more than {gibibytes:.1f} GiB of files", is_slow=True
            )

    def _check_time(self) -> None:
        cpu_s, wall_s = self.used_s()
        if self._budget is not None and not self._budget.has(cpu_s, wall_s):
            raise BudgetSpentError("stopped: the time of a grading is used up", is_slow=True)
        if cpu_s > CPU_LIMIT_S:
            reason = f"stopped after {CPU_LIMIT_S:.0f} s of work: an endless loop?"
            if self._on_gpu:
                reason = f"no answer in {CPU_LIMIT_S:.0f} s: an endless loop, in a kernel or here?"
            raise WorkerDiedError(reason, is_slow=True)
        if self._stopped_s > STOPPED_LIMIT_S:
            told = "stopped: its process was suspended (SIGSTOP), and nothing wakes it up here"
            raise WorkerDiedError(told, is_slow=True)
        if wall_s > self._wall_limit_s:
            raise WorkerDiedError(
                f"stopped after {self._wall_limit_s:.0f} s: it waits for what never comes?",
                is_backstop=True,
                is_slow=True,
            )


def memory_limit_bytes() -> int:
    """`MEMORY_LIMIT_BYTES`, or half of the machine's memory where that is less."""
    with contextlib.suppress(OSError, ValueError):
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return min(MEMORY_LIMIT_BYTES, physical // 2)
    return MEMORY_LIMIT_BYTES


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
