from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from device import pool, to_device
from network import TwoLayerNetwork, xor_network

import data

Doubles = npt.NDArray[np.float64]

PHI: dict[str, Callable[[Doubles], Doubles]] = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def forward_true(X: Doubles, activation: str, p: dict[str, Doubles]) -> tuple[Doubles, Doubles]:
    """Return A and Z in float64 (eq. 11, 12)."""
    A = PHI[activation](X @ p["W1"] + p["b1"])
    return A, A @ p["W2"] + p["b2"]


def loss_true(
    X: Doubles, y: npt.NDArray[np.int32], activation: str, p: dict[str, Doubles]
) -> float:
    """Return the mean loss in float64 (eq. 3, 4)."""
    _, Z = forward_true(X, activation, p)
    Z -= Z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y]))


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize(("N", "D", "H", "C"), [(1, 3, 2, 2), (23, 11, 13, 5), (6, 5, 7, 1)])
def test_gradients_are_the_slope_of_the_loss(
    activation: str, N: int, D: int, H: int, C: int, rng: np.random.Generator
) -> None:
    """Loss and gradients agree with finite differences of the float64 loss in every parameter."""
    X, y = rng.standard_normal((N, D), np.float32), rng.integers(0, C, N).astype(np.int32)
    model = TwoLayerNetwork(D, H, C, activation, seed=1)
    for name in ("b1", "b2"):
        parameter = model.parameters[name]
        parameter.set(rng.standard_normal(parameter.shape, np.float32))
    loss, gradients = model.gradients(to_device(X), to_device(y, np.int32))

    p = {name: parameter.get().astype(np.float64) for name, parameter in model.parameters.items()}
    X_true = X.astype(np.float64)
    true_loss = loss_true(X_true, y, activation, p)
    assert float(loss.get()[0]) == pytest.approx(true_loss, rel=1e-5, abs=1e-6)
    assert list(gradients) == ["W1", "b1", "W2", "b2"]
    for name, at in p.items():
        slopes = np.empty_like(at)
        for i in np.ndindex(at.shape):
            value, h = at[i], 1e-6
            at[i] = value + h
            above = loss_true(X_true, y, activation, p)
            at[i] = value - h
            slopes[i] = (above - loss_true(X_true, y, activation, p)) / (2 * h)
            at[i] = value
        np.testing.assert_allclose(gradients[name].get(), slopes, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("activation", PHI)
def test_forward(activation: str, rng: np.random.Generator) -> None:
    """`forward` is the hidden activations and the logits, `scores` the logits alone."""
    X = rng.standard_normal((31, 17), np.float32)
    model = TwoLayerNetwork(17, 19, 3, activation)
    p = {name: parameter.get().astype(np.float64) for name, parameter in model.parameters.items()}
    A, Z = model.forward(to_device(X))
    true_A, true_Z = forward_true(X.astype(np.float64), activation, p)
    # dot products of 17 and 19 terms of size 1: 20 roundings of 6e-8 each, a few in a row
    np.testing.assert_allclose(A.get(), true_A, atol=5e-6)
    np.testing.assert_allclose(Z.get(), true_Z, atol=5e-6)
    np.testing.assert_array_equal(model.scores(to_device(X)).get(), Z.get())


def test_step_updates_all_from_the_old_parameters(rng: np.random.Generator) -> None:
    """Every update uses the gradients before the step: W1's, too, which depends on the old W2."""
    X, y = to_device(rng.standard_normal((19, 7))), to_device(rng.integers(0, 3, 19), np.int32)
    model = TwoLayerNetwork(7, 5, 3, "tanh")
    before = {name: parameter.get() for name, parameter in model.parameters.items()}
    loss, gradients = model.gradients(X, y)
    expected_loss = loss.get()
    slopes = {name: gradient.get() for name, gradient in gradients.items()}
    np.testing.assert_array_equal(model.step(X, y, 0.5).get(), expected_loss)
    for name, parameter in model.parameters.items():
        expected = before[name] - 0.5 * slopes[name]
        np.testing.assert_allclose(parameter.get(), expected, rtol=1e-6, atol=1e-7)


def test_steps_allocate_nothing_in_the_steady_state(rng: np.random.Generator) -> None:
    """After the first steps, the pool serves every array of a step without a device allocation."""
    X, y = to_device(rng.standard_normal((64, 20))), to_device(rng.integers(0, 3, 64), np.int32)
    model = TwoLayerNetwork(20, 16, 3)
    for _ in range(2):
        model.step(X, y, 0.1)
    before = pool.managed_bytes
    for _ in range(5):
        model.step(X, y, 0.1)
    assert pool.managed_bytes == before


def test_initial_parameters() -> None:
    """One generator draws W1, then W2; the variance is 1 / fan-in; biases are 0."""
    model = TwoLayerNetwork(12, 8, 4, seed=9)
    rng = np.random.default_rng(9)
    W1 = (rng.standard_normal((12, 8)) * np.sqrt(1 / 12)).astype(np.float32)
    W2 = (rng.standard_normal((8, 4)) * np.sqrt(1 / 8)).astype(np.float32)
    for name, expected in {"W1": W1, "b1": np.zeros(8), "W2": W2, "b2": np.zeros(4)}.items():
        np.testing.assert_array_equal(model.parameters[name].get(), expected)


def test_xor_by_hand() -> None:
    """The network built by hand gives the right class of XOR a probability of at least 0.9."""
    X, y = data.xor()
    network = xor_network()
    Z = network.scores(to_device(X)).get().astype(np.float64)
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    assert p[np.arange(4), y].min() >= 0.9


def test_xor_is_two_ors_and_an_and() -> None:
    """The hidden units are the OR of the inputs, and the OR of their negations."""
    X, _ = data.xor()
    A, _ = xor_network().forward(to_device(X))
    np.testing.assert_array_equal(A.get().round(), [[0, 1], [1, 1], [1, 1], [1, 0]])
