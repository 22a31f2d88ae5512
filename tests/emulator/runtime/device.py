"""A device for tests: compiles a CUDA source, gives its kernels memory, launches them."""

from __future__ import annotations

import ctypes
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator import runtime
from emulator.compiler import image as images

if TYPE_CHECKING:
    from numpy.typing import NDArray

NVCC = Path(images.__file__).parent / "bin" / "nvcc"
FORMATS = {("p", 8): "Q", ("i", 4): "i", ("f", 4): "f", ("i", 8): "q", ("f", 8): "d"}


def start() -> None:
    """Start the checked device; again is fine."""
    runtime.library()
    runtime.start(1 << 30, checked=True)


def compile_source(source: str, folder: Path, *, checked: bool = True) -> images.Image:
    """Compile a CUDA source whose lines are those of "kernels.cu", and load it."""
    file = folder / f"source{len(list(folder.iterdir()))}.cu"
    file.write_text(f'extern "C" {{\n#line 1 "kernels.cu"\n{source}\n}}\n')
    cubin = file.with_suffix(".cubin")
    environment = {**__import__("os").environ, "EMULATOR_CHECK": str(int(checked))}
    environment["EMULATOR_PYTHON"] = sys.executable
    subprocess.run([NVCC, "--cubin", file, "-o", cubin], check=True, env=environment)
    image = images.load(cubin)
    runtime.register_image(image)
    return image


def upload(values: NDArray[Any]) -> int:
    """Device memory with these values."""
    address = runtime.malloc(values.nbytes)
    ctypes.memmove(address, values.ctypes.data, values.nbytes)
    runtime.mark_written(address, values.nbytes)
    return address


def download(address: int, like: NDArray[Any]) -> NDArray[Any]:
    """What device memory holds."""
    values = np.empty_like(like)
    ctypes.memmove(values.ctypes.data, address, values.nbytes)
    return values


def launch(
    image: images.Image,
    name: str,
    grid: int | tuple[int, ...],
    block: int | tuple[int, ...],
    *arguments: Any,
    shared: int = 0,
    limit_s: float = 1.0,
    profile: bool = False,
) -> runtime.Launch:
    """Launch a kernel with Python numbers as arguments."""
    kernel = image.kernels[name]
    buffer = bytearray(kernel.parameter_bytes)
    for parameter, value in zip(kernel.parameters, arguments, strict=True):
        code = FORMATS[parameter.kind, parameter.size]
        struct.pack_into(code, buffer, parameter.offset, value)
    shape = (_three(grid), _three(block))
    return runtime.launch(image, kernel, *shape, bytes(buffer), shared, limit_s, profile)


def _three(extent: int | tuple[int, ...]) -> tuple[int, int, int]:
    given = (extent,) if isinstance(extent, int) else extent
    x, y, z = (*given, 1, 1)[:3]
    return x, y, z


@dataclass(frozen=True)
class Case:
    """A kernel of a corpus file."""

    name: str
    kind: str
    grid: int | tuple[int, ...]
    block: int | tuple[int, ...]
    shared: int
    body: tuple[str, ...]
    lines: tuple[int, ...] = ()


def read_corpus(file: Path, *, faulty: bool) -> list[Case]:
    """The cases of a corpus file."""
    cases = []
    for text in file.read_text().split("\n== ")[1:]:
        head, *body = text.rstrip("\n").split("\n")
        name, *rest = head.split()
        kind = rest.pop(0) if faulty else ""
        grid, block, *shared = (_extent(word) for word in rest)
        cases.append(Case(name, kind, grid, block, int(shared[0]) if shared else 0, tuple(body)))
    return cases


def _extent(word: str) -> Any:
    return tuple(map(int, word.strip("()").split(","))) if "(" in word else int(word)


def corpus_source(cases: list[Case]) -> tuple[str, dict[str, tuple[int, ...]]]:
    """One CUDA source with all cases, and the marked lines of each."""
    lines: list[str] = []
    marked: dict[str, tuple[int, ...]] = {}
    for case in cases:
        lines += [line[1:] for line in case.body if line.startswith("@")]
        lines.append(f"__global__ void {case.name}(float *a, float *b, int *k, int n) {{")
        lines.append(
            "  const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t; (void)i; (void)t;"
        )
        code = [line for line in case.body if not line.startswith("@")]
        first = len(lines) + 1
        marked[case.name] = tuple(first + n for n, line in enumerate(code) if "//!" in line)
        lines += [*code, "}"]
    return "\n".join(lines), marked
