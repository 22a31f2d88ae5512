"""Answers PyCUDA's calls of nvcc inside this process: no new Python has to start for each kernel.

PyCUDA runs programs through `pytools.prefork`, whose `forker` object is made to be replaced.
Anything else than the emulator's nvcc goes on to the object that was there. The environment is the
one of that moment: whether kernels are checked, and by which programs they are compiled, is not
for the program to change that is looked at.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from . import host, nvcc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

_OURS = Path(__file__).resolve().parent / "bin" / "nvcc"


class Forker:
    """A `pytools.prefork` forker that knows one program itself.

    Args:
        before: the former forker.
        environment: by which that program works, from now on.
    """

    def __init__(self, before: Any, environment: Mapping[str, str]) -> None:
        self._before = before
        self._environment = MappingProxyType(dict(environment))

    def __getattr__(self, name: str) -> Any:
        """Everything else is the former forker's."""
        return getattr(self._before, name)

    def call_capture_output(
        self, cmdline: list[str], cwd: str | None = None, error_on_nonzero: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a command."""
        with host.environment(self._environment):
            ours = _is_ours(cmdline[0])
            if ours:
                words = [str(word) for word in cmdline[1:]]
                library = _wants_library(sys._getframe(1))  # noqa: SLF001 - PyCUDA's own frame
                result = nvcc.run(words, cwd, library=library)
        if not ours:
            answer: tuple[int, bytes, bytes] = self._before.call_capture_output(
                cmdline, cwd, error_on_nonzero
            )
            return answer
        if error_on_nonzero and result.code:
            from pytools.prefork import ExecError  # noqa: PLC0415 - only where it is needed

            raise ExecError(f"status {result.code} invoking '{' '.join(cmdline)}': {result.errors}")
        return result.code, result.output.encode(), result.errors.encode()


def _is_ours(program: str) -> bool:
    found = host.which(program)
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


def install(checked: bool) -> None:
    """Answer for nvcc from now on, by the environment as it is; a second call changes nothing.

    Args:
        checked: whether kernels are compiled with the memory checks.
    """
    from pytools import prefork  # noqa: PLC0415 - pytools is there only with PyCUDA

    if not isinstance(prefork.forker, Forker):
        environment = {**os.environ, "EMULATOR_CHECK": str(int(checked))}
        prefork.forker = cast("Any", Forker(prefork.forker, environment))
