"""What a worker takes upon itself before student code runs in it.

It keeps accidents away from the grader and from its answers. It is no wall against an attacker: who
wants to can undo it from within; the walls are those of grader.isolation.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from importlib.abc import MetaPathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import types
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

ROOMS = ("backend", "emulator", "data")
"""What student code needs of this repository."""

MAX_FILE_BYTES = 256 << 20
"""Of each file that is written; a compiled kernel has some hundred kilobytes."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with(judge: int | None, last: int = signal.SIGKILL) -> None:
    """Be killed when the judge's thread that started this process ends, however that happens.

    Args:
        judge: its pid; None where another program stands between.
        last: the signal to get then.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, last)
    if judge is not None and os.getppid() != judge:
        os._exit(0)  # it ended before


def limit_files() -> None:
    """Let no file grow without end: writing beyond raises OSError; and dump no core."""
    for limit, size in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, MAX_FILE_BYTES)):
        _, hard = resource.getrlimit(limit)
        if hard == resource.RLIM_INFINITY or size < hard:
            resource.setrlimit(limit, (size, hard))


def hide_the_grader(root: Path) -> None:
    """Let `import grader`, `import solution` and the like fail from here on.

    Modules of the grader that are loaded keep working; importing them again does not. The rooms are
    this repository's, also where Python's environment is another clone's, whose .pth file has
    imported its own backend by now.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != root]
    sys.meta_path.insert(0, _Rooms(root))
    for name, module in list(sys.modules.items()):
        package = name.partition(".")[0]
        if package == "grader" or (package in ROOMS and not _lies_in(root, module)):
            del sys.modules[name]


def _lies_in(root: Path, module: types.ModuleType) -> bool:
    return (getattr(module, "__file__", None) or "").startswith(f"{root}/")


class _Rooms(MetaPathFinder):
    """Finds those packages of the repository that student code needs, and no others."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for a package itself; what lies within is found by the package's own path.

        Its file is named, not looked for: the repository's own folder may be closed to a worker.
        """
        del path, target
        folder = self._root / name
        if name not in ROOMS:
            return None
        return spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
