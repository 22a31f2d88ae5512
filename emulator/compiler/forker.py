"""Answers PyCUDA's calls of nvcc inside this process: no new Python has to start for each kernel.

PyCUDA runs programs through `pytools.prefork`, whose `forker` object is made to be replaced.
Anything else than the emulator's nvcc goes on to the object that was there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from . import nvcc

if TYPE_CHECKING:
    from types import FrameType

_OURS = Path(__file__).resolve().parent / "bin" / "nvcc"


class Forker:
    """A `pytools.prefork` forker that knows one program itself."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __getattr__(self, name: str) -> Any:
        """Everything else is the former forker's."""
        return getattr(self._before, name)

    def call_capture_output(
        self, cmdline: list[str], cwd: str | None = None, error_on_nonzero: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a command."""
        if not _is_ours(cmdline[0]):
            answer: tuple[int, bytes, bytes] = self._before.call_capture_output(
                cmdline, cwd, error_on_nonzero
            )
            return answer
        words = [str(word) for word in cmdline[1:]]
        result = nvcc.run(words, cwd, library=_wants_library(sys._getframe(1)))  # noqa: SLF001
        if error_on_nonzero and result.code:
            from pytools.prefork import ExecError  # noqa: PLC0415 - only where it is needed

            raise ExecError(f"status {result.code} invoking '{' '.join(cmdline)}': {result.errors}")
        return result.code, result.output.encode(), result.errors.encode()


def _is_ours(program: str) -> bool:
    import shutil  # noqa: PLC0415 - only where it is needed

    found = shutil.which(program)
    return found is not None and Path(found).resolve() == _OURS


def _wants_library(frame: FrameType | None) -> bool:
    """Whether PyCUDA or scikit-cuda asks for a kernel of its own making, and not a program."""
    folders = [
        str(Path(module.__file__ or "").parent) + os.sep
        for module in map(sys.modules.get, ("pycuda", "skcuda", "pytools"))
        if module is not None
    ]
    while frame is not None:
        file = frame.f_code.co_filename
        inside = file.startswith(tuple(folders))
        if not inside or not file.endswith(("compiler.py", "prefork.py", "__init__.py")):
            return inside
        frame = frame.f_back
    return False


def install() -> None:
    """Answer for nvcc from now on; a second call changes nothing."""
    from pytools import prefork  # noqa: PLC0415 - pytools is there only with PyCUDA

    if not isinstance(prefork.forker, Forker):
        prefork.forker = cast("Any", Forker(prefork.forker))
