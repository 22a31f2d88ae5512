"""Copies of rectangles and boxes: Memcpy2D, Memcpy3D, Memcpy3DPeer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from emulator import runtime
from emulator.driver.context import Context, current
from emulator.driver.enums import ENUMS
from emulator.driver.errors import INVALID_VALUE, fail, not_emulated
from emulator.driver.memory import address_of, bytes_at, check_range
from emulator.driver.reporting import report_unwritten
from emulator.driver.stream import Stream, check_stream

_TYPES = ENUMS["memory_type"].names


@dataclass
class _HostSide:
    """A host buffer: where the copy starts, and which bytes belong to the object."""

    array: np.ndarray[Any, Any]
    address: int
    first: int
    end: int


class Memcpy3D:
    """A copy of `depth` × `height` rows of `width_in_bytes` between the sides set by `set_…`.

    Attributes are those of CUDA_MEMCPY3D, in PyCUDA's spelling; a pitch of 0 means packed rows, a
    `src_height` of 0 packed slices.
    """

    _routine = "cuMemcpy3D"

    def __init__(self) -> None:
        self.src_x_in_bytes = self.src_y = self.src_z = self.src_lod = 0
        self.dst_x_in_bytes = self.dst_y = self.dst_z = self.dst_lod = 0
        self.src_pitch = self.src_height = self.dst_pitch = self.dst_height = 0
        self.src_memory_type: int = 0
        self.dst_memory_type: int = 0
        self.src_device = self.dst_device = 0
        self.width_in_bytes = self.height = self.depth = 0
        self._hosts: dict[str, _HostSide] = {}

    def set_src_host(self, buffer: object) -> None:
        """Copy from host memory."""
        self._set_host("src", buffer, "HOST")

    def set_dst_host(self, buffer: object) -> None:
        """Copy to host memory."""
        self._set_host("dst", buffer, "HOST")

    def set_src_unified(self, buffer: object) -> None:
        """Copy from memory that host and device share."""
        self._set_host("src", buffer, "UNIFIED")

    def set_dst_unified(self, buffer: object) -> None:
        """Copy to memory that host and device share."""
        self._set_host("dst", buffer, "UNIFIED")

    def set_src_device(self, pointer: object) -> None:
        """Copy from device memory."""
        self.src_memory_type = _TYPES["DEVICE"]
        self.src_device = address_of("set_src_device", pointer)

    def set_dst_device(self, pointer: object) -> None:
        """Copy to device memory."""
        self.dst_memory_type = _TYPES["DEVICE"]
        self.dst_device = address_of("set_dst_device", pointer)

    def set_src_array(self, array: object) -> NoReturn:
        """Not emulated."""
        del array
        not_emulated(self._routine, "CUDA arrays (texture memory) are")

    def set_dst_array(self, array: object) -> NoReturn:
        """Not emulated."""
        del array
        not_emulated(self._routine, "CUDA arrays (texture memory) are")

    def __call__(self, stream: Stream | None = None) -> None:
        """Copy now, whatever the stream."""
        check_stream(stream)
        self._copy(self._routine if stream is None else f"{self._routine}Async")

    def _set_host(self, side: str, buffer: object, kind: str) -> None:
        array = buffer if isinstance(buffer, np.ndarray) else np.asarray(memoryview(buffer))  # type: ignore[arg-type]
        if side == "dst" and not array.flags.writeable:
            raise ValueError("buffer source array is read-only: it cannot be a copy's destination")
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        first, end = np.lib.array_utils.byte_bounds(owner) if owner.size else (0, 0)
        self._hosts[side] = _HostSide(array, array.ctypes.data, first, end)
        setattr(self, f"{side}_memory_type", _TYPES[kind])

    def _copy(self, routine: str) -> None:
        current(routine)
        if not (self.width_in_bytes and self.height and self.depth):
            return
        source, target = self._rows(routine, "src"), self._rows(routine, "dst")
        target[...] = source

    def _rows(self, routine: str, side: str) -> np.ndarray[Any, Any]:
        """One side's bytes, (depth, height, width_in_bytes), its range checked."""
        width = self.width_in_bytes
        pitch = getattr(self, f"{side}_pitch") or width
        if pitch < width:
            detail = f"{side}_pitch {pitch} is less than width_in_bytes {width}"
            fail(routine, INVALID_VALUE, detail)
        slice_bytes = pitch * (getattr(self, f"{side}_height") or self.height)
        offset = (
            getattr(self, f"{side}_x_in_bytes")
            + getattr(self, f"{side}_y") * pitch
            + getattr(self, f"{side}_z") * slice_bytes
        )
        span = (self.depth - 1) * slice_bytes + (self.height - 1) * pitch + width
        start = self._start(routine, side, offset, span)
        if getattr(self, f"{side}_memory_type") == _TYPES["DEVICE"]:
            self._account(routine, side, start, pitch, slice_bytes)
        shape = (self.depth, self.height, width)
        rows: np.ndarray[Any, Any] = np.ndarray(
            shape, np.uint8, bytes_at(start, span), strides=(slice_bytes, pitch, 1)
        )
        return rows

    def _start(self, routine: str, side: str, offset: int, span: int) -> int:
        """Where a side's bytes start; the whole `span` of them is there."""
        if getattr(self, f"{side}_memory_type") == _TYPES["DEVICE"]:
            start = int(getattr(self, f"{side}_device")) + offset
            check_range(routine, start, span)
            return start
        host = self._hosts.get(side)
        if host is None:
            word = "source" if side == "src" else "destination"
            hint = f"no {word} was set: call set_{side}_host or set_{side}_device"
            fail(routine, INVALID_VALUE, hint)
        start = host.address + offset
        if start < host.first or start + span > host.end:
            fail(
                routine,
                INVALID_VALUE,
                f"{span:,} bytes at byte {start - host.first:,} of a host array of "
                f"{host.end - host.first:,} bytes: check pitch, height and width_in_bytes",
            )
        return start

    def _account(self, routine: str, side: str, start: int, pitch: int, slice_bytes: int) -> None:
        """Tell the checked device of every row read or written."""
        for z in range(self.depth):
            for y in range(self.height):
                row = start + z * slice_bytes + y * pitch
                if side == "dst":
                    runtime.mark_written(row, self.width_in_bytes)
                else:
                    report_unwritten(routine, row, self.width_in_bytes)


class Memcpy2D(Memcpy3D):
    """A copy of `height` rows of `width_in_bytes`."""

    _routine = "cuMemcpy2D"

    def __init__(self) -> None:
        super().__init__()
        self.depth = 1

    def __call__(self, aligned: bool | Stream) -> None:  # type: ignore[override]  # PyCUDA's
        """Copy now; `aligned` (or a stream in its place) changes nothing here."""
        stream = None if isinstance(aligned, (bool, int)) else aligned
        super().__call__(stream)


class Memcpy3DPeer(Memcpy3D):
    """A copy between contexts, which share one device here."""

    _routine = "cuMemcpy3DPeer"

    def set_src_context(self, context: Context) -> None:
        """Say whose memory the source is."""

    def set_dst_context(self, context: Context) -> None:
        """Say whose memory the destination is."""
