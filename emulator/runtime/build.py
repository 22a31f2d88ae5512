"""Shared libraries in C++, built once with the host's compiler into the cache folder."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.compiler import host

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS = (
    "-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-ftls-model=initial-exec",
    "-fno-exceptions", "-fno-rtti", "-fno-strict-aliasing", "-U_FORTIFY_SOURCE",
    "-fno-threadsafe-statics",  # its guards are in the C++ library
)  # fmt: skip


class BuildError(RuntimeError):
    """A library can't be built; the message says what to do."""


def shared_library(
    name: str,
    sources: Sequence[Path],
    include: Sequence[Path],
    headers: Sequence[Path] = (),
    flags: Sequence[str] = (),
) -> Path:
    """The library lib<name>.so made of the sources; built where it is not in the cache.

    Args:
        name: names the library and its file.
        sources: C++17 files.
        include: folders in which headers are looked for.
        headers: the headers that, like the sources, belong to the cache's key.
        flags: further flags for compiler and linker.

    Raises:
        BuildError: no compiler, a compiler that fails, or a cache that can't be written.
    """
    try:
        compiler, cache = _compiler(), Path(host.cache_folder())
    except host.HostError as error:
        text = str(error).removeprefix("nvcc fatal   : ").strip()
        raise BuildError(f"the emulator's {name} can't be built: {text}") from error
    command = [*compiler, *_FLAGS, *flags]
    target = cache / "libraries" / f"lib{name}-{_key(command, [*sources, *headers])}.so"
    if not target.exists():
        try:
            _build(command, sources, include, target)
        except OSError as error:
            raise BuildError(
                f"the emulator's {name} can't be written to {target}: {error}. "
                "Next: set EMULATOR_CACHE to a folder that can be written."
            ) from error
    return target


@lru_cache(maxsize=1)
def _compiler() -> tuple[str, ...]:
    found = host.find()
    # Zig checks undefined behaviour and compiles for this very machine unless told otherwise.
    return (*found.command, "-fno-sanitize=all", "-mcpu=baseline") if found.zig else found.command


def _build(
    command: list[str], sources: Sequence[Path], include: Sequence[Path], target: Path
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / target.name
        paths = [f"-I{folder}" for folder in include]
        objects = [str(Path(scratch) / f"{source.stem}.o") for source in sources]
        commands = [
            [*command, *paths, "-c", str(source), "-o", file]
            for source, file in zip(sources, objects, strict=True)
        ]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(_run, commands))
        # zig builds the C++ library from source (minutes) unless told that nothing of it is needed.
        plain = ["-nostdlib++"] if "zig" in " ".join(command) else []
        _run([*command, "-shared", *plain, *objects, "-o", str(made), "-lpthread"])
        made.rename(target)  # atomic: processes that build at once all end with a whole file


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(
            f"the host compiler could not build a part of the emulator:\n{shlex.join(command)}\n"
            f"{result.stdout}{result.stderr[-4000:]}\n"
            "Next: set CXX to another C++17 compiler (g++ 9, clang 10 or newer)."
        )


def _key(command: list[str], files: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{platform.machine()}\0{shlex.join(command)}\0".encode())
    digest.update(_version(command[0]))
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=4)
def _version(program: str) -> bytes:
    """The compiler's identity: size and time of its file, as asking it takes too long."""
    path = shutil.which(program)
    if path is None:
        return b""
    stat = Path(path).stat()
    return f"{Path(path).resolve()}{stat.st_size}{stat.st_mtime_ns}".encode()
