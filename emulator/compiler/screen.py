"""What a source may ask of the host: of its preprocessor, and of its compiler.

A kernel is host code here, and a device has no files, no other program and no operating system.
This screen refuses by name what would reach them. It reads what people write, and is no wall
against who studies it: that one is the operating system's, around the process.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING

from . import host
from .diagnostics import Diagnostic
from .tokens import DIRECTIVE, LITERAL, Tokens

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

_DIRECTIVES = {
    *("include", "define", "undef", "if", "ifdef", "ifndef", "elif", "elifdef", "elifndef"),
    *("else", "endif", "line", "error", "warning", "pragma", ""),
}
# Of the compilers' own pragmas, those that change no more than messages and loops.
_COMPILER_PRAGMAS = {"diagnostic", "unroll", "ivdep", "warning", "error"}
_HOST_PRAGMAS = {
    *("weak", "redefine_extname", "extern_prefix", "include_alias", "ident", "comment", "section"),
    *("detect_mismatch", "init_seg", "bss_seg", "data_seg", "const_seg", "code_seg", "alloc_text"),
    *("import", "ms_struct", "scalar_storage_order", "pointers_to_members", "omp", "target"),
}
_SKIPPED = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/) |" + LITERAL, re.VERBOSE | re.DOTALL | re.ASCII
)
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"')
_SPLICE = re.compile(r"\\[ \t\f\v\r]*\n")
_JOINT = "\x01"  # where two lines were joined by a backslash
_LINE = re.compile(r"\s*(?:#|%:|\?\?=)\s*(\w*)\s*(.*)", re.DOTALL)
_NAMED = re.compile(r'<([^<>"\n]+)>|"([^"\n]+)"')
_ASKED = re.compile(r"__has_(?:include(?:_next)?|embed)\s*\(([^)]*)")
_WORTH = re.compile(r"#|%:|\?\?=|_Pragma|emu|EMU|san|sanitizer")
_PRAGMA = re.compile(r'_Pragma\s*\(\s*"((?:\\.|[^"\\])*)"')
# The emulator's own names, and those of the checks that it compiles in.
_RESERVED = re.compile(r"\b(?:(?:emu|EMU|emurt|__emu)_|__(?:[tahmu]b?san|sanitizer)_)\w*")


def source_problems(source: str, name: str, folder: str, include: Sequence[str]) -> _Reading:
    """Read a source and the headers of the author's that it includes, before a preprocessor does.

    Args:
        source: CUDA C.
        name: what it is called in messages.
        folder: where it lies, and looks for headers first.
        include: further folders in which it may look.
    """
    reading = _Reading([os.path.realpath(path) for path in (folder, *include)])
    reading.read(source, name, folder)
    return reading


class _Reading:
    """What was read: `errors`, and the `files` that the preprocessor may open."""

    def __init__(self, folders: list[str]) -> None:
        self.folders = folders
        self.errors: list[Diagnostic] = []
        self.files: dict[str, str] = {}  # real path → text

    def read(self, text: str, name: str, folder: str) -> None:
        """Look at one file, and at those that it includes."""
        for file, line, logical in _noteworthy(text, name):
            directive = _LINE.fullmatch(logical)
            if directive and directive[1] != "":
                self._directive(directive[1], directive[2], file, line, folder)
            elif directive and directive[2]:
                self._complain(file, line, f'"#{directive[2].split()[0]}" is no directive')
            for pragma in _PRAGMA.findall(logical):
                self._pragma(pragma.replace('\\"', '"'), file, line)
            for reserved in _RESERVED.findall(_QUOTED.sub(" ", logical))[:1]:
                self._complain(file, line, f'identifier "{reserved}" is undefined')

    def _complain(self, file: str, line: int, message: str) -> None:
        self.errors.append(Diagnostic(file, line, message))

    def _directive(self, word: str, rest: str, file: str, line: int, folder: str) -> None:
        if word.isdigit():
            if not re.fullmatch(r'"[^"]*"\s*', rest):
                self._complain(file, line, f'write #line {word} "name" in place of a line marker')
        elif word == "include":
            self._include(rest, file, line, folder)
        elif word == "pragma":
            self._pragma(rest, file, line)
        elif word not in _DIRECTIVES:
            self._complain(file, line, f"#{word} is not allowed in a kernel source")
        for asked in _ASKED.findall(rest):
            named = _NAMED.match(asked.strip())
            self._named((named[1] or named[2]) if named else asked, file, line)

    def _pragma(self, text: str, file: str, line: int) -> None:
        if not is_harmless(text):
            self._complain(file, line, _refused_pragma(text))

    def _named(self, name: str, file: str, line: int) -> bool:
        """Whether a header's name stays below the folders that headers are looked for in."""
        inside = not name.startswith(("/", "~")) and ".." not in name.split("/")
        if not inside:
            self._complain(
                file, line,
                f'cannot open source file "{name}": a kernel source includes headers by their '
                'names in the folders of include_dirs=[…], not by a path from "/" or with ".."',
            )  # fmt: skip
        return inside

    def _include(self, rest: str, file: str, line: int, folder: str) -> None:
        found = _NAMED.match(rest)
        if not found:
            self._complain(file, line, "#include wants the name of a header, not a macro")
            return
        name = found[1] or found[2]
        if not self._named(name, file, line):
            return
        for start in (folder, *self.folders):
            path = os.path.join(start, name)
            if os.path.lexists(path):
                self._header(path, name, file, line)
                return

    def _header(self, path: str, name: str, file: str, line: int) -> None:
        real = os.path.realpath(path)
        if real in self.files or real.startswith(host.INCLUDE + os.sep):
            return
        inside = any(real.startswith(root.rstrip(os.sep) + os.sep) for root in self.folders)
        if not inside or not os.path.isfile(real):
            self._complain(
                file, line,
                f'cannot open source file "{name}": it is a link to a place outside of the '
                "folder that it lies in, or no file",
            )  # fmt: skip
            return
        try:
            with open(real, encoding="utf-8", errors="replace") as header:
                self.files[real] = header.read()
        except OSError as error:
            self._complain(file, line, f'cannot open source file "{name}": {error.strerror}')
            return
        self.read(self.files[real], name, os.path.dirname(path))


