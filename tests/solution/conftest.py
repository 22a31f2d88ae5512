"""The solution is tested on whichever backend there is; on the emulator, with every check on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "solution"), str(ROOT)]

import backend  # noqa: E402  found on the path that the line above makes

BACKEND = backend.activate(check=True)

import pycuda.autoinit  # noqa: E402  on the backend chosen above


@pytest.fixture(autouse=True)
def _context() -> Iterator[None]:
    """The solution's context is current, whatever contexts other tests made."""
    pycuda.autoinit.context.push()
    yield
    pycuda.autoinit.context.pop()


@pytest.fixture(autouse=True)
def _no_findings() -> Iterator[None]:
    """The checked device saw nothing wrong: no race, no access out of bounds, no unwritten read."""
    if BACKEND.name != "emulator":
        yield
        return
    import emulator  # noqa: PLC0415  not needed on a GPU

    emulator.clear_findings()
    yield
    assert [finding.text() for finding in emulator.findings()] == []


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same for every run."""
    return np.random.default_rng(5)
