"""What launches cost: the counters of the C++ runtime as dataclasses."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.findings import Place


@dataclass(frozen=True)
class Cost:
    """What one source line, or a whole launch, cost. All numbers are exact and repeatable.

    A request is one instruction of a warp; a sector is 32 bytes of global memory, the unit of
    traffic; a wavefront is one pass over the 32 banks of shared memory. "ideal" is the least that
    the same bytes could have cost. The busiest thread is the one of all blocks that makes most
    accesses to global memory in a line; for several lines and launches these numbers are added up.
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
    busiest_thread: int = 0

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
