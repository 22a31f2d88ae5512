"""The shared libraries, built once with the host's C++ compiler into the cache folder."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

_SOURCES = Path(__file__).parent / "native"
_LIBRARIES = {
    "libcublas.so": ("handle", "level1", "level2", "level3", "batched", "gemm"),
    "libcudart.so": ("cudart",),
    "libcuda.so": ("cuda",),
}
# No FMA contraction: results must not depend on the compiler that is found.
_FLAGS = (
    "-std=c++17", "-O2", "-ftree-vectorize", "-ffp-contract=off", "-fPIC",
    "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra",
)  # fmt: skip


class BuildError(Exception):
    """The libraries can't be built; the message says what to do."""


def libraries() -> dict[str, Path]:
    """The files of the three libraries by soname; built where they are not in the cache.

    Raises:
        BuildError: no compiler, a compiler that fails, or a cache that can't be written.
    """
    compiler = _compiler()
    folder = _cache() / f"cublas-{_key(compiler)}"
    files = {soname: folder / soname for soname in _LIBRARIES}
    if not all(file.exists() for file in files.values()):
        try:
            _build(compiler, folder)
        except OSError as error:
            raise BuildError(
                f"the emulated cuBLAS can't be written to the cache {folder}: {error}. "
                "Set EMULATOR_CACHE to a folder that can be written."
            ) from error
    return files


def _build(compiler: list[str], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "libraries"
        made.mkdir()
        for soname, names in _LIBRARIES.items():
            objects = _compile(compiler, names, Path(scratch))
            link = ["-shared", f"-Wl,-soname,{soname}", "-o", str(made / soname)]
            _run([*compiler, *objects, *link, "-lm"])
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            if not folder.exists():
                raise


def _compile(compiler: list[str], names: tuple[str, ...], scratch: Path) -> list[str]:
    running = []
    for name in names:
        target = str(scratch / f"{name}.o")
        command = [*compiler, *_FLAGS, "-c", str(_SOURCES / f"{name}.cpp"), "-o", target]
        running.append((command, target, _start(command)))
    for command, _, process in running:
        _wait(command, process)
    return [target for _, target, _ in running]


def _run(command: list[str]) -> None:
    _wait(command, _start(command))


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _wait(command: list[str], process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate()
    if process.returncode:
        raise BuildError(
            f"the host compiler could not build the emulated cuBLAS:\n{shlex.join(command)}\n"
            f"{output}\nSet CXX to another C++17 compiler."
        )


def _compiler() -> list[str]:
    chosen = os.environ.get("CXX")
    candidates = [shlex.split(chosen)] if chosen else [["g++"], ["clang++"], ["c++"]]
    for command in candidates:
        if command and shutil.which(command[0]):
            return command
    raise BuildError(
        f"no C++ compiler found (looked for {', '.join(c[0] for c in candidates if c)}); "
        "install g++, or set CXX to a C++17 compiler."
    )


def _key(compiler: list[str]) -> str:
    digest = hashlib.sha256()
    version = subprocess.run([*compiler, "--version"], capture_output=True, check=False).stdout
    for part in (version, platform.machine().encode(), " ".join(_FLAGS).encode()):
        digest.update(part + b"\0")
    for source in sorted(_SOURCES.iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    chosen = os.environ.get("EMULATOR_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emulator"
