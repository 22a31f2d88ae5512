"""Runs at the start of Python processes that a program on the emulated device starts.

Nothing is imported here: the device is installed when the process first imports PyCUDA or
scikit-cuda. A sitecustomize of the machine's own, which this one hides, runs as well.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


class _InstallOnFirstUse:
    """Installs the emulator when PyCUDA or scikit-cuda is first looked for."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Find nothing; what is looked for is then found as always."""
        if name in ("pycuda", "skcuda"):
            sys.meta_path.remove(self)
            sys.path.append(str(_FOLDER.parents[1]))
            import emulator  # noqa: PLC0415

            emulator.install()
        return None


sys.meta_path.insert(0, _InstallOnFirstUse())

_others = [part for part in sys.path if Path(part or ".").resolve() != _FOLDER]
_hidden = PathFinder.find_spec("sitecustomize", _others)
if _hidden is not None and _hidden.loader is not None:
    _hidden.loader.exec_module(module_from_spec(_hidden))
