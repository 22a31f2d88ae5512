"""A bench for the compiler's tests.

Compiles sources in a folder, runs kernels on the real runtime.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator import runtime
from emulator.compiler import nvcc
from emulator.compiler.image import Image, load

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.findings import Finding

    Argument = np.ndarray[Any, Any] | np.generic


class Bench:
    """Compiles and runs in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""

    def nvcc(self, source: str, *options: str) -> nvcc.Result:
        """Compile a source as kernel.cu."""
        (self.folder / "kernel.cu").write_text(source)
        (self.folder / "kernel.cubin").unlink(missing_ok=True)
        return nvcc.run(["--cubin", *options, "kernel.cu"], str(self.folder))

    def load(self, source: str, *options: str) -> Image:
        """Compile and load a source that has no errors."""
        result = self.nvcc(source, *options)
        assert result.code == 0, result.errors
        runtime.library()
        runtime.start(1 << 30, checked=True)
        image = load(self.folder / "kernel.cubin")
        runtime.register_image(image)
        return image

    def run(
        self, image: Image, name: str, *arguments: Argument, threads: int = 1, shared: int = 0
    ) -> list[Finding]:
        """Launch one block; arrays are copied to the device and back."""
        kernel = image.kernels[name]
        block = bytearray(kernel.parameter_bytes)
        arrays = []
        for parameter, argument in zip(kernel.parameters, arguments, strict=True):
            value = argument.tobytes()
            if isinstance(argument, np.ndarray):
                address = runtime.malloc(argument.nbytes)
                ctypes.memmove(address, argument.ctypes.data, argument.nbytes)
                runtime.mark_written(address, argument.nbytes)
                arrays.append((address, argument))
                value = address.to_bytes(8, "little")
            block[parameter.offset : parameter.offset + parameter.size] = value
        shape = (threads, 1, 1)
        launched = runtime.launch(image, kernel, (1, 1, 1), shape, bytes(block), shared, 10.0)
        for address, array in arrays:
            ctypes.memmove(array.ctypes.data, address, array.nbytes)
            runtime.free(address)
        self.printed = launched.output
        return launched.findings
