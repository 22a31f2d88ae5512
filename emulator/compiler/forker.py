"""Answers PyCUDA's calls of nvcc inside this process: no new Python has to start for each kernel.

PyCUDA runs programs through `pytools.prefork`, whose `forker` object is made to be replaced.
Anything else than the emulator's nvcc goes on to the object that was there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from . import nvcc

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
        result = nvcc.run([str(word) for word in cmdline[1:]], cwd)
        if error_on_nonzero and result.code:
            from pytools.prefork import ExecError  # noqa: PLC0415 - only where it is needed

            raise ExecError(f"status {result.code} invoking '{' '.join(cmdline)}': {result.errors}")
        return result.code, result.output.encode(), result.errors.encode()


def _is_ours(program: str) -> bool:
    import shutil  # noqa: PLC0415 - only where it is needed

    found = shutil.which(program)
    return found is not None and Path(found).resolve() == _OURS


def install() -> None:
    """Answer for nvcc from now on; a second call changes nothing."""
    from pytools import prefork  # noqa: PLC0415 - pytools is there only with PyCUDA

    if not isinstance(prefork.forker, Forker):
        prefork.forker = cast("Any", Forker(prefork.forker))
