"""Which grader it is: a hash of all that a score depends on, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import version

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("grader/oracle.py", True),
        ("grader/reports.py", True),
        ("grader/cost.json", True),
        ("emulator/runtime/launch.cpp", True),
        ("grader/report/html.py", False),
        ("grader/classroom/run.py", False),
        ("grader/release/copy.py", False),
        ("grader/settings.toml", False),
    ],
)
def test_what_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, counts: bool
) -> None:
    """Checks, emulator and recorded costs are in the hash; pages and settings are not."""
    monkeypatch.setattr(version, "ROOT", tmp_path)
    found = set()
    for content in ("one", "two"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
        found.add(version.fingerprint.__wrapped__())
    assert len(found) == 1 + counts
