"""The host's C++ compiler: which one it is, its flags, its precompiled headers."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INCLUDE = os.path.realpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "include")
)
HEADERS = "/cuda-emulator/include"  # what INCLUDE is called in an image's lines
STUBS = os.path.join(INCLUDE, "cuda")  # cuda_runtime.h and the like
NO_COMPILER = (
    "nvcc fatal   : no C++ compiler found "
    "(looked for $CXX, g++, clang++ and the Python package ziglang). "
    "Install one: `apt install g++`, or `pip install ziglang`\n"
)


class HostError(Exception):
    """The host compiler or the cache folder can't be used; the message says what to do."""


class Compiler(NamedTuple):
    """A host compiler: the command, and the family that its flags follow ("gcc" or "clang")."""

    command: tuple[str, ...]
    family: str

    @property
    def zig(self) -> bool:
        """Zig's build of clang."""
        return "zig" in " ".join(self.command)


_kept: ContextVar[Mapping[str, str] | None] = ContextVar("environment", default=None)


@contextlib.contextmanager
def environment(kept: Mapping[str, str]) -> Iterator[None]:
    """Meanwhile, compile by these variables, whatever `os.environ` says by now."""
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)


def _environment() -> Mapping[str, str]:
    kept = _kept.get()
    return os.environ if kept is None else kept


def which(program: str) -> str | None:
    """The executable that a program's name stands for on PATH; None if there is none."""
    return shutil.which(program, path=_environment().get("PATH"))


def is_checked() -> bool:
    """Whether kernels are compiled with the memory checks (EMULATOR_CHECK, default on)."""
    return _environment().get("EMULATOR_CHECK", "1") != "0"


def find() -> Compiler:
    """The host compiler: $CXX, else g++, else clang++, else `python -m ziglang c++`.

    Raises:
        HostError: there is none.
    """
    chosen = _environment().get("CXX", "")
    if chosen:
        command = tuple(shlex.split(chosen))
        if not which(command[0]):
            raise HostError(
                f"nvcc fatal   : the compiler that CXX names, {chosen!r}, was not found on PATH\n"
            )
        return Compiler(command, _family(" ".join(command)))
    for name in ("g++", "clang++"):
        if which(name):
            return Compiler((name,), _family(name))
    python = _environment().get("EMULATOR_PYTHON", sys.executable)
    if _has_zig(python):
        return Compiler((python, "-m", "ziglang", "c++"), "clang")
    raise HostError(NO_COMPILER)


def _family(command: str) -> str:
    return "clang" if "clang" in command or "zig" in command else "gcc"


def _has_zig(python: str) -> bool:
    probe = [
        python,
        "-c",
        "import importlib.util as u; raise SystemExit(u.find_spec('ziglang') is None)",
    ]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def flags(compiler: Compiler, *, checked: bool, volatile: bool, standard: str) -> list[str]:
    """Flags of code generation: the same for the precompiled header and for kernels.

    `volatile`: the source uses it, so its accesses are announced to the scheduler even without
    checks     (warp-synchronous code relies on lanes running in lockstep).
    """
    result = [
        f"-std={standard}",
        *("-O1" if checked else "-O2", "-gdwarf-4", "-g1", "-fPIC", "-Werror=vla"),
        *("-fvisibility=hidden", "-fno-strict-aliasing", "-fwrapv", "-ffp-contract=off"),
        *(
            "-fno-optimize-sibling-calls",
            "-fno-stack-protector",
            "-fstack-clash-protection",  # a frame larger than the guard below the stack meets it
            "-fno-exceptions",
            "-fno-rtti",
            "-fno-math-errno",
        ),
        *("-fno-asynchronous-unwind-tables", f"-DEMU_CHECKED={int(checked)}"),
        *("-U_FORTIFY_SOURCE", "-UNDEBUG", "-fcf-protection=none"),  # zig defines NDEBUG
    ]
    if compiler.family == "gcc":
        result += [
            "-fwhole-program",
            "-fno-gnu-unique",
            "-fno-finite-loops",
            "-fno-ipa-icf",
            "-fno-crossjumping",
        ]
    else:
        result += ["-fno-vectorize", "-fno-slp-vectorize", "-fno-finite-loops"]
        result.append("-fno-delete-null-pointer-checks")  # an access through null is to be seen
        # two lines with the same access stay two
        apart = ["simplifycfg-sink-common", "simplifycfg-hoist-common", "enable-tail-merge"]
        result += [part for name in apart for part in ("-mllvm", f"-{name}=false")]
        result.append("-Wno-invalid-constexpr")  # of PyCUDA's complex numbers
        # a lane may give a shuffle what it has not written
        result += ["-Xclang", _undefined_arguments(compiler)]
    # The same for every clone of the project: clones share the caches, PyCUDA's and ours.
    result.append(f"-ffile-prefix-map={INCLUDE}={HEADERS}")
    if compiler.zig:
        result += ["-mcpu=baseline", "-fno-sanitize=undefined"]
    if checked or volatile:
        result += _thread_sanitizer(compiler)
    if checked:
        # clang's "bounds" would also trap, without a word, where it can tell an object's size
        bounds = "bounds" if compiler.family == "gcc" else "array-bounds"
        result += [f"-fsanitize={bounds},alignment,integer-divide-by-zero"]
        result.append("-fsanitize-recover=all")
        if compiler.family == "gcc":  # device.h sends these to the runtime
            result += [f"-fno-builtin-{name}" for name in ("memcpy", "memmove", "memset")]
    return result


