"""Device memory: allocation, poison, and what counts as written."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import runtime
from tests.emulator.runtime import device


@pytest.fixture(scope="module", autouse=True)
def _device() -> None:
    device.start()


def test_fresh_memory_is_poisoned() -> None:
    """Fresh memory holds NaN and is unwritten, aligned as cudaMalloc aligns."""
    address = runtime.malloc(1000)
    assert address % 256 == 0
    assert np.isnan(device.download(address, np.zeros(250, np.float32))).all()
    assert runtime.first_unwritten(address, 1000) == 0


def test_freed_memory_is_remembered() -> None:
    """A freed allocation is not live, can't be freed again, and is still known by its address."""
    address = runtime.malloc(64)
    runtime.free(address)
    assert not runtime.range_ok(address, 1)
    assert runtime.allocation_near(address) == runtime.Allocation(address, 64, live=False)
    with pytest.raises(ValueError, match="not the address of a live device allocation"):
        runtime.free(address)


def test_out_of_memory() -> None:
    """More than there is gives 0."""
    assert runtime.malloc(1 << 40) == 0


@given(
    size=st.integers(1, 200),
    writes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 100)), max_size=4),
    look=st.tuples(st.integers(0, 200), st.integers(0, 200)),
)
def test_written_bytes(size: int, writes: list[tuple[int, int]], look: tuple[int, int]) -> None:
    """Written bytes are known one by one."""
    address = runtime.malloc(size)
    written = np.zeros(size, bool)
    for start, length in writes:
        if start + length <= size:
            runtime.mark_written(address + start, length)
            written[start : start + length] = True
    start = min(look[0], size)
    length = min(look[1], size - start)
    holes = np.flatnonzero(~written[start : start + length])
    expected = int(holes[0]) if holes.size else None
    assert runtime.first_unwritten(address + start, length) == expected
    copy = runtime.malloc(size)
    runtime.copy_written(copy, address, size)
    assert runtime.first_unwritten(copy + start, length) == expected
    runtime.free(address)
    runtime.free(copy)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5000)), max_size=30))
def test_allocations_never_overlap(steps: list[tuple[bool, int]]) -> None:
    """Live allocations keep their bytes whatever else is allocated and freed."""
    live: dict[int, tuple[int, int]] = {}
    before = runtime.bytes_in_use()
    for number, (release, size) in enumerate(steps):
        if release and live:
            address = next(iter(live))
            runtime.free(address)
            del live[address]
        else:
            address = runtime.malloc(size)
            ctypes.memset(address, number, size)
            live[address] = (number, size)
    assert runtime.bytes_in_use() == before + sum(size for _, size in live.values())
    for address, (number, size) in live.items():
        assert set(ctypes.string_at(address, size)) == {number}
        assert runtime.range_ok(address, size)
        assert not runtime.range_ok(address, size + 1)
        runtime.free(address)


def test_pool_memory_becomes_fresh() -> None:
    """poison() makes a part of an allocation unwritten again."""
    address = device.upload(np.ones(100, np.float32))
    runtime.poison(address + 40, 22)
    assert runtime.first_unwritten(address, 400) == 40
    assert runtime.first_unwritten(address + 62, 338) is None


def test_host_ranges() -> None:
    """A registered host range is as good as an allocation, until it is withdrawn."""
    buffer = np.zeros(16, np.float32)
    start = buffer.ctypes.data
    assert not runtime.range_ok(start, 64)
    runtime.register_host_range(start, 64)
    assert runtime.range_ok(start, 64)
    assert runtime.first_unwritten(start, 64) is None
    runtime.unregister_host_range(start)
    assert not runtime.range_ok(start, 64)
    with pytest.raises(ValueError, match="registered host range"):
        runtime.unregister_host_range(start)


def test_kernel_reads_host_range(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A kernel may use page-locked memory, and no other host memory."""
    source = "__global__ void twice(float *x) { x[threadIdx.x] *= 2; }"
    image = device.compile_source(source, tmp_path_factory.mktemp("host"))
    x = np.arange(8, dtype=np.float32)
    found = device.launch(image, "twice", 1, 8, x.ctypes.data).findings
    assert [str(finding.kind) for finding in found] == ["host-pointer"]
    runtime.register_host_range(x.ctypes.data, x.nbytes)
    assert not device.launch(image, "twice", 1, 8, x.ctypes.data).findings
    np.testing.assert_array_equal(x, 2 * np.arange(8))
    runtime.unregister_host_range(x.ctypes.data)


def test_use_after_free(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A kernel that is given freed memory is told so."""
    source = "__global__ void fill(float *x) { x[threadIdx.x] = 2; }"
    image = device.compile_source(source, tmp_path_factory.mktemp("freed"))
    address = runtime.malloc(128)
    runtime.free(address)
    (finding,) = device.launch(image, "fill", 1, 8, address).findings
    assert str(finding.kind) == "use-after-free"
    assert "128 bytes that has been freed" in finding.message
