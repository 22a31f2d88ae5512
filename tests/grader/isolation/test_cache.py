"""The emulator's compiled parts that workers share."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from grader.isolation import cache

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of graders that start at once, one builds, and none goes on before it is done."""
    monkeypatch.setenv("EMULATOR_CACHE", str(tmp_path))
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        time.sleep(0.1)
        (folder / "libraries").mkdir()

    monkeypatch.setattr(cache, "_build", build)
    found: list[bool] = []

    def grader() -> None:
        cache.prepare()
        found.append((cache.shared() / "libraries").is_dir())

    threads = [threading.Thread(target=grader) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    assert len(built) == 1
