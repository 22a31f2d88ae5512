"""The student's own lines around what a result speaks of."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.result import Found, PartResult

BEFORE, AFTER = 2, 5
"""Lines of context; what a line does is seen below it more often than above."""

MOST = 3
"""Excerpts for one part: more is no longer read."""

LONGEST = 24
"""Lines of a function that is shown as a whole."""

_PLACE = re.compile(r"\b(\w+\.py):(\d+)\b")


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a file.

    Attributes:
        file: its name.
        lines: (number from 1, text with tabs expanded), in order; a gap where some are left out.
        marked: numbers of the lines that are meant.
    """

    file: str
    lines: tuple[tuple[int, str], ...]
    marked: frozenset[int]


def excerpts(part: PartResult, sources: Mapping[str, str]) -> list[Excerpt]:
    """The lines that a part's failure speaks of: its own place, and all that findings name."""
    places = dict.fromkeys(_places(part))
    texts = {
        file: sources[file].expandtabs(4).splitlines() for file, _ in places if file in sources
    }
    windows: list[Excerpt] = []
    for file, text in texts.items():
        lines = sorted(n for name, n in places if name == file and 1 <= n <= len(text))
        for group in _groups(lines):
            shown = _function(text, group[0]) if len(group) == 1 else []
            if not shown:
                first, last = max(group[0] - BEFORE, 1), min(group[-1] + AFTER, len(text))
                shown = list(range(first, last + 1))
            cut = tuple((n, text[n - 1]) for n in shown)
            windows.append(Excerpt(file, cut, frozenset(group)))
    return windows[:MOST]


def _function(text: list[str], line: int) -> list[int]:
    """Numbers of the lines of the function that begins at a line, without its docstring.

    Where only the function is known, its body is what one wants to see. Empty where no function
    begins there, or the file is not Python.
    """
    if not text[line - 1].lstrip().startswith(("def ", "async def ", "@")):
        return []
    try:
        tree = ast.parse("\n".join(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno == line:
            head = range(line, node.body[0].lineno)
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            rest = range(body[0].lineno, (node.end_lineno or line) + 1) if body else range(0)
            return list(dict.fromkeys([*head, *rest]))[:LONGEST]
    return []


def _places(part: PartResult) -> list[tuple[str, int]]:
    own = [(part.file, part.line)] if part.file and part.line else []
    found = [place for finding in part.findings for place in _of_finding(finding)]
    return found or own


def _of_finding(finding: Found) -> list[tuple[str, int]]:
    named = [(file, int(line)) for file, line in _PLACE.findall(finding.text)]
    own = [(finding.file, finding.line)] if finding.file and finding.line else []
    return [*own, *named]


def _groups(lines: list[int]) -> list[list[int]]:
    """Lines whose contexts touch belong together."""
    groups: list[list[int]] = []
    for line in lines:
        if groups and line - groups[-1][-1] <= BEFORE + AFTER:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups
