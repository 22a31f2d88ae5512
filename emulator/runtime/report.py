"""Raw findings and counters of the C++ runtime, turned into words and dataclasses."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from emulator.findings import Finding, Kind, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.compiler.image import Image
    from emulator.compiler.variable_table import VariableTable

Index3 = tuple[int, int, int]

# In the order of `enum class Kind` in runtime.h.
_KINDS = (
    Kind.OUT_OF_BOUNDS, Kind.USE_AFTER_FREE, Kind.NULL_POINTER, Kind.HOST_POINTER,
    Kind.LOCAL_POINTER, Kind.UNWRITTEN_READ, Kind.RACE, Kind.MISSING_SYNCWARP,
    Kind.BARRIER_DIVERGENCE, Kind.WARP_DIVERGENCE, Kind.MISALIGNED, Kind.CONSTANT_WRITE,
    Kind.INDEX_OUT_OF_RANGE, Kind.SHARED_TOO_SMALL, Kind.DIVISION_BY_ZERO, Kind.STACK_OVERFLOW,
    Kind.TIME_LIMIT, Kind.ASSERT, Kind.TRAP,
)  # fmt: skip
_ACCESS = ("read", "write", "atomic access")
_SPACE = (
    "global memory",
    "shared memory",
    "dynamic shared memory",
    "a __device__ variable",
    "local memory",
    "memory",
)
_GLOBAL, _VARIABLE, _LOCAL = 0, 3, 4  # in _SPACE
_OWNER = {_GLOBAL: "the allocation", _LOCAL: "the array"}


class _Index3(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in "xyz"]

    def get(self) -> Index3:
        return (self.x, self.y, self.z)


class RawFinding(ctypes.Structure):
    """`struct RawFinding` of runtime.h."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("kind", "access", "space", "fatal")),
        *((name, ctypes.c_int) for name in ("line", "other_line", "has_other", "other_access")),
        *((name, ctypes.c_uint64) for name in ("address", "size", "pc", "other_pc")),
        *((name, ctypes.c_uint64) for name in ("allocation", "allocation_size")),
        *((name, _Index3) for name in ("block", "thread", "other_block", "other_thread")),
        ("detail", ctypes.c_int64),
        ("explained", ctypes.c_int64),
        ("count", ctypes.c_int64),
        ("text", ctypes.c_char * 192),
    ]


@dataclass(frozen=True)
class Cost:
    """What one source line, or a whole launch, cost. All numbers are exact and repeatable.

    A request is one instruction of a warp; a sector is 32 bytes of global memory, the unit of
    traffic; a wavefront is one pass over the 32 banks of shared memory. "ideal" is the least that
    the same bytes could have cost.
    """

    global_requests: int = 0
    global_sectors: int = 0
    global_bytes: int = 0
    global_ideal_sectors: int = 0
    shared_requests: int = 0
    shared_wavefronts: int = 0
    shared_ideal_wavefronts: int = 0
    atomic_requests: int = 0
    atomic_operations: int = 0
    atomic_conflicts: int = 0
    barriers: int = 0
    active_lanes: int = 0
    idle_lanes: int = 0

    def __add__(self, other: Cost) -> Cost:
        """The sum of all fields."""
        return Cost(*(getattr(self, name) + getattr(other, name) for name in COST_FIELDS))

    @property
    def bank_conflicts(self) -> int:
        """Passes over the banks beyond one a request of four bytes a lane."""
        return self.shared_wavefronts - self.shared_ideal_wavefronts


COST_FIELDS = tuple(f.name for f in fields(Cost))


