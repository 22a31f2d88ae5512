"""Finds what a class handed in: one entry a student or group, the newest of what each handed in.

Nothing of a student's is run or unpacked here, but for the export itself, and nothing stops the
others: what is no homework is an entry with an error.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from grader import tasks
from grader.classroom import exports, fingerprint
from grader.classroom.exports import METADATA, ExportError, Named, Student
from grader.handout.unzip import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

CONTAINERS = (".zip", ".ipynb")
"""Files that are a whole submission, by their suffix in lower case."""

SOURCE = ".py"
"""Files that are a submission together, likewise."""

_SPARE_BYTES = 1 << 30
"""That unpacking an export leaves on the disk."""

_EXPECTED = "expected a folder, a .zip or an .ipynb"


@dataclass(frozen=True)
class Entry:
    """What a student or a group handed in.

    Attributes:
        students: whose it is.
        path: a folder, zip or notebook to grade; None where there is none.
        late: None where the export does not say.
        notes: sentences for the gradebook.
        error: why there is nothing to grade, "" where there is.
        key: its name in the run folder, unique in a class, safe as a file's name.
    """

    students: tuple[Student, ...]
    path: Path | None
    late: bool | None = None
    notes: tuple[str, ...] = ()
    error: str = ""
    key: str = ""


@dataclass(frozen=True)
class _Found:
    """A file or folder of an export, and what its name says."""

    path: Path
    named: Named
    students: tuple[Student, ...] = ()
    error: str = ""
    order: tuple[float, ...] = field(default=())


def find(submissions: Path, scratch: Path, due: datetime | None = None) -> list[Entry]:
    """The entries of a class, in the order of their keys.

    Args:
        submissions: a folder of submissions, an unpacked export, or the export's zip.
        scratch: where the export is unpacked, and files are put together; kept for the next run.
        due: what Gradescope received later is late.

    Raises:
        ExportError: there is no class to grade.
    """
    root = _root(submissions, scratch)
    found = _of_gradescope(root, due) if (root / METADATA).exists() else _of_names(root)
    if not found:
        raise ExportError(f"{submissions} is empty: name the folder that holds the submissions")
    by_student: defaultdict[str, list[_Found]] = defaultdict(list)
    for item in found:
        for student in item.students or (item.named.student,):
            by_student[student.id].append(item)
    groups: defaultdict[Path, list[str]] = defaultdict(list)
    for id_, items in by_student.items():
        groups[max(items, key=_newest).path].append(id_)
    entries = [_entry(ids, by_student[ids[0]], scratch) for ids in groups.values()]
    return _with_keys(entries)


def check(submissions: Path) -> None:
    """ExportError if there is no class to grade, as far as that shows before a zip is unpacked."""
    if not submissions.is_file():
        _root(submissions, submissions)


def _root(submissions: Path, scratch: Path) -> Path:
    """The folder whose contents are submissions."""
    if not submissions.exists():
        raise ExportError(f"{submissions}: there is no such folder or file. Next: name another one")
    root = submissions
    if submissions.is_file():
        if not zipfile.is_zipfile(submissions):
            raise ExportError(f"{submissions}: expected a folder, or the .zip of an export")
        root = unpack(submissions, scratch / "export")
    if _is_homework(root):
        raise ExportError(
            f"{submissions} is one submission: name the folder that holds it and the others, or "
            f"type make grade SUBMISSION={submissions}"
        )
    inside = _visible(root)
    while len(inside) == 1 and inside[0].is_dir() and not exports.moodle(inside[0].name):
        below = _visible(inside[0])
        if _is_homework(inside[0]) or (len(below) <= 1 and not _is_export(inside[0])):
            break
        root, inside = inside[0], below
    return root


def _is_export(folder: Path) -> bool:
    return (folder / METADATA).exists() or any(
        exports.moodle(path.name) or exports.canvas(path.name) for path in _visible(folder)
    )


def unpack(archive: Path, target: Path) -> Path:
    """Unpack an export, once, into a folder named by its content; returns that.

    Raises:
        ExportError: it is broken, or there is no room for it.
    """
    done = target / fingerprint.of_file(archive)[:16]
    if done.is_dir():
        return done
    draft = target / "unfinished"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as content:
            size = sum(member.file_size for member in content.infolist())
            if size > shutil.disk_usage(target).free - _SPARE_BYTES:
                raise ExportError(
                    f"{archive} unpacks to {size / 1e9:.1f} GB, for which {target} has no room"
                )
            for member in content.infolist():
                placed = content.extract(member, draft)  # leaves out "..", roots and links
                os.utime(placed, (_changed(member), _changed(member)))
    except BROKEN as error:
        raise ExportError(
            f"{archive} cannot be unpacked ({error}): download the export again"
        ) from error
    draft.rename(done)
    return done


def _changed(member: zipfile.ZipInfo) -> float:
    """When a file was changed, in seconds; 0 where the archive has no such date."""
    try:
        return time.mktime((*member.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def _visible(folder: Path) -> list[Path]:
    """What lies in a folder, without what computers put there by themselves."""
    hidden = (".", "__MACOSX", "Thumbs.db", "desktop.ini")
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(hidden)]


def _is_homework(folder: Path) -> bool:
    return any((folder / file).is_file() for file in tasks.FILES)


# What an export holds ----------------------------------------------------------------------------


def _of_gradescope(root: Path, due: datetime | None) -> list[_Found]:
    listed = exports.gradescope(root / METADATA)
    found = []
    for name, entry in listed.items():
        path = root / name
        late = entry.created > due if entry.created and due else None
        order = (entry.created.timestamp(),) if entry.created else ()
        is_there = path.parent == root and path.exists()
        error = "" if is_there else f"{METADATA} lists {name}, but the export has no such folder"
        named = Named(entry.students[0], late=late)
        found.append(_Found(path, named, entry.students, error, order))
    rest = [path for path in _visible(root) if path.name not in listed and path.name != METADATA]
    return found + [_by_name(path) for path in rest]


def _of_names(root: Path) -> list[_Found]:
    return [_by_name(path) for path in _visible(root)]


def _by_name(path: Path) -> _Found:
    number = exports.gradescope_id(path.name)
    named = exports.moodle(path.name)
    if named is None and path.is_file():
        named = exports.canvas(path.name)
    if named is None:
        name = number or (path.name if path.is_dir() else path.stem)
        named = Named(Student(name, name), path.name if path.is_file() else "")
    return _Found(path, named, order=(named.order,))


def _newest(item: _Found) -> tuple[object, ...]:
    """What can be homework before what cannot; of equals what the export says is newer.

    Where it says nothing, what the disk says is newer.
    """
    is_whole = item.path.is_dir() or _suffix(item.path) in CONTAINERS
    is_source = _suffix(item.path) == SOURCE
    changed = item.path.stat().st_mtime_ns if item.path.exists() else 0
    return not item.named.is_text, is_whole, is_source, item.order, changed, item.path.name


def _suffix(path: Path) -> str:
    """In lower case, which not all computers keep to."""
    return path.suffix.lower()


# What is graded of it ----------------------------------------------------------------------------


def _entry(ids: list[str], items: list[_Found], scratch: Path) -> Entry:
    """The entry of a student's (or, with Gradescope, a group's) files."""
    newest = max(items, key=_newest)
    students = tuple(s for s in newest.students or (newest.named.student,) if s.id in ids)
    entry = Entry(students, newest.path, newest.named.late, error=newest.error)
    if newest.error:
        return replace(entry, path=None)
    if newest.named.is_text:
        return replace(entry, path=None, error="text was typed in, and no file handed in")
    if newest.path.is_dir():
        entry = _of_folder(entry, newest.path)
    elif _suffix(newest.path) == SOURCE:
        return _of_loose_files(entry, items, scratch)
    elif _suffix(newest.path) not in CONTAINERS:
        error = f"{newest.path.name} is no homework: {_EXPECTED}"
        return replace(entry, path=None, error=error)
    others = [item for item in items if item is not newest and not item.named.is_text]
    older = ", ".join(item.path.name for item in others)
    note = (f"handed in {len(others) + 1} times, the newest counts (not graded: {older})",)
    return replace(entry, notes=entry.notes + (note if others else ()))


def _of_folder(entry: Entry, folder: Path) -> Entry:
    """A folder stands for the newest zip or notebook in it, where it holds no files of its own."""
    try:
        inside = _visible(folder)
    except OSError as error:
        return replace(entry, path=None, error=f"{folder.name} cannot be read: {error.strerror}")
    if not inside:
        return replace(entry, path=None, error=f"the folder {folder.name} is empty")
    whole = [path for path in inside if path.is_file() and _suffix(path) in CONTAINERS]
    if _is_homework(folder) or not whole:
        return entry
    newest = max(whole, key=lambda path: (path.stat().st_mtime_ns, path.name))
    others = ", ".join(path.name for path in whole if path != newest)
    note = (f"{folder.name} holds several; {newest.name}, the newest, counts (not {others})",)
    return replace(entry, path=newest, notes=note if others else ())


def _of_loose_files(entry: Entry, items: Iterable[_Found], scratch: Path) -> Entry:
    """Single files of one student's, put together under their own names, the newest of each."""
    newest: dict[str, _Found] = {}
    for item in sorted(items, key=_newest):
        if item.path.is_file() and _suffix(item.path) == SOURCE:
            newest[f"{item.named.file[: -len(SOURCE)]}{SOURCE}"] = item
    if not set(newest) & set(tasks.FILES):
        names = ", ".join(newest)
        error = f"{names} is no homework: expected {', '.join(tasks.FILES)}, a .zip or an .ipynb"
        return replace(entry, path=None, error=error)
    folder = scratch / "together" / _safe(entry.students[0].id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, item in newest.items():
        shutil.copyfile(item.path, folder / name)
    return replace(entry, path=folder)


def _with_keys(entries: list[Entry]) -> list[Entry]:
    """The entries in order, each with a key that is the same whatever else is handed in."""
    keyed = [replace(e, key=key_of(min(student.id for student in e.students))) for e in entries]
    return sorted(keyed, key=lambda entry: entry.key)


def key_of(id_: str) -> str:
    """A student's id as a file's name; different ones for different ids."""
    key = _safe(id_)
    if key != id_:
        key += f"-{hashlib.sha256(id_.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    return key


def _safe(text: str) -> str:
    """A text as a file's name."""
    return re.sub(r"[^A-Za-z0-9.@+-]+", "-", text).strip(".-")[:80] or "unnamed"
