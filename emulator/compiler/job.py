# ruff: noqa: PLC0415 - imported where needed: a compilation found in PyCUDA's cache stays quick
"""One compilation, from CUDA C to an image: preprocessor, translation, host compiler, linker."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING

from . import host, identity
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

    from .diagnostics import Diagnostic
    from .options import Options
    from .translate import Translation

_MAX_SHARED = (
    48 * 1024
)  # bytes of static shared memory a block; CUDA C++ Programming Guide, "Technical Specifications"
_MAX_CONSTANT = 64 * 1024
_HEAP = ("calloc", "realloc")
_HEAP_ADVICE = "a device has malloc, free, new and delete"
_ADVICE = "kernels can't use it"
_DYNAMIC = (
    "dynamic initialization is not supported for a __device__ variable: "
    "give it a constant, or set it in a kernel"
)


class Failure(Exception):  # noqa: N818 - a compilation that fails is no error of this program
    """A compilation that failed: exit code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Job:
    """One compilation: the source, the options, and what they mean for the host compiler."""

    def __init__(self, chosen: Options, path: str, here: str, *, library: bool) -> None:
        self.options = chosen
        self.source = Source(chosen, path, here)
        output = chosen.output or os.path.splitext(self.source.name)[0] + "." + chosen.mode
        self.target = os.path.join(here, output)
        self.library = library
        self.compiler = host.find()
        self.checked = host.is_checked()
        self.volatile = "volatile" in self.source.text
        self.braces: list[Diagnostic] = []
        self.plain_copies = False

    # ---- steps

    def preprocessed(self, *, lines: bool = True) -> str:
        """The source after the preprocessor, with line markers or without.

        Raises:
            Failure: it wants what a kernel source can't have, or isn't well-formed.
        """
        self._refuse(self.source.look())
        header = self._header
        extra = [] if lines else ["-P"]
        if self.compiler.family == "gcc":
            use = ["-include", header, "-fpch-preprocess"]
        else:
            # clang would print the whole header, too
            use = ["-imacros", host.original(header)]
        # -I: the host's folders, which zig names itself, come after ours
        folders = [*self.source.include, host.STUBS, host.INCLUDE]
        paths = ["-iquote", self.source.folder, *(f"-I{path}" for path in folders)]
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
        result = host.run(command, self.source.prepared(), self.source.folder)
        if result.returncode:
            raise self._rejected(result.stderr, 1)
        return result.stdout

    def _refuse(self, errors: Sequence[Diagnostic]) -> None:
        if errors:
            raise Failure(1, self.source.rendered(errors))

    def compile(self) -> None:
        """Write the image.

        Raises:
            Failure: the source has errors.
        """
        from . import epilogue, screen, seal, translate
        from .tokens import Tokens

        text = self.preprocessed()
        tokens = Tokens(text)
        self._refuse(screen.entered(tokens, self._header, self.source.headers, self.source.folder))
        translation = translate.translate(tokens, frozenset(self.options.flags))
        self._refuse(translation.errors)
        stubs = self.volatile and not self.checked
        code = translation.source + epilogue.epilogue(
            translation.kernels,
            memory_stubs=stubs,
            gcc=self.compiler.family == "gcc",
            heap=not {"new", "delete"}.isdisjoint(tokens.text),
        )
        target = self.target
        self.braces = translation.braces
        image = self._built(code, target)
        self._check_limits(image, target, translation)
        record = {
            "checked": self.checked,
            "library": self.library,
            "name": self.source.name,
            "source": self.source.text,
            "parameters": {
                k.expression + (k.signature or ""): k.parameters for k in translation.kernels
            },
            "most_threads": [k.most_threads for k in translation.kernels],
        }
        with open(target, "wb") as file:
            file.write(seal.attached(seal.sealed(image), record))

    def _built(self, code: str, target: str) -> bytes:
        object_file = f"{target}.o"
        result = self._object(code, object_file)
        if result.returncode and re.search("copy_check|implicitly", result.stderr):
            # clang, and vectors copied with their union or without inner braces: vector_types.h
            self.plain_copies = True
            result = self._object(code, object_file)
        if result.returncode:
            raise self._rejected(result.stderr, 1)
        if self.checked and not self.library:
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
        return host.run(command, code, self.source.folder)

    def _clang_header(self) -> list[str]:
        header = self._header
        if not self.plain_copies:
            return ["-include-pch", header + ".pch"]
        folders = [host.STUBS, host.INCLUDE, *self.source.include]
        paths = [f"-I{folder}" for folder in folders]
        return ["-DEMU_COPY_CHECKS=0", *paths, "-include", host.original(header)]

    def _announce_locals(self, code: str, messages: str, object_file: str) -> None:
        """Compile once more where local variables may be read before they are written."""
        from . import local_variables

        second, complaints = f"{object_file}.o", ""
        for _ in range(2):
            announced = local_variables.announced(
                code, messages, complaints, arrays=not host.hides_elements(self.compiler)
            )
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

    @cached_property
    def flags(self) -> list[str]:
        """The host compiler's flags of code generation."""
        return host.flags(
            self.compiler,
            checked=self.checked,
            volatile=self.volatile,
            standard=self.options.standard,
        )

    @cached_property
    def _header(self) -> str:
        """The precompiled header.

        The device's, and PyCUDA's complex numbers where the source wants them.
        """
        pycuda = self.source.pycuda_folder()
        name = "pycuda.h" if pycuda else "device.h"
        header = os.path.join(host.INCLUDE, "emulator", name)
        parts = [
            identity.fingerprint(),
            repr(self.flags),
            repr(self.compiler),
            identity.compiler_stamp(self.compiler),
        ]
        parts += [
            text for path, text in self.source.headers.items() if os.path.dirname(path) == pycuda
        ]
        key = f"{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}-{name}"
        return host.precompiled_header(
            self.compiler, self.flags, header, key, [pycuda] if pycuda else []
        )

    def _rejected(self, messages: str, code: int) -> Failure:
        from .diagnostics import parse

        errors = self.braces[:1] or parse(messages, host.INCLUDE)
        if not errors:  # not a complaint about the source: show it as it is
            return Failure(code, messages)
        return Failure(code, self.source.rendered(errors))

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
