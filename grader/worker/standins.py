"""Float64 NumPy stand-ins for every function that a task builds on, with the same contract.

They let a task be judged on its own where what it builds on is wrong: one mistake costs its points
once.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np

from grader import oracle, tasks
from grader.worker import downloads

_MODELS = ("linear.LinearClassifier", "network.TwoLayerNetwork")


def names(module: str) -> list[str]:
    """The functions and methods of the contract in that module, classes' own methods included."""
    wanted = [name for task in tasks.TASKS for name in task.functions]
    return [name for name in wanted if name.split(".")[0] == module]


def put(module: types.ModuleType, name: str) -> None:
    """Replace one function or method, e.g. "linear.LinearClassifier.step", in a module.

    Where the class itself is missing, the whole class is supplied.
    """
    _, *path = name.split(".")
    if len(path) == 1:
        setattr(module, path[0], downloads.seeing(_FUNCTIONS[name]))
        return
    owner, method = path
    if not isinstance(getattr(module, owner, None), type):
        setattr(module, owner, type(owner, (_CLASSES[f"{module.__name__}.{owner}"],), {}))
    setattr(getattr(module, owner), method, downloads.seeing(_FUNCTIONS[name]))


def module(name: str) -> types.ModuleType:
    """A whole module of stand-ins, for one that does not load.

    Names of given code that others may import from it are answered, too, so that those can be
    loaded.
    """
    made = types.ModuleType(name)
    for function in names(name):
        put(made, function)
    if name == "kernels":
        vars(made)["mean_of"] = downloads.seeing(lambda losses: _put([_get(losses).mean()]))

    def absent(wanted: str) -> Any:
        if wanted.startswith("__"):
            raise AttributeError(wanted)

        def missing(*_: Any, **__: Any) -> Any:
            raise ImportError(f"{name}.{wanted} is not there, since {name}.py does not load")

        return missing

    vars(made)["__getattr__"] = absent
    return made


def _get(array: Any) -> Any:
    """A device array's values in float64 (labels as they are)."""
    values = array.get() if hasattr(array, "gpudata") else np.asarray(array)
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _put(values: Any) -> Any:
    from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

    # ascontiguousarray would make a scalar one-dimensional, and so would atleast_1d; nothing is
    # 0-d.
    return gpuarray.to_gpu(np.ascontiguousarray(values, dtype=np.float32))


def _bias_add(Z: Any, b: Any) -> None:
    Z.set((_get(Z) + _get(b)).astype(np.float32))


def _softmax_xent(Z: Any, y: Any) -> Any:
    losses, dZ = oracle.softmax_xent(_get(Z), _get(y))
    return _put(losses), _put(dZ)


def _column_mean(A: Any, out: Any = None) -> Any:
    mean = _get(A).mean(axis=0)
    if out is None:
        return _put(mean)
    out.set(mean.astype(np.float32))
    return out


def _activate(Z: Any, kind: str) -> Any:
    return _put(oracle.activate(_get(Z), kind))


def _activate_backward(dA: Any, A: Any, kind: str) -> Any:
    return _put(oracle.activate_backward(_get(dA), _get(A), kind))


def _gemm(
    A: Any,
    B: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
    out: Any = None,
) -> Any:
    left, right = _get(A), _get(B)
    product = alpha * ((left.T if transpose_a else left) @ (right.T if transpose_b else right))
    if out is None:
        if beta != 0.0:
            raise ValueError("beta needs out")
        return _put(product)
    if out.shape != product.shape:
        raise ValueError(f"out is {out.shape}, the product {product.shape}")
    if beta != 0.0:
        product = product + beta * _get(out)
    out.set(product.astype(np.float32))
    return out


def _outer_products(X: Any, dZ: Any) -> Any:
    return _put(oracle.outer_products(_get(X), _get(dZ)))


def _sgd_update(w: Any, g: Any, learning_rate: float) -> None:
    w.set((_get(w) - float(learning_rate) * _get(g)).astype(np.float32))


def _parameters(model: Any) -> dict[str, Any]:
    return {name: _get(values) for name, values in model.parameters.items()}


