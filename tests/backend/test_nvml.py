from __future__ import annotations

import ctypes
from typing import Any, cast

from backend import nvml


class Library:
    """NVML with two GPUs, or one that answers nvmlInit with an error."""

    def __init__(self, init_status: int = 0) -> None:
        self.init_status = init_status
        self.shut_down = False

    def nvmlInit_v2(self) -> int:
        """Start; NVML's status."""
        return self.init_status

    def nvmlShutdown(self) -> int:
        """Stop."""
        self.shut_down = True
        return 0

    def nvmlSystemGetDriverVersion(self, text: Any, _size: int) -> int:
        """Give the driver's version."""
        text.value = b"580.159.04"
        return 0

    def nvmlSystemGetCudaDriverVersion_v2(self, version: Any) -> int:
        """Give the newest CUDA that the driver supports."""
        ctypes.cast(version, ctypes.POINTER(ctypes.c_int))[0] = 13000
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        """Give the number of GPUs."""
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, _handle: Any) -> int:
        """Give a handle; the second GPU is lost (NVML_ERROR_GPU_IS_LOST)."""
        return 15 if index == 1 else 0

    def nvmlDeviceGetName(self, _handle: Any, text: Any, _size: int) -> int:
        """Give a GPU's name."""
        text.value = b"NVIDIA H100"
        return 0


def test_reports_gpus_driver_and_cuda() -> None:
    """The names of the GPUs that answer, and the versions; NVML is shut down again."""
    library = Library()
    report = nvml.report(cast("ctypes.CDLL", library))
    assert report == nvml.Gpus(("NVIDIA H100",), "580.159.04", 13000)
    assert library.shut_down


def test_says_what_is_wrong_with_the_driver() -> None:
    """A library and a kernel module that differ (status 18) are named, other states by number."""
    assert "updated while running" in nvml.report(cast("ctypes.CDLL", Library(18))).problem
    assert "status 999" in nvml.report(cast("ctypes.CDLL", Library(999))).problem
