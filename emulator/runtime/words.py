"""What the C++ runtime found, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.findings import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

Index3 = tuple[int, int, int]

# In the order of `enum class Kind` in runtime.h.
KINDS = (
    Kind.OUT_OF_BOUNDS, Kind.USE_AFTER_FREE, Kind.NULL_POINTER, Kind.HOST_POINTER,
    Kind.LOCAL_POINTER, Kind.UNWRITTEN_READ, Kind.RACE, Kind.MISSING_SYNCWARP,
    Kind.BARRIER_DIVERGENCE, Kind.WARP_DIVERGENCE, Kind.MISALIGNED, Kind.CONSTANT_WRITE,
    Kind.INDEX_OUT_OF_RANGE, Kind.SHARED_TOO_SMALL, Kind.DIVISION_BY_ZERO, Kind.STACK_OVERFLOW,
    Kind.TIME_LIMIT, Kind.ASSERT, Kind.TRAP,
)  # fmt: skip
ACCESS = ("read", "write", "atomic access")
_SPACE = (
    "global memory",
    "shared memory",
    "dynamic shared memory",
    "a __device__ variable",
    "local memory",
    "memory",
)
_GLOBAL, VARIABLE, _LOCAL = 0, 3, 4  # in _SPACE
_OWNER = {_GLOBAL: "the allocation", _LOCAL: "the array"}


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def _index(index: Index3) -> str:
    return "({}, {}, {})".format(*index)


def message(kind: Kind, raw: Any) -> str:
    """What happened, in words.

    Args:
        kind: of the finding.
        raw: `struct RawFinding` of runtime.h.
    """
    words = _WORDS.get(kind)
    text = raw.text.decode(errors="replace")
    return words(raw, text) if words else text


def _out_of_bounds(raw: Any, text: str) -> str:
    access = f"{ACCESS[raw.access]} of {_bytes(raw.size)}" if raw.size else "an access"
    outside = "a local array" if raw.space == _LOCAL else _SPACE[raw.space]
    if raw.space == VARIABLE and raw.detail:
        outside = "a __constant__ variable"
    where = f"{access} outside {outside}"
    if not raw.allocation_size:
        return f"{where} at address 0x{raw.address:x}, near no allocation"
    size = raw.allocation_size
    owner = f'"{text}"' if text else _OWNER.get(raw.space, "the block's shared memory")
    offset = raw.address - raw.allocation
    if offset < 0:
        return f"{where}: {_bytes(-offset)} before {owner} of {_bytes(size)}"
    if offset < size:
        return f"{where}: at byte {offset:,} of {owner} of {_bytes(size)}, across its end"
    return f"{where}: at byte {offset:,} of {owner} of {_bytes(size)}"


def _use_after_free(raw: Any, text: str) -> str:
    del text
    return (
        f"{ACCESS[raw.access]} of {_bytes(raw.size)} at byte {raw.address - raw.allocation:,} of "
        f"an allocation of {_bytes(raw.allocation_size)} that has been freed"
    )


def _pointer(what: str) -> Callable[[Any, str], str]:
    def words(raw: Any, text: str) -> str:
        del text
        return f"{ACCESS[raw.access]} through {what} (address 0x{raw.address:x})"

    return words


def _unwritten(raw: Any, text: str) -> str:
    del text
    where = _SPACE[raw.space]
    if raw.space == _LOCAL:
        return "a local variable is read before anything was written to it"
    if raw.allocation_size:
        where = f"byte {raw.address - raw.allocation:,} of {_bytes(raw.allocation_size)} of {where}"
    return f"{where} is read before anything was written there"


def _race(raw: Any, text: str) -> str:
    del text
    first, second = ACCESS[raw.other_access], ACCESS[raw.access]
    same_block = raw.block.get() == raw.other_block.get()
    other = f"thread {_index(raw.other_thread.get())}"
    if not same_block:
        other += f" of block {_index(raw.other_block.get())}"
    if KINDS[raw.kind] is Kind.MISSING_SYNCWARP:
        means = "no __syncwarp() (nor __syncthreads()) lies between them"
    elif same_block:
        means = "no __syncthreads() lies between them"
    else:
        means = "nothing orders the blocks of a launch"
    return (
        f"{second} of {_SPACE[raw.space]} that {other} touches, too ({first}): {means}, "
        "so the result depends on which comes first"
    )


def _misaligned(raw: Any, text: str) -> str:
    wants = f"{text} needs" if text else "an access of this size needs"
    return f"address 0x{raw.address:x} is not a multiple of {raw.detail}, as {wants}"


def _shared_too_small(raw: Any, text: str) -> str:
    del text
    return (
        f"{ACCESS[raw.access]} at byte {raw.address - raw.allocation:,} of dynamic shared memory: "
        f"the launch gave {_bytes(raw.allocation_size)}, at least {_bytes(raw.detail)} are needed "
        "(the `shared=` argument)"
    )


_TOO_DEEP = (
    "the thread's stack is full: this call recurs too often. Check that the recursion ends, or "
    "write it as a loop"
)
_TOO_LARGE = (
    "the thread's stack is full: the local variables of this function are too large. "
    "Put large arrays into shared or global memory"
)
_TOO_LONG = (
    "the kernel ran past its limit and was stopped here, in what looks like an endless loop: "
    "check what should make its condition false"
)
_HOPELESS = (
    "this thread waits for a value that nobody changes: all threads that are left wait as well. "
    "Check who should change it"
)
_ROUND = (
    "an endless loop: this thread touches the same addresses in the same order all the time. "
    "Check what should change from one round to the next, and make the condition false"
)
_RECURS = (
    "an endless loop: the threads meet here again and again, and nothing has changed since the "
    "last time. Check what should make its condition false"
)


def _time_limit(raw: Any, text: str) -> str:
    del text
    if raw.detail == _NOT_RESIDENT:
        return (
            "this block waits for blocks that start only when others have ended: of "
            f"{raw.allocation_size:,} blocks this device holds {raw.size:,} at once. "
            "Launch fewer blocks, or split the kernel in two launches where they wait"
        )
    return (_TOO_LONG, _HOPELESS, "", _ROUND, _RECURS)[raw.detail]


_NOT_RESIDENT = 2  # `enum Endless` in runtime.h

_WORDS: dict[Kind, Callable[[Any, str], str]] = {
    Kind.OUT_OF_BOUNDS: _out_of_bounds,
    Kind.USE_AFTER_FREE: _use_after_free,
    Kind.NULL_POINTER: _pointer("a null pointer"),
    Kind.HOST_POINTER: _pointer("a pointer that is not a device pointer"),
    Kind.LOCAL_POINTER: _pointer("a pointer to another thread's local variable"),
    Kind.UNWRITTEN_READ: _unwritten,
    Kind.RACE: _race,
    Kind.MISSING_SYNCWARP: _race,
    Kind.MISALIGNED: _misaligned,
    Kind.CONSTANT_WRITE: lambda _raw, _text: "a kernel can't write to __constant__ memory",
    Kind.INDEX_OUT_OF_RANGE: lambda raw, text: (
        f"index {raw.detail} is outside an array of type {text}"
    ),
    Kind.SHARED_TOO_SMALL: _shared_too_small,
    Kind.DIVISION_BY_ZERO: lambda _raw, _text: "integer division by zero",
    Kind.STACK_OVERFLOW: lambda raw, _text: _TOO_DEEP if raw.detail else _TOO_LARGE,
    Kind.TIME_LIMIT: _time_limit,
    Kind.ASSERT: lambda _raw, text: f"assertion failed: {text}",
    Kind.TRAP: lambda _raw, text: text or "__trap() was called",
}
