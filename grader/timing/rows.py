"""What is known of a kernel's or a training step's time, as a line of a table and one of advice."""

from __future__ import annotations

from dataclasses import dataclass, field

LAUNCH_US = 4.0
"""What a launch takes on the host, measured on an H100 with Python 3.12 (benchmarks)."""

HOST_DECIDES = 0.8
"""Of a step's time: where the host takes more to ask for it, the device waits for the host."""

AS_COPY, NEAR_COPY = 0.9, 0.6
"""Of a copy's bandwidth: from here on there is little to gain, or some. Neighbours that touch
neighbours reach the latter with plain loads (tests/submissions/plain: 75 to 78 %), and miss it by
far where they don't (12 to 19 %)."""

COLUMNS = ("", "time", "of a copy", "launches", "cuBLAS", "allocations", "waits", "host copies")


@dataclass(frozen=True)
class Row:
    """One kernel, or one training step.

    Attributes:
        name: with its size.
        is_step: a training step.
        time_us: None without a GPU.
        queued_us: the host's part of a step; None without a GPU.
        share: of a copy's bandwidth; None for steps, and without a GPU.
        launches: of kernels, by one call.
        work: what else it asks of the device; see `grader.worker.work`.
        traffic: what is known of a kernel's memory traffic, "" where it is fine.
        problem: why there are no figures, "" where there are.
    """

    name: str
    is_step: bool = False
    time_us: float | None = None
    share: float | None = None
    launches: int = 0
    work: dict[str, int] = field(default_factory=dict)
    queued_us: float | None = None
    traffic: str = ""
    problem: str = ""

    @property
    def host_copies(self) -> int:
        """Between the host's memory and the device's."""
        return self.work.get("uploads", 0) + self.work.get("downloads", 0)

    @property
    def calls(self) -> int:
        """Launches of kernels, cuBLAS's included."""
        return self.launches + self.work.get("cublas", 0)


NEEDLESS = {
    "host copies": (
        *("1 copy", "{:,} copies"),
        "host round trip: {} between host and device in {}; leave all results on the device",
    ),
    "allocations": (
        *("1", "{:,}"),
        "allocation in the loop: {} in {}; take memory from the pool, device.empty(shape)",
    ),
    "synchronisations": (
        *("once", "{:,} times"),
        "waits for the device {} in {}; launches run one after the other by themselves",
    ),
}
"""What a call can do without, the worst first: one of it and many, and what to do instead."""


def advice(row: Row) -> str:
    """The first thing to do about a row, in a line."""
    counts = {**row.work, "host copies": row.host_copies}
    for kind, (one, many, told) in NEEDLESS.items():
        if count := counts.get(kind):
            times = one if count == 1 else many.format(count)
            return told.format(times, "a step" if row.is_step else "a call")
    return row.traffic or _by_time(row)


def _by_time(row: Row) -> str:
    """What the time says of a row that asks for nothing it could do without."""
    least_us = row.calls * LAUNCH_US
    if row.time_us is None:
        if row.is_step:
            return f"{row.calls} launches: about {least_us:.0f} µs or more on any GPU"
        return "memory traffic as the reference's"
    if row.share is not None:
        return _by_share(row.share)
    if row.queued_us is not None and row.queued_us > HOST_DECIDES * row.time_us:
        return (
            f"launch-bound: the host takes {row.queued_us:.0f} µs for {row.calls} launches; fewer "
            "launches, less Python round them, or one graph (task 5.3)"
        )
    return "the device decides: see the kernels above"


def _by_share(share: float) -> str:
    """What the share of a copy's bandwidth says of a kernel."""
    if share >= AS_COPY:
        return "bandwidth-bound: about as fast as memory allows"
    if share >= NEAR_COPY:
        return (
            "bandwidth-bound: near what memory allows; several elements a thread (float4) may give "
            "the rest"
        )
    return (
        "below the bandwidth of a copy: let neighbouring threads touch neighbouring elements, and "
        "each element once"
    )


def table(measured: list[Row]) -> list[str]:
    """The rows as lines: figures in columns, and below each row its advice."""
    lines = [list(COLUMNS), *(_cells(row) for row in measured)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    shown = [_aligned(lines[0], widths)]
    for row, line in zip(measured, lines[1:], strict=True):
        shown += [_aligned(line, widths), f"    {row.problem or advice(row)}"]
    return shown


def _cells(row: Row) -> list[str]:
    if row.problem:
        return [row.name, *[""] * (len(COLUMNS) - 1)]
    return [
        row.name,
        "–" if row.time_us is None else f"{row.time_us:,.1f} µs",
        "–" if row.share is None else f"{row.share:.0%}",
        str(row.launches),
        *(str(row.work.get(kind, 0)) for kind in ("cublas", "allocations", "synchronisations")),
        str(row.host_copies),
    ]


def _aligned(cells: list[str], widths: list[int]) -> str:
    first, *rest = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()
