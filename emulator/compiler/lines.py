"""The lines of a source under the names and numbers that #line directives give them."""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r'\s*#\s*(?:line\s+)?(\d+)(?:\s+"([^"]*)")?\s*')
_PYCUDA_PREFIX = 'extern "C" {\n'


def source_lines(source: str, name: str) -> dict[tuple[str, int], str]:
    """(file, line) → the line's text, counted as the nvcc stand-in counts.

    PyCUDA's first line is not the author's.
    """
    table: dict[tuple[str, int], str] = {}
    file, line = name, 1
    for text in source.removeprefix(_PYCUDA_PREFIX).split("\n"):
        directive = _DIRECTIVE.fullmatch(text)
        if directive:
            line, file = int(directive[1]), directive[2] or file
            continue
        table.setdefault((file, line), text.rstrip())
        line += 1
    return table
