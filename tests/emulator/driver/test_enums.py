"""Enumerations."""

from __future__ import annotations

import pickle

import pycuda.driver as drv
import pytest


@pytest.mark.parametrize(
    ("member", "value", "text"),
    [
        (drv.ctx_flags.SCHED_BLOCKING_SYNC, 4, "pycuda._driver.ctx_flags.SCHED_BLOCKING_SYNC"),
        (drv.event_flags.DISABLE_TIMING, 2, "pycuda._driver.event_flags.DISABLE_TIMING"),
        (drv.device_attribute.WARP_SIZE, 10, "pycuda._driver.device_attribute.WARP_SIZE"),
        (drv.jit_target.COMPUTE_80, 80, "pycuda._driver.jit_target.COMPUTE_80"),
    ],
)
def test_members(member: int, value: int, text: str) -> None:
    """A member is the int of cuda.h and prints as Boost.Python prints it."""
    assert member == value
    assert repr(member) == text
    assert str(member) == text.rpartition(".")[2]
    assert pickle.loads(pickle.dumps(member)) == value  # noqa: S301  # our own bytes


def test_lookup() -> None:
    """An enumeration can be searched by name and number, and called with a number."""
    assert drv.limit.names["STACK_SIZE"] is drv.limit.STACK_SIZE
    assert drv.limit.values[1] is drv.limit.PRINTF_FIFO_SIZE
    assert drv.limit(1) == drv.limit.PRINTF_FIFO_SIZE
    assert str(drv.limit(99)) == "99"


def test_flags() -> None:
    """Flag classes hold plain numbers."""
    assert drv.host_alloc_flags.DEVICEMAP | drv.host_alloc_flags.PORTABLE == 3
    assert drv.array3d_flags.SURFACE_LDST == 2
    assert drv.get_version() == (12, 8, 0)
    assert drv.get_driver_version() == 12080
