"""One grading, as a Dask worker does it: a process of the grader's for one submission.

A process, so that whatever happens in it costs one submission. What it says comes back as a value,
and the class run alone writes to the disk: workers need to read the submissions and this clone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader import turns
from grader.classroom import fingerprint
from grader.process import name_of

CORRECTNESS, TIMES = "emulator", "gpu"
"""What is graded in one process; the names are those of the backends.

Correctness is scored on the checked emulator, on every worker. On a GPU, its second opinion and the
times are taken, by workers that have one.
"""

AT_ONCE = {CORRECTNESS: 1, TIMES: 8}
"""Gradings that share one core, or one GPU: while one takes times, others compile, start and write
reports, and their checks run together; see `grader.turns`. No times are taken during checks, which
take as long for eight as for four, but more of a GPU's memory: half a gigabyte each. A power of
two, as Dask adds up shares of a resource in floating point."""

NICENESS = {CORRECTNESS: 10, TIMES: 0}
"""Where cores are short, those go first that a GPU waits for; and a person at the machine."""

LIMIT_S = 3600.0
"""For one grading: a backstop behind the limits of each check, a hundred times the longest seen."""

SCRATCH = "grader-class-"
"""How folders in /tmp begin, with the run's name after it, that are removed after a kill, too."""

_TOLD_BYTES = 4096
"""Of what a grading said before it ended without a result."""

_POLL_S = 0.1

CHILD = Path(__file__).with_name("child.py")


class GradingFailedError(Exception):
    """The grading gave no result, which is no verdict on the submission; the message says why."""


@dataclass(frozen=True)
class Job:
    """What is to be graded.

    Attributes:
        key: of the entry.
        stage: CORRECTNESS or TIMES.
        path: the submission.
        run: name of the class run.
        seed: secret, and the same for the class.
        grader: the hash of the grader that all workers must have.
        command: the grading's program and arguments; "{path}" and "{record}" are filled in. It
            reads the seed from its standard input.
    """

    key: str
    stage: str
    path: str
    run: str
    seed: int
    grader: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a grading.

    Attributes:
        kind: "graded"; "refused": nothing in it can be graded; "deadly": it ended its workers;
            "failed": no result, to be tried again by the next run.
        record: of the report, as `grader.report.record` writes it; None unless graded.
        message: why there is no report.
        seconds: of wall time.
        worker: which worker did it.
    """

    kind: str
    record: Any = None
    message: str = ""
    seconds: float = 0.0
    worker: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the next run need not try again."""
        return self.kind != "failed"


def command(isolation: str) -> tuple[str, ...]:
    """The grader's own command line."""
    grader = (sys.executable, "-m", "grader", "grade", "{path}", "--seed", "-")
    level = () if isolation == "light" else ("--isolation", isolation)
    return *grader, "--record", "{record}", *level


def grade(job: Job) -> Outcome:
    """Grade a submission on this worker.

    Raises:
        GradingFailedError: there is no result; Dask tries it again, elsewhere if it can.
    """
    worker, environment = _worker(job.stage)
    if job.grader and fingerprint.of_this_grader() != job.grader:
        raise GradingFailedError(
            f"worker {worker} has another grader than the class run: give it the same clone"
        )
    begun = time.perf_counter()
    scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{job.run}-"))
    try:
        scratch.chmod(0o711)  # a worker of another user finds its own folder in it, and no other
        record = scratch / "record.json"
        places = {"{path}": job.path, "{record}": str(record)}
        words = [places.get(word, word) for word in job.command]
        environment["TMPDIR"] = str(scratch)
        if job.stage == TIMES:
            own = scratch / "kernels"
            own.mkdir()
            environment["PYCUDA_CACHE_DIR"] = str(own)
        code, told = _run(words, environment, job, scratch)
        try:
            written = json.loads(record.read_text("utf-8"))
        except (OSError, ValueError):
            written = {}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    seconds = time.perf_counter() - begun
    if "report" in written:
        return Outcome("graded", written, seconds=seconds, worker=worker)
    if "refused" in written:
        # Students read this: it names their folder, not where the class was graded.
        reason = str(written["refused"]).replace(job.path, Path(job.path).name)
        return Outcome("refused", None, reason, seconds, worker)
    raise GradingFailedError(f"the grading {_ending(code)}" + (f": {told}" if told else ""))


def begin(run: str) -> None:
    """Let gradings start, where killed ones of this run may have left something."""
    clear(run)
    _stopped.clear()


def clear(run: str) -> None:
    """Remove what killed gradings of this run left on this machine."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}{run}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def stop_all() -> None:
    """Kill the gradings of this process, and start no more; their workers end with them."""
    with _lock:
        _stopped.set()
        for process in _running:
            _kill(process)


_lock = threading.Lock()
_stopped = threading.Event()
_running: set[subprocess.Popen[bytes]] = set()


def _run(words: list[str], environment: dict[str, str], job: Job, scratch: Path) -> tuple[int, str]:
    """Run the grading; its exit code, and the end of what it said."""
    parent, niceness = str(os.getpid()), str(NICENESS[job.stage])
    program = [sys.executable, "-I", "-S", str(CHILD), parent, niceness, *words]
    with (scratch / "said").open("w+b") as said:
        with _lock:
            if _stopped.is_set():
                raise GradingFailedError("the run was stopped")
            process = subprocess.Popen(
                program,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=fingerprint.ROOT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            _running.add(process)
        try:
            _tell(process, job.seed)
            code = _wait(process)
        finally:
            with _lock:
                _kill(process)
                process.wait()
                _running.discard(process)
        said.seek(max(said.tell() - _TOLD_BYTES, 0))
        return code, said.read(_TOLD_BYTES).decode("utf-8", "replace").strip()


def _tell(process: subprocess.Popen[bytes], seed: int) -> None:
    """Give the seed through a pipe: a command line can be read by every process."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(f"{seed}\n".encode())


def _wait(process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_POLL_S)
    raise GradingFailedError(f"the grading took longer than {LIMIT_S / 60:.0f} minutes")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _worker(stage: str) -> tuple[str, dict[str, str]]:
    """This worker's name, and what a grading needs to know of where it runs."""
    from distributed import get_worker  # noqa: PLC0415 - not where records are only read

    environment = {"BACKEND": stage}
    try:
        worker = get_worker()
    except ValueError:  # not on a worker
        return "", environment
    name = str(worker.name)
    kind, _, device = name.partition("-")
    if stage == TIMES:
        if kind == "gpu" and device:
            environment["CUDA_VISIBLE_DEVICES"] = device
        # A device is one worker's. The reference's kernels are compiled once for it; a submission's
        # are kept apart, as PyCUDA may find in a shared cache what another still writes.
        for variable, name in ((turns.VARIABLE, "turns"), (turns.KERNELS, "kernels")):
            folder = Path(worker.local_directory, name)
            folder.mkdir(mode=0o700, exist_ok=True)
            environment[variable] = str(folder)
    return name, environment


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {name_of(code)}"
    return f"ended without a result ({name_of(code)})"
