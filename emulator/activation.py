"""How programs come to see the emulated device.

Three things lie below the Python half of PyCUDA, and each is put where PyCUDA looks first: its
compiled modules (a finder in front of `sys.meta_path`), `nvcc` (in front of PATH) and libcublas
(loaded before scikit-cuda asks for it). Child processes inherit it through PYTHONPATH.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.driver.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_FOLDER = Path(__file__).resolve().parent
_DRIVER, _PVT_STRUCT = "pycuda._driver", "pycuda._pvt_struct"


class _Finder(MetaPathFinder, Loader):
    """Answers for PyCUDA's compiled modules, before an installed one can."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the two names, whatever is installed."""
        del path, target
        return ModuleSpec(fullname, self) if fullname in (_DRIVER, _PVT_STRUCT) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let Python make an ordinary module."""
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module; the driver's import starts the device."""
        if module.__name__ == _PVT_STRUCT:
            source = importlib.import_module("emulator.driver.pvt_struct")
            module.__dict__.update({name: getattr(source, name) for name in source.__all__})
            return
        start_device()
        module.__dict__.update(importlib.import_module("emulator.driver").NAMES)


_finder = _Finder()


def is_installed() -> bool:
    """Whether this process sees the emulated device."""
    return _finder in sys.meta_path


def install(check: bool | None, report: bool | None) -> None:
    """See `emulator.install`."""
    running = settings.check if is_installed() and _DRIVER in sys.modules else None
    if None not in (check, running) and check != running:
        raise RuntimeError(
            f"the emulated device already runs {'with' if running else 'without'} checks: decide "
            "in the first emulator.install(check=…), or by EMULATOR_CHECK, before pycuda is used"
        )
    if check is not None:
        os.environ["EMULATOR_CHECK"] = str(int(check))
    if report is not None:
        os.environ["EMULATOR_REPORT"] = str(int(report))
    settings.read()
    if running is not None:
        settings.check = running  # whatever the variable says by now
    if not is_installed():
        _install()


def _install() -> None:
    """Put the emulated parts where PyCUDA and scikit-cuda look for theirs."""
    if _DRIVER in sys.modules:
        raise RuntimeError(
            "PyCUDA's own driver is already imported: call emulator.install() before the first "
            "import of pycuda.driver"
        )
    importlib.import_module("emulator.cublas").install()
    sys.meta_path.insert(0, _finder)
    _let_run(_FOLDER / "compiler" / "bin" / "nvcc")
    _prepend("PATH", _FOLDER / "compiler" / "bin")
    _prepend("PYTHONPATH", _FOLDER / "child")
    os.environ["EMULATOR_PYTHON"] = sys.executable  # which runs the emulated nvcc


def start_device() -> None:
    """Start the runtime, which is built when it was never used, and the reports.

    PyCUDA's calls of nvcc are answered inside this process from here on, which saves the start of
    a Python each; `nvcc` on PATH is for everybody else.
    """
    from emulator import runtime  # noqa: PLC0415  # needs a compiler; not for every import
    from emulator.compiler import forker  # noqa: PLC0415  # needs pytools, which PyCUDA brings

    runtime.start(settings.memory_bytes, settings.check)
    forker.install(settings.check)
    importlib.import_module("emulator.driver.reporting").tell_findings()


def _let_run(program: Path) -> None:
    """Make a program executable where a zip was unpacked by something that knows no modes."""
    if not os.access(program, os.X_OK):
        with contextlib.suppress(OSError):
            program.chmod(0o755)


def _prepend(variable: str, folder: Path) -> None:
    """Put `folder` in front of a search path of the environment, once."""
    others = [part for part in os.environ.get(variable, "").split(os.pathsep) if part]
    parts = [str(folder), *(part for part in others if part != str(folder))]
    os.environ[variable] = os.pathsep.join(parts)
