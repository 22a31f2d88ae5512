"""The one place where the worker activates a backend and learns what the checked device found."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from grader.worker.compiling import ANYTHING

POISON = 0xFF
"""Every byte of fresh memory: a quiet NaN in float32 and float64, -1 in int32."""


_noticed: list[Any] = []
"""Findings as the emulator told of them: a submission may let the emulator forget its own."""


class StartError(Exception):
    """The device does not start; the message is for whoever set the machine up."""


def reason(error: Exception) -> str:
    """Why a device does not start, in the words of what failed."""
    text = str(error).strip()
    said_plainly = type(error).__module__.partition(".")[0] in ("backend", "emulator")
    return text if said_plainly and text else f"{type(error).__name__}: {text}"


def activate() -> str:
    """Make PyCUDA and scikit-cuda importable, on a GPU or on the checked emulator.

    Returns:
        "gpu" or "emulator".
    """
    backend = importlib.import_module("backend")
    name = str(backend.activate(check=True).name)
    if name == "emulator":
        _listeners().append(_noticed.append)
        importlib.import_module("emulator.findings").wrappers.append(f"{Path(__file__).parent}/")
    if name == "gpu" and not _memory_is_bare() and not is_timing():
        _poison_fresh_memory()
    return name


def is_timing() -> bool:
    """Whether this worker takes times: nothing is recorded, and memory is not poisoned."""
    return bool(os.environ.get("GRADER_TIMING"))


def _memory_is_bare() -> bool:
    """Whether memory comes as the device gives it, for a tool that watches who writes it."""
    return bool(os.environ.get("GRADER_BARE_MEMORY"))


def _poison_fresh_memory() -> None:
    """Fill what `mem_alloc` returns with NaN, before gpuarray takes it as its default argument.

    The emulator does the same natively.
    """
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    allocate = cuda.mem_alloc

    def poisoned(size_bytes: int) -> Any:
        allocation = allocate(size_bytes)
        cuda.memset_d8(allocation, POISON, size_bytes)
        return allocation

    cuda.mem_alloc = poisoned


def prepare(device: Any) -> None:
    """Make a GPU ready for student code, once the given device.py has made its context.

    Raises:
        pycuda.driver.CompileError: nvcc cannot compile anything, e.g. without a host compiler.
    """
    from pycuda.compiler import SourceModule  # noqa: PLC0415 - as the driver

    SourceModule(ANYTHING)  # cached: a second only the first time
    if not is_timing():
        _replace_pool(device)


def _replace_pool(device: Any) -> None:
    """Fill what the given device.py's memory pool hands out with NaN, too: blocks come back used.

    On the emulator this would mark fresh memory as written, and hide the reads of unwritten memory
    that it reports itself. A tool that watches memory gets allocations instead of blocks of a pool.
    """
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    pool = device.pool

    def poisoned(size_bytes: int) -> Any:
        allocation = pool.allocate(size_bytes)
        cuda.memset_d8(int(allocation), POISON, size_bytes)
        return allocation

    class Pool:
        """The pool, with another `allocate`."""

        allocate = staticmethod(cuda.mem_alloc if _memory_is_bare() else poisoned)

        def __getattr__(self, name: str) -> Any:
            return getattr(pool, name)

    device.pool = Pool()


def _listeners() -> list[Any]:
    told: list[Any] = importlib.import_module("emulator.findings").listeners
    return told


def is_told() -> bool:
    """Whether the emulator tells this worker of findings."""
    return _noticed.append in _listeners()


def take_findings(folder: Path) -> list[dict[str, Any]]:
    """What the checked device found since the last call, in the order of the program.

    Args:
        folder: the submission's; its files are named without it.
    """
    try:
        emulator = importlib.import_module("emulator")
        counted = {_what(finding): finding for finding in emulator.findings()}
    except (ImportError, AttributeError):
        return []
    found = list({**{_what(finding): finding for finding in _noticed}, **counted}.values())
    if found:
        _noticed.clear()
        emulator.clear_findings()
    return [
        {
            "kind": str(finding.kind),
            "text": _text(finding, folder),
            "kernel": finding.kernel,
            "file": Path(finding.place.file).name if finding.place else None,
            "line": finding.place.line if finding.place else None,
            "fatal": bool(finding.fatal),
        }
        for finding in found
    ]


def _text(finding: Any, folder: Path) -> str:
    """The words of a finding, with the submission's files named without its folder."""
    text, nearby = finding.text(), f"{folder.parent.name}/{folder.name}/"
    for place in filter(None, (finding.place, finding.other)):
        before, found, _ = place.file.partition(nearby)  # it may lie below the working folder
        text = text.replace(f"{before}{found}", "") if found else text
    return str(text.replace(f"{folder}/", "").replace(nearby, ""))


def _what(finding: Any) -> tuple[Any, ...]:
    """By what findings differ; their counts do not matter."""
    where = finding.message if finding.place is None else ""
    return finding.kind, finding.kernel, finding.place, finding.other, where


def is_lost() -> bool:
    """Whether the context is broken for good, as it is after an illegal access."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    try:
        cuda.Context.synchronize()
    except cuda.Error:
        return True
    return False
