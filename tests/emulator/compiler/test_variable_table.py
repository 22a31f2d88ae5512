"""Variables of an image, and the guards around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator import runtime
from emulator.compiler.variable_table import plain_name
from tests.emulator.runtime import device

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "symbol",
    [
        "taps",
        "_ZL4taps",
        "_ZN4mine4tapsE",
        "_ZN12_GLOBAL__N_14tapsE",
        "_ZL4tapsIfE",
        "_ZN4mine4tapsIN4mine5threeEE",
        "_ZZ1kPfE4taps",
        "_ZZN4mine1kEPfE4taps_0",
    ],
)
def test_plain_name(symbol: str) -> None:
    """A variable is called what its declaration calls it."""
    assert plain_name(symbol) == "taps"


def test_guards(tmp_path: Path) -> None:
    """Every variable of a file has memory that belongs to nobody on both sides."""
    device.start()
    image = device.compile_source(
        "__device__ int bare; static __device__ char valued = 1; __device__ float hidden[3];"
        "static __constant__ float taps[2]; const __constant__ int fixed = 2;"
        "__global__ void k(float *x) { x[0] = taps[1] + fixed + bare + valued + hidden[1]; }",
        tmp_path,
    )
    table = image.variables
    assert len(table.all) == 5
    for variable in table.all:
        end = variable.address + variable.size_bytes
        name = table.name(variable)
        assert any(g.address <= end < g.address + g.size_bytes for g in table.guards), name
        assert any(g.address < variable.address <= g.address + g.size_bytes for g in table.guards)
    assert table.constant_bytes == 12


def test_overrun_is_named(tmp_path: Path) -> None:
    """An access outside a variable names it, with its size and the offset."""
    device.start()
    image = device.compile_source(
        "__constant__ float taps[4]; __device__ float get(const float *p, int i) { return p[i]; }"
        "__global__ void k(float *x) { x[0] = get(taps, 6); }",
        tmp_path,
    )
    address = runtime.malloc(4)
    (finding,) = device.launch(image, "k", 1, 1, address).findings
    runtime.free(address)
    assert finding.message == (
        'read of 4 bytes outside a __constant__ variable: at byte 24 of "taps" of 16 bytes'
    )
