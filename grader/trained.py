"""What training leaves behind: a curve may be drawn by anybody, so the parameters are looked at.

The data, their order and the parameters at the beginning are secret and new each time, so a curve
from elsewhere does not fit. What is left to see: that the model has taken the steps whose losses
were returned, and that the device took them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import curves, expect
from grader.actions import blind
from grader.checks import probes
from grader.judge import CheckFailure, Host, Kept, call, idle, new, put, take
from grader.student import f64, labels, normal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from grader.judge import Action, Outcome
    from grader.lockstep import Training
    from grader.student import Student

    Array = NDArray[Any]

MOST_OFF = 2e-3
"""Of the way that a parameter has moved; the reference is off by less than 2e-5 after 40 or 50
steps, and one of them left out makes more than 1e-2 (tests/grader/test_trained.py)."""

_SIZES: dict[bool, tuple[Any, ...]] = {True: (6, 3), False: (6, 4, 3, curves.ACTIVATION)}


def actions(training: Training, odd: Callable[[Action], Action] | None = None) -> list[Action]:
    """Set the model's parameters, train, in an odd way or not, and read them."""
    data = (Host(training.X), Host(training.y), training.epochs, training.batch_size)
    train = call("training.train", Kept("model"), *data, training.rate, training.seed)
    return [put("model", **training.p), odd(train) if odd else train, take("model")]


def check(student: Student, training: Training, after: Outcome) -> None:
    """Demand parameters that have taken every step, on the device.

    Args:
        student: whose.
        training: whose curve is right.
        after: the parameters after it.

    Raises:
        CheckFailure: a parameter is elsewhere, or the device did nothing.
    """
    for name, (yours, true) in _ends(training, after).items():
        begin = f64(training.p[name])
        off = float(np.linalg.norm(yours - true) / np.linalg.norm(true - begin))
        if not off <= MOST_OFF:
            moved = float(np.linalg.norm(yours - begin) / np.linalg.norm(true - begin))
            raise CheckFailure(
                f"the losses are those of {len(training.batches())} steps, but {name} did not take "
                f"them: it moved {moved:.1%} as far as it should, and ends {off:.1%} of that way "
                "off. Train the model that was passed, in place, with every batch"
            )
    if not student.uses_stand_ins:
        _at_rest(student, training)
    _unseen(student, training)


def _at_rest(student: Student, training: Training) -> None:
    """Demand that a small training goes wrong while the device does nothing."""
    trials = [_small(student.rng, training) for _ in range(3)]
    outcomes = student.attempt(*_one_odd(trials, lambda train: idle(train, *probes.DEVICE)))
    if outcomes is None:
        return
    if not _is_right(trials[2], outcomes[8], outcomes[9]):
        student.renew()
    if _is_right(trials[1], outcomes[5], outcomes[6]):
        raise probes.done_elsewhere("training.train", probes.DEVICE)


def _unseen(student: Student, training: Training) -> None:
    """Demand parameters that are right also while the host sees other numbers."""
    trials = [_small(student.rng, training) for _ in range(3)]
    outcomes = student.attempt(*_one_odd(trials, blind))
    if outcomes is None:
        return
    if not _is_right(trials[2], outcomes[8], outcomes[9]):
        student.renew()
    if not _ends_well(trials[1], outcomes[6]):
        student.renew()
        outcomes = student.run(*_one_odd(trials))
        if _ends_well(trials[1], outcomes[6]):
            raise probes.done_by_host("training.train", probes.DEVICE)


def _one_odd(
    trials: Sequence[Training], odd: Callable[[Action], Action] | None = None
) -> list[Action]:
    """Three trainings, the second of them in an odd way."""
    made: list[Action] = [new("model", trials[0].model, *trials[0].sizes)]
    for number, trial in enumerate(trials):
        made += actions(trial, odd if number == 1 else None)
    return made


def _small(rng: np.random.Generator, training: Training) -> Training:
    """Three steps on random numbers."""
    sizes = _SIZES[training.is_linear]
    D, C = sizes[0], 3
    shapes: dict[str, tuple[int, ...]] = {"W": (D, C), "b": (C,)}
    if not training.is_linear:
        H = sizes[1]
        shapes = {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}
    p = {name: normal(rng, *shape) for name, shape in shapes.items()}
    X, y = normal(rng, 12, D), labels(rng, 12, C)
    return replace(training, sizes=sizes, p=p, X=X, y=y, epochs=1, batch_size=4)


def _is_right(training: Training, outcome: Outcome, after: Outcome) -> bool:
    try:
        curves.check_curve(outcome, training.curve(), 3)
    except CheckFailure:
        return False
    return _ends_well(training, after)


def _ends_well(training: Training, after: Outcome) -> bool:
    """Whether the parameters are where they should be."""
    try:
        ends = _ends(training, after)
    except CheckFailure:
        return False
    return all(np.allclose(yours, true, rtol=0, atol=1e-4) for yours, true in ends.values())


def _ends(training: Training, after: Outcome) -> dict[str, tuple[Array, Array]]:
    """The parameters at the end: the submission's, and the true ones."""
    true = training.end()
    return {
        name: (
            expect.device_array(expect.entry(after.returned, name), name, values.shape),
            values,
        )
        for name, values in true.items()
    }
