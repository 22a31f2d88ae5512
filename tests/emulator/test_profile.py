"""The cost of kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import emulator
from emulator import profile

emulator.install(check=True, report=False)

import pycuda.driver as drv  # noqa: E402  # below the emulator
from pycuda import gpuarray  # noqa: E402
from pycuda.compiler import SourceModule  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
#line 1 "copies.cu"
__global__ void row(const float *x, float *y) { y[threadIdx.x] = x[threadIdx.x]; }
__global__ void column(const float *x, float *y) { y[threadIdx.x] = x[8 * threadIdx.x]; }
"""


@pytest.fixture
def launches() -> Iterator[Any]:
    """Two launches of `row` and one of `column`, profiled."""
    drv.init()
    context = drv.Device(0).make_context()
    module = SourceModule(SOURCE)
    x, y = gpuarray.zeros(256, np.float32), gpuarray.empty(32, np.float32)
    profile.start()
    for name in ("row", "row", "column"):
        module.get_function(name)(x, y, block=(32, 1, 1))
    profile.stop()
    module.get_function("row")(x, y, block=(32, 1, 1))
    yield module
    context.pop()


@pytest.mark.usefixtures("launches")
def test_costs() -> None:
    """Launches are summed: a coalesced warp needs 4 sectors of 32 bytes, a strided one 32."""
    row, column = profile.costs()["row"], profile.costs()["column"]
    assert (row.launches, column.launches) == (2, 1)
    assert row.total is not None
    assert column.total is not None
    assert (row.total.global_requests, row.total.global_sectors) == (4, 16)
    assert (column.total.global_requests, column.total.global_sectors) == (2, 36)
    assert [str(place) for place in column.lines] == ["copies.cu:2"]


@pytest.mark.usefixtures("launches")
def test_table() -> None:
    """The table has a row a kernel, with traffic over the least possible, and one a line."""
    lines = profile.table().splitlines()
    (column,) = [line.split() for line in lines if line.startswith("column ")]
    assert column[1] == "1"
    assert "18.0" in column
    assert any(line.startswith("copies.cu:2") and "void column(" in line for line in lines)


def test_nothing() -> None:
    """Without launches the table says so."""
    profile.start()
    profile.stop()
    assert profile.table() == "emulator: no kernel was launched\n"
