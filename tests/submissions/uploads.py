"""Hostile uploads, each made by a function, and what must be said of it; controls among them.

`UPLOADS` maps a name to (how it is made in an empty folder, words of the refusal; "" where it is
accepted and the plain submission comes out of it).
"""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

from tests.submissions.specimens import PLAIN, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Build = Callable[[Path], Path]

FILES = {path.name: path.read_text("utf-8") for path in sorted(PLAIN.glob("*.py"))}


def plain_folder(folder: Path) -> Path:
    """The plain submission as a folder."""
    return shutil.copytree(PLAIN, folder / "plain", ignore=shutil.ignore_patterns("__pycache__"))


def zipped(
    folder: Path, members: dict[str, str | bytes], modes: dict[str, int] | None = None
) -> Path:
    """A zip with these members; a mode is the upper half of what Unix notes of a file."""
    path = folder / "upload.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return path


def with_member(name: str, content: str | bytes = "x", mode: int | None = None) -> Build:
    """The plain submission, zipped with one more member."""
    modes = {} if mode is None else {name: mode}
    return lambda folder: zipped(folder, {**FILES, name: content}, modes)


def inner(folder: Path) -> bytes:
    """A zip of the plain submission, as bytes."""
    return zipped(folder, dict(FILES)).read_bytes()


def nested(folder: Path) -> Path:
    """A zip in a zip."""
    return zipped(folder, {"homework5.zip": inner(folder)})


def bomb(folder: Path) -> Path:
    """Ten gigabytes of zeros, as five members say."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kernels.py", bytes(1 << 20))
    raw = bytearray(data.getvalue())
    entry = raw.rfind(b"PK\x01\x02")
    struct.pack_into("<I", raw, entry + 24, 0x7FFFFFFF)  # the size that the directory declares
    path = folder / "upload.zip"
    path.write_bytes(raw)
    return path


def lying_bomb(folder: Path) -> Path:
    """300 MB of zeros that the directory declares to be ten bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kernels.py", bytes(300 << 20))
    raw = bytearray(data.getvalue())
    struct.pack_into("<I", raw, raw.rfind(b"PK\x01\x02") + 24, 10)
    path = folder / "upload.zip"
    path.write_bytes(raw)
    return path


def many_files(folder: Path) -> Path:
    """More members than any homework has."""
    return zipped(folder, {f"{number}.py": "" for number in range(3_000)})


def long_directory(folder: Path) -> Path:
    """A list of members that claims to fill the memory of whoever reads it."""
    raw = bytearray(zipped(folder, dict(FILES)).read_bytes())
    struct.pack_into("<I", raw, raw.rfind(b"PK\x05\x06") + 12, 0xFFFFFFF0)
    path = folder / "upload.zip"
    path.write_bytes(raw)
    return path


def truncated(folder: Path) -> Path:
    """An upload that broke off."""
    path = zipped(folder, dict(FILES))
    path.write_bytes(path.read_bytes()[:-200])
    return path


def corrupt(folder: Path) -> Path:
    """A member whose bytes are not those that were compressed."""
    path = zipped(folder, dict(FILES))
    raw = bytearray(path.read_bytes())
    raw[200:260] = b"\xff" * 60
    path.write_bytes(raw)
    return path


def encrypted(folder: Path) -> Path:
    """A member that says that it is encrypted."""
    path = zipped(folder, dict(FILES))
    raw = bytearray(path.read_bytes())
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    return path


def unusual_compression(folder: Path) -> Path:
    """LZMA, whose decoder takes as much memory as the stream asks for."""
    path = folder / "upload.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def twice(folder: Path) -> Path:
    """Two members of one name."""
    path = zipped(folder, dict(FILES))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("kernels_py", "x = 1")
    path.write_bytes(path.read_bytes().replace(b"kernels_py", b"kernels.py"))
    return path


def linked_folder(target: str) -> Build:
    """A folder in which kernels.py is a link."""

    def build(folder: Path) -> Path:
        made = plain_folder(folder)
        (made / "kernels.py").unlink()
        (made / "kernels.py").symlink_to(target)
        return made

    return build


def link_within(folder: Path) -> Path:
    """A link to another file of the submission is as good as the file."""
    made = plain_folder(folder)
    (made / "kernels.py").rename(made / "my_kernels.py")
    (made / "kernels.py").symlink_to("my_kernels.py")
    return made


