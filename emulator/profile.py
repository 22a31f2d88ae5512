"""What each kernel of a program cost: the runtime's counters, summed over its launches."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

Index3 = tuple[int, int, int]


@dataclass
class _Row:
    """One kernel's sums."""

    launches: int = 0
    time_s: float = 0.0
    threads: int = 0
    counters: dict[str, int] = field(default_factory=dict)


_rows: dict[str, _Row] = {}


def add(kernel: str, grid: Index3, block: Index3, time_s: float, counters: Any) -> None:
    """Add one launch."""
    row = _rows.setdefault(kernel, _Row())
    row.launches += 1
    row.time_s += time_s
    row.threads += grid[0] * grid[1] * grid[2] * block[0] * block[1] * block[2]
    for name, value in _numbers(counters).items():
        row.counters[name] = row.counters.get(name, 0) + value


def _numbers(counters: Any) -> dict[str, int]:
    """The whole-number fields of the runtime's Counters."""
    if not is_dataclass(counters):
        return {}
    pairs = ((f.name, getattr(counters, f.name)) for f in fields(counters))
    return {name: value for name, value in pairs if isinstance(value, int)}


def table() -> str:
    """All kernels so far, the slowest first; counters are sums over all launches."""
    if not _rows:
        return "emulator: no kernel was launched\n"
    names = list(dict.fromkeys(name for row in _rows.values() for name in row.counters))
    used = [name for name in names if any(row.counters.get(name) for row in _rows.values())]
    head = ["kernel", "launches", "time_ms", "threads", *used]
    body = [
        [
            kernel,
            f"{row.launches:,}",
            f"{row.time_s * 1e3:,.1f}",
            f"{row.threads:,}",
            *(f"{row.counters.get(name, 0):,}" for name in used),
        ]
        for kernel, row in sorted(_rows.items(), key=lambda item: -item[1].time_s)
    ]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in [head, *body]
    ]
    note = "time_ms is this machine's, not a GPU's; the counts are what a device would count"
    return "\n".join([*lines, f"({note})", ""])
