from __future__ import annotations

import numpy as np
import pytest

from grader import curves, oracle
from grader.judge import CheckFailure, Outcome, Value

N, BATCH, EPOCHS, RATE, SEED = 53, 7, 2, 0.25, 4
Y = ((np.arange(N) * 7) % 10).astype(np.int32)


def seen(batches: list[np.ndarray], labels: np.ndarray = Y, rate: float = RATE) -> Outcome:
    """What the recording model reports of these batches."""
    rows = np.concatenate(batches)
    report = {
        "rows": rows.astype(float),
        "labels": labels[rows].astype(float),
        "sizes": np.array([len(batch) for batch in batches]),
        "rates": np.full(len(batches), rate),
    }
    entries = {name: Value("ndarray", array=values) for name, values in report.items()}
    return Outcome(Value("dict", entries=entries), {}, ())


def check(batches: list[np.ndarray], labels: np.ndarray = Y, rate: float = RATE) -> None:
    """Judge batches, with losses that are right."""
    losses = np.arange(1, len(batches) + 1, dtype=np.float32)
    returned = Value("ndarray", "float32", losses.shape, losses)
    outcome = Outcome(returned, {}, ())
    curves.check_batches(outcome, seen(batches, labels, rate), Y, N, BATCH, EPOCHS, RATE, SEED)


def right() -> list[np.ndarray]:
    """The batches of the contract."""
    return list(oracle.minibatches(N, EPOCHS, BATCH, SEED))


def unshuffled() -> list[np.ndarray]:
    """Batches in the order of the data."""
    one = [np.arange(first, min(first + BATCH, N)) for first in range(0, N, BATCH)]
    return one * EPOCHS


def same_order_each_epoch() -> list[np.ndarray]:
    """The first epoch's batches twice."""
    return right()[: -(-N // BATCH)] * 2


def test_right_batches() -> None:
    """The batches of the contract pass."""
    check(right())


@pytest.mark.parametrize(
    ("batches", "known"),
    [
        (unshuffled(), "not-shuffled"),
        (same_order_each_epoch(), "same-order"),
        ([batch for batch in right() if len(batch) == BATCH], "partial-batch-dropped"),
        (right()[: -(-N // BATCH)], "one-epoch"),
        (list(oracle.minibatches(N, EPOCHS, BATCH, SEED + 1)), ""),
    ],
)
def test_wrong_batches(batches: list[np.ndarray], known: str) -> None:
    """Each usual mistake in the order of examples is named."""
    with pytest.raises(CheckFailure) as caught:
        check(batches)
    assert [d.id for d in caught.value.diagnoses] == [known] * bool(known)


def test_unpaired_labels() -> None:
    """Labels that are not those of the images are named."""
    with pytest.raises(CheckFailure, match="labels"):
        check(right(), labels=np.roll(Y, 1))


def test_wrong_rate() -> None:
    """A learning rate that is not passed on is named."""
    with pytest.raises(CheckFailure, match="learning rate"):
        check(right(), rate=0.1)


@pytest.mark.parametrize(
    ("number", "known"),
    [
        (50.0, "accuracy-per-cent"),
        (2.0, "accuracy-count"),
        (0.75, "accuracy-ties"),
    ],
)
def test_wrong_accuracy(number: float, known: str) -> None:
    """Usual mistakes are named: 2 of 4 are right, and one more if ties go to the last."""
    scores = np.array([[1, 1], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    y = np.array([1, 0, 1, 0], dtype=np.int32)
    with pytest.raises(CheckFailure) as caught:
        curves.check_accuracy(Outcome(Value("float", number=number), {}, ()), scores, y)
    assert [d.id for d in caught.value.diagnoses] == [known]


def test_curve_names_the_first_step_that_parts() -> None:
    """A loss curve that parts is reported with the first step, and where in the epoch it lies."""
    true = np.linspace(2, 1, 8)
    yours = true.astype(np.float32)
    yours[3:] += np.float32(0.01)
    outcome = Outcome(Value("ndarray", "float32", (8,), yours), {}, ())
    with pytest.raises(CheckFailure, match=r"step 4 of 8 \(the last, partial batch"):
        curves.check_curve(outcome, true, steps_per_epoch=4)


def test_accuracy_floor() -> None:
    """The floor lies under what the float64 reference reaches, for a few seeds."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = curves.images(rng, curves.TRAINED_ON + curves.TESTED_ON)
        w = {
            "W1": rng.standard_normal((784, 32)) / 28,
            "b1": rng.standard_normal(32) / 2,
            "W2": rng.standard_normal((32, 10)) / 32**0.5,
            "b2": rng.standard_normal(10) / 2,
        }
        for batch in oracle.minibatches(curves.TRAINED_ON, 1, 64, seed):
            _, g = oracle.network_gradients(w, X[batch].astype(float), y[batch], "relu")
            w = {name: values - 0.1 * g[name] for name, values in w.items()}
        _, Z = oracle.network_forward(w, X[curves.TRAINED_ON :].astype(float), "relu")
        assert np.mean(Z.argmax(axis=1) == y[curves.TRAINED_ON :]) > curves.ACCURACY_FLOOR
