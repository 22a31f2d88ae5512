from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.cublas import library
from emulator.cublas.blas import find_host_blas
from emulator.findings import clear
from tests.emulator.cublas.device import Blas, Memory

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def arena() -> Memory:
    """One arena for the session: the libraries keep pointers to its functions."""
    return Memory()


@pytest.fixture
def libraries(arena: Memory) -> Iterator[dict[str, ctypes.CDLL]]:
    """The loaded libraries, connected with the arena while a test runs."""
    before = library._connected[-1] if library._connected else None
    arena.reset()
    clear()
    loaded = library.load()
    library.connect(library.device(arena.functions(), arena, arena.memory_bytes), find_host_blas())
    yield loaded
    clear()
    if before is not None:
        library.connect(before, find_host_blas())


@pytest.fixture
def memory(libraries: dict[str, ctypes.CDLL], arena: Memory) -> Memory:
    """An empty device."""
    assert libraries
    return arena


@pytest.fixture
def blas(libraries: dict[str, ctypes.CDLL], memory: Memory) -> Iterator[Blas]:
    """CuBLAS with a handle."""
    made = Blas(libraries["libcublas.so"], memory)
    yield made
    made.close()
