"""The headers that a source includes, as text."""

from __future__ import annotations

import os
import re

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
_known: dict[tuple[str, int, int], str] = {}  # path, time, size → text


def texts(source: str, folders: tuple[str, ...]) -> list[str]:
    """The text of every header reached from `source`, each once.

    Those of the host's own folders are left out.
    """
    found: dict[str, str] = {}
    waiting = _INCLUDE.findall(source)
    while waiting:
        name = waiting.pop()
        path = _find(name, folders)
        if path and path not in found:
            found[path] = _text(path)
            beside = os.path.dirname(path)
            waiting += [_beside(beside, other) for other in _INCLUDE.findall(found[path])]
    return list(found.values())


def _find(name: str, folders: tuple[str, ...]) -> str:
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    return ""


def _beside(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    return path if os.path.isfile(path) else name


def _text(path: str) -> str:
    status = os.stat(path)
    key = path, status.st_mtime_ns, status.st_size
    if key not in _known:
        with open(path, encoding="utf-8", errors="replace") as file:
            _known[key] = file.read()
    return _known[key]
