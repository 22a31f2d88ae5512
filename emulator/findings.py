"""Findings: what the checked device saw in a kernel, where, and in which words."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Index3 = tuple[int, int, int]

# A program with a thousand different mistakes is not helped by a thousand reports.
_MAX_FINDINGS = 1000


class Kind(str, Enum):
    """The kinds of findings; each is a string, so `finding.kind == "race"` holds."""

    OUT_OF_BOUNDS = "out-of-bounds"
    USE_AFTER_FREE = "use-after-free"
    NULL_POINTER = "null-pointer"
    HOST_POINTER = "host-pointer"
    LOCAL_POINTER = "local-pointer"
    UNWRITTEN_READ = "unwritten-read"
    RACE = "race"
    MISSING_SYNCWARP = "missing-syncwarp"
    BARRIER_DIVERGENCE = "barrier-divergence"
    WARP_DIVERGENCE = "warp-divergence"
    MISALIGNED = "misaligned"
    CONSTANT_WRITE = "constant-write"
    INDEX_OUT_OF_RANGE = "index-out-of-range"
    SHARED_TOO_SMALL = "shared-too-small"
    DIVISION_BY_ZERO = "division-by-zero"
    STACK_OVERFLOW = "stack-overflow"
    TIME_LIMIT = "time-limit"
    ASSERT = "assert"
    TRAP = "trap"
    INVALID_ARGUMENT = "invalid-argument"
    NOT_EMULATED = "not-emulated"

    def __str__(self) -> str:
        """The word itself, in f-strings of every Python version."""
        return self.value


_NEXT = {
    Kind.OUT_OF_BOUNDS: "let only threads with an index inside the array get there: if (i < n)",
    Kind.USE_AFTER_FREE: "keep the array alive (a Python variable that holds it) until the launch",
    Kind.NULL_POINTER: "pass the array that this pointer stands for",
    Kind.HOST_POINTER: "copy the array to the device first: gpuarray.to_gpu(array)",
    Kind.LOCAL_POINTER: "threads share values through __shared__ or global memory only",
    Kind.UNWRITTEN_READ: "write each element before it is read, or start from zeros",
    Kind.RACE: (
        "within a block, put __syncthreads() between the two accesses; between blocks, use atomics "
        "or a second launch"
    ),
    Kind.MISSING_SYNCWARP: "put __syncwarp() between the two accesses",
    Kind.BARRIER_DIVERGENCE: (
        "let every thread of the block reach the same __syncthreads(): none inside an if that "
        "only some threads enter, none after an early return"
    ),
    Kind.WARP_DIVERGENCE: "let every lane that the mask names reach this same operation",
    Kind.MISALIGNED: "read through a vector type only at multiples of its size",
    Kind.CONSTANT_WRITE: "write it from the host: memcpy_htod to module.get_global(name)",
    Kind.INDEX_OUT_OF_RANGE: "keep the index below the array's size",
    Kind.SHARED_TOO_SMALL: "launch with shared= as many bytes as the kernel indexes",
    Kind.DIVISION_BY_ZERO: "see which size or count can be 0 here",
}


@dataclass(frozen=True)
class Place:
    """A line of the student's source: file (a relative name), line and that line's text."""

    file: str
    line: int
    source: str = ""

    def __str__(self) -> str:
        """The form that editors make clickable."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """One mistake, however often it was seen.

    Attributes:
        kind: what sort of mistake.
        message: the explanation, one or more sentences without place or thread.
        kernel: name of the kernel (or of the library routine).
        place: the line, where known.
        block: blockIdx of the first occurrence.
        thread: threadIdx of the first occurrence.
        other: the second line of a race or of a divergence.
        other_block: blockIdx of the other thread.
        other_thread: threadIdx of the other thread.
        count: how often it was seen.
        fatal: whether the launch ended here, as on a device.
    """

    kind: Kind
    message: str
    kernel: str = ""
    place: Place | None = None
    block: Index3 | None = None
    thread: Index3 | None = None
    other: Place | None = None
    other_block: Index3 | None = None
    other_thread: Index3 | None = None
    count: int = 1
    fatal: bool = False

    def text(self) -> str:
        """What a person reads: kind, kernel, place, thread, explanation and source lines."""
        head = f"{self.kind} in {self.kernel}" if self.kernel else f"{self.kind}"
        if self.place:
            head += f" at {self.place}"
        head += _who(self.block, self.thread)
        if self.count > 1:
            head += f" ({self.count} times)"
        lines = [f"{head}: {self.message}"]
        if self.place and self.place.source:
            lines.append(f"    {self.place} | {self.place.source.strip()}")
        if self.other and (self.other != self.place or self.other_thread is not None):
            lines.append(f"    {self.other} | {self.other.source.strip()}".rstrip(" |"))
        return "\n".join(lines)

    def advice(self) -> str:
        """The text, and what usually mends it where the message does not say so."""
        step = _NEXT.get(self.kind) if self.place else None
        return f"{self.text()}\n    next: {step}" if step else self.text()


def _who(block: Index3 | None, thread: Index3 | None) -> str:
    parts = [
        f"{name} {_index(index)}"
        for name, index in (("block", block), ("thread", thread))
        if index is not None
    ]
    return f", {' '.join(parts)}" if parts else ""


def _index(index: Index3) -> str:
    return "({}, {}, {})".format(*index)


listeners: list[Callable[[Finding], None]] = []
"""Called with each finding that is new; a repeated one is only counted."""

wrappers: list[str] = []
"""Folders of tools around a program that wrap PyCUDA's functions: their lines are not its own."""

_lock = threading.Lock()
_log: dict[tuple[Kind, str, Place | None, Place | None, str], Finding] = {}


def record(finding: Finding) -> None:
    """Add a finding to the process-wide log; a known one (same kind and place) raises its count."""
    where = finding.message if finding.place is None else ""
    key = (finding.kind, finding.kernel, finding.place, finding.other, where)
    with _lock:
        known = _log.get(key)
        if known is not None:
            _log[key] = replace(known, count=known.count + finding.count)
            return
        if len(_log) >= _MAX_FINDINGS:
            return
        _log[key] = finding
    for listener in listeners:
        listener(finding)


def findings() -> list[Finding]:
    """All findings since the start or the last clear(), in order of first sight."""
    with _lock:
        return list(_log.values())


def clear() -> None:
    """Forget all findings."""
    with _lock:
        _log.clear()
