"""Raw findings of the C++ runtime, turned into those that people read."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator.findings import Finding, Kind

from .words import ACCESS, KINDS, VARIABLE, Index3, message

if TYPE_CHECKING:
    from emulator.compiler.image import Image
    from emulator.compiler.variable_table import VariableTable
    from emulator.findings import Place


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


def finding(raw: Any, kernel: str, image: Image) -> Finding:
    """The finding in words."""
    kind = KINDS[raw.kind]
    other = bool(raw.has_other)
    place = image.locate(raw.pc) if raw.pc else None
    second = image.locate(raw.other_pc) if raw.other_pc else None
    if kind is Kind.OUT_OF_BOUNDS and raw.space == VARIABLE:
        _name_variable(raw, image.variables)
    if kind in {Kind.TIME_LIMIT, Kind.STACK_OVERFLOW}:  # the caller may be the place
        place, second = place or second, None
    return Finding(
        kind=kind,
        message=message(kind, raw),
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
    raw.text = variables.name(variable).encode()[: RawFinding.text.size - 1]


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
    write = ACCESS.index("write")
    return bool(raw.access == write == raw.other_access)