class RawCounters(ctypes.Structure):
    """`struct PlaceCounters` of counters.h."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("pc", *COST_FIELDS)]


@dataclass(frozen=True)
class Counters(Cost):
    """The cost of a launch: in all, and line by line."""

    lines: dict[Place, Cost] = field(default_factory=dict)


def counters(raw: list[RawCounters], locate: Callable[[int], Place | None]) -> Counters:
    """The counters of all places, summed by source line."""
    lines: dict[Place, Cost] = {}
    total = Cost()
    for item in raw:
        cost = Cost(*(getattr(item, name) for name in COST_FIELDS))
        total += cost
        place = locate(item.pc)
        if place is not None:
            lines[place] = lines.get(place, Cost()) + cost
    ordered = dict(sorted(lines.items(), key=lambda item: (item[0].file, item[0].line)))
    return Counters(**{name: getattr(total, name) for name in COST_FIELDS}, lines=ordered)


def finding(raw: Any, kernel: str, image: Image) -> Finding:
    """The finding in words."""
    kind = _KINDS[raw.kind]
    other = bool(raw.has_other)
    place = image.locate(raw.pc) if raw.pc else None
    second = image.locate(raw.other_pc) if raw.other_pc else None
    if kind is Kind.OUT_OF_BOUNDS and raw.space == _VARIABLE:
        _name_variable(raw, image.variables)
    if kind in {Kind.TIME_LIMIT, Kind.STACK_OVERFLOW}:  # the caller may be the place
        place, second = place or second, None
    return Finding(
        kind=kind,
        message=_message(kind, raw),
        kernel=kernel,
        place=place,
        block=raw.block.get(),
        thread=raw.thread.get(),
        other=second,
        other_block=raw.other_block.get() if other else None,
        other_thread=raw.other_thread.get() if other else None,
        count=raw.count,
        fatal=bool(raw.fatal),
    )


def _name_variable(raw: Any, variables: VariableTable) -> None:
    """Note which variable an access outside of all variables is nearest to."""
    variable = variables.near(raw.address)
    if variable is None:
        return
    raw.allocation, raw.allocation_size = variable.address, variable.size_bytes
    raw.detail = variable.constant
    raw.text = variables.name(variable).encode()


_RACES = (Kind.RACE, Kind.MISSING_SYNCWARP)


def merged(found: list[tuple[Finding, bool]]) -> list[Finding]:
    """One finding for each pair of lines that race; the others as they are.

    The compiler may have made several copies of a line. A pair that races between warps, too, needs
    a barrier rather than a __syncwarp(); and lanes that write different values to one place at one
    line need atomics or another index, also for the reads there.

    Args:
        found: findings, and whether both accesses of a race are writes.
    """
    lost_updates = {f.place for f, writes in found if writes and f.place == f.other}
    between_warps = {_pair(f) for f, _ in found if f.kind is Kind.RACE}
    result: dict[object, Finding] = {}
    for finding, _ in found:
        kind = finding.kind
        if kind is Kind.MISSING_SYNCWARP and (
            _pair(finding) in between_warps or {finding.place, finding.other} & lost_updates
        ):
            kind = Kind.RACE
        key = (
            kind,
            _pair(finding) if kind in _RACES else (finding.place, finding.other, id(finding)),
        )
        known = result.get(key)
        if known is None:
            result[key] = replace(finding, kind=kind)
        else:
            first = finding if known.kind is not finding.kind else known
            result[key] = replace(first, kind=kind, count=known.count + finding.count)
    return list(result.values())


def _pair(finding: Finding) -> frozenset[Place | None]:
    return frozenset((finding.place, finding.other))


def both_write(raw: Any) -> bool:
    """Whether a race is one of two plain writes."""
    write = _ACCESS.index("write")
    return bool(raw.access == write == raw.other_access)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def _index(index: Index3) -> str:
    return "({}, {}, {})".format(*index)


def _message(kind: Kind, raw: Any) -> str:
    words = _WORDS.get(kind)
    text = raw.text.decode(errors="replace")
    return words(raw, text) if words else text


def _out_of_bounds(raw: Any, text: str) -> str:
    access = f"{_ACCESS[raw.access]} of {_bytes(raw.size)}" if raw.size else "an access"
    outside = "a local array" if raw.space == _LOCAL else _SPACE[raw.space]
    if raw.space == _VARIABLE and raw.detail:
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
        f"{_ACCESS[raw.access]} of {_bytes(raw.size)} at byte {raw.address - raw.allocation:,} of "
        f"an allocation of {_bytes(raw.allocation_size)} that has been freed"
    )


def _pointer(what: str) -> Callable[[Any, str], str]:
    def words(raw: Any, text: str) -> str:
        del text
        return f"{_ACCESS[raw.access]} through {what} (address 0x{raw.address:x})"

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
    first, second = _ACCESS[raw.other_access], _ACCESS[raw.access]
    same_block = raw.block.get() == raw.other_block.get()
    other = f"thread {_index(raw.other_thread.get())}"
    if not same_block:
        other += f" of block {_index(raw.other_block.get())}"
    if _KINDS[raw.kind] is Kind.MISSING_SYNCWARP:
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
        f"{_ACCESS[raw.access]} at byte {raw.address - raw.allocation:,} of dynamic shared memory: "
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
