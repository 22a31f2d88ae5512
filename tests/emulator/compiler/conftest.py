"""Fixtures of the compiler's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.compiler.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with an empty folder."""
    return Bench(tmp_path)
