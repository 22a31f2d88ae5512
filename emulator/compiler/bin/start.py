"""Starts the nvcc stand-in without importing the `emulator` package itself, which brings in the whole device."""

import sys
import types
from pathlib import Path

_EMULATOR = Path(__file__).resolve().parents[2]
_package = types.ModuleType("emulator")
_package.__path__ = [str(_EMULATOR)]
sys.modules["emulator"] = _package

from emulator.compiler import nvcc  # noqa: E402 - the package above has to be in place first

sys.exit(nvcc.main(sys.argv[1:]))
