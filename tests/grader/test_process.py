"""How a worker's end, and a device that does not start, are told."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from grader import process
from grader.isolation import Event
from grader.process import WorkerProcess, WorkerStartError

if TYPE_CHECKING:
    from pathlib import Path


def test_setting_that_is_not_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker says about its device is the reason."""
    monkeypatch.setenv("EMULATOR_MEMORY_BYTES", "much")
    worker = WorkerProcess(tmp_path, "emulator")
    with pytest.raises(WorkerStartError, match="The emulated device does not start") as caught:
        worker.wait_until_ready()
    assert "EMULATOR_MEMORY_BYTES" in str(caught.value)
    assert str(caught.value).endswith("Next: make doctor")


def test_gpu_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a GPU the way without it is told, too."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    worker = WorkerProcess(tmp_path, "gpu")
    with pytest.raises(WorkerStartError, match="The GPU does not start") as caught:
        worker.wait_until_ready()
    assert "BACKEND=emulator" in str(caught.value)


def test_worker_that_ends_at_its_start(tmp_path: Path) -> None:
    """Where the worker ends without a word, how it ended and what it wrote are the reason."""
    worker = WorkerProcess(tmp_path, "emulator", ("sh", "-c", "echo no such library; exit 3"))
    with pytest.raises(WorkerStartError, match="exit code 3") as caught:
        worker.wait_until_ready()
    assert "no such library" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "closed the grader's private pipe"),
        (-signal.SIGSEGV, "crashed the process (SIGSEGV)"),
        (-signal.SIGKILL, "did it take all memory?"),
        (3, "ended the process (exit code 3)"),
    ],
)
def test_ending(code: int | None, words: str) -> None:
    """An end is told in the student's words."""
    assert words in process._ending(code)


def test_ending_by_a_signal_that_was_asked_for() -> None:
    """Where a signal was asked for before, it is named in place of a guess at memory."""
    seen = (Event("read", "/etc/passwd"), Event("signal", "os.kill 0", "kernels.py", 9))
    told = process._ending(-signal.SIGKILL, seen)
    assert told.endswith("was killed (SIGKILL) after it asked for os.kill 0 (kernels.py:9)")


def test_clean_up_is_not_output(tmp_path: Path) -> None:
    """What PyCUDA says of a broken context is not the student's output."""
    warning = "PyCUDA WARNING: a clean-up operation failed (dead context maybe?)"
    text = f"mine\\n{warning}\\ncuMemFree failed: an illegal memory access was encountered\\nmine"
    worker = WorkerProcess(tmp_path, "emulator", ("printf", text + "\\n#%s"))
    with pytest.raises(WorkerStartError):
        worker.wait_until_ready()
    assert worker.output.startswith("mine\nmine\n")
