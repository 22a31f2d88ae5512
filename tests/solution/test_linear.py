import numpy as np
import numpy.typing as npt
import pytest
from device import to_device
from linear import LinearClassifier

Doubles = npt.NDArray[np.float64]


def loss_true(X: Doubles, y: npt.NDArray[np.int32], W: Doubles, b: Doubles) -> float:
    """Return the mean loss in float64 (eq. 1, 3, 4)."""
    Z = X @ W + b
    Z -= Z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y]))


@pytest.mark.parametrize(("N", "D", "C"), [(1, 5, 3), (29, 37, 13), (7, 3, 1)])
def test_both_gradients_are_the_slope_of_the_loss(
    N: int, D: int, C: int, rng: np.random.Generator
) -> None:
    """Both ways to the gradients agree with finite differences of the float64 loss."""
    X, y = rng.standard_normal((N, D)).astype(np.float32), rng.integers(0, C, N).astype(np.int32)
    model = LinearClassifier(D, C, seed=1)
    model.parameters["b"].set(rng.standard_normal(C, np.float32))
    W, b = (p.get().astype(np.float64) for p in model.parameters.values())
    X_device, y_device = to_device(X), to_device(y, np.int32)
    X_true = X.astype(np.float64)

    for way in (model.gradients, model.gradients_by_reduction):
        loss, gradients = way(X_device, y_device)
        assert loss.shape == (1,)
        assert float(loss.get()[0]) == pytest.approx(loss_true(X_true, y, W, b), rel=1e-5, abs=1e-6)
        for name, at in (("W", W), ("b", b)):
            slopes = np.empty_like(at)
            for i in np.ndindex(at.shape):
                value, h = at[i], 1e-5
                at[i] = value + h
                above = loss_true(X_true, y, W, b)
                at[i] = value - h
                slopes[i] = (above - loss_true(X_true, y, W, b)) / (2 * h)
                at[i] = value
            # h² of the difference quotient, 1e-16 / h of its cancellation, float32 of the rest
            np.testing.assert_allclose(gradients[name].get(), slopes, rtol=1e-4, atol=2e-6)


def test_step_uses_the_gradients_before_the_update(rng: np.random.Generator) -> None:
    """A step is w − η·gradient with the old parameters, in place, and returns the old loss."""
    X, y = to_device(rng.standard_normal((19, 7))), to_device(rng.integers(0, 3, 19), np.int32)
    model = LinearClassifier(7, 3)
    W = model.parameters["W"]
    before = W.get()
    loss, gradients = model.gradients(X, y)
    expected_loss, dW = loss.get(), gradients["W"].get()
    np.testing.assert_array_equal(model.step(X, y, 0.5).get(), expected_loss)
    assert model.parameters["W"] is W
    np.testing.assert_allclose(W.get(), before - 0.5 * dW, rtol=1e-6, atol=1e-7)


def test_initial_parameters() -> None:
    """W is default_rng(seed)'s normals times sqrt(1/D) in float32, and b is 0."""
    model = LinearClassifier(784, 10, seed=3)
    W = (np.random.default_rng(3).standard_normal((784, 10)) * np.sqrt(1 / 784)).astype(np.float32)
    np.testing.assert_array_equal(model.parameters["W"].get(), W)
    np.testing.assert_array_equal(model.parameters["b"].get(), np.zeros(10, np.float32))
