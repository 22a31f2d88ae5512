"""A small stand-in for emulator.runtime, and operands in it: every byte and mark is seen."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARENA_BYTES = 1 << 22
SENTINEL = 0xC3  # padding between columns and elements: must survive every call


@dataclass
class Allocation:
    """A piece of the arena."""

    address: int
    size_bytes: int
    live: bool = True


class Memory:
    """The Python face of the runtime that emulator.cublas uses, over one NumPy array."""

    memory_bytes = ARENA_BYTES

    def __init__(self) -> None:
        self.bytes = np.full(ARENA_BYTES, 0xFF, np.uint8)
        self.written = np.zeros(ARENA_BYTES, bool)
        self.base = self.bytes.ctypes.data
        self.checked = True
        self.reset()

    def reset(self) -> None:
        """Forget all allocations; keeps the arena."""
        self.allocations: list[Allocation] = []
        self.next = 0
        self.checked = True

    def is_checked(self) -> bool:
        """Whether unwritten memory is looked for."""
        return self.checked

    def in_device_memory(self, address: int) -> bool:
        """Whether it lies in the arena."""
        return self.base <= address < self.base + ARENA_BYTES

    def allocation_near(self, address: int) -> Allocation | None:
        """The last allocation that begins at or before an address."""
        before = [a for a in self.allocations if a.address <= address]
        return before[-1] if before else None

    def range_ok(self, address: int, size_bytes: int) -> bool:
        """Whether the range lies in one live allocation."""
        near = Memory.allocation_near(self, address)
        return bool(near and near.live and address + size_bytes <= near.address + near.size_bytes)

    def first_unwritten(self, address: int, size_bytes: int) -> int | None:
        """Offset of the first unwritten byte."""
        start = address - self.base
        unwritten = np.flatnonzero(~self.written[start : start + size_bytes])
        return int(unwritten[0]) if unwritten.size else None

    def mark_written(self, address: int, size_bytes: int) -> None:
        """Mark bytes as written."""
        self.written[address - self.base :][:size_bytes] = True

    def malloc(self, size_bytes: int) -> int:
        """256-byte aligned, poisoned, unwritten; 0: full."""
        if self.next + size_bytes > ARENA_BYTES:
            return 0
        start, self.next = self.next, self.next + (size_bytes + 255) // 256 * 256
        self.written[start : self.next] = False
        self.bytes[start : self.next] = 0xFF
        self.allocations.append(Allocation(self.base + start, size_bytes))
        return self.base + start

    def free(self, address: int) -> None:
        """End an allocation."""
        for allocation in self.allocations:
            if allocation.address == address and allocation.live:
                allocation.live = False
                return
        raise ValueError("not a live allocation")

    def bytes_in_use(self) -> int:
        """Bytes of the live allocations."""
        return sum(a.size_bytes for a in self.allocations if a.live)

    def functions(self) -> dict[str, Any]:
        """The members of emulator.cublas.library.Device."""

        def first_unwritten(address: int, size_bytes: int) -> int:
            offset = self.first_unwritten(address, size_bytes)
            return -1 if offset is None else offset

        def release(address: int) -> int:
            try:
                self.free(address)
            except ValueError:
                return 1
            return 0

        return {
            "is_checked": self.is_checked,
            "range_ok": self.range_ok,
            "in_device_memory": self.in_device_memory,
            "first_unwritten": first_unwritten,
            "mark_written": self.mark_written,
            "allocate": self.malloc,
            "release": release,
            "bytes_in_use": self.bytes_in_use,
        }

    def place(self, values: NDArray[Any]) -> int:
        """A new allocation that holds the values' bytes, all of them written."""
        address = self.malloc(values.nbytes)
        start = address - self.base
        self.bytes[start : start + values.nbytes] = values.reshape(-1).view(np.uint8)
        self.mark_written(address, values.nbytes)
        return address

    def view(self, address: int, count: int, dtype: Any) -> NDArray[Any]:
        """The elements at an address, as an array that shares its memory."""
        start = address - self.base
        found: NDArray[Any] = self.bytes[start : start + count * np.dtype(dtype).itemsize]
        elements: NDArray[Any] = found.view(dtype)
        return elements


class Operand:
    """Elements somewhere in a flat array of device memory; the rest of it is sentinels.

    Args:
        memory: the device.
        values: what the elements hold.
        places: index of each element in the flat array; the same shape as values.
        written: whether the device sees the elements as written.
    """

    def __init__(
        self, memory: Memory, values: NDArray[Any], places: NDArray[Any], *, written: bool = True
    ) -> None:
        size = int(places.max()) + 1 if places.size else 1
        flat = np.full(size * values.itemsize, SENTINEL, np.uint8).view(values.dtype)
        flat[places] = values
        self.memory, self.places, self.dtype, self.size = memory, places, values.dtype, size
        self.address = memory.place(flat)
        self._marks = memory.written[self.address - memory.base :][: flat.nbytes]
        self._marks[:] = False
        if written:
            self._marks.reshape(size, -1)[places] = True

    def get(self) -> NDArray[Any]:
        """The elements now; fails where anything between them was touched."""
        flat = self.memory.view(self.address, self.size, self.dtype)
        between = np.ones(self.size, bool)
        between[self.places] = False
        assert (flat[between].view(np.uint8) == SENTINEL).all(), "touched what it must not"
        elements: NDArray[Any] = flat[self.places].copy()
        return elements

    def marked_exactly(self) -> bool:
        """Whether the elements, and nothing between them, are marked as written."""
        expected = np.zeros(self.size, bool)
        expected[self.places] = True
        marks = self._marks.reshape(self.size, -1)
        return bool((marks == expected[:, None]).all())


