from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import training
from device import to_device
from linear import LinearClassifier
from network import TwoLayerNetwork

import data


class Recorder:
    """A model that keeps the minibatches it gets, and returns their size as the loss."""

    def __init__(self) -> None:
        self.parameters: dict[str, object] = {}
        self.batches: list[npt.NDArray[np.float32]] = []
        self.labels: list[npt.NDArray[np.int32]] = []

    def scores(self, X: object) -> object:
        """Return the examples themselves: the test decides on the scores."""
        return X

    def step(self, X: object, y: object, learning_rate: float) -> object:
        """Keep the minibatch; return its size as its loss."""
        assert learning_rate == 0.25
        self.batches.append(X.get())  # type: ignore[attr-defined]
        self.labels.append(y.get())  # type: ignore[attr-defined]
        return to_device([float(len(self.batches[-1]))])


def test_minibatches_are_slices_of_a_permutation() -> None:
    """Every epoch visits all examples in default_rng(seed)'s next order, the last few included."""
    X, y = np.arange(33, dtype=np.float32).reshape(11, 3), np.arange(11, dtype=np.int32)
    model = Recorder()
    losses = training.train(model, X, y, 2, 4, 0.25, seed=3)
    np.testing.assert_array_equal(losses, np.array([4, 4, 3, 4, 4, 3], np.float32))
    assert losses.dtype == np.float32
    rng = np.random.default_rng(3)
    order = np.concatenate([rng.permutation(11), rng.permutation(11)])
    np.testing.assert_array_equal(np.concatenate(model.batches), X[order])
    np.testing.assert_array_equal(np.concatenate(model.labels), y[order])


def test_a_batch_larger_than_the_data() -> None:
    """A batch size beyond N makes one batch of all examples."""
    X, y = np.zeros((5, 2), np.float32), np.zeros(5, np.int32)
    model = Recorder()
    np.testing.assert_array_equal(training.train(model, X, y, 1, 100, 0.25, 0), [5.0])


def test_accuracy_counts_the_lowest_index_of_a_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of equal scores the lowest class counts; examples are scored a chunk at a time."""
    monkeypatch.setattr(training, "EVALUATION_ROWS", 2)
    scores = np.array([[1, 1, 0], [0, 2, 2], [3, 3, 3], [0, 0, 1], [1, 0, 1]], np.float32)
    y = np.array([0, 2, 0, 2, 0], np.int32)
    assert training.accuracy(Recorder(), scores, y) == 4 / 5


def test_the_linear_classifier_follows_numpy() -> None:
    """An epoch on Fashion-MNIST's first examples has the losses of float64 NumPy."""
    X, y = (array[:600] for array in data.load_fashion_mnist()[:2])
    model = LinearClassifier(784, 10, seed=2)
    W, b = (parameter.get().astype(np.float64) for parameter in model.parameters.values())
    found = training.train(model, X, y, 1, 128, 0.1, seed=4)

    true = []
    order = np.random.default_rng(4).permutation(600)
    for rows in (order[n : n + 128] for n in range(0, 600, 128)):
        Z = X[rows] @ W + b
        p = np.exp(Z - Z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        true.append(-np.mean(np.log(p[np.arange(len(rows)), y[rows]])))
        p[np.arange(len(rows)), y[rows]] -= 1
        W -= 0.1 * X[rows].T @ p / len(rows)
        b -= 0.1 * p.mean(axis=0)
    np.testing.assert_allclose(found, true, atol=5e-6)  # float32 follows within 3e-7 (measured)


def test_the_network_learns_the_spiral() -> None:
    """A network separates spiral arms that no linear classifier can."""
    X, y = data.spiral(50)
    linear, network = LinearClassifier(2, 3), TwoLayerNetwork(2, 64, 3)
    for model in (linear, network):
        training.train(model, X, y, 120, 50, 1.0, seed=0)
    assert training.accuracy(linear, X, y) < 0.65
    assert training.accuracy(network, X, y) > 0.9


@pytest.mark.parametrize("model", ["linear", "network"])
def test_the_command(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`training.py` prints a row an epoch, and draws loss curve and weights as PNG."""
    images = data.load_fashion_mnist()
    small = images._replace(X_train=images.X_train[:300], y_train=images.y_train[:300])
    monkeypatch.setattr(data, "load_fashion_mnist", lambda: small)
    training.main(
        ["--model", model, "--hidden", "16", "--epochs", "2", "--out", str(tmp_path / "new")]
    )
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split()[:2] == ["epoch", "loss"]
    assert [row.split()[0] for row in rows[1:3]] == ["1", "2"]
    for picture in ("losses", "weights"):
        file = tmp_path / "new" / f"{model}-{picture}.png"
        assert file.read_bytes().startswith(b"\x89PNG")
