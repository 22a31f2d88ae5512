"""Starts the nvcc stand-in without importing the `emulator` package itself.

Which brings in the whole device.
"""

import sys
import types

_EMULATOR = __file__.removesuffix("/compiler/bin/start.py")
_package = types.ModuleType("emulator")
_package.__path__ = [_EMULATOR]
sys.modules["emulator"] = _package

from emulator.compiler import nvcc  # noqa: E402 - the package above has to be in place first

sys.exit(nvcc.main(sys.argv[1:]))
