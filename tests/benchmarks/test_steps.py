"""The training steps beside PyTorch's, without a device: who is compared with whom."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import backend

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "solution")]
backend.activate(check=True)

from benchmarks import steps  # noqa: E402  imports PyCUDA and the solution
from benchmarks.shapes import SHAPES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

LOSSES = (3.0, 2.0)


class Decreasing:
    """Stands in for a model and for the fused step: their losses are LOSSES."""

    def __init__(self) -> None:
        self._losses = iter(LOSSES)
        self.loss = self

    def step(self, *_: object) -> Decreasing:
        """A training step."""
        return self

    def graph(self) -> Callable[[], None]:
        """The step, replayed."""
        return lambda: None

    def get(self) -> Any:
        """The next loss."""
        return np.array([next(self._losses)], np.float32)


@pytest.fixture(autouse=True)
def _without_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(Context=SimpleNamespace(synchronize=lambda: None))
    monkeypatch.setattr(steps, "cuda", nothing)
    monkeypatch.setattr(steps, "to_device", lambda *_: None)
    monkeypatch.setattr(steps, "model_of", lambda _: Decreasing())
    monkeypatch.setattr(steps, "fused", lambda _: Decreasing())
    monkeypatch.setattr(steps, "graphed_step", lambda *_: None)
    monkeypatch.setattr(steps, "wall_us", lambda *_: 2.0)


@pytest.mark.parametrize(
    ("first", "apart"),
    [({"losses": [3.0, 2.5]}, 0.5), ({"losses": []}, 0.0), ({}, 0.0)],
    ids=["PyTorch", "its eager step failed", "no PyTorch"],
)
def test_losses_are_compared_with_those_that_are_there(first: Any, apart: float) -> None:
    """A peer without losses is left out of the comparison; its other times count."""
    found = measured([first] + [{"graph": 6.0}] * steps.ROUNDS)
    assert found.losses_apart == apart
    assert (found.theirs, found.fused) == ({"graph": 6.0}, 2.0)


def test_a_peer_that_ends_between_rounds() -> None:
    """The best of the rounds that it lived through counts, and everybody else's of all of them."""
    found = measured([{}, {"eager": 8.0, "graph": 6.0}, {"eager": 7.0, "graph": 9.0}])
    assert found.theirs == {"eager": 7.0, "graph": 6.0}
    assert (found.launches, found.times_eager) == (2.0, 3.5)


def test_no_peer_at_all() -> None:
    """Nobody is faster or slower than who is not there."""
    found = measured([])
    assert found.theirs == {}
    assert np.isnan(found.times_eager)


def measured(answers: list[dict[str, Any]]) -> steps.Steps:
    """The first shape beside a peer that gives these answers, and then none."""
    told = iter(answers)
    peers: Any = SimpleNamespace(round=lambda _: next(told, {}))
    return steps.measure(SHAPES[0], peers, len(LOSSES))
