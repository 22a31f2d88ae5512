"""What the kernels of a program cost, by kernel and by source line.

    from emulator import profile

    profile.start()
    ...                       # launches
    print(profile.table())    # or profile.costs(), for numbers

The numbers are the runtime's counters: those of the memory system of a device, exact and
repeatable. They need a checked device; without checks only launches and times are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.driver.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.findings import Place
    from emulator.runtime import Cost, Counters

_LINES_SHOWN = 12  # of a program; the most expensive ones


@dataclass
class KernelCost:
    """The launches of one kernel, summed.

    Attributes:
        launches: How many.
        time_s: Their time on this machine, which says nothing of a GPU's.
        total: The counters of all launches; None before the first.
        lines: The same by source line.
    """

    launches: int = 0
    time_s: float = 0.0
    total: Cost | None = None
    lines: dict[Place, Cost] = field(default_factory=dict)


_costs: dict[str, KernelCost] = {}


def start() -> None:
    """Count from here on, from zero."""
    _costs.clear()
    settings.profile = True


def stop() -> None:
    """Count no longer; what was counted stays."""
    settings.profile = False


def costs() -> dict[str, KernelCost]:
    """The cost of each kernel that was launched since `start`, by name."""
    return dict(_costs)


def add(kernel: str, time_s: float, counters: Counters) -> None:
    """Add a launch; called by the driver."""
    cost = _costs.setdefault(kernel, KernelCost())
    cost.launches += 1
    cost.time_s += time_s
    cost.total = counters if cost.total is None else cost.total + counters
    for place, line in counters.lines.items():
        known = cost.lines.get(place)
        cost.lines[place] = line if known is None else known + line


_HEAD = (
    "launches", "time ms", "requests", "sectors/request", "traffic/ideal", "bank conflicts",
    "atomics", "contended", "barriers", "idle lanes",
)  # fmt: skip
_LEGEND = """\
time ms: on this machine, not a GPU's · requests: of warps to global memory · sectors: of 32 bytes
traffic/ideal: sectors moved for each one needed, 1.0 is coalesced · idle lanes: of active warps
"""


def table() -> str:
    """All kernels, the slowest first, and the lines that move most memory."""
    if not _costs:
        return "emulator: no kernel was launched\n"
    slowest = sorted(_costs.items(), key=lambda item: -item[1].time_s)
    kernels = [
        [name, f"{cost.launches:,}", f"{cost.time_s * 1e3:,.1f}", *_cells(cost.total)]
        for name, cost in slowest
    ]
    text = _columns([["kernel", *_HEAD], *kernels])
    lines = [(place, cost) for _, kernel in slowest for place, cost in kernel.lines.items()]
    lines.sort(key=lambda item: -_weight(item[1]))
    if lines:
        shown = [
            [str(place), *_cells(cost), place.source[:60]] for place, cost in lines[:_LINES_SHOWN]
        ]
        text += "\n" + _columns([["line", *_HEAD[2:], "source"], *shown])
    return f"{text}{_LEGEND}"


def _weight(cost: Cost) -> int:
    """What to sort lines by: passes through the memory system."""
    return cost.global_sectors + cost.shared_wavefronts + cost.atomic_conflicts


def _cells(cost: Cost | None) -> list[str]:
    """The counters in the order of the heading; a dash where there is nothing to divide."""
    if cost is None:
        return ["-"] * len(_HEAD[2:])
    lanes = cost.active_lanes + cost.idle_lanes
    return [
        f"{cost.global_requests:,}",
        _ratio(cost.global_sectors, cost.global_requests),
        _ratio(cost.global_sectors, cost.global_ideal_sectors),
        f"{cost.bank_conflicts:,}",
        f"{cost.atomic_operations:,}",
        f"{cost.atomic_conflicts:,}",
        f"{cost.barriers:,}",
        f"{cost.idle_lanes / lanes:.0%}" if lanes else "-",
    ]


def _ratio(numerator: int, denominator: int) -> str:
    return f"{numerator / denominator:.1f}" if denominator else "-"


def _columns(rows: Iterable[list[str]]) -> str:
    """Rows as aligned text: the first column and a source line to the left, numbers right."""
    rows = list(rows)
    left = {0} | ({len(rows[0]) - 1} if rows[0][-1] == "source" else set())
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines) + "\n"
