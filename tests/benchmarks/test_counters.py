"""The emulator's counters against those of Nsight Compute."""

from __future__ import annotations

from benchmarks import counters


def test_counters_equal_those_of_an_h100() -> None:
    """All counters of all kernels are those that Nsight Compute counted on a GPU."""
    assert counters.emulated() == counters.recorded()


def test_table_tells_a_difference() -> None:
    """A number that differs is followed by the GPU's."""
    mine = {"copy": dict.fromkeys(counters.COUNTERS, 1000)}
    gpu = {"copy": {**mine["copy"], "sectors": 2000}}
    text, different = counters.table(mine, gpu)
    assert different == 1
    assert "| copy | 1,000 | 1,000 (GPU: 2,000) | 1,000 |" in text
