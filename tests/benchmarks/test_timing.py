"""How a step's time on the host is taken, by a clock that the test turns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks import timing

if TYPE_CHECKING:
    from collections.abc import Callable

COLD_S, WARM_S = 300e-6, 100e-6
"""What a step takes on a core that did nothing before, and later."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock, in s, and how many steps were taken."""
    clock = SimpleNamespace(now=0.0, steps=0)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def step(clock: SimpleNamespace, disturbed: Callable[[int], float]) -> Callable[[], None]:
    """A step that is slow for 40 ms, and whenever something disturbs it."""

    def taken() -> None:
        clock.steps += 1
        clock.now += (COLD_S if clock.now < 0.04 else WARM_S) * disturbed(clock.steps)

    return taken


@pytest.mark.parametrize(
    "disturbed", [lambda _: 1.0, lambda n: 1.5 if n > 500 else 1.0], ids=["never", "later"]
)
def test_the_steady_state_counts(clock: SimpleNamespace, disturbed: Callable[[int], float]) -> None:
    """Neither the first steps of a cold core count, nor what else the machine does meanwhile."""
    found = timing.wall_us(step(clock, disturbed), lambda: None)
    assert found == pytest.approx(1e6 * WARM_S)


def test_few_steps_of_long_ones(clock: SimpleNamespace) -> None:
    """What takes longer than a run is taken once a run."""

    def long() -> None:
        clock.steps += 1
        clock.now += 0.08

    assert timing.wall_us(long, lambda: None) == pytest.approx(80_000)
    assert clock.steps == timing.BATCH + timing.RUNS
