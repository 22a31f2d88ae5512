"""Whether reported times agree with the judge's own clock.

A worker times itself, in the process in which the submission runs, and so could report what it
likes. The judge's clock, around a burst of known size and the reading of its results, cannot be
reached from there. What such a burst takes besides the reported times (fresh inputs, the pipe) must
be about what the reference's takes; and who tells the truth in long bursts only is found out by
telling another ratio there than in the short ones.

What can be hidden: about a third of what is reported. Half of that is the allowance for a scheduler
that keeps the judge waiting, which no honest time may suffer from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HIDDEN_SHARE = 0.1
"""Of its time may a submission seem to hide, and"""

REST_SHARE = 1.04
"""times what the reference's burst takes besides its times, and"""

HIDDEN_US = 3000.0
"""in a burst: some delays of the host's scheduler, which even the quickest burst may have met."""

OTHER_RATIO = 1.5
"""Times the ratio that was told in short bursts may it be in all of the long ones."""

BURST_US = 20_000.0
"""Of the reference's time in a burst that is checked, several times HIDDEN_US; where a submission
is slower, its burst takes at most `LONGEST` times as long."""

LONGEST = 4

LEAST_BURSTS, MOST_BURSTS = 2, 12
"""Of each side: the first few settle it on a quiet machine. The quickest counts, as whatever else a
machine does only adds to it; a contradiction is believed when it stands after the last."""


@dataclass(frozen=True)
class Burst:
    """What a burst reported, and what the judge saw.

    Attributes:
        times_us: reported, of each launch, or of a step in each run.
        wall_us: by the judge's clock, results included.
        released_us: reported for giving memory back, which is in the wall, and in no time.
        queued_us: reported for the host's part of a step, 0 where that is not told.
        results, rows: what the burst left behind, and which rows of it.
    """

    times_us: tuple[float, ...]
    wall_us: float
    released_us: float = 0.0
    queued_us: float = 0.0
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
    highest: float,
    per_time: int = 1,
    release_us: float = 0.0,
) -> str:
    """What the judge's clock says against reported times, "" where it agrees.

    A machine that is shared slows some bursts down: of the submission's the one counts that hides
    least, of the reference's the usual one.

    Args:
        own: bursts of the submission.
        reference: bursts of the reference, of equal size, each taken beside one of the others.
        highest: upper end of the ratio's interval while both were compared.
        per_time: launches or steps in each of a burst's times.
        release_us: what giving memory back may take for each time.
    """
    count = len(own[0].times_us) * per_time
    for burst in own:
        told_us = sum(burst.times_us) * per_time
        if told_us > 1.05 * burst.wall_us + HIDDEN_US:
            return (
                f"your process reports {told_us:,.0f} µs for {count:,} in a row, which were over "
                f"after {burst.wall_us:,.0f} µs by the grader's clock"
            )
    ratios = [
        sum(mine.times_us) / max(sum(other.times_us), 1e-3)
        for mine, other in zip(own, reference, strict=True)
    ]
    if min(ratios) > OTHER_RATIO * highest:
        return (
            f"your process reports {min(ratios):.1f} times the reference's time for {count:,} in a "
            f"row, and {highest:.1f} times for a few"
        )
    rest_us = float(np.median([_rest(burst, per_time, release_us) for burst in reference]))
    least = min(own, key=lambda burst: _rest(burst, per_time, release_us))
    told_us = sum(least.times_us) * per_time
    hidden_us = _rest(least, per_time, release_us) - REST_SHARE * rest_us
    if hidden_us <= HIDDEN_SHARE * told_us + HIDDEN_US:
        return ""
    seen_us = told_us + _rest(least, per_time, release_us) - rest_us
    return (
        f"your process reports {told_us / count:,.1f} µs, but {count:,} in a row took about "
        f"{seen_us / count:,.1f} µs each by the grader's clock"
    )


def _rest(burst: Burst, per_time: int, release_us: float) -> float:
    """What a burst takes besides its times, and besides giving memory back."""
    released_us = min(burst.released_us, release_us * len(burst.times_us))
    return burst.wall_us - sum(burst.times_us) * per_time - released_us
