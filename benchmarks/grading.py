"""How long a grading takes, as a student waits for it: `figures()`, wall time of whole commands."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.emulator import Row
from emulator.compiler.host import cache_folder

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3

# (what, arguments of `grader grade`, seconds promised)
COMMANDS = (
    ("grading the solution", ["solution"], 20),
    ("grading the stubs", ["assignment"], 3),
    ("grading one task of the solution, 2.3", ["solution", "--task", "2.3"], 3),
)
COLD_BOUND_S = 30
"""What kernels that were never compiled here may add."""


def figures() -> list[Row]:
    """Median wall times with warm caches, and what a cold cache of kernels adds."""
    _seconds(["solution"], {})  # warms the caches
    rows = []
    for what, arguments, bound in COMMANDS:
        times = sorted(_seconds(arguments, {}) for _ in range(RUNS))
        rows.append(Row(what, times[RUNS // 2], "s", f"≤ {bound}"))
    with tempfile.TemporaryDirectory() as cold:
        # PyCUDA keeps compiled kernels in the user's cache folder; the emulator itself stays.
        kept = {"EMULATOR_CACHE": cache_folder(), "XDG_CACHE_HOME": cold}
        added = _seconds(["solution"], kept)
    added -= rows[0].value
    rows.append(Row("what a cold compile cache adds to it", added, "s", f"≤ {COLD_BOUND_S}"))
    return rows


def _seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Wall time of one grading on the emulator."""
    command = [sys.executable, "-m", "grader", "grade", *arguments]
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "BACKEND": "emulator", **environment},
        stdout=subprocess.DEVNULL,
        check=False,  # the stubs end with 1
    )
    return time.perf_counter() - start
