"""Unpack what a student zipped: files and folders within one folder, and nothing else.

Sizes are those that the archive's directory declares; `zipfile` reads no more of a member than
that, so an archive cannot unpack to more than it says.
"""

import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from grader.report.plain import plain

# A submission is five short files. These limits are a hundred times that, and small enough for a
# judge's disk and memory.
MAX_FILES = 2_000
MAX_BYTES = 200_000_000
MAX_DIRECTORY_BYTES = 1_000_000  # of the list of members, which zipfile reads as a whole

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,
    OSError,
    ValueError,
)
"""What `zipfile` raises where an archive cannot be unpacked."""

_END = b"PK\x05\x06"  # the record at an archive's end, 22 bytes and a comment (APPNOTE 4.3.16)
_END_BYTES = 22 + 65_535
_USUAL = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class SubmissionError(Exception):
    """Nothing can be graded; the message tells the student what is missing and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


def unpack(path: Path, target: Path) -> Path:
    """Unpack an archive into a folder, and return that.

    Raises:
        SubmissionError: The archive is broken, too large, or holds what is no plain file within it.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_sizes(path, members)
            for member in members:
                _check_member(path, member)
            _check_names(path, [member.filename for member in members])
            for member in members:
                _unpack(archive, member, target)
    except BROKEN as error:
        raise SubmissionError(
            f"{path.name} cannot be unpacked ({error}): zip the folder again"
        ) from error
    target.mkdir(parents=True, exist_ok=True)
    return target


def _check_directory(path: Path) -> None:
    """Look at the size of the list of members before it is read into memory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES))
        tail = file.read(_END_BYTES)
    end = tail.rfind(_END)
    listed = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if size > MAX_BYTES or listed > MAX_DIRECTORY_BYTES:
        raise SubmissionError(
            f"{path.name} has {size / 1e6:.0f} MB, or lists more than {MAX_FILES} files: hand in"
            " the homework's files only"
        )


def _check_sizes(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
        raise SubmissionError(
            f"{path.name} unpacks to {len(members)} files or more than"
            f" {MAX_BYTES // 1_000_000} MB: hand in the homework's files only"
        )


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(_slashes(member.filename))
    if name.is_absolute() or ".." in name.parts or ":" in member.filename:
        raise SubmissionError(
            f"{path.name} holds {member.filename!r}, which lies outside of it: zip the folder again"
        )
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise SubmissionError(
            f"{path.name} holds the link {member.filename!r}: hand in the file itself"
        )
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise SubmissionError(
            f"{path.name} holds {member.filename!r}, which is neither a file nor a folder: leave it"
            " out"
        )
    if member.compress_type not in _USUAL:
        raise SubmissionError(
            f"{path.name} holds {member.filename!r} compressed in an unusual way: zip the folder"
            " again, with your system's own zip"
        )


def _check_names(path: Path, names: list[str]) -> None:
    """Refuse files that take each other's place, also where the case of letters is ignored."""
    seen: dict[str, str] = {}
    for name in names:
        place = _slashes(name).rstrip("/").casefold()
        if place in seen and not (name == seen[place] and name.endswith("/")):
            raise SubmissionError(
                f"{path.name} holds {seen[place]!r} and {name!r}, of which one takes the other's"
                " place: leave one out"
            )
        seen[place] = name


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    place = target.joinpath(*PurePosixPath(_slashes(member.filename)).parts)
    if member.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, place.open("xb") as copy:
        shutil.copyfileobj(source, copy)


def _slashes(name: str) -> str:
    return name.replace("\\", "/")
