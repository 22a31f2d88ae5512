"""The emulated device: one of compute capability 8.0, with the limits of an NVIDIA A30.

Limits are those of the table "Technical Specifications per Compute Capability" of the CUDA C++
Programming Guide, column 8.0; clocks, widths and counts are those of NVIDIA's A30 data sheet.
"""

from __future__ import annotations

from emulator.driver import context as contexts
from emulator.driver.context import Context, require_initialized
from emulator.driver.enums import ENUMS, number
from emulator.driver.errors import INVALID_DEVICE, INVALID_VALUE, fail
from emulator.driver.settings import settings

NAME = "Emulated CUDA device (compute capability 8.0)"
COMPUTE_CAPABILITY = (8, 0)
PCI_BUS_ID = "0000:00:1E.0"

WARP_SIZE = 32
MAX_THREADS_PER_BLOCK = 1024
MAX_BLOCK = (1024, 1024, 64)
MAX_GRID = (2**31 - 1, 65535, 65535)
SHARED_MEMORY_PER_BLOCK_BYTES = 48 << 10
SHARED_MEMORY_PER_BLOCK_OPTIN_BYTES = 163 << 10
TEXTURE_ALIGNMENT_BYTES = 512
MAX_PITCH_BYTES = 2**31 - 1

_ATTRIBUTES = {
    "MAX_THREADS_PER_BLOCK": MAX_THREADS_PER_BLOCK,
    "MAX_BLOCK_DIM_X": MAX_BLOCK[0],
    "MAX_BLOCK_DIM_Y": MAX_BLOCK[1],
    "MAX_BLOCK_DIM_Z": MAX_BLOCK[2],
    "MAX_GRID_DIM_X": MAX_GRID[0],
    "MAX_GRID_DIM_Y": MAX_GRID[1],
    "MAX_GRID_DIM_Z": MAX_GRID[2],
    "MAX_SHARED_MEMORY_PER_BLOCK": SHARED_MEMORY_PER_BLOCK_BYTES,
    "MAX_SHARED_MEMORY_PER_BLOCK_OPTIN": SHARED_MEMORY_PER_BLOCK_OPTIN_BYTES,
    "MAX_SHARED_MEMORY_PER_MULTIPROCESSOR": 164 << 10,
    "RESERVED_SHARED_MEMORY_PER_BLOCK": 1 << 10,
    "TOTAL_CONSTANT_MEMORY": 64 << 10,
    "WARP_SIZE": WARP_SIZE,
    "MAX_PITCH": MAX_PITCH_BYTES,
    "MAX_REGISTERS_PER_BLOCK": 65536,
    "MAX_REGISTERS_PER_MULTIPROCESSOR": 65536,
    "MAX_THREADS_PER_MULTIPROCESSOR": 2048,
    "MAX_BLOCKS_PER_MULTIPROCESSOR": 32,
    "MULTIPROCESSOR_COUNT": 56,
    "CLOCK_RATE": 1_440_000,  # kHz
    "MEMORY_CLOCK_RATE": 1_215_000,  # kHz
    "GLOBAL_MEMORY_BUS_WIDTH": 3072,  # bits
    "L2_CACHE_SIZE": 24 << 20,
    "TEXTURE_ALIGNMENT": TEXTURE_ALIGNMENT_BYTES,
    "TEXTURE_PITCH_ALIGNMENT": 32,
    "SURFACE_ALIGNMENT": 512,
    "COMPUTE_CAPABILITY_MAJOR": COMPUTE_CAPABILITY[0],
    "COMPUTE_CAPABILITY_MINOR": COMPUTE_CAPABILITY[1],
    "GPU_OVERLAP": 1,
    "ASYNC_ENGINE_COUNT": 3,
    "CONCURRENT_KERNELS": 1,
    "CAN_MAP_HOST_MEMORY": 1,
    "UNIFIED_ADDRESSING": 1,
    "MANAGED_MEMORY": 1,
    "CONCURRENT_MANAGED_ACCESS": 1,
    "COMPUTE_PREEMPTION_SUPPORTED": 1,
    "CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM": 1,
    "STREAM_PRIORITIES_SUPPORTED": 1,
    "GLOBAL_L1_CACHE_SUPPORTED": 1,
    "LOCAL_L1_CACHE_SUPPORTED": 1,
    "SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO": 2,
    "PCI_DEVICE_ID": 0x1E,
}
# Everything else (textures, surfaces, pools of the driver…) is absent here: 0.
_VALUES = {number("device_attribute", name): value for name, value in _ATTRIBUTES.items()}
_COMPUTE_MODE = number("device_attribute", "COMPUTE_MODE")


class Device:
    """Device 0, the only one.

    Args:
        which: The ordinal 0, or the PCI bus id.
    """

    def __init__(self, which: int | str) -> None:
        require_initialized("cuDeviceGet")
        if isinstance(which, str):
            if which.upper() != PCI_BUS_ID:
                detail = f"no device {which!r}; the emulated one is {PCI_BUS_ID!r}"
                fail("cuDeviceGetByPCIBusId", INVALID_VALUE, detail)
        elif which != 0:
            fail("cuDeviceGet", INVALID_DEVICE, f"there is device 0 only, not {which}")

    @staticmethod
    def count() -> int:
        """The number of devices: 1."""
        require_initialized("cuDeviceGetCount")
        return 1

    def name(self) -> str:
        """The device's name."""
        return NAME

    def pci_bus_id(self) -> str:
        """The device's address on the PCI bus."""
        return PCI_BUS_ID

    def compute_capability(self) -> tuple[int, int]:
        """Major and minor number."""
        return COMPUTE_CAPABILITY

    def total_memory(self) -> int:
        """Device memory in bytes."""
        return settings.memory_bytes

    def get_attribute(self, attribute: int) -> int:
        """The value of a `device_attribute`."""
        if attribute == _COMPUTE_MODE:
            return ENUMS["compute_mode"].names["DEFAULT"]
        return _VALUES.get(attribute, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device)

    def __hash__(self) -> int:
        return 0

    def make_context(self, flags: int = 0) -> Context:
        """Create a context and make it current; scheduling flags mean nothing here."""
        del flags
        return contexts.make_context(self)

    def retain_primary_context(self) -> Context:
        """The primary context, shared with the runtime API; not yet current."""
        return contexts.retain_primary_context(self)

    def can_access_peer(self, other: Device) -> bool:
        """Whether kernels may read the other device's memory: there is no other."""
        del other
        return False