@functools.cache
def _undefined_arguments(compiler: Compiler) -> str:
    """Clang's word, which has changed, for letting functions be called with undefined values."""
    word = "-no-enable-noundef-analysis"
    if compiler.zig:
        return word
    probe = [*compiler.command, "-Xclang", word, "-x", "c++", "-fsyntax-only", "-"]
    return "-disable-noundef-analysis" if run(probe, "").returncode else word


def hides_elements(compiler: Compiler) -> bool:
    """Whether it is a clang (14 was tried) that shows no accesses to elements of local arrays."""
    return compiler.family == "clang" and "disable" in _undefined_arguments(compiler)


def no_loads_of_its_own(compiler: Compiler) -> list[str]:
    """Flags against optimisations that read a variable which the program only writes.

    They do so to write it back, where the program might not have written it.
    """
    return (
        ["-fno-tree-cselim", "-fno-tree-loop-im", "-fno-tree-sra"]
        if compiler.family == "gcc"
        else []
    )


def _thread_sanitizer(compiler: Compiler) -> list[str]:
    if compiler.family == "gcc":
        off = ["tsan-instrument-func-entry-exit=0", "tsan-distinguish-volatile=1"]
        return ["-fsanitize=thread", *(part for name in off for part in ("--param", name))]
    options = [
        *("tsan-instrument-func-entry-exit=0", "tsan-distinguish-volatile=1"),
        *("tsan-instrument-memintrinsics=1", "tsan-instrument-read-before-write=1"),
        "tsan-instrument-atomics=0",  # ours call the runtime by themselves
    ]
    return ["-fsanitize=thread", *(part for name in options for part in ("-mllvm", "-" + name))]


def run(
    command: list[str], text: str, folder: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a compiler on a text; its messages are in English."""
    variables = dict(_environment(), LC_ALL="C")
    program = which(command[0]) or command[0]
    return subprocess.run(
        [program, *command[1:]],
        input=text,
        capture_output=True,
        text=True,
        cwd=folder,
        env=variables,
        check=False,
    )


def cache_folder() -> str:
    """EMULATOR_CACHE, else a folder in the user's cache; made if it isn't there.

    Raises:
        HostError: it can't be written.
    """
    variables = _environment()
    home = variables.get("HOME") or os.path.expanduser("~")
    default = variables.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    folder = variables.get("EMULATOR_CACHE") or os.path.join(default, "cuda-emulator")
    try:
        os.makedirs(folder, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise HostError(
            f"nvcc fatal   : the cache folder {folder} can't be written; "
            "set EMULATOR_CACHE to a folder that can, e.g. EMULATOR_CACHE=/tmp/emulator\n"
        )
    return folder


def original(header: str) -> str:
    """Our header that a precompiled one was made of."""
    return os.path.join(INCLUDE, "emulator", os.path.basename(header))


def precompiled_header(
    compiler: Compiler, options: list[str], header: str, key: str, include: list[str]
) -> str:
    """The header to -include: beside it lies what the compiler made of it for these options.

    Built once; processes that start together each build their own and the last rename wins.

    Raises:
        HostError: the compiler refuses our own header, or someone else could have put one there.
    """
    folder = os.path.join(cache_folder(), "headers", key)
    name = os.path.join(folder, os.path.basename(header))
    built = name + (".gch" if compiler.family == "gcc" else ".pch")
    if os.path.exists(built):
        _refuse_foreign(built)
        return name
    os.makedirs(folder, exist_ok=True)
    temporary = f"{built}.{os.getpid()}"
    paths = [f"-I{path}" for path in [STUBS, INCLUDE, *include]]
    command = [*compiler.command, "-x", "c++-header", *options, *paths, header, "-o", temporary]
    result = run(command, "")
    if result.returncode:
        raise HostError(
            f"nvcc fatal   : {' '.join(compiler.command)} can't compile the emulator's own header; "
            f"it needs C++17 (g++ 9, clang 10 or newer). It said:\n{result.stderr[:2000]}\n"
        )
    os.rename(temporary, built)
    return name


def _refuse_foreign(path: str) -> None:
    """What is loaded from a cache was written by this user, by root, or with the emulator itself.

    Raises:
        HostError: it wasn't, or anybody may write there.
    """
    trusted = {0, os.geteuid(), os.stat(INCLUDE).st_uid}
    real = os.path.realpath(path)
    for place in (real, os.path.dirname(real)):
        status = os.stat(place)
        if status.st_uid not in trusted or status.st_mode & 0o002:
            raise HostError(
                f"nvcc fatal   : {place} in the cache folder could have been written by another "
                "user; set EMULATOR_CACHE to a folder of your own\n"
            )