def matrix(
    memory: Memory, values: NDArray[Any], pad: int = 0, *, written: bool = True
) -> tuple[Operand, int]:
    """A column-major matrix with `pad` rows between its columns, and its leading dimension."""
    rows, columns = values.shape
    ld = max(1, rows) + pad
    places = np.arange(rows)[:, None] + ld * np.arange(columns)[None, :]
    return Operand(memory, values, places, written=written), ld


def vector(
    memory: Memory, values: NDArray[Any], increment: int = 1, *, written: bool = True
) -> Operand:
    """A vector whose elements are `increment` apart; negative ones run backwards, as in BLAS."""
    places = np.arange(len(values)) * abs(increment)
    return Operand(memory, values, places[::-1] if increment < 0 else places, written=written)


class Blas:
    """Calls of the library; operands become device addresses, NumPy scalars host pointers."""

    def __init__(self, library: ctypes.CDLL, memory: Memory) -> None:
        self.library, self.memory = library, memory
        handle = ctypes.c_void_p()
        assert library.cublasCreate_v2(ctypes.byref(handle)) == 0
        self.handle = handle

    def close(self) -> None:
        """End the handle."""
        assert self.library.cublasDestroy_v2(self.handle) == 0

    def status(self, name: str, *arguments: object) -> int:
        """Call `cublas{name}` with this handle and return its status."""
        function = self.library[f"cublas{name}"]
        return int(function(self.handle, *(_argument(a) for a in arguments)))

    def __call__(self, name: str, *arguments: object) -> None:
        """The same where only success will do."""
        status = self.status(name, *arguments)
        assert status == 0, f"cublas{name} returned {status}"


def _argument(value: Any) -> object:
    if isinstance(value, Operand):
        return ctypes.c_void_p(value.address)
    if isinstance(value, (np.ndarray, np.generic)):
        return np.array(value).ctypes if isinstance(value, np.generic) else value.ctypes
    return value


LETTERS: dict[str, np.dtype[Any]] = {
    "S": np.dtype(np.float32),
    "D": np.dtype(np.float64),
    "C": np.dtype(np.complex64),
    "Z": np.dtype(np.complex128),
}


def random(rng: np.random.Generator, dtype: Any, *shape: int) -> NDArray[Any]:
    """Normally distributed elements."""
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def factor(dtype: np.dtype[Any], value: complex) -> Any:
    """Alpha or beta for a call; for complex elements not a real one."""
    return dtype.type(value * (1 - 0.5j) if dtype.kind == "c" else value)


def gamma(terms: int, dtype: Any) -> float:
    """Higham's γ, the relative error of a sum of products of so many terms in any order.

    N. J. Higham, Accuracy and Stability of Numerical Algorithms, §3.1; twice as many operations
    and √2 for complex products, and 8 for alpha, beta and the final rounding.
    """
    unit = np.finfo(dtype).eps / 2
    operations = (2 * terms + 8) * (1.5 if np.dtype(dtype).kind == "c" else 1.0)
    return float(operations * unit / (1 - operations * unit))


def wide(values: Any) -> NDArray[Any]:
    """The same in double precision."""
    array: NDArray[Any] = np.asarray(values)
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def turned(values: NDArray[Any], operation: int) -> NDArray[Any]:
    """op(A) of cuBLAS: 0 A, 1 Aᵀ, 2 Aᴴ."""
    options: list[NDArray[Any]] = [values, values.T, values.conj().T]
    return options[operation]


# Each example clears the device itself, so the function's fixtures may live through all of them.
PROPERTY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SIZES = st.integers(0, 9)
PADS = st.integers(0, 3)
INCREMENTS = st.sampled_from([1, 2, -1, -3])
FACTORS = st.sampled_from([0.0, 1.0, -1.0, 0.375])
SEEDS = st.integers(0, 2**16)


def assert_within(result: NDArray[Any], truth: NDArray[Any], bound: NDArray[Any]) -> None:
    """Compare with a double-precision truth; bound is elementwise and absolute."""
    error = np.abs(wide(result) - truth)
    worst = np.unravel_index(np.argmax(error - bound), error.shape) if error.size else ()
    assert (error <= bound).all(), f"at {worst}: {result[worst]} is not {truth[worst]}"


def linear(alpha: Any, left: Any, right: Any, beta: Any, C: Any) -> tuple[Any, Any]:
    """Alpha A B + beta C in double precision, and the same of absolute values for the bound."""
    truth = alpha * (left @ right) + (beta * C if beta else 0)
    size = abs(alpha) * (np.abs(left) @ np.abs(right)) + (np.abs(beta * C) if beta else 0)
    return truth, size


def half(values: NDArray[Any], fill: int) -> NDArray[Any]:
    """Only the stored half of a square matrix; the rest NaN, so that reading it shows."""
    ones = np.ones(values.shape, bool)
    stored = np.tril(ones) if fill == 0 else np.triu(ones)
    return np.where(stored, values, values.dtype.type(np.nan))


def mirrored(values: NDArray[Any], fill: int, *, hermitian: bool) -> NDArray[Any]:
    """The whole symmetric or Hermitian matrix of which one half is given."""
    strict = np.tril(values, -1) if fill == 0 else np.triu(values, 1)
    diagonal = np.diag(np.diag(values).real if hermitian else np.diag(values))
    whole: NDArray[Any] = strict + diagonal + (strict.conj().T if hermitian else strict.T)
    return whole
