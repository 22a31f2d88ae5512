"""The environment variables of a worker: what it needs of the judge's, and what the judge tells it.

Nothing else is handed on, so that neither secrets nor a user's settings reach student code.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.isolation.view import View

KERNEL_LIMIT_S = "1"
"""For one launch on the emulator, which counts it in memory accesses (30 million a second); the
largest honest one of the checks makes about one million."""

_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "LANG",
    "LC_ALL",
    "CXX",
    "LD_LIBRARY_PATH",
    "PYCUDA_CACHE_DIR",
)
# A worker with walls has its own.
_THE_JUDGES = {"HOME", "USER", "TMPDIR", "XDG_CACHE_HOME", "PYCUDA_CACHE_DIR"}
_PASSED_ON_PREFIXES = ("EMULATOR_", "CUDA", "NVIDIA_")


def of_worker(
    backend: str, mark: str, *, bare: bool, timing: bool, view: View | None
) -> dict[str, str]:
    """All of a worker's.

    Args:
        backend: "emulator" or "gpu".
        mark: a definition by which its processes are known.
        bare: memory comes from the device itself, unpoisoned.
        timing: it takes times, so nothing is recorded, and memory is not poisoned.
        view: what student code may see, within walls; None without them.
    """
    passed_on = set(_PASSED_ON) - (_THE_JUDGES if view is not None else set())
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in passed_on or name.startswith(_PASSED_ON_PREFIXES)
    }
    marked, _, value = mark.partition("=")
    return {
        **kept,
        marked: value,
        "BACKEND": backend,
        # One thread: sums of the same order on every machine, and no 40 ms products on a busy one.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "EMULATOR_TIME_LIMIT_S": KERNEL_LIMIT_S,
        "EMULATOR_REPORT": "0",  # findings go into the report, not to stderr
        "GRADER_BARE_MEMORY": "1" if bare else "",
        **({"GRADER_TIMING": "1"} if timing else {}),
        **({"GRADER_VIEW": json.dumps(view.words())} if view is not None else {}),
    }
