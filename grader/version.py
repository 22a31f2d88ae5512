"""Which grader this is: a hash of all that a score depends on."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_SOURCES = {".py", ".h", ".hpp", ".inl", ".cpp"}
_APART = ("grader/release", "grader/classroom", "grader/report")  # no score depends on them


@cache
def fingerprint() -> str:
    """Twelve hexadecimal digits, equal in every copy of one version, a student's included."""
    found = hashlib.sha256()
    for room in ("grader", "emulator"):
        for path in sorted((ROOT / room).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in _SOURCES and not name.startswith(_APART):
                found.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:12]