def _linear_scores(self: Any, X: Any) -> Any:
    p = _parameters(self)
    return _put(_get(X) @ p["W"] + p["b"])


def _linear_gradients(self: Any, X: Any, y: Any) -> Any:
    loss, gradients = oracle.linear_gradients(_parameters(self), _get(X), _get(y))
    return _put([loss]), {name: _put(values) for name, values in gradients.items()}


def _network_forward(self: Any, X: Any) -> Any:
    A, Z = oracle.network_forward(_parameters(self), _get(X), self.activation)
    return _put(A), _put(Z)


def _network_gradients(self: Any, X: Any, y: Any) -> Any:
    p = _parameters(self)
    loss, gradients = oracle.network_gradients(p, _get(X), _get(y), self.activation)
    return _put([loss]), {name: _put(values) for name, values in gradients.items()}


def _step_by(gradients: Any) -> Any:
    def step(self: Any, X: Any, y: Any, learning_rate: float) -> Any:
        loss, slopes = gradients(self, X, y)
        for name, values in self.parameters.items():
            _sgd_update(values, slopes[name], learning_rate)
        return loss

    return step


def _train(
    model: Any, X: Any, y: Any, epochs: int, batch_size: int, learning_rate: float, seed: int
) -> Any:
    from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

    losses = []
    for batch in oracle.minibatches(len(X), epochs, batch_size, seed):
        rows, labels = gpuarray.to_gpu(X[batch]), gpuarray.to_gpu(y[batch])
        loss = model.step(rows, labels, learning_rate)
        losses.append(float(np.ravel(_get(loss))[0]))
    return np.array(losses, dtype=np.float32)


def _accuracy(model: Any, X: Any, y: Any) -> float:
    return float(np.mean(_get(model.scores(_put(X))).argmax(axis=1) == y))


def _xor_network() -> Any:
    network = sys.modules["network"].TwoLayerNetwork(2, 2, 2, "sigmoid")
    for name, values in oracle.xor_parameters().items():
        network.parameters[name].set(values.astype(np.float32))
    return network


class _Linear:
    """`LinearClassifier` as given: parameters and their initialisation."""

    def __init__(self, D: int, C: int, seed: int = 0) -> None:
        initial = oracle.initial_parameters({"W": (D, C), "b": (C,)}, seed)
        self.parameters = {name: _put(values) for name, values in initial.items()}


class _Network:
    """`TwoLayerNetwork` as given: parameters, their initialisation, and `scores`."""

    def __init__(self, D: int, H: int, C: int, activation: str = "relu", seed: int = 0) -> None:
        shapes = {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}
        initial = oracle.initial_parameters(shapes, seed)
        self.parameters = {name: _put(values) for name, values in initial.items()}
        self.activation = activation

    def scores(self, X: Any) -> Any:
        """Logits (N, C)."""
        return self.forward(X)[1]  # type: ignore[attr-defined]  # put beside it


_CLASSES: dict[str, type] = dict(zip(_MODELS, (_Linear, _Network), strict=True))

_FUNCTIONS: dict[str, Any] = {
    "kernels.bias_add": _bias_add,
    "kernels.softmax_xent": _softmax_xent,
    "kernels.column_mean": _column_mean,
    "kernels.activate": _activate,
    "kernels.activate_backward": _activate_backward,
    "kernels.outer_products": _outer_products,
    "kernels.sgd_update": _sgd_update,
    "blas.gemm": _gemm,
    "linear.LinearClassifier.scores": _linear_scores,
    "linear.LinearClassifier.gradients": _linear_gradients,
    "linear.LinearClassifier.gradients_by_reduction": _linear_gradients,
    "linear.LinearClassifier.step": _step_by(_linear_gradients),
    "training.train": _train,
    "training.accuracy": _accuracy,
    "network.xor_network": _xor_network,
    "network.TwoLayerNetwork.forward": _network_forward,
    "network.TwoLayerNetwork.gradients": _network_gradients,
    "network.TwoLayerNetwork.step": _step_by(_network_gradients),
}
