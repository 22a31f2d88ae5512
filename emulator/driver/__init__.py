"""The CUDA driver of the emulated device, in the shape of PyCUDA's compiled `_driver`.

`NAMES` is what PyCUDA's Python layer finds in `pycuda._driver`; names, signatures and errors are
those of wrap_cudadrv.cpp and mempool.cpp of PyCUDA 2026.1.
"""

from __future__ import annotations

from emulator.driver import (
    absent,
    context,
    copies,
    device,
    enums,
    errors,
    host_memory,
    launch,
    memory,
    module,
    pool,
    stream,
    structured_copy,
)

VERSION = (12, 8, 0)  # the CUDA whose cuda.h the enumerations are from


def get_version() -> tuple[int, int, int]:
    """The CUDA version that PyCUDA was (as if) built for."""
    return VERSION


def get_driver_version() -> int:
    """The driver's CUDA version, 1000 × major + 10 × minor."""
    return context.API_VERSION


def get_curand_version() -> tuple[int, int, int]:
    """The cuRAND of which this device has the pseudo-random generator, XORWOW: 3.2."""
    return (3, 2, 0)


def have_gl_ext() -> bool:
    """Whether OpenGL interoperability was built: no."""
    return False


def initialize_profiler(config_file: str, output_file: str, output_mode: int) -> None:
    """Nothing to do: `python -m emulator run --profile` is this device's profiler."""


def start_profiler() -> None:
    """Nothing to do."""


def stop_profiler() -> None:
    """Nothing to do."""


_FUNCTIONS = (
    get_version,
    get_driver_version,
    get_curand_version,
    have_gl_ext,
    initialize_profiler,
    start_profiler,
    stop_profiler,
    context.init,
    memory.mem_alloc,
    memory.mem_alloc_pitch,
    memory.mem_get_info,
    memory.mem_get_address_range,
    absent.mem_get_ipc_handle,
    host_memory.pagelocked_empty,
    host_memory.aligned_empty,
    host_memory.managed_empty,
    host_memory.register_host_memory,
    copies.memcpy_htod,
    copies.memcpy_htod_async,
    copies.memcpy_dtoh,
    copies.memcpy_dtoh_async,
    copies.memcpy_dtod,
    copies.memcpy_dtod_async,
    copies.memcpy_peer,
    copies.memcpy_peer_async,
    module.module_from_buffer,
    module.module_from_file,
    pool.bitlog2,
)
_CLASSES = (
    errors.Error,
    errors.DeviceMemoryError,
    errors.LogicError,
    errors.LaunchError,
    errors.DeviceRuntimeError,
    device.Device,
    context.Context,
    memory.PointerHolderBase,
    memory.DeviceAllocation,
    host_memory.HostPointer,
    host_memory.PagelockedHostAllocation,
    host_memory.AlignedHostAllocation,
    host_memory.ManagedAllocation,
    host_memory.RegisteredHostMemory,
    pool.DeviceMemoryPool,
    pool.PooledDeviceAllocation,
    pool.PageLockedAllocator,
    pool.PageLockedMemoryPool,
    pool.PooledHostAllocation,
    structured_copy.Memcpy2D,
    structured_copy.Memcpy3D,
    structured_copy.Memcpy3DPeer,
    stream.Stream,
    stream.Event,
    module.Module,
    module.Linker,
    launch.Function,
    absent.ArrayDescriptor,
    absent.ArrayDescriptor3D,
    absent.Array,
    absent.TextureReference,
    absent.SurfaceReference,
    absent.IPCMemoryHandle,
)

for _class in _CLASSES:
    _class.__module__ = "pycuda._driver"  # where programs find them, and what messages show

NAMES: dict[str, object] = {
    **{member.__name__: member for member in (*_FUNCTIONS, *_CLASSES)},
    **enums.ENUMS,
    **enums.FLAG_CLASSES,
    **enums.CONSTANTS,
    **copies.MEMSETS,
    "_get_direction_vectors": absent.get_direction_vectors,
    "HostAllocation": host_memory.PagelockedHostAllocation,
    **dict.fromkeys(
        ("memcpy_dtoa", "memcpy_atod", "memcpy_atoa", "py_memcpy_htoa", "py_memcpy_atoh"),
        copies.copy_with_array,
    ),
}
