"""Whether reported times agree with the judge's own clock.

A worker times itself, in the process in which the submission runs, and so could report what it
likes. The judge's clock, around a burst of known size and the reading of its results, cannot be
reached from there. The reference's worker does the same round it (inputs, cache flush, pipe), so
the difference of the two walls is the difference of what is timed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HIDDEN_SHARE = 0.25
"""Of its time may a submission seem to hide: what is round it is not exactly the reference's."""

HIDDEN_US = 3000.0
"""In a burst, besides: some delays of the host's scheduler, which even the quickest burst may have
met."""

BURST_US = 25_000.0
"""Of the reference's time in a burst that is checked, several times HIDDEN_US; where a submission
is slower, its burst takes at most `LONGEST` times as long."""

LONGEST = 8

BURSTS = 3
"""The quickest of so many counts: whatever else a machine does only adds to it."""

ATTEMPTS = 4
"""Of so many bursts each, before a contradiction is believed."""


@dataclass(frozen=True)
class Burst:
    """What a burst reported, and what the judge saw.

    Attributes:
        times_us: reported, of each launch, or of a step in each run.
        wall_us: by the judge's clock, results included.
        released_us: reported for giving memory back, which is in the wall, and in no time.
        results, rows: what the burst left behind, and which rows of it.
    """

    times_us: tuple[float, ...]
    wall_us: float
    released_us: float = 0.0
    results: tuple[NDArray[Any], ...] = ()
    rows: tuple[int, ...] = ()

    @property
    def median_us(self) -> float:
        """The usual time."""
        return float(np.median(self.times_us))


def size(claim_us: float, reference_us: float) -> int:
    """How many launches or steps are in a burst that is checked."""
    longest = max(claim_us, reference_us, 1e-3)
    return max(4, int(min(BURST_US / max(reference_us, 1e-3), LONGEST * BURST_US / longest)))


def contradiction(
    own: Sequence[Burst],
    reference: Sequence[Burst],
    claim_us: float,
    reference_us: float,
    per_time: int = 1,
    release_us: float = 0.0,
) -> str:
    """What the judge's clock says against reported times, "" where it agrees.

    Args:
        own: bursts of the submission.
        reference: bursts of the reference, of equal size, taken beside them.
        claim_us: the submission's time that was reported while it was compared.
        reference_us: the reference's.
        per_time: launches or steps in each of a burst's times.
        release_us: what giving memory back may take for each time.
    """
    quick, other = min(own, key=_wall), min(reference, key=_wall)
    count = len(quick.times_us) * per_time
    for burst in own:
        if sum(burst.times_us) * per_time > 1.05 * burst.wall_us + HIDDEN_US:
            return (
                f"your process reports {sum(burst.times_us) * per_time:,.0f} µs for {count:,} "
                f"times, which were over after {burst.wall_us:,.0f} µs by the grader's clock"
            )
    # A device that runs hot is slower for both.
    drift = max(1.0, float(np.mean(other.times_us)) / reference_us)
    released_us = min(quick.released_us, release_us * len(quick.times_us))
    expected_us = other.wall_us + count * drift * (claim_us - reference_us) + released_us
    hidden_us = quick.wall_us - expected_us
    if hidden_us <= HIDDEN_SHARE * count * drift * claim_us + HIDDEN_US:
        return ""
    seen_us = claim_us * drift + hidden_us / count
    return (
        f"your process reports {claim_us:,.1f} µs, but {count:,} in a row took about "
        f"{seen_us:,.1f} µs each by the grader's clock"
    )


def _wall(burst: Burst) -> float:
    return burst.wall_us - burst.released_us
