"""The class's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from grader.classroom.gradebook import Row


def write(rows: Iterable[Row], folder: Path) -> None:
    """Write them."""
