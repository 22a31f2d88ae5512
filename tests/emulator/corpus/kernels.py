"""What the lines for the host of a corpus file may use: arrays on the device, and conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycuda.driver as drv

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

Shape = int | tuple[int, ...]

i8, i16, i32, i64 = np.int8, np.int16, np.int32, np.int64
u8, u16, u32, u64 = np.uint8, np.uint16, np.uint32, np.uint64
f32, f64 = np.float32, np.float64


class Arr:
    """Device memory with the values of an array, or of a shape and without values."""

    def __init__(
        self, a: NDArray[Any] | None = None, n: Shape = 0, dt: DTypeLike = np.float32
    ) -> None:
        self.like = np.empty(n, dt) if a is None else np.ascontiguousarray(a)
        self.ptr = drv.mem_alloc(self.like.nbytes)
        if a is not None:
            drv.memcpy_htod(self.ptr, self.like)

    def get(self) -> NDArray[Any]:
        """A copy on the host."""
        values = np.empty_like(self.like)
        drv.memcpy_dtoh(values, self.ptr)
        return values

    def free(self) -> None:
        """Free the memory, whose address stays known."""
        self.ptr.free()

    def __add__(self, offset_bytes: int) -> np.uintp:
        address: np.uintp = np.uintp(int(self.ptr) + offset_bytes)
        return address


def X(n: Shape, dt: DTypeLike = np.float32) -> Arr:  # as short as a formula
    """Ones."""
    return Arr(np.ones(n, dt))


def R(n: Shape, dt: DTypeLike = np.float32) -> Arr:
    """0, 1, 2…."""
    return Arr(np.arange(np.prod(n)).reshape(n).astype(dt))


def Z(n: Shape, dt: DTypeLike = np.float32) -> Arr:
    """Zeros."""
    return Arr(np.zeros(n, dt))


def E(n: Shape, dt: DTypeLike = np.float32) -> Arr:
    """Unwritten memory."""
    return Arr(None, n, dt)


def A(values: Any, dt: DTypeLike = np.float32) -> Arr:
    """The values of a list."""
    return Arr(np.array(values, dt))


def rnd(n: Shape, dt: DTypeLike = np.float32) -> Arr:
    """Random numbers in [0, 1)."""
    return Arr(np.random.default_rng(0).random(n).astype(dt))


def conv(value: Any) -> Any:
    """An argument as a launch takes it."""
    if isinstance(value, Arr):
        return value.ptr
    if isinstance(value, int):
        return np.int32(value)
    return np.float32(value) if isinstance(value, float) else value


def extent(value: Shape, dimensions: int) -> tuple[int, ...]:
    """A grid or block with all its dimensions."""
    given = (value,) if isinstance(value, int) else tuple(value)
    return given + (1,) * (dimensions - len(given))
