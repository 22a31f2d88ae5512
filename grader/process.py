"""A worker process seen from the judge: start, ask, limit, kill.

Limits are counted in processor time of the worker where the system tells it (Linux), so that a busy
machine changes no verdict; wall time is a backstop, and running into it is worth a second try.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import protocol

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY = Path(__file__).resolve().parent / "worker" / "__main__.py"

CPU_LIMIT_S = 10.0
"""For one request; the slowest honest one (a training on the emulator) takes about 2 s."""

KERNEL_LIMIT_S = "1"
"""For one launch on the emulator, which counts it in memory accesses (30 million a second); the
largest honest one of the checks makes about one million."""

WALL_LIMIT_S = 90.0
"""The backstop for one request: a machine so busy that 10 s of work take that long is no honest
case."""

START_LIMIT_S = 900.0
"""For the start of a worker, in which the emulator may be built; the slowest seen took 100 s."""

PATIENCE_S = 2.0
"""After which a reader wants to know what takes so long."""

_OUTPUT_KEPT_BYTES = 64 << 10
_POLL_S = 0.1

_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "CXX",
    "BACKEND",
    "LD_LIBRARY_PATH",
)
_PASSED_ON_PREFIXES = ("EMULATOR_", "CUDA", "NVIDIA_")


class WorkerDiedError(Exception):
    """The worker ended, or was ended, before it answered.

    Attributes:
        reason: in words for the student.
        is_backstop: it ran into the wall-clock limit, which a busy machine can cause.
        is_slow: it ran into a limit, so that running the same again would take as long.
    """

    def __init__(self, reason: str, *, is_backstop: bool = False, is_slow: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.is_backstop, self.is_slow = reason, is_backstop, is_slow


class WorkerProcess:
    """One worker in its own process group, with a clean environment and captured output.

    Args:
        scratch: its working directory, where student code may leave files.
    """

    def __init__(self, scratch: Path) -> None:
        from_judge, self._to_worker = os.pipe()
        self._from_worker, to_judge = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(ENTRY), str(from_judge), str(to_judge)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            env=_environment(scratch),
            pass_fds=(from_judge, to_judge),
            start_new_session=True,
        )
        os.close(from_judge)
        os.close(to_judge)
        os.set_blocking(self._from_worker, False)
        self._deadline = _Deadline(self._process.pid)
        self._output = bytearray()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        self._requests = 0
        self.backend = ""

    @property
    def output(self) -> str:
        """The first part of what the worker wrote to stdout and stderr."""
        return self._output.decode("utf-8", "replace")

    def wait_until_ready(self, told: Callable[[], None] | None = None) -> str:
        """Wait for the worker's first word, and return the backend that it activated.

        Args:
            told: called once if that takes long.

        Raises:
            WorkerDiedError: it could not start; the output says why.
        """
        if not self.backend:
            self._deadline.restart(START_LIMIT_S)
            if told is not None and not select.select([self._from_worker], [], [], PATIENCE_S)[0]:
                told()
            message, _ = self._receive()
            self.backend = str(message.get("backend"))
        return self.backend

    def ask(self, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Send a request and return the reply and its arrays.

        Raises:
            WorkerDiedError: the worker ended, ran into a limit, or answered out of turn.
        """
        self.wait_until_ready()
        self._requests += 1
        self._deadline.restart()
        protocol.send(self, {**request, "id": self._requests}, arrays)
        reply, reply_arrays = self._receive()
        if reply.get("id") != self._requests:
            self.kill()
            raise WorkerDiedError("your code wrote to the grader's private pipe")
        return reply, reply_arrays

    def kill(self) -> None:
        """End the whole process group, and wait for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=1.0)
        for descriptor in (self._to_worker, self._from_worker):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._to_worker = self._from_worker = -1
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()

    # The two halves of `protocol.Stream`, on descriptors that don't block for ever.

    def read_exactly(self, count: int) -> bytearray:
        """Return exactly `count` bytes from the worker; see `protocol.Stream`."""
        data = bytearray(count)
        view, filled = memoryview(data), 0
        while filled < count:
            ready, _, _ = select.select([self._from_worker], [], [], _POLL_S)
            if ready:
                size = os.readv(self._from_worker, [view[filled:]])
                if size == 0:
                    raise protocol.ProtocolError("the pipe was closed")
                filled += size
            else:
                self._deadline.check()
        return data

    def write_all(self, *chunks: bytes | memoryview) -> None:
        """Write chunks to the worker; see `protocol.Stream`."""
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                _, ready, _ = select.select([], [self._to_worker], [], _POLL_S)
                if not ready:
                    self._deadline.check()
                    continue
                try:
                    rest = rest[os.write(self._to_worker, rest[:65536]) :]
                except OSError as error:
                    raise protocol.ProtocolError("the pipe was closed") from error

    def _receive(self) -> tuple[dict[str, Any], list[Any]]:
        try:
            return protocol.receive(self)
        except protocol.ProtocolError as error:
            closed = "closed" in str(error)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1.0)
            code = self._process.poll()
            self.kill()
            if code is None and not closed:
                raise WorkerDiedError("your code wrote to the grader's private pipe") from error
            raise WorkerDiedError(_ending(code)) from error
        except WorkerDiedError:
            self.kill()
            raise

    def _drain(self) -> None:
        """Read all output, keep its beginning: a flood of output fills no memory and no disk."""
        stream = self._process.stdout
        if stream is None:
            return
        while chunk := os.read(stream.fileno(), 65536):
            self._output += chunk[: _OUTPUT_KEPT_BYTES - len(self._output)]


class _Deadline:
    """Raises WorkerDiedError when a request has used up its processor time, or its wall time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.restart()

    def restart(self, wall_limit_s: float = WALL_LIMIT_S) -> None:
        """A new request begins."""
        self._begun, self._cpu_begun_s = time.monotonic(), _cpu_time_s(self._pid)
        self._wall_limit_s = wall_limit_s

    def check(self) -> None:
        """Raise if a limit is passed."""
        used_s = _cpu_time_s(self._pid) - self._cpu_begun_s
        if used_s > CPU_LIMIT_S:
            raise WorkerDiedError(
                f"stopped after {CPU_LIMIT_S:.0f} s of work: an endless loop?", is_slow=True
            )
        if time.monotonic() - self._begun > self._wall_limit_s:
            raise WorkerDiedError(
                f"stopped after {self._wall_limit_s:.0f} s: it waits for what never comes?",
                is_backstop=True,
                is_slow=True,
            )


def _cpu_time_s(pid: int) -> float:
    """User and system time of a process so far; 0 where the system does not tell."""
    try:
        # proc(5): the name in parentheses may hold spaces; utime and stime are fields 14 and 15.
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ending(code: int | None) -> str:
    if code is None:
        return "your code closed the grader's private pipe"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"your code crashed the process ({name})"
    return f"your code ended the process (exit code {code})"


def _environment(scratch: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return {
        **kept,
        # One thread: sums of the same order on every machine, and no 40 ms products on a busy one.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "EMULATOR_TIME_LIMIT_S": KERNEL_LIMIT_S,
        "EMULATOR_REPORT": "0",  # findings go into the report, not to stderr
        "GRADER_SCRATCH": str(scratch),
    }
