"""How long something takes: on the device by CUDA events, on the host by the clock."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


WARM_S, BATCH = 0.05, 5
"""Of `wall_us`: at least so long, by so many steps at a time."""

RUN_S, RUNS = 0.01, 5
"""Of `wall_us`: a run takes about so long, or one step."""


def device_us(launch: Callable[[], object], launches: int = 20, rounds: int = 7) -> float:
    """Return the median time of a launch in µs, by CUDA events around many of them."""
    import pycuda.driver as cuda  # noqa: PLC0415  the backend decides where it comes from

    for _ in range(3):
        launch()
    start, end = cuda.Event(), cuda.Event()
    times = []
    for _ in range(rounds):
        start.record()
        for _ in range(launches):
            launch()
        end.record()
        end.synchronize()
        times.append(1e3 * float(start.time_till(end)) / launches)
    return statistics.median(times)


def wall_us(step: Callable[[], object], synchronize: Callable[[], object]) -> float:
    """Return the time of a step in µs, of many steps between two synchronisations.

    What a training loop sees: steps are queued without waiting, so it is the host's time where
    launching takes longer, and the device's otherwise. The host first works for `WARM_S`, as a
    core that had nothing to do is slow for a while, and the quickest of some runs counts: what else
    the machine does only adds.
    """
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < WARM_S:
        for _ in range(BATCH):  # a graph is launched in a hundredth of the time that it takes
            step()
        synchronize()
        count += BATCH
    steps = max(1, int(RUN_S * count / (time.perf_counter() - begun)))
    times_s = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        for _ in range(steps):
            step()
        synchronize()
        times_s.append(time.perf_counter() - begun)
    return 1e6 * min(times_s) / steps
