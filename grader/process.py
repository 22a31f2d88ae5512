"""A worker process seen from the judge: start, ask, kill."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import environment, limits, processes, protocol
from grader.integrity import WROTE_TO_PIPE
from grader.isolation import Level, Reached, cache
from grader.isolation.view import View
from grader.limits import WorkerDiedError
from grader.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grader.budget import Budget
    from grader.isolation import Event

ENTRY = Path(__file__).resolve().parent / "worker" / "__main__.py"

START_LIMIT_S = 900.0
"""For the start of a worker, in which the emulator may be built; the slowest seen took 100 s."""

PATIENCE_S = 2.0
"""After which a reader wants to know what takes so long."""

_OUTPUT_KEPT_BYTES = 64 << 10

# PyCUDA's destructors, once a context is broken: nothing of the student's.
_CLEAN_UP = re.compile(
    r"^PyCUDA WARNING: a clean-up operation failed.*\n(cu\w+ failed: .*\n)?", re.MULTILINE
)
_REASON_LINES = 12  # of what a worker wrote before it ended: enough for the end of a traceback
_POLL_S = 0.1
_SUPERVISOR_S = 10.0  # it kills, which takes milliseconds; on a machine that does nothing else


class WorkerStartError(Exception):
    """The device does not start in the worker, which is no fault of a submission.

    Args:
        backend: "emulator" or "gpu".
        reason: the worker's own words.
    """

    def __init__(self, backend: str, reason: str) -> None:
        device, other = "emulated device", ""
        if backend == "gpu":
            device, other = "GPU", "; BACKEND=emulator make grade does without the GPU"
        super().__init__(f"The {device} does not start: {reason}\nNext: make doctor{other}")


class WorkerProcess:
    """One worker in a session of its own, with a clean environment and captured output.

    It is killed when the thread that made it ends.

    Args:
        scratch: its working directory, where student code may leave files.
        backend: the device to activate, "emulator" or "gpu".
        under: a program with its options that runs the worker, such as compute-sanitizer, for
            which memory comes from the device itself, unpoisoned.
        timing: it takes times, so nothing is recorded, and memory is not poisoned.
        level: the walls around it.
        readable: folders and files that student code may read within them, besides Python's own.

    Attributes:
        reached: what isolation came to; known when the worker is ready.
        budget: of the grading, of which requests take their part; None: of none.
    """

    def __init__(
        self,
        scratch: Path,
        backend: str,
        under: Sequence[str] = (),
        *,
        timing: bool = False,
        level: Level = Level.LIGHT,
        readable: Sequence[Path] = (),
        budget: Budget | None = None,
    ) -> None:
        self.scratch, self.backend, self.level = scratch, backend, level
        self.reached, self.budget = Reached(), budget
        if level is Level.FULL and backend == "emulator":
            cache.prepare()
        view = _view(scratch, readable) if level is Level.FULL else None
        self._mark = f"GRADER_WORKER={secrets.token_hex(8)}"
        from_judge, self._to_worker = os.pipe()
        self._from_worker, to_judge = os.pipe()
        from_hook, to_reports = os.pipe()
        ends = (from_judge, to_judge, to_reports)
        judge = "" if under else str(os.getpid())
        self._process = subprocess.Popen(
            [*under, sys.executable, "-I", str(ENTRY), *map(str, ends), judge],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            env=environment.of_worker(
                backend,
                mark=self._mark,
                bare=bool(under),
                timing=timing,
                view=view,
            ),
            pass_fds=ends,
            start_new_session=True,
        )
        for end in ends:
            os.close(end)
        os.set_blocking(self._from_worker, False)
        self._reports = Reports(from_hook)
        self._deadline = limits.Deadline(self._process.pid, on_gpu=backend == "gpu")
        self._output = bytearray()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        self._pid, self._uid = self._process.pid, None
        self._is_ready, self._looked = False, time.monotonic()

    @property
    def pid(self) -> int:
        """Of the process that runs student code."""
        return self._pid

    @property
    def output(self) -> str:
        """The first part of what the worker wrote to stdout and stderr."""
        return _CLEAN_UP.sub("", self._output.decode("utf-8", "replace"))

    @property
    def events(self) -> tuple[Event, ...]:
        """What the submission did, or tried, that it has no business with; so far."""
        return self._reports.events

    @property
    def loading(self) -> str:
        """The module of the submission whose import began last; "" before the first."""
        return self._reports.loading

    def wait_until_ready(self, told: Callable[[], None] | None = None) -> None:
        """Wait for the worker's first word.

        Args:
            told: called once if that takes long.

        Raises:
            WorkerStartError: its device does not start.
        """
        if self._is_ready:
            return
        self._deadline.restart(START_LIMIT_S)
        if told is not None and not select.select([self._from_worker], [], [], PATIENCE_S)[0]:
            told()
        try:
            message, _ = self._exchange()
        except WorkerDiedError:
            said = self.output.strip().splitlines()[-_REASON_LINES:]
            code = self._process.poll()
            how = f"its process ended ({name_of(code)})" if code is not None else "no answer"
            raise WorkerStartError(self.backend, "\n".join([how, *said])) from None
        if "unusable" in message:
            self.kill()
            raise WorkerStartError(self.backend, str(message["unusable"]))
        self._note_isolation(message.get("entered"))
        self._is_ready = True

    def ask(self, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Send a request and return the reply and its arrays.

        Raises:
            BudgetSpentError: the time of the grading is used up.
            WorkerDiedError: the worker ended, ran into a limit, or answered out of turn.
            WorkerStartError: its device does not start.
        """
        self.wait_until_ready()
        number = secrets.token_hex(8)
        if "folder" in request:
            self._reports.folder = Path(request["folder"])
        self._deadline.restart(budget=self.budget)
        try:
            reply, reply_arrays = self._exchange({**request, "id": number}, arrays)
        finally:
            if self.budget is not None:
                is_loading = request["op"] == "load"
                self.budget.charge(*self._deadline.used_s(), is_loading=is_loading)
        says_unusable = "unusable" in reply
        if says_unusable and request["op"] == "load" and not self._reports.has_begun():
            self.kill()
            raise WorkerStartError(self.backend, str(reply["unusable"]))
        if reply.get("id") != number or says_unusable:
            self.kill()
            raise WorkerDiedError(WROTE_TO_PIPE)
        self._reports.wait_for(number)
        return reply, reply_arrays

    def finish(self, limit_s: float) -> None:
        """Let the worker end by itself, as the program that runs it may want to report then."""
        with contextlib.suppress(OSError):
            os.close(self._to_worker)
        self._to_worker = -1
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(limit_s)

    def kill(self) -> None:
        """End the worker and all that it started, and wait for it."""
        uid = self._uid
        if self.level is Level.FULL:
            self._process.terminate()  # its supervisor ends all of it, and knows when that is done
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_SUPERVISOR_S)
                uid = None  # from here on it may be another worker's
        processes.kill_all(self._process.pid, self._mark, uid)
        self._process.wait()
        self._reader.join(timeout=1.0)
        self._reports.close()
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
            self._look()
            if ready:
                size = os.readv(self._from_worker, [view[filled:]])
                if size == 0:
                    raise protocol.ProtocolError("the pipe was closed")
                filled += size
        return data

    def write_all(self, *chunks: bytes | memoryview) -> None:
        """Write chunks to the worker; see `protocol.Stream`."""
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                _, ready, _ = select.select([], [self._to_worker], [], _POLL_S)
                self._look()
                if not ready:
                    continue
                try:
                    rest = rest[os.write(self._to_worker, rest[:65536]) :]
                except OSError as error:
                    raise protocol.ProtocolError("the pipe was closed") from error

    def _look(self) -> None:
        """Raise if a limit is passed; also where the worker always has another byte to send."""
        now = time.monotonic()
        if now - self._looked > _POLL_S:
            self._looked = now
            self._deadline.check()

    def _exchange(
        self, message: dict[str, Any] | None = None, arrays: Sequence[Any] = ()
    ) -> tuple[dict[str, Any], list[Any]]:
        """Send a message, if there is one, and return the next one of the worker's."""
        try:
            if message is not None:
                protocol.send(self, message, arrays)
            return protocol.receive(self)
        except protocol.ProtocolError as error:
            closed = "closed" in str(error)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1.0)
            code = self._process.poll()
            self.kill()
            if code is None and not closed:
                raise WorkerDiedError(WROTE_TO_PIPE) from error
            raise WorkerDiedError(_ending(code, self._reports.events)) from error
        except WorkerDiedError as death:
            if death.is_slow:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(self._pid, signal.SIGUSR2)
                    os.kill(self._pid, signal.SIGCONT)  # one that was suspended answers, too
                death.file, death.line = self._reports.whereabouts()
            self.kill()
            raise

    def _note_isolation(self, entered: object) -> None:
        """Take over what the worker said of its walls, before student code was loaded."""
        if not isinstance(entered, dict):
            return
        self._pid, self._uid = int(entered["pid"]), entered["uid"]
        self.reached = Reached(tuple(entered["measures"]), tuple(entered["missing"]))
        scratch = None if entered["own_root"] else self.scratch
        self._deadline.watch(self._pid, self._uid, scratch)

    def _drain(self) -> None:
        """Read all output, keep its beginning: a flood of output fills no memory and no disk."""
        stream = self._process.stdout
        if stream is None:
            return
        while chunk := os.read(stream.fileno(), 65536):
            self._output += chunk[: _OUTPUT_KEPT_BYTES - len(self._output)]


def _ending(code: int | None, seen: Sequence[Event] = ()) -> str:
    if code is None:
        return "your code closed the grader's private pipe"
    if code == -signal.SIGKILL:
        for event in seen:
            if event.kind == "signal":
                what = f"{event.detail} ({event.file}:{event.line})" if event.file else event.detail
                return f"your code's process was killed (SIGKILL) after it asked for {what}"
        return "your code's process was killed (SIGKILL): did it take all memory?"
    if code < 0:
        return f"your code crashed the process ({name_of(code)})"
    return f"your code ended the process ({name_of(code)})"


def name_of(code: int) -> str:
    """An exit code or a signal in words."""
    if code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"


def _view(scratch: Path, readable: Sequence[Path]) -> View:
    """What student code may see within walls."""
    return View(scratch.resolve(), tuple(path.resolve() for path in readable), cache.shared())
