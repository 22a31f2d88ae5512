"""Zips that have equal bytes for equal files."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold
_PACKED_ALREADY = (".gz", ".png", ".zip")
_FILE, _PROGRAM = 0o644, 0o755


def write(files: Mapping[str, bytes], target: Path) -> None:
    """Write a zip, at once or not at all.

    Args:
        files: contents by path; those that start with "#!" may be executed.
        target: the zip.

    Raises:
        OSError: it cannot be written.
    """
    draft = target.with_name(f"{target.name}.draft")
    with zipfile.ZipFile(draft, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            packed = name.endswith(_PACKED_ALREADY)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            mode = _PROGRAM if content.startswith(b"#!") else _FILE
            entry.external_attr = (0o100000 | mode) << 16
            entry.create_system = 3  # Unix, whose modes these are
            archive.writestr(entry, content)
    draft.replace(target)
