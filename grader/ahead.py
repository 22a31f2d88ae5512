"""Kernels of a submission, compiled ahead of the workers that launch them on a GPU.

Compilers read what students write (`#include` of any file, for example), so all of it happens in
workers within walls; see `grader.worker.compiling`. What comes back is given to workers of the same
submission and to no other, least of all to the reference's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.devices import EMULATOR, GPU
from grader.isolation import Level
from grader.isolation.scratch import Scratch
from grader.limits import WorkerDiedError
from grader.process import WorkerProcess, WorkerStartError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from grader.budget import Budget

    Cubins = dict[str, NDArray[np.uint8]]

MOST, MOST_BYTES = 64, 64 << 20
"""Kernels, and bytes of their machine code: the solution has 8, of 80 kB."""

_NAME = re.compile(r"[0-9a-f]{32}\.cubin")


def cubins(folder: Path, device: Path, budget: Budget | None = None) -> Cubins:
    """Compile a submission's kernels for the GPU, without a process on it.

    Args:
        folder: the submission's files.
        device: the judge's own device.py.
        budget: the time of the grading, of which it takes its part.

    Returns:
        machine code, by its name in PyCUDA's cache; what is not there (or all of it, where the
        submission cannot be loaded, or there is no emulator) each worker compiles when it needs it.
    """
    with Scratch() as scratch:
        noting, compiling = (
            WorkerProcess(
                scratch, backend, level=Level.FULL, readable=(folder, device), budget=budget
            )
            for backend in (EMULATOR, GPU)
        )
        try:
            return _compiled(noting, compiling, folder, device)
        except (WorkerDiedError, WorkerStartError):
            return {}
        finally:
            noting.kill()
            compiling.kill()


def _compiled(
    noting: WorkerProcess, compiling: WorkerProcess, folder: Path, device: Path
) -> Cubins:
    load = {"op": "load", "folder": str(folder), "device": str(device), "noting": True}
    noting.ask({**load, "replaced": [], "without": []}, [])
    told, _ = noting.ask({"op": "sources"}, [])
    entries = told.get("entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return {}
    made, contents = compiling.ask({"op": "compile", "entries": entries[:MOST]}, [])
    return _checked(made.get("cubins"), contents)


def _checked(names: object, contents: list[Any]) -> Cubins:
    """What a compiler left behind, whom a submission may have told to do something else."""
    if not isinstance(names, list) or len(names) != len(contents):
        return {}
    if sum(content.nbytes for content in contents) > MOST_BYTES:
        return {}
    return {
        name: content
        for name, content in zip(names, contents, strict=True)
        if isinstance(name, str) and _NAME.fullmatch(name) and content.dtype == np.uint8
    }
