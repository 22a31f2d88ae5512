"""Ask NVIDIA's management library (NVML) which GPUs there are.

It answers in milliseconds and leaves no CUDA context behind. NVML API reference, CUDA 13.0.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

# nvmlReturn_t, nvml.h of CUDA 13.0
NVML_SUCCESS = 0
NVML_PROBLEMS = {
    4: "the NVIDIA driver denies access to the GPU",
    9: "the NVIDIA driver is installed but not loaded",
    15: "the GPU has fallen off the bus",
    18: "the NVIDIA driver was updated while running: its library and its kernel module differ",
}


@dataclass(frozen=True)
class Gpus:
    """Names of the GPUs, the driver's version, the newest CUDA it supports (12.8 as 12080)."""

    names: tuple[str, ...] = ()
    driver_version: str = ""
    cuda_version: int = 0
    problem: str = ""


def report(nvml: ctypes.CDLL) -> Gpus:
    """The GPUs of this machine, or the reason why NVML cannot tell."""
    if status := nvml.nvmlInit_v2():
        return Gpus(
            problem=NVML_PROBLEMS.get(
                status, f"the NVIDIA driver does not answer (NVML status {status})"
            )
        )
    try:
        text = ctypes.create_string_buffer(96)  # NVML_DEVICE_NAME_V2_BUFFER_SIZE
        count, cuda_version = ctypes.c_uint(), ctypes.c_int()
        nvml.nvmlSystemGetDriverVersion(text, len(text))
        driver_version = text.value.decode()
        nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(cuda_version))
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        names = []
        for index in range(count.value):
            handle = ctypes.c_void_p()
            if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) == NVML_SUCCESS:
                nvml.nvmlDeviceGetName(handle, text, len(text))
                names.append(text.value.decode())
        return Gpus(tuple(names), driver_version, cuda_version.value)
    finally:
        nvml.nvmlShutdown()
