# ruff: noqa: PLC0415 - imported where needed: a compilation found in PyCUDA's cache stays quick
"""A CUDA source as its author wrote it, with the definitions and folders of its command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .diagnostics import Diagnostic
    from .options import Options

_PYCUDA_PREFIX = 'extern "C" {\n'  # what SourceModule puts before a source, unless no_extern_c
_PYCUDA_HEADERS = ("pycuda-complex.hpp", "pycuda-helpers.hpp")


class Source:
    """A source file.

    Attributes:
        name: what it is called in messages.
        folder: where it lies.
        include: folders in which its headers are looked for.
        text: CUDA C.
        headers: its author's, once `look` has read them: real path → text.
    """

    def __init__(self, chosen: Options, path: str, here: str) -> None:
        self.name = os.path.basename(path)
        self.folder = os.path.dirname(path)
        self.include = [os.path.join(here, folder) for folder in chosen.include_paths]
        self.headers: dict[str, str] = {}
        self._options = chosen
        with open(path, encoding="utf-8", errors="replace") as file:
            self.text = file.read()

    def look(self) -> list[Diagnostic]:
        """Read what a preprocessor would: the headers of the author's, and what is wrong there."""
        from . import screen

        prelude = "\n".join(self._options.prelude)
        source = self.text.removeprefix(_PYCUDA_PREFIX)
        given = screen.source_problems(prelude, "command line", self.folder, self.include)
        reading = screen.source_problems(source, self.name, self.folder, self.include)
        self.headers = given.files | reading.files
        return [*given.errors, *reading.errors]

    def with_headers(self) -> str:
        """The source followed by all headers that it may include, unexpanded.

        PyCUDA preprocesses a source with headers at every use, only to look up its cache of
        compiled kernels: this serves as well, without starting a compiler. A header that isn't
        found is an error later, when the source is compiled.
        """
        self.look()
        return self.text + "".join(self.headers.values())

    def prepared(self) -> str:
        """The source behind the definitions of the command line.

        Its lines numbered as its author counts them.
        """
        body, opening = self.text, ""
        if body.startswith(_PYCUDA_PREFIX):
            body, opening = body[len(_PYCUDA_PREFIX) :], _PYCUDA_PREFIX
        prelude = [f"#define __CUDA_ARCH__ {self._options.architecture}0", *self._options.prelude]
        if any(line.startswith("#define NDEBUG ") for line in prelude):
            prelude.append("#include <assert.h>")
        return "\n".join([*prelude, f'{opening}#line 1 "{self.name}"', body])

    def pycuda_folder(self) -> str:
        """Where PyCUDA's complex numbers lie that the source includes; empty: it does not."""
        if not any(name in self.text for name in _PYCUDA_HEADERS):
            return ""
        from . import host_words, screen

        for folder in map(os.path.realpath, self.include):
            if all(os.path.exists(os.path.join(folder, name)) for name in _PYCUDA_HEADERS):
                both = "".join(f'#include "{name}"\n' for name in _PYCUDA_HEADERS)
                reading = screen.source_problems(both, self.name, folder, [])
                self.headers |= reading.files
                plain = not any(map(host_words.text_problems, reading.files.values()))
                return folder if plain and not reading.errors else ""
        return ""

    def rendered(self, errors: Sequence[Diagnostic]) -> str:
        """Errors as nvcc prints them, each with its line."""
        from .diagnostics import render
        from .lines import source_lines

        return render(list(errors), source_lines(self.text, self.name), self.name)
