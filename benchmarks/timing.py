"""How long something takes: on the device by CUDA events, on the host by the clock."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


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


def wall_us(
    step: Callable[[], object], synchronize: Callable[[], object], steps: int = 100
) -> float:
    """Return the time of a step in µs, of many steps between two synchronisations.

    What a training loop sees: steps are queued without waiting, so it is the host's time where
    launching takes longer, and the device's otherwise. The host's changes by half with what else
    its machine does: who compares takes rounds in turn, and their median.
    """
    for _ in range(20):
        step()
    synchronize()
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    synchronize()
    return 1e6 * (time.perf_counter() - begun) / steps