@functools.lru_cache(maxsize=32)
def _noteworthy(text: str, name: str) -> list[tuple[str, int, str]]:
    """The lines that `read` looks at: most are none, and headers are read again and again."""
    return [found for found in _logical_lines(text, name) if _WORTH.search(found[2])]


def _logical_lines(text: str, name: str) -> Iterator[tuple[str, int, str]]:
    """Lines as the preprocessor sees them: joined, without comments; under #line's names."""

    def blank(match: re.Match[str]) -> str:
        if match["comment"] is None and match["raw"] is None:
            return match[0]
        return " " + "".join(c for c in match[0] if c in "\n" + _JOINT)

    joined = _SKIPPED.sub(blank, _SPLICE.sub(_JOINT, text))
    file, number = name, 1
    for line in joined.split("\n"):
        logical = line.replace(_JOINT, "")
        yield file, number, logical
        number += 1 + line.count(_JOINT)
        marker = re.fullmatch(r'\s*#\s*(?:line\s+)?(\d+)(?:\s+"([^"]*)")?\s*', logical)
        if marker:
            file, number = marker[2] or file, int(marker[1])


def is_harmless(pragma: str) -> bool:
    """Whether a #pragma leaves files, symbols and sections alone."""
    words = [*re.findall(r"\w+", pragma)[:2], "", ""]
    if words[0] in {"GCC", "clang"}:
        return words[1] in _COMPILER_PRAGMAS
    return words[0] not in _HOST_PRAGMAS


def _refused_pragma(pragma: str) -> str:
    words = " ".join(re.findall(r"\w+", pragma)[:2])
    return f"#pragma {words} is not allowed in a kernel source"


def entered(tokens: Tokens, header: str, files: Container[str], folder: str) -> list[Diagnostic]:
    """What the preprocessor did although nobody had asked for it in plain words.

    Args:
        tokens: its output.
        header: our precompiled header.
        files: the real paths of the author's headers that were read before.
        folder: where it ran.
    """
    errors = []
    for index, kind in enumerate(tokens.kind):
        if kind != DIRECTIVE:
            continue
        text = tokens.text[index].strip()
        pragma = re.match(r"#\s*pragma\s+(.*)", text)
        own = text.endswith(f'pch_preprocess "{header}.gch"')
        if pragma and not own and index not in tokens.system and not is_harmless(pragma[1]):
            errors.append(Diagnostic(*tokens.place(index), _refused_pragma(pragma[1])))
    for path in tokens.entered:
        real = os.path.realpath(os.path.join(folder, path))
        if real not in files and not real.startswith(host.INCLUDE + os.sep):
            errors.append(Diagnostic("", 0, f'cannot open source file "{path}"'))
    return errors
