"""Findings of library calls: from what the C++ side saw to what a person reads."""

from __future__ import annotations

import linecache
import sys
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emulator.findings import Finding, Kind, Place, record, wrappers

if TYPE_CHECKING:
    from types import FrameType

# Frames of these are not the student's: the place of a finding is the line above them.
_LIBRARIES = ("skcuda", "pycuda", "emulator")


class Fault(IntEnum):
    """Mirrors emu::Fault of native/device.hpp."""

    BAD_ADDRESS = 0
    UNWRITTEN = 1
    INVALID_ARGUMENT = 2
    NOT_EMULATED = 3
    IN_PLACE = 4
    DEVICE_SCALAR = 5
    LOST_FLAG = 6


class Allocation(Protocol):
    """What the runtime knows of a piece of device memory."""

    @property
    def address(self) -> int:
        """Where it begins."""

    @property
    def size_bytes(self) -> int:
        """How long it is."""

    @property
    def live(self) -> bool:
        """Whether it has not been freed."""


class Memory(Protocol):
    """The part of the runtime's face that words a finding."""

    def in_device_memory(self, address: int, /) -> bool:
        """Whether the address is one of the emulated device's."""

    def allocation_near(self, address: int, /) -> Allocation | None:
        """The allocation around or next to an address."""


def report(
    memory: Memory, fault: Fault, routine: str, argument: str, first: int, size: int, detail: str
) -> None:
    """Record the finding of one fault.

    Args:
        memory: the runtime, which knows the allocations.
        fault: what the C++ side saw.
        routine: the library function.
        argument: its parameter's documented name.
        first: address of the first byte needed.
        size: bytes needed from there.
        detail: more words; for INVALID_ARGUMENT the whole reason.
    """
    fatal = fault in {
        Fault.BAD_ADDRESS,
        Fault.INVALID_ARGUMENT,
        Fault.NOT_EMULATED,
        Fault.DEVICE_SCALAR,
    }
    kind, message = _explain(memory, fault, routine, argument, first, size, detail)
    place = _calling_line(sys._getframe())  # noqa: SLF001 — the public inspect.stack reads every source file
    record(Finding(kind, message, kernel=routine, place=place, fatal=fatal))


def _explain(
    memory: Memory, fault: Fault, routine: str, argument: str, first: int, size: int, detail: str
) -> tuple[Kind, str]:
    if fault is Fault.NOT_EMULATED:
        what = f"{argument} of {routine}" if argument else routine
        return Kind.NOT_EMULATED, f"{what} is not emulated; run this on a GPU."
    if fault is Fault.INVALID_ARGUMENT:
        return Kind.INVALID_ARGUMENT, f"argument {argument}: {detail}."
    if fault is Fault.IN_PLACE:
        return (
            Kind.RACE,
            (
                f"the output and {argument} start at the same address: {routine} cannot work in "
                "place, its threads would read what others overwrote. Give it another output."
            ),
        )
    if fault is Fault.DEVICE_SCALAR:
        return (
            Kind.INVALID_ARGUMENT,
            (
                f"argument {argument} is a device pointer, but the handle's pointer mode is host: "
                "the CPU would read device memory. Pass a host variable or set the mode."
            ),
        )
    if fault is Fault.UNWRITTEN:
        return (
            Kind.UNWRITTEN_READ,
            (
                f"argument {argument}: {detail} is read{_where(memory, first)}, "
                "and nothing was ever written there."
            ),
        )
    kind, message = _bad_address(memory, argument, first, size)
    if fault is Fault.LOST_FLAG:
        message += " The array needs one element for each matrix of the batch."
    return kind, message


def _bad_address(memory: Memory, argument: str, first: int, size: int) -> tuple[Kind, str]:
    needs = f"argument {argument} needs {size:,} bytes"
    if first == 0:
        return Kind.NULL_POINTER, f"{needs}, and the pointer is null."
    if not memory.in_device_memory(first):
        return (
            Kind.HOST_POINTER,
            (
                f"{needs}, and the pointer {first:#x} is not one of device memory. "
                "Pass the gpudata of a GPUArray, not a NumPy array's address."
            ),
        )
    allocation = memory.allocation_near(first)
    if allocation is None:
        return Kind.OUT_OF_BOUNDS, f"{needs}, and no allocation is near its address {first:#x}."
    offset = first - allocation.address
    inside = 0 <= offset < allocation.size_bytes
    if inside and not allocation.live:
        return (
            Kind.USE_AFTER_FREE,
            f"{needs} of an allocation of {allocation.size_bytes:,} bytes that was freed.",
        )
    where = f"from byte {offset:,}" if offset >= 0 else f"from {-offset:,} bytes before the start"
    return (
        Kind.OUT_OF_BOUNDS,
        (
            f"{needs} {where} of an allocation of {allocation.size_bytes:,} bytes. "
            "Compare its shape with the sizes, leading dimensions and increments of the call."
        ),
    )


def _where(memory: Memory, address: int) -> str:
    allocation = memory.allocation_near(address)
    if allocation is None:
        return ""
    offset = address - allocation.address
    return f" (byte {offset:,} of an allocation of {allocation.size_bytes:,} bytes)"


def _calling_line(frame: FrameType | None) -> Place | None:
    while frame is not None:
        module = frame.f_globals.get("__name__", "").split(".")[0]
        file, line = frame.f_code.co_filename, frame.f_lineno
        if module not in _LIBRARIES and not file.startswith(tuple(wrappers)):
            return Place(_short(file), line, linecache.getline(file, line).strip())
        frame = frame.f_back
    return None


def _short(file: str) -> str:
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path.name
