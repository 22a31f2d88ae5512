# ruff: noqa: PLC0415 - imported where needed: --version and errors stay quick
"""The nvcc that PyCUDA finds.

Compiles CUDA C with the host's C++ compiler to an image for the emulated device.

Kept quick to start: only cheap modules are imported, and the heavy ones where they are needed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
import zlib
from typing import TYPE_CHECKING, NamedTuple

from . import host, options
from .options import OptionError, Options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

    from .diagnostics import Diagnostic
    from .translate import Translation

FOOTER = b"EMUIMAGE"  # the last bytes of an image, after the length of the record before them
_HERE = os.path.dirname(os.path.abspath(__file__))
_PYCUDA_PREFIX = 'extern "C" {\n'  # what SourceModule puts before a source, unless no_extern_c
_PYCUDA_HEADERS = ("pycuda-complex.hpp", "pycuda-helpers.hpp")
_MAX_SHARED = (
    48 * 1024
)  # bytes of static shared memory a block; CUDA C++ Programming Guide, "Technical Specifications"
_MAX_CONSTANT = 64 * 1024
_HEAP = ("malloc", "free", "calloc", "realloc", "new", "delete")
_HEAP_ADVICE = "a device's heap is not emulated: memory is made by Python, before the launch"
_ADVICE = "kernels can't use it"
_DYNAMIC = (
    "dynamic initialization is not supported for a __device__ variable: "
    "give it a constant, or set it in a kernel"
)


class Result(NamedTuple):
    """What a run of nvcc leaves: exit code and the texts of its two streams."""

    code: int
    output: str
    errors: str


class Failure(Exception):  # noqa: N818 - a compilation that fails is no error of this program
    """A compilation that failed: exit code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: list[str]) -> int:
    """Run as a program; returns the exit code."""
    result = run(arguments)
    sys.stdout.write(result.output)
    sys.stderr.write(result.errors)
    return result.code


def run(  # noqa: PLR0911 - one for each kind of end
    arguments: list[str], folder: str | None = None
) -> Result:
    """Run one command line (without the program's name) in a folder.

    Writes its output file there.
    """
    try:
        chosen = options.parse(arguments)
        here = folder or os.getcwd()
        if chosen.mode == "version":
            return Result(0, version(), "")
        if chosen.mode == "help":
            return Result(0, __doc__ or "", "")
        path = os.path.join(here, chosen.files[0])
        if not os.path.exists(path):
            missing = f"Could not open input file '{chosen.files[0]}'"
            raise OptionError(missing)  # noqa: TRY301 - told like the others below
        job = _Job(chosen, path, here)
        if folder and not os.path.realpath(job.target).startswith(os.path.realpath(folder) + "/"):
            elsewhere = (
                f"'{chosen.output}': a program's images go to the folder that it compiles in"
            )
            raise OptionError(elsewhere)  # noqa: TRY301
        if chosen.mode == "preprocess":
            text = job.cache_key() if chosen.bare_output else job.preprocessed(lines=False)
            return Result(0, text, "")
        job.compile()
    except OptionError as error:
        return Result(1, "", f"nvcc fatal   : {error}\n")
    except host.HostError as error:
        return Result(1, "", str(error))
    except Failure as error:
        return Result(error.code, "", str(error))
    return Result(0, "", "")


def is_checked() -> bool:
    """Whether kernels are compiled with the memory checks (EMULATOR_CHECK, default on)."""
    return os.environ.get("EMULATOR_CHECK", "1") != "0"


def version() -> str:
    """What --version prints.

    PyCUDA keys its cache of compiled kernels by it, so it names all that they depend on.
    """
    compiler = host.find()
    mode = "checked" if is_checked() else "unchecked"
    return (
        "nvcc: NVIDIA (R) Cuda compiler driver\n"
        "Stand-in of the CUDA emulator: makes host code, for no GPU\n"
        "Cuda compilation tools, release 12.8, V12.8.0\n"
        f"Build emulator.{_fingerprint()}/{mode}/{' '.join(compiler.command)}/"
        f"{_compiler_stamp(compiler)}\n"
    )


@functools.cache
def _fingerprint() -> str:
    """A checksum of everything here that decides what an image is: this folder and the headers."""
    checksum = 0
    for start in (_HERE, host.INCLUDE):
        for folder, below, names in os.walk(start):
            below.sort()
            for name in sorted(names):
                if not name.endswith(".pyc"):
                    with open(os.path.join(folder, name), "rb") as file:
                        checksum = zlib.crc32(file.read(), checksum)
    return f"{checksum:08x}"


def _compiler_stamp(compiler: host.Compiler) -> str:
    """Changes when the compiler is replaced by another version.

    The size and time of its executable.
    """
    import shutil

    found = shutil.which(compiler.command[0])
    status = os.stat(os.path.realpath(found)) if found else None
    return f"{status.st_size:x}.{int(status.st_mtime):x}" if status else "unknown"


