"""Tokens of preprocessed C++: what the translator reads instead of raw text."""

from __future__ import annotations

import re

from . import host

SPACE, DIRECTIVE, STRING, NUMBER, NAME, PUNCTUATION, OPAQUE = range(7)

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n\f\v\\]+ | //[^\n]* | /\*.*?\*/)
    | (?P<raw>(?:u8|u|U|L)?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)")
    | (?P<string>(?:u8|u|U|L)?"(?:\\.|[^"\\\n])*" | (?:u8|u|U|L)?'(?:\\.|[^'\\\n])*')
    | (?P<number>\.?[0-9](?:[eEpP][+-]|'[0-9a-zA-Z_]|[0-9a-zA-Z_.])*)
    | (?P<name>[A-Za-z_$\u0080-\U0010ffff][\w$]*)
    | (?P<punctuation><<<|>>>|::|->|<<=|>>=|<<|>>|&&|\|\||[-+*/%&|^!=<>]=|\+\+|--|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": SPACE,
    "raw": STRING,
    "string": STRING,
    "number": NUMBER,
    "name": NAME,
    "punctuation": PUNCTUATION,
}
_LINE_MARKER = re.compile(r'#(?:line)? *(\d+) "((?:[^"\\]|\\.)*)"([ 0-9]*)')


class Tokens:
    """A preprocessed source as a list of pieces that can be replaced one by one.

    Attributes:
        text: the pieces; their concatenation is the source.
        kind: of each piece: SPACE, DIRECTIVE, STRING, NUMBER, NAME, PUNCTUATION, OPAQUE.
        code: indices of the pieces that are code (no white space, no directives).
    """

    def __init__(self, source: str) -> None:
        self.text: list[str] = []
        self.kind: list[int] = []
        system = False
        system_files: set[str] = set()
        pending: list[str] = []
        for line in source.splitlines(keepends=True):
            if not line.lstrip().startswith("#"):
                pending.append(line)
                continue
            self._scan("".join(pending), system)
            pending = []
            self._append(line, DIRECTIVE)
            marker = _LINE_MARKER.match(line.lstrip())
            if marker:
                # Flags 1 and 3: a system header begins. 3 alone is also on what its macros
                # expand to, in whatever file.
                if {"1", "3"} <= set(marker[3].split()):
                    system_files.add(marker[2])
                system = marker[2] in system_files or marker[2].startswith(host.INCLUDE)
        self._scan("".join(pending), system)
        self.code = [i for i, kind in enumerate(self.kind) if kind > DIRECTIVE]

    def _append(self, text: str, kind: int) -> None:
        self.text.append(text)
        self.kind.append(kind)

    def _scan(self, text: str, system: bool) -> None:
        if not text:
            return
        if system:  # headers of the host and of CUDA: one marker only, in __attribute__((…))
            self._append(text.replace("__emu_noinline__", "noinline"), SPACE)
            return
        for match in _TOKEN.finditer(text):
            group = match.lastgroup or ""
            if group == "tag":
                group = "raw"
            self._append(match[0], _KINDS[group])

    def place(self, index: int) -> tuple[str, int]:
        """The file and line of a piece, by the line markers before it."""
        file, line = "", 1
        for text, kind in zip(self.text[:index], self.kind[:index], strict=True):
            if kind == DIRECTIVE and (marker := _LINE_MARKER.match(text.lstrip())):
                file, line = marker[2], int(marker[1])
            else:
                line += text.count("\n")
        return file, line

    def source(self) -> str:
        """The source with all replacements."""
        return "".join(self.text)
