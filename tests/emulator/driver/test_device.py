"""The device and its limits."""

from __future__ import annotations

import pycuda.driver as drv
import pytest


def test_one_device() -> None:
    """There is one device, found by number and by its bus."""
    device = drv.Device(0)
    assert drv.Device.count() == 1
    assert drv.Device(device.pci_bus_id()) == device
    assert drv.Context.get_device() == device
    assert not device.can_access_peer(device)
    for wrong in (1, -1):
        with pytest.raises(drv.LogicError, match="invalid device ordinal"):
            drv.Device(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_THREADS_PER_BLOCK", 1024),
        ("WARP_SIZE", 32),
        ("MAX_SHARED_MEMORY_PER_BLOCK", 48 * 1024),
        ("MAX_GRID_DIM_X", 2**31 - 1),
        ("COMPUTE_CAPABILITY_MAJOR", 8),
    ],
)
def test_attributes(name: str, value: int) -> None:
    """Attributes have the values of a real device, in every spelling of PyCUDA's."""
    device = drv.Device(0)
    attribute = getattr(drv.device_attribute, name)
    assert device.get_attribute(attribute) == value
    assert getattr(device, name.lower()) == value
    assert device.get_attributes()[attribute] == value


def test_compute_capability() -> None:
    """The capability is that of the attributes, the mode is a name."""
    device = drv.Device(0)
    assert device.compute_capability() == (8, 0)
    assert device.compute_mode == drv.compute_mode.DEFAULT
    assert "mulated" in device.name()


def test_occupancy() -> None:
    """PyCUDA's own tools find what they need."""
    from pycuda.tools import DeviceData, OccupancyRecord  # noqa: PLC0415

    data = DeviceData()
    assert data.max_threads == 1024
    assert data.warp_size == 32
    assert OccupancyRecord is not None
