"""Tables of times, and of what kernels cost on the emulator, yours beside the reference's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grader.report.markup import Html, tag
from grader.timing.ratio import FULL_POINTS, NO_POINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.evidence import Cost, Timing


def times(timings: Sequence[Timing]) -> Html:
    """A table of times, yours beside the reference's, with their ratio and the roofline drawn."""
    names = ["", "yours", "reference", "ratio"]
    has_shares = any(timing.shares for timing in timings)
    head = tag(
        "tr",
        *(tag("th", name, scope="col") for name in names),
        tag("th", "of a copy's bandwidth", scope="col") if has_shares else None,
    )
    rows = [
        tag(
            "tr",
            tag("th", t.name, tag("small", t.note) if t.note else None, scope="row"),
            tag("td", time(t.time_us)),
            tag("td", time(t.reference_us)),
            tag("td", f"{t.time_us / t.reference_us:.2f}×", _ratio(t)) if t.reference_us else None,
            _roofline(t) if has_shares else None,
        )
        for t in timings
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    told = f"Lower is better. All points up to {FULL_POINTS:g}×, none from {NO_POINTS:g}× on."
    caption = tag("figcaption", tag("strong", "Times on the GPU"), tag("span", told))
    return tag("figure", caption, table, class_="times")


def time(time_us: float) -> str:
    """A time in the unit in which it reads best."""
    return f"{time_us / 1000:.2f} ms" if time_us >= 1000 else f"{time_us:.1f} µs"  # noqa: PLR2004


_LEAST, _MOST = 0.5, 16.0  # of the axis of ratios, by its logarithm


def _ratio(timing: Timing) -> Html:
    """The ratio as a bar, its interval, and where points begin and end to be lost."""

    def x(ratio: float) -> float:
        held = min(max(ratio, _LEAST), _MOST)
        return round(100 * math.log(held / _LEAST) / math.log(_MOST / _LEAST), 1)

    ratio = timing.time_us / timing.reference_us
    parts = [
        tag("line", x1=x(at), x2=x(at), y1=0, y2=12, class_=kind)
        for at, kind in ((1.0, "one"), (FULL_POINTS, "limit"), (NO_POINTS, "limit"))
    ]
    parts.insert(0, tag("rect", y=2, width=max(x(ratio), 0.8), height=8, class_="yours"))
    if timing.interval:
        low, high = (x(end) for end in timing.interval)
        width = round(max(high - low, 0.6), 1)
        parts.append(tag("rect", x=low, y=5, width=width, height=2, class_="interval"))
    return _strip(parts)


def _roofline(timing: Timing) -> Html:
    """The share of the copy's bandwidth, yours above the reference's."""
    if not timing.shares:
        return tag("td")
    yours, reference = (min(max(100 * share, 0.0), 100.0) for share in timing.shares)
    parts = [
        tag("rect", width=100, height=12, class_="ground"),
        tag("rect", width=round(yours, 1), height=6, class_="yours"),
        tag("rect", y=6, width=round(reference, 1), height=6),
    ]
    told = f"{timing.shares[0]:.0%} (reference {timing.shares[1]:.0%})"
    return tag("td", told, _strip(parts))


def _strip(parts: Sequence[Html]) -> Html:
    """A drawing as wide as its cell; what it shows is said beside it."""
    return tag("svg", *parts, viewBox="0 0 100 12", preserveAspectRatio="none", aria_hidden="true")


def costs(counted: Sequence[Cost]) -> Html:
    """A table of what kernels cost on the emulator, yours / the reference's."""
    names = ("", "sectors", "fewest", "bank conflicts", "atomics", "they wait", "cost")
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    rows = []
    for cost in counted:
        yours, reference = cost.yours, cost.reference
        advice = f"{cost.advice}." if cost.advice else "about as much as the reference's"
        pairs = (
            (yours.bank_conflicts, reference.bank_conflicts),
            (yours.atomics, reference.atomics),
            (yours.atomic_conflicts, reference.atomic_conflicts),
        )
        cells = [
            f"{yours.sectors:,} / {reference.sectors:,}",
            f"{cost.fewest_sectors:,}",
            *(f"{own:,} / {other:,}" for own, other in pairs),
            f"{cost.ratio:.2f}×",
        ]
        name = tag("th", cost.name, tag("small", advice), scope="row")
        rows.append(tag("tr", name, *(tag("td", cell) for cell in cells)))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    told = (
        "Yours / the reference's, for one call: sectors of 32 bytes moved, the fewest that hold "
        "all that must be moved, passes over the banks of shared memory beyond one a request, "
        "atomic operations, and how often a thread of a warp waits at one. Exact, and no time."
    )
    caption = tag("figcaption", tag("strong", "Cost without a GPU"), tag("span", told))
    return tag("figure", caption, table, class_="times")