class _Job:
    """One compilation: the source, the options, and what they mean for the host compiler."""

    def __init__(self, chosen: Options, path: str, here: str) -> None:
        self.options = chosen
        self.path = path
        self.name = os.path.basename(path)
        self.folder = os.path.dirname(path)
        self.include = [os.path.join(here, folder) for folder in chosen.include_paths]
        output = chosen.output or os.path.splitext(self.name)[0] + "." + chosen.mode
        self.target = os.path.join(here, output)
        with open(path, encoding="utf-8", errors="replace") as file:
            self.source = file.read()
        self.compiler = host.find()
        self.checked = is_checked()
        self.volatile = "volatile" in self.source
        self.flags = host.flags(
            self.compiler, checked=self.checked, volatile=self.volatile, standard=chosen.standard
        )
        self.lines = _Lines(self.source, self.name)
        self.braces: list[Diagnostic] = []
        self.plain_copies = False
        self.headers: dict[str, str] = {}  # the author's: real path → text

    # ---- steps

    def preprocessed(self, *, lines: bool = True) -> str:
        """The source after the preprocessor, with line markers or without.

        Raises:
            Failure: it wants what a kernel source can't have, or isn't well-formed.
        """
        self._refuse(self._look_before())
        header = self._header()
        extra = [] if lines else ["-P"]
        if self.compiler.family == "gcc":
            use = ["-include", header, "-fpch-preprocess"]
        else:
            # clang would print the whole header, too
            use = ["-imacros", host.original(header)]
        # -I: the host's folders, which zig names itself, come after ours
        folders = [*self.include, host.STUBS, host.INCLUDE]
        paths = ["-iquote", self.folder, *(f"-I{path}" for path in folders)]
        command = [
            *self.compiler.command,
            "-x",
            "c++",
            *self.flags,
            *use,
            *paths,
            "-E",
            *extra,
            "-",
        ]
        result = host.run(command, self._prepared(), self.folder)
        if result.returncode:
            raise self._rejected(result.stderr, 1)
        return result.stdout

    def _look_before(self) -> list[Diagnostic]:
        """Read what a preprocessor would: the headers of the author's, and what is wrong there."""
        from . import screen

        prelude = "\n".join(self.options.prelude)
        source = self.source.removeprefix(_PYCUDA_PREFIX)
        given = screen.source_problems(prelude, "command line", self.folder, self.include)
        reading = screen.source_problems(source, self.name, self.folder, self.include)
        self.headers = given.files | reading.files
        return [*given.errors, *reading.errors]

    def _refuse(self, errors: Sequence[Diagnostic]) -> None:
        from .diagnostics import render

        if errors:
            raise Failure(1, render(list(errors), self.lines.table(), self.name))

    def cache_key(self) -> str:
        """The source followed by all headers that it may include, unexpanded.

        PyCUDA preprocesses a source with headers at every use, only to look up its cache of
        compiled kernels: this serves as well, without starting a compiler. A header that isn't
        found is an error later, when the source is compiled.
        """
        self._look_before()
        return self.source + "".join(self.headers.values())

    def compile(self) -> None:
        """Write the image.

        Raises:
            Failure: the source has errors.
        """
        from . import epilogue, screen, seal, translate
        from .tokens import Tokens

        text = self.preprocessed()
        tokens = Tokens(text)
        self._refuse(screen.entered(tokens, self._header(), self.headers, self.folder))
        translation = translate.translate(tokens, frozenset(self.options.flags))
        self._refuse(translation.errors)
        stubs = self.volatile and not self.checked
        code = translation.source + epilogue.epilogue(
            translation.kernels, memory_stubs=stubs, gcc=self.compiler.family == "gcc"
        )
        target = self.target
        self.braces = translation.braces
        image = self._built(code, target)
        self._check_limits(image, target, translation)
        image = seal.sealed(image)
        record = {
            "digest": seal.digest(image),
            "checked": self.checked,
            "library": self._is_library(),
            "name": self.name,
            "source": self.source,
            "parameters": {
                k.expression + (k.signature or ""): k.parameters for k in translation.kernels
            },
        }
        tail = repr(record).encode()
        with open(target, "wb") as file:
            file.write(image + tail + len(tail).to_bytes(8, "little") + FOOTER)

    def _built(self, code: str, target: str) -> bytes:
        object_file = f"{target}.o"
        result = self._object(code, object_file)
        if result.returncode and re.search("copy_check|implicitly", result.stderr):
            # clang, and vectors copied with their union or without inner braces: vector_types.h
            self.plain_copies = True
            result = self._object(code, object_file)
        if result.returncode:
            raise self._rejected(result.stderr, 1)
        if self.checked and not self._is_library():
            self._announce_locals(code, result.stderr, object_file)
        link = [*self._linker(), "-shared", object_file, "-o", target]
        result = host.run(link, "")
        os.unlink(object_file)
        if result.returncode:
            raise Failure(1, f"nvcc fatal   : linking failed: {result.stderr}\n")
        with open(target, "rb") as file:
            return file.read()

    def _object(
        self, code: str, object_file: str, flags: Sequence[str] = ()
    ) -> CompletedProcess[str]:
        gcc = self.compiler.family == "gcc"
        use = [] if gcc else self._clang_header()
        marks = ["-fpreprocessed"] if gcc else []
        warnings = "-Wmaybe-uninitialized" if gcc else "-Wconditional-uninitialized"
        command = [
            *self.compiler.command,
            *("-x", "c++", *marks, *self.flags, *flags, "-Wuninitialized", warnings, *use),
            *("-c", "-", "-o", object_file),
        ]
        return host.run(command, code, self.folder)

    def _clang_header(self) -> list[str]:
        header = self._header()
        if not self.plain_copies:
            return ["-include-pch", header + ".pch"]
        folders = [host.STUBS, host.INCLUDE, *self.include]
        paths = [f"-I{folder}" for folder in folders]
        return ["-DEMU_COPY_CHECKS=0", *paths, "-include", host.original(header)]

    def _announce_locals(self, code: str, messages: str, object_file: str) -> None:
        """Compile once more where local variables may be read before they are written."""
        from . import local_variables

        second, complaints = f"{object_file}.o", ""
        for _ in range(2):
            announced = local_variables.announced(code, messages, complaints)
            if announced is None:
                return
            result = self._object(announced, second, host.no_loads_of_its_own(self.compiler))
            if result.returncode == 0:
                os.replace(second, object_file)
                return
            complaints = result.stderr

    def _linker(self) -> list[str]:
        if self.compiler.zig:
            return [*self.compiler.command[:-1], "ld.lld"]
        return [*self.compiler.command, "-nostdlib", "-Wl,-Bsymbolic"]

    # ---- parts

    def _prepared(self) -> str:
        """The source behind the definitions of the command line.

        Its lines numbered as its author counts them.
        """
        body, opening = self.source, ""
        if body.startswith(_PYCUDA_PREFIX):
            body, opening = body[len(_PYCUDA_PREFIX) :], _PYCUDA_PREFIX
        prelude = [f"#define __CUDA_ARCH__ {self.options.architecture}0", *self.options.prelude]
        if any(line.startswith("#define NDEBUG ") for line in prelude):
            prelude.append("#include <assert.h>")
        return "\n".join([*prelude, f'{opening}#line 1 "{self.name}"', body])

    def _header(self) -> str:
        """The precompiled header.

        The device's, and PyCUDA's complex numbers where the source wants them.
        """
        pycuda = self._pycuda_folder()
        name = "pycuda.h" if pycuda else "device.h"
        header = os.path.join(host.INCLUDE, "emulator", name)
        parts = [
            _fingerprint(),
            repr(self.flags),
            repr(self.compiler),
            _compiler_stamp(self.compiler),
        ]
        parts += [text for path, text in self.headers.items() if os.path.dirname(path) == pycuda]
        key = f"{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}-{name}"
        return host.precompiled_header(
            self.compiler, self.flags, header, key, [pycuda] if pycuda else []
        )

    def _pycuda_folder(self) -> str:
        if not any(name in self.source for name in _PYCUDA_HEADERS):
            return ""
        from . import screen

        for folder in map(os.path.realpath, self.include):
            if all(os.path.exists(os.path.join(folder, name)) for name in _PYCUDA_HEADERS):
                both = "".join(f'#include "{name}"\n' for name in _PYCUDA_HEADERS)
                reading = screen.source_problems(both, self.name, folder, [])
                self.headers |= reading.files
                plain = not any(map(screen.text_problems, reading.files.values()))
                return folder if plain and not reading.errors else ""
        return ""

    def _is_library(self) -> bool:
        """PyCUDA's own kernels: made by its generators, which leave these traces."""
        traces = (*_PYCUDA_HEADERS, "LID_0", "curand_kernel.h", "void write_size(size_t *output)")
        return any(trace in self.source for trace in traces) and "\n#line" not in self.source

    def _rejected(self, messages: str, code: int) -> Failure:
        from .diagnostics import parse, render

        errors = self.braces[:1] or parse(messages, host.INCLUDE)
        if not errors:  # not a complaint about the source: show it as it is
            return Failure(code, messages)
        return Failure(code, render(errors, self.lines.table(), self.name))

    def _check_limits(self, image: bytes, target: str, translation: Translation) -> None:
        from . import limits, seal
        from .diagnostics import Diagnostic
        from .elf import Elf

        problems = limits.problems(image, _MAX_SHARED, _MAX_CONSTANT)
        foreign = limits.foreign(Elf(image))
        errors = [
            use._replace(message=f"{use.message} ({_HEAP_ADVICE if name in _HEAP else _ADVICE})")
            for name, use in ((name, translation.use(name)) for name in foreign)
        ]
        errors += [Diagnostic(*at, _DYNAMIC) for at in seal.initialised_at_loading(image)]
        if problems or errors:
            os.unlink(target)
        self._refuse(errors)
        if problems:
            raise Failure(255, "".join(problems))


class _Lines:
    """The text of each line of a source under the name and number that #line gives it."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name = source, name

    def table(self) -> dict[tuple[str, int], str]:
        from .lines import source_lines

        return source_lines(self.source, self.name)