def fifo(folder: Path) -> Path:
    """A pipe in place of the only file, which would be read for ever."""
    made = folder / "fifo"
    made.mkdir()
    os.mkfifo(made / "kernels.py")
    return made


def huge_source(folder: Path) -> Path:
    """A file of a gigabyte, which takes no room on the disk."""
    made = plain_folder(folder)
    with (made / "linear.py").open("wb") as file:
        file.truncate(1 << 30)
    return made


def huge_notebook(folder: Path) -> Path:
    """A notebook of 100 MB."""
    path = folder / "homework5.ipynb"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    return path


def notebook(content: object) -> Build:
    """A notebook with that content."""

    def build(folder: Path) -> Path:
        path = folder / "homework5.ipynb"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return build


def macos(folder: Path) -> Path:
    """A folder zipped on a Mac, with what its Finder adds."""
    members: dict[str, str | bytes] = {f"hw5/{name}": text for name, text in FILES.items()}
    extra = {f"__MACOSX/hw5/._{name}": b"\0\5\26\7" for name in FILES}
    return zipped(folder, {"hw5/": "", **members, **extra, "hw5/.DS_Store": b"\0"})


def windows(folder: Path) -> Path:
    """A zip in whose names backslashes part folders."""
    return zipped(folder, {f"hw5\\{name}": text for name, text in FILES.items()})


def upper_case(folder: Path) -> Path:
    """An upload whose own name is in capitals."""
    return zipped(folder, dict(FILES)).rename(folder / "UPLOAD.ZIP")


UPLOADS: dict[str, tuple[Build, str]] = {
    "folder": (plain_folder, ""),
    "zip": (lambda folder: zipped(folder, dict(FILES)), ""),
    "zip of a Mac": (macos, ""),
    "zip of Windows": (windows, ""),
    "zip in capitals": (upper_case, ""),
    "link within": (link_within, ""),
    "link to the solution": (linked_folder(f"{ROOT}/solution/kernels.py"), "out of its folder"),
    "link to a secret": (linked_folder("/etc/shadow"), "out of its folder"),
    "link upwards": (linked_folder("../other/kernels.py"), "out of its folder"),
    "link in a zip": (with_member("a", "/etc/passwd", stat.S_IFLNK | 0o777), "the link 'a'"),
    "absolute path": (with_member("/etc/cron.d/evil"), "outside of it"),
    "path upwards": (with_member("../../grader/evil.py"), "outside of it"),
    "path upwards, of Windows": (with_member("..\\..\\evil.py"), "outside of it"),
    "drive": (with_member("C:/evil.py"), "outside of it"),
    "device": (with_member("sda", "", stat.S_IFBLK | 0o600), "neither a file nor a folder"),
    "pipe": (with_member("pipe", "", stat.S_IFIFO | 0o600), "neither a file nor a folder"),
    "bomb": (bomb, "homework's files only"),
    "bomb that lies": (lying_bomb, "cannot be unpacked"),
    "many files": (many_files, "homework's files only"),
    "long directory": (long_directory, "homework's files only"),
    "zip in a zip": (nested, "found: homework5.zip"),
    "two cases of a name": (with_member("Kernels.py"), "takes the other's place"),
    "one name twice": (twice, "takes the other's place"),
    "file as a folder": (with_member("kernels.py/evil.py"), "cannot be unpacked"),
    "long name": (with_member("a" * 5_000), "cannot be unpacked"),
    "truncated": (truncated, "cannot be unpacked"),
    "corrupt": (corrupt, "cannot be unpacked"),
    "encrypted": (encrypted, "cannot be unpacked"),
    "LZMA": (unusual_compression, "unusual way"),
    "no zip": (lambda folder: notebook("x")(folder).rename(folder / "a.zip"), "cannot be unpacked"),
    "pipe for a file": (fifo, "holds none of"),
    "huge file": (huge_source, "has 1073.7 MB"),
    "huge notebook": (huge_notebook, "larger than 50 MB"),
    "notebook of numbers": (notebook({"cells": [{"source": [1]}]}), "is not a notebook"),
    "deep notebook": (notebook("[" * 100_000), "is not a notebook"),
    "notebook of bytes": (notebook('{"cells": "\ud7ff"}'), "is not a notebook"),
    "escapes in names": (with_member("\x1b[2J\x1b]0;evil\x07/../x"), "outside of it"),
}
