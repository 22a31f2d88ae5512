"""Compiles the reference's kernels to machine code and PTX, on any machine, with NVIDIA's NVRTC.

The compiler is a library in a wheel that pip fetches (once, into .cache/); it needs no GPU. CUDA
12.0's writes PTX and code that every driver from CUDA 12.0 on loads; cards that are newer than it
have drivers that are newer, too, and get code of CUDA 12.8's.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "nvrtc"

FETCH_LIMIT_S, COMPILE_LIMIT_S = 600, 300


@dataclass(frozen=True)
class Compiler:
    """A version of NVRTC, and what it compiles for.

    Attributes:
        version: of the wheel nvidia-cuda-nvrtc-cu12.
        targets: as NVRTC names them: sm_… is machine code, compute_… is PTX.
    """

    version: str
    targets: tuple[str, ...]


COMPILERS = (
    Compiler("12.0.140", ("sm_70", "sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "compute_70")),
    Compiler("12.8.93", ("sm_100", "sm_120")),
)
"""12.0: the oldest driver that scikit-cuda's cuBLAS 12 runs on. 12.8: the first to know Blackwell,
whose first driver is of the same version."""

# What nvcc includes by itself and NVRTC does not.
OPTIONS = ("--std=c++17", "-DINFINITY=__int_as_float(0x7f800000)")


class CompilerError(Exception):
    """The kernels cannot be compiled here; the message says why and what to do."""


def compile_all(sources: Mapping[str, str]) -> dict[str, bytes]:
    """One image for each target, with all the kernels in it.

    Args:
        sources: CUDA C by name of the kernel.

    Returns:
        {"sm_90": a cubin, …, "compute_70": PTX}; equal sources give equal bytes.

    Raises:
        CompilerError: a compiler cannot be fetched, or a source does not compile.
    """
    source = together(sources)
    images: dict[str, bytes] = {}
    for compiler in COMPILERS:
        library = fetched(compiler.version)
        with tempfile.TemporaryDirectory(prefix="nvrtc-") as scratch:
            file = Path(scratch) / "kernels.cu"
            file.write_text(source, "utf-8")
            command = [sys.executable, "-m", __name__, str(library), str(file), *compiler.targets]
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=COMPILE_LIMIT_S,
                cwd=Path(__file__).resolve().parents[2],
            )  # fmt: skip
            if done.returncode:
                said = (done.stdout + done.stderr).strip()
                raise CompilerError(f"NVRTC {compiler.version} does not compile them:\n{said}")
            images |= {name: (Path(scratch) / name).read_bytes() for name in compiler.targets}
    return images


def together(sources: Mapping[str, str]) -> str:
    """One source of all: each in a namespace of its own, as each is a file of its own otherwise."""
    parts = [
        f'namespace source_{number} {{ extern "C" {{\n{sources[name]}\n}} }}\n'
        for number, name in enumerate(sorted(sources))
    ]
    return "".join(parts)


def fetched(version: str) -> Path:
    """NVRTC's library of a version, fetched by pip where the cache has it not.

    Raises:
        CompilerError: it cannot be fetched.
    """
    folder = CACHE / version
    library = folder / "libnvrtc.so.12"
    if library.is_file():
        return library
    wheel = f"nvidia-cuda-nvrtc-cu12=={version}"
    with tempfile.TemporaryDirectory(prefix="nvrtc-") as scratch:
        quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-q"]
        pip = [sys.executable, "-m", "pip", "download", *quiet, "--no-deps", "--only-binary=:all:"]
        try:
            done = subprocess.run(
                [*pip, "-d", scratch, wheel], capture_output=True, text=True, check=False,
                timeout=FETCH_LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise CompilerError(_unfetched(wheel, "it takes too long")) from None
        found = sorted(Path(scratch).glob("*.whl"))
        if done.returncode or not found:
            said = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
            raise CompilerError(_unfetched(wheel, said))
        draft = folder.with_name(f"{version}.draft")
        draft.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(found[0]) as archive:
            for name in archive.namelist():
                if ".so" in name and ".alt." not in name:
                    (draft / Path(name).name).write_bytes(archive.read(name))
        draft.rename(folder)
    if not library.is_file():
        raise CompilerError(f"{wheel} holds no libnvrtc.so.12. Next: remove {folder}, try again")
    return library


def _unfetched(wheel: str, said: str) -> str:
    return (
        f"the compiler for the reference's kernels, {wheel}, cannot be fetched: {said}\n"
        "Next: try again with a network that reaches the package index (it is needed once); behind "
        "a mirror: pip config set global.index-url URL"
    )


class _Program:
    """One compilation through NVRTC's C interface.

    Source: https://docs.nvidia.com/cuda/nvrtc/index.html
    """

    def __init__(self, library: ctypes.CDLL, source: bytes) -> None:
        self._library, self._program = library, ctypes.c_void_p()
        name = b"kernels.cu"
        self._call("nvrtcCreateProgram", ctypes.byref(self._program), source, name, 0, None, None)

    def compile(self, target: str) -> bytes:
        """The image for a target; CompilerError has the compiler's log."""
        options = [f"--gpu-architecture={target}", *OPTIONS]
        listed = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        if self._library.nvrtcCompileProgram(self._program, len(options), listed):
            raise CompilerError(self._read("ProgramLog").decode("utf-8", "replace"))
        return self._read("CUBIN" if target.startswith("sm_") else "PTX")

    def _read(self, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"nvrtcGet{what}Size", self._program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self._call(f"nvrtcGet{what}", self._program, text)
        return text.raw if what == "CUBIN" else text.value

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status:
            raise CompilerError(f"{function} returns {status}")


def main(argv: Sequence[str]) -> int:
    """Compile a file for some targets; writes a file beside it for each."""
    library, file, targets = ctypes.CDLL(argv[0]), Path(argv[1]), argv[2:]
    for target in targets:
        try:
            image = _Program(library, file.read_bytes()).compile(target)
        except CompilerError as error:
            sys.stderr.write(f"{target}: {error}\n")
            return 1
        (file.parent / target).write_bytes(image)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
