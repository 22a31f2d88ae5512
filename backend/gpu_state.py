"""What GPUs are doing right now, by NVML: free memory, processes, and why clocks are held down.

Times depend on it: of several GPUs the freest is used, and a busy one is reported with the times.
NVML API reference, CUDA 13.0.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.nvml import NVML_SUCCESS

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from backend.machine import Machine

VISIBLE = "CUDA_VISIBLE_DEVICES"

# nvmlClocksEventReasons of nvml.h: bits, and what they mean to who reads a time. Idle (bit 0) and
# clocks that were set on purpose (bits 1, 4, 8) slow nothing down unexpectedly.
REASONS = {
    0x04: "the power limit",
    0x08: "a hardware slowdown",
    0x20: "its temperature",
    0x40: "its temperature (hardware)",
    0x80: "the power supply",
}

_MOST_PROCESSES = 256
_UUID_BYTES = 96  # NVML_DEVICE_UUID_V2_BUFFER_SIZE


class _Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


class _Process(ctypes.Structure):
    """nvmlProcessInfo_t, as of the functions with _v3."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


@dataclass(frozen=True)
class GpuState:
    """One GPU at one moment.

    Attributes:
        uuid: by which CUDA_VISIBLE_DEVICES names it.
        free_bytes: of its memory.
        pids: of the processes that compute on it, as the driver numbers them; in a container that
            may be another number than the process's own.
        slowed_by: what holds its clocks down.
    """

    uuid: str
    free_bytes: int
    pids: tuple[int, ...] = ()
    slowed_by: tuple[str, ...] = ()


def states(nvml: ctypes.CDLL) -> tuple[GpuState, ...]:
    """All GPUs that answer, in NVML's order; none where NVML does not work."""
    if nvml.nvmlInit_v2():
        return ()
    try:
        count = ctypes.c_uint()
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        found = []
        for index in range(count.value):
            handle = ctypes.c_void_p()
            if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) == NVML_SUCCESS:
                found.append(_state(nvml, handle))
        return tuple(found)
    finally:
        nvml.nvmlShutdown()


def _state(nvml: ctypes.CDLL, handle: ctypes.c_void_p) -> GpuState:
    uuid = ctypes.create_string_buffer(_UUID_BYTES)
    nvml.nvmlDeviceGetUUID(handle, uuid, _UUID_BYTES)
    memory = _Memory()
    nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    many = ctypes.c_uint(_MOST_PROCESSES)
    processes = (_Process * _MOST_PROCESSES)()
    status = nvml.nvmlDeviceGetComputeRunningProcesses_v3(handle, ctypes.byref(many), processes)
    pids = [process.pid for process in processes[: many.value]] if status == NVML_SUCCESS else []
    bits = ctypes.c_ulonglong()
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle, ctypes.byref(bits))
    slowed_by = tuple(told for bit, told in REASONS.items() if bits.value & bit)
    return GpuState(uuid.value.decode(), memory.free, tuple(pids), slowed_by)


def now(machine: Machine) -> tuple[GpuState, ...]:
    """All GPUs of a machine; none where NVML is missing, too old or broken."""
    libraries = machine.libraries("nvidia-ml")
    if not libraries:
        return ()
    try:
        return states(ctypes.CDLL(str(libraries[0].path)))
    except (OSError, AttributeError):
        return ()


def use_freest(
    gpus: Sequence[GpuState], environ: MutableMapping[str, str] | None = None
) -> GpuState | None:
    """Let CUDA see the GPU with most free memory alone, unless CUDA_VISIBLE_DEVICES says otherwise.

    Args:
        gpus: of the machine.
        environ: where CUDA looks; the process's own if None. Set before CUDA is initialised.

    Returns:
        the GPU that was chosen, None if nothing was.
    """
    environ = os.environ if environ is None else environ
    if VISIBLE in environ or len(gpus) < 2:  # noqa: PLR2004 - nothing to choose from
        return None
    best = max(gpus, key=lambda gpu: gpu.free_bytes)  # of equals the first, as CUDA does
    environ[VISIBLE] = best.uuid
    return best


def visible(gpus: Sequence[GpuState], environ: MutableMapping[str, str]) -> GpuState | None:
    """The GPU that CUDA uses first; None where that cannot be told."""
    named = environ.get(VISIBLE, "").split(",")[0].strip()
    if named.startswith("GPU-"):
        return next((gpu for gpu in gpus if gpu.uuid.startswith(named)), None)
    if named.isdigit() and environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return gpus[int(named)] if int(named) < len(gpus) else None
    return gpus[0] if len(gpus) == 1 else None
