"""The emulator's own compiled parts, made once by the grader and shared read-only by all workers.

A worker with walls can't write where others would read. What it compiles itself stays in its own
scratch folder and goes with it, so no submission can leave another one a poisoned kernel.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_NAME = "shared-"
_OLD_S = 86_400.0  # another clone's may be in use
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


def shared() -> Path:
    """The folder with the parts that belong to these sources; see `prepare`.

    It is not the one that runs without walls write to, so they can't leave anything there either.
    """
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    own = Path(os.environ.get("EMULATOR_CACHE") or f"{home}/cuda-emulator").resolve()
    return own / f"{_NAME}{_fingerprint()}"


def prepare() -> None:
    """Let the emulator build its parts, unless it has done so for these sources.

    Of graders that start at once, one builds and the others wait. A failure is not told here: a
    worker meets it, too, and tells it better.
    """
    target = shared()
    if target.is_dir():
        return
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / f".{_NAME}lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.is_dir():
                _make(target)


def _make(target: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix=f".{_NAME}", dir=target.parent))
    try:
        _build(made)
        _open_to_all(made)
        made.rename(target)  # graders of several machines each build their own; one stays
    finally:
        shutil.rmtree(made, ignore_errors=True)
    for old in target.parent.glob(f"{_NAME}*"):
        if old != target and time.time() - old.stat().st_mtime > _OLD_S:
            shutil.rmtree(old, ignore_errors=True)


def _build(folder: Path) -> None:
    environment = {**os.environ, "BACKEND": "emulator", "EMULATOR_CACHE": str(folder)}
    subprocess.run(
        [sys.executable, "-I", "-c", _MAKE, str(_ROOT)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_LIMIT_S,
        check=True,
    )


def _open_to_all(folder: Path) -> None:
    """Let workers of other user ids read it, whatever this process's umask is."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _fingerprint() -> str:
    """Of the emulator's sources and of the compiler that is chosen, by size and time."""
    compilers = (os.environ.get("CXX", ""), "g++", "clang++", "python-zig")
    told = [name and f"{name} {shutil.which(name.split(' ')[0])}" for name in compilers]
    for base, _, files in os.walk(_ROOT / "emulator"):
        for file in sorted(files):
            if file.endswith((".py", ".cpp", ".h", ".inc", ".cuh", ".hpp")):
                status = Path(base, file).stat()
                told.append(f"{base}/{file} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:16]
