from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.backend.fake import FakeMachine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def fake(tmp_path: Path) -> FakeMachine:
    """A machine with nothing on it."""
    return FakeMachine(tmp_path)


@pytest.fixture
def gpu_machine(tmp_path: Path) -> FakeMachine:
    """A machine with everything that running on a GPU takes; hand `H100` to `machine()`."""
    made = FakeMachine(tmp_path)
    made.add_driver()
    made.add_toolkit()
    made.add_pycuda(compiled=True)
    cublas = made.toolkit / "lib64"
    cublas.mkdir()
    (cublas / "libcublas.so.13").touch()
    return made
