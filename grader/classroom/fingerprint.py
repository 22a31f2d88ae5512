"""Hashes that say whether a submission, or the grader itself, is still what it was."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from grader.version import APART

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("grader", "emulator", "backend", "data", "solution", "assignment")
"""What a score depends on, without what `grader.version.APART` names."""

_CHUNK_BYTES = 1 << 20


def of_file(path: Path) -> str:
    """The SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def of_submission(path: Path) -> str:
    """The hash of a file, or of all names and contents below a folder.

    Of links it takes the target's name and nothing behind it; of what is no file, only the name.
    """
    if not path.is_dir():
        return of_file(path) if path.is_file() else of_all({path.name: "no file"})
    digest = hashlib.sha256()
    for folder, below, files in os.walk(path):
        below.sort()
        for name in sorted((*below, *files)):
            place = Path(folder, name)
            mode = place.lstat().st_mode
            content = ""
            if stat.S_ISLNK(mode):
                content = f"link to {place.readlink()}"
            elif stat.S_ISREG(mode):
                content = of_file(place)
            line = f"{place.relative_to(path)}\0{stat.S_IFMT(mode)}\0{content}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def of_grader(root: Path = ROOT) -> dict[str, str]:
    """The hash of each file that a score depends on, by its name in the clone."""
    return {name: of_file(path) for name, path in _files(root)}


def touched(root: Path = ROOT) -> dict[str, tuple[int, int]]:
    """When each such file was changed, and its size: equal as long as nobody edits the grader."""
    facts = ((name, path.stat()) for name, path in _files(root))
    return {name: (fact.st_mtime_ns, fact.st_size) for name, fact in facts}


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for folder, below, files in os.walk(root / room):
            below[:] = sorted(name for name in below if name not in ("__pycache__", ".cache"))
            for name in sorted(files):
                path = Path(folder, name)
                relative = path.relative_to(root).as_posix()
                if not relative.startswith(APART) and path.suffix != ".pyc":
                    yield relative, path


def of_all(hashes: dict[str, str]) -> str:
    """One hash of many."""
    lines = [f"{name}\0{digest}\n" for name, digest in sorted(hashes.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def of_this_grader() -> str:
    """One hash of the grader that this process has, as it was when first asked for."""
    return of_all(of_grader())
