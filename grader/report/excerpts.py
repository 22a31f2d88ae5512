"""The student's own lines around what a result speaks of."""

from __future__ import annotations

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

_PLACE = re.compile(r"\b(\w+\.py):(\d+)\b")


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a file.

    Attributes:
        file: its name.
        first: number of the first line, from 1.
        lines: their text, tabs expanded.
        marked: numbers of the lines that are meant.
    """

    file: str
    first: int
    lines: tuple[str, ...]
    marked: frozenset[int]


def excerpts(part: PartResult, sources: Mapping[str, str]) -> list[Excerpt]:
    """The lines that a part's failure speaks of: its own place, and all that findings name."""
    places = dict.fromkeys(_places(part))
    texts = {
        file: sources[file].expandtabs(4).splitlines() for file, _ in places if file in sources
    }
    windows: list[Excerpt] = []
    for file in texts:
        lines = sorted(n for name, n in places if name == file and 1 <= n <= len(texts[file]))
        for group in _groups(lines):
            first, last = max(group[0] - BEFORE, 1), min(group[-1] + AFTER, len(texts[file]))
            cut = tuple(texts[file][first - 1 : last])
            windows.append(Excerpt(file, first, cut, frozenset(group)))
    return windows[:MOST]


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
