"""Scratch folders that do not outlive the grader, even one that is killed.

The folder itself is locked as long as its maker lives (flock(2)); the next grader removes those
that nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
import weakref
from pathlib import Path

PREFIX = "grader-scratch-"

_TOO_YOUNG_S = 60.0
"""For a folder that is made and not locked yet."""


class Scratch:
    """A new folder under the system's temporary one; also a context manager.

    Attributes:
        path: of the folder.
    """

    def __init__(self) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.remove = weakref.finalize(self, _remove, self.path, self._lock)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)


def sweep() -> None:
    """Remove the folders of graders that were killed; those of living ones, and others', stay."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime < _TOO_YOUNG_S:
                continue
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                if os.geteuid() in (os.fstat(lock).st_uid, 0):  # root gives it to a worker
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
