"""Tokens of preprocessed C++: what the translator reads instead of raw text."""

from __future__ import annotations

import re

from . import host

SPACE, DIRECTIVE, STRING, NUMBER, NAME, PUNCTUATION, OPAQUE = range(7)

_TOKEN = re.compile(
    r"""
      (?P<space>(?:[ \t\r\n\f\v]|\\(?!U[0-9a-f]{8}))+ | //[^\n]* | /\*.*?\*/)
    | (?P<raw>(?:u8|u|U|L)?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)")
    | (?P<string>(?:u8|u|U|L)?"(?:\\.|[^"\\\n])*" | (?:u8|u|U|L)?'(?:\\.|[^'\\\n])*')
    | (?P<number>\.?[0-9](?:[eEpP][+-]|'[0-9a-zA-Z_]|[0-9a-zA-Z_.])*)
    | (?P<name>(?:[A-Za-z_$\u0080-\U0010ffff]|\\U[0-9a-f]{8})(?:[\w$]|\\U[0-9a-f]{8})*)
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

# Whole words and numbers are in it, as their quotes and prefixes begin no literal.
LITERAL = r"""
      (?P<raw>(?:u8|[uUL])?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)")
    | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*" | (?:u8|[uUL])?'(?:\\.|[^'\\\n])*'
    | \.?[0-9](?:[eEpP][+-]|'[0-9a-zA-Z_]|[0-9a-zA-Z_.])* | [^\W\d]\w*
"""
_LITERAL = re.compile(LITERAL + r"| ^[ ]*\#[^\n]*", re.VERBOSE | re.DOTALL | re.MULTILINE)


def _lines(source: str) -> list[str]:
    """The lines of a source; those of a raw string are one, whatever they look like."""
    if 'R"' not in source:
        return source.splitlines(keepends=True)
    inside: set[int] = set()
    for match in _LITERAL.finditer(source):
        if match["raw"]:
            inside.update(i for i in range(*match.span()) if source[i] == "\n")
    lines, start = [], 0
    for match in re.finditer("\n|$", source):
        if match.start() not in inside:
            lines.append(source[start : match.end()])
            start = match.end()
    return lines


class Tokens:
    """A preprocessed source as a list of pieces that can be replaced one by one.

    Attributes:
        text: the pieces; their concatenation is the source.
        kind: of each piece: SPACE, DIRECTIVE, STRING, NUMBER, NAME, PUNCTUATION, OPAQUE.
        code: indices of the pieces that are code (no white space, no directives).
        system: indices of directives in headers of the host and of CUDA.
        entered: the other files that the preprocessor opened.
    """

    def __init__(self, source: str) -> None:
        self.text: list[str] = []
        self.kind: list[int] = []
        self.system: set[int] = set()
        self.entered: list[str] = []
        inside = [False]  # for each open file: is it a header of the host or of CUDA?
        pending: list[str] = []
        for line in _lines(source):
            if not line.lstrip().startswith("#"):
                pending.append(line)
                continue
            self._scan("".join(pending), inside[-1])
            pending = []
            if inside[-1]:
                self.system.add(len(self.text))
            self._append(line, DIRECTIVE)
            marker = _LINE_MARKER.match(line.lstrip())
            if marker:
                self._follow(marker[2], marker[3].split(), inside)
        self._scan("".join(pending), inside[-1])
        self.code = [i for i, kind in enumerate(self.kind) if kind > DIRECTIVE]

    def _follow(self, file: str, flags: list[str], inside: list[bool]) -> None:
        """Go with the preprocessor into a file (flag 1) and back (2).

        A file's name alone, as #line gives it, changes nothing. Flag 3, of a system header, is
        also on what its macros expand to, in whatever file.
        """
        if "1" in flags:
            own = file.startswith(host.INCLUDE)
            inside.append(own or "3" in flags)
            if not own and "3" not in flags and not file.startswith("<"):
                self.entered.append(file)
        elif "2" in flags and len(inside) > 1:
            inside.pop()

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
