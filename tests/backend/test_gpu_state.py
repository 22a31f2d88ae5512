"""What GPUs are doing, and which one is used."""

from __future__ import annotations

import ctypes
from typing import Any, cast

import pytest

from backend import gpu_state
from backend.gpu_state import GpuState

GIB = 1 << 30


class Library:
    """NVML with GPUs whose free memory, processes and clock reasons a test says."""

    def __init__(self, *gpus: tuple[int, tuple[int, ...], int], status: int = 0) -> None:
        self.gpus, self.status, self.is_down = gpus, status, False

    def nvmlInit_v2(self) -> int:
        """Start; NVML's status."""
        return self.status

    def nvmlShutdown(self) -> int:
        """Stop."""
        self.is_down = True
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        """How many GPUs there are."""
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = len(self.gpus)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:
        """A handle: the index and one."""
        ctypes.cast(handle, ctypes.POINTER(ctypes.c_void_p))[0] = index + 1
        return 0

    def nvmlDeviceGetUUID(self, handle: Any, text: Any, _size: int) -> int:
        """The name for CUDA_VISIBLE_DEVICES."""
        text.value = f"GPU-{handle.value - 1}".encode()
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:
        """Total, free and used memory."""
        values = ctypes.cast(memory, ctypes.POINTER(ctypes.c_ulonglong))
        values[0], values[1] = 80 * GIB, self.gpus[handle.value - 1][0]
        return 0

    def nvmlDeviceGetComputeRunningProcesses_v3(
        self, handle: Any, count: Any, processes: Any
    ) -> int:
        """The processes that compute."""
        pids = self.gpus[handle.value - 1][1]
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = len(pids)
        for place, pid in enumerate(pids):
            processes[place].pid = pid
        return 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: Any, bits: Any) -> int:
        """What holds the clocks down."""
        ctypes.cast(bits, ctypes.POINTER(ctypes.c_ulonglong))[0] = self.gpus[handle.value - 1][2]
        return 0


def states(library: Library) -> tuple[GpuState, ...]:
    """As a machine with that library tells them."""
    return gpu_state.states(cast("ctypes.CDLL", library))


def test_states() -> None:
    """Free memory, processes, and what slows the clocks down; NVML is shut down again."""
    library = Library((70 * GIB, (), 0x1), (10 * GIB, (41, 42), 0x4 | 0x20))
    assert states(library) == (
        GpuState("GPU-0", 70 * GIB),
        GpuState("GPU-1", 10 * GIB, (41, 42), ("the power limit", "its temperature")),
    )
    assert library.is_down


def test_without_nvml() -> None:
    """Where NVML does not start, nothing is known."""
    assert states(Library((GIB, (), 0), status=9)) == ()


def test_the_freest_is_used() -> None:
    """Of several GPUs CUDA sees the one with most free memory; of one, nothing is said."""
    environ: dict[str, str] = {}
    gpus = states(Library((2 * GIB, (), 0), (9 * GIB, (), 0), (9 * GIB, (), 0)))
    assert gpu_state.use_freest(gpus, environ) == gpus[1]
    assert environ == {"CUDA_VISIBLE_DEVICES": "GPU-1"}
    assert gpu_state.use_freest(gpus[:1], environ := {}) is None
    assert environ == {}


@pytest.mark.parametrize("said", ["0", "GPU-0", ""])
def test_what_the_user_says_holds(said: str) -> None:
    """CUDA_VISIBLE_DEVICES is never overruled."""
    environ = {"CUDA_VISIBLE_DEVICES": said}
    gpus = states(Library((2 * GIB, (), 0), (9 * GIB, (), 0)))
    assert gpu_state.use_freest(gpus, environ) is None
    assert environ == {"CUDA_VISIBLE_DEVICES": said}


@pytest.mark.parametrize(
    ("environ", "seen"),
    [
        ({}, None),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1"}, "GPU-1"),
        ({"CUDA_VISIBLE_DEVICES": "1,0"}, None),
        ({"CUDA_VISIBLE_DEVICES": "1,0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, "GPU-1"),
        ({"CUDA_VISIBLE_DEVICES": "7", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, None),
        ({"CUDA_VISIBLE_DEVICES": "MIG-5"}, None),
    ],
)
def test_which_gpu_cuda_uses(environ: dict[str, str], seen: str | None) -> None:
    """It is told only where it is certain: CUDA orders GPUs by speed, NVML by bus."""
    gpus = states(Library((GIB, (), 0), (GIB, (), 0)))
    found = gpu_state.visible(gpus, environ)
    assert (found.uuid if found else None) == seen
    assert gpu_state.visible(gpus[:1], {}) == gpus[0]
