"""The emulator's own compiled parts, made once by the grader and shared read-only by all workers.

A worker with walls can't write where others would read. What it compiles itself stays in its own
scratch folder and goes with it, so no submission can leave another one a poisoned kernel.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 900.0  # as for the start of a worker, which builds the same

_MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
import backend
backend.activate(check=True)
import pycuda.autoinit
from pycuda.compiler import SourceModule
from skcuda import cublas
SourceModule("__global__ void nothing() {}", cache_dir=False)
"""


def folder() -> Path:
    """Where the emulator keeps what it compiles for the user who runs the grader."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(os.environ.get("EMULATOR_CACHE") or f"{home}/cuda-emulator").resolve()


def prepare() -> None:
    """Let the emulator build its parts, unless it has done so for these sources.

    A failure is not told here: a worker meets it, too, and tells it better.
    """
    done = folder() / f"built-{_fingerprint()}"
    if done.exists():
        return
    environment = {**os.environ, "BACKEND": "emulator"}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            [sys.executable, "-I", "-c", _MAKE, str(_ROOT)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=True,
        )
        done.touch()


def _fingerprint() -> str:
    """Of the emulator's sources and of the compiler that is chosen, by size and time."""
    told = [os.environ.get(name, "") for name in ("CXX", "PATH")]
    for base, _, files in os.walk(_ROOT / "emulator"):
        for file in sorted(files):
            if file.endswith((".py", ".cpp", ".h", ".inc", ".cuh", ".hpp")):
                status = Path(base, file).stat()
                told.append(f"{base}/{file} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:16]
