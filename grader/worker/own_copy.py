"""A copy of a submission in the worker's scratch folder, for one that writes beside its own files.

At home it may: a log file, saved weights. Behind walls its folder is read-only, as a grade must not
depend on what was graded before.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path

MOST_BYTES = 64 << 20
"""Of a submission that is copied; five files have a hundred thousand."""

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_SCRATCH = os.environ.get("TMPDIR")  # as it is before anything of a submission is loaded


def is_denied(error: BaseException, folder: Path) -> bool:
    """Whether a submission was kept from writing in its own folder."""
    path = getattr(error, "filename", None)
    if not isinstance(error, OSError) or error.errno not in _DENIED:
        return False
    return isinstance(path, str) and os.path.realpath(path).startswith(f"{folder}/")


def make(folder: Path) -> Path | None:
    """Copy a submission's files, so that it may change them; None where they are too many."""
    if _size_bytes(folder) > MOST_BYTES:
        return None
    copy = Path(tempfile.mkdtemp(dir=_SCRATCH)).resolve() / folder.name
    with contextlib.suppress(shutil.Error):  # pipes and the like are left out
        shutil.copytree(folder, copy, symlinks=True, copy_function=shutil.copyfile)
    for inner, _, _ in os.walk(copy):
        Path(inner).chmod(0o755)
    return copy


def _size_bytes(folder: Path) -> int:
    files = (os.path.join(inner, name) for inner, _, names in os.walk(folder) for name in names)  # noqa: PTH118
    return sum(os.lstat(file).st_size for file in files)
