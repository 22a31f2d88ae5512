"""Minibatch stochastic gradient descent, and a command that trains on all of Fashion-MNIST.

In the homework's folder: `.venv/bin/python assignment/training.py --model network`; `--help` lists
the options.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from device import gather_rows, to_device, workspace
from pycuda.gpuarray import GPUArray

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]

EVALUATION_ROWS = 10_000  # examples scored at a time: 31 MB of images, enough to fill any device


class Model(Protocol):
    """What can be trained: LinearClassifier, TwoLayerNetwork."""

    parameters: dict[str, GPUArray]

    def scores(self, X: GPUArray) -> GPUArray:
        """Return the logits (N, C) of X (N, D)."""

    def step(self, X: GPUArray, y: GPUArray, learning_rate: float) -> GPUArray:
        """Update the parameters by one minibatch, and return its loss (1,)."""


def train(
    model: Model,
    X: Floats,
    y: Labels,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> Floats:
    """Train by minibatch stochastic gradient descent (eq. 8).

    Every epoch visits each example once, in a new random order, in minibatches of `batch_size`
    examples; the last one is smaller where batch_size does not divide N.

    Args:
        model: its parameters are updated by model.step(X, y, learning_rate) -> loss (1,).
        X: (N, D) float32, on the host.
        y: (N,) int32 labels, on the host.
        epochs: how often to visit each example.
        batch_size: examples in a minibatch.
        learning_rate: η.
        seed: of the order of the examples.

    Returns:
        The loss of each step, float32 on the host, (epochs · ⌈N / batch_size⌉,).
    """
    X_device, y_device = to_device(X), to_device(y, np.int32)
    rng = np.random.default_rng(seed)
    losses: list[Floats] = []
    for _ in range(epochs):
        order = to_device(rng.permutation(len(X)), np.int32)
        # BEGIN SOLUTION 2.5
        #| # TODO(2.5): gather_rows(X_device, order) is X in this epoch's order; the minibatches are
        #| # consecutive slices of it, and the last one may be shorter. Append each step's loss, a
        #| # host array (1,), to losses, but download them after the epoch's last step: a download
        #| # waits for the device.
        X_epoch, y_epoch = gather_rows(X_device, order), gather_rows(y_device, order)
        batches = [slice(n, n + batch_size) for n in range(0, len(X), batch_size)]
        on_device = [model.step(X_epoch[b], y_epoch[b], learning_rate) for b in batches]
        losses += [loss.get() for loss in on_device]
        # END SOLUTION
    return np.concatenate(losses)


def accuracy(model: Model, X: Floats, y: Labels) -> float:
    """Return the fraction of the examples X (N, D), y (N,) that get their class's highest score.

    Both are host arrays. Of equal scores, the class with the lowest number counts.
    """
    # BEGIN SOLUTION 2.5
    #| # TODO(2.5): model.scores takes X on the device; np.argmax is fine for the rest.
    right = 0
    for n in range(0, len(X), EVALUATION_ROWS):
        Z = model.scores(to_device(X[n : n + EVALUATION_ROWS])).get()
        right += np.count_nonzero(Z.argmax(axis=1) == y[n : n + EVALUATION_ROWS])
    return right / len(X)
    # END SOLUTION


def graphed_step(
    model: Model, X: GPUArray, y: GPUArray, learning_rate: float
) -> Callable[[], None]:
    """Return a function that takes model.step(X, y, learning_rate) as one CUDA graph.

    A step of a small model is a dozen launches, each of which takes Python longer than the device.
    A graph is recorded once, and launches them all at one go. PyCUDA knows no graphs; NVIDIA's
    cuda-bindings do, and work on PyCUDA's stream.

    Args:
        model: its parameters are updated by each call of the function.
        X: (N, D) on the device. The graph reads X and y where they lie: for the next minibatch,
            copy it there.
        y: (N,) labels, int32, on the device.
        learning_rate: η, the same in each call.

    Returns:
        A function without arguments; it returns nothing, and does not wait for the device.

    Raises:
        ImportError: cuda-bindings is not installed; the emulated device has no graphs.

    Source: https://docs.nvidia.com/cuda/cuda-programming-guide/04-special-topics/cuda-graphs.html
    """
    from cuda.bindings import driver  # noqa: PLC0415  the rest of this file works without it

    # BEGIN SOLUTION 5.3
    #| # TODO(5.3): inside the `with` of a workspace(), one step of learning rate 0 compiles the
    #| # kernels and fills the pool; then capture the real step between cuStreamBeginCapture and
    #| # cuStreamEndCapture on the handle of its stream. Instantiate the graph once; launch it in
    #| # the function you return, which keeps the workspace alive. given_by(…) checks a driver call.
    with workspace() as own:
        take_step = partial(model.step, X, y)
        take_step(0.0)  # changes nothing, compiles the kernels, and fills the pool
        stream = own.stream.handle
        # Relaxed: memory may be allocated meanwhile; it comes from the pool, before the replay.
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        given_by(driver.cuStreamBeginCapture(stream, mode))
        try:
            take_step(learning_rate)  # recorded, not run
        finally:
            (graph,) = given_by(driver.cuStreamEndCapture(stream))
    (executable,) = given_by(driver.cuGraphInstantiate(graph, 0))
    given_by(driver.cuGraphDestroy(graph))
    buffers = own, model, X, y  # the graph knows addresses only: they have to stay valid

    def step() -> None:
        given_by(driver.cuGraphLaunch(executable, buffers[0].stream.handle))

    return step
    # END SOLUTION


def given_by(result: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a function of NVIDIA's cuda-bindings gives besides its status.

    Raises:
        RuntimeError: the status is not CUDA_SUCCESS.
    """
    status, *values = result
    if status != 0:
        raise RuntimeError(f"the CUDA driver answers {status.name}")
    return tuple(values)


# What follows is given: the command that trains on real data.


class Watched:
    """A model that reports each of its steps, for a progress bar."""

    def __init__(self, model: Model, on_step: Callable[[], object]) -> None:
        self.parameters, self.scores = model.parameters, model.scores
        self._step, self._on_step = model.step, on_step

    def step(self, X: GPUArray, y: GPUArray, learning_rate: float) -> GPUArray:
        """Take the model's step."""
        self._on_step()
        return self._step(X, y, learning_rate)


def run(model: Model, options: argparse.Namespace) -> Floats:
    """Train on Fashion-MNIST and print a row an epoch; return the losses (epochs, steps)."""
    from rich.progress import Progress  # noqa: PLC0415  only this command needs it

    from data import load_fashion_mnist  # noqa: PLC0415  as above

    X_train, y_train, X_test, y_test = load_fashion_mnist()
    losses = []
    with Progress(transient=True) as progress:
        progress.console.print("epoch    loss  train accuracy  test accuracy  seconds")
        for epoch in range(options.epochs):
            start = time.perf_counter()
            bar = progress.add_task("steps", total=-(-len(X_train) // options.batch_size))
            watched = Watched(model, partial(progress.advance, bar))
            rate = options.learning_rate * (1 - epoch / options.epochs)
            seed = options.seed + epoch
            losses.append(train(watched, X_train, y_train, 1, options.batch_size, rate, seed))
            seconds = time.perf_counter() - start
            progress.remove_task(bar)
            progress.console.print(
                f"{epoch + 1:5}  {losses[-1].mean():6.4f}  "
                f"{accuracy(model, X_train, y_train):14.4f}  "
                f"{accuracy(model, X_test, y_test):13.4f}  {seconds:7.2f}"
            )
    return np.array(losses)


def plot_losses(losses: Floats, file: Path) -> None:
    """Draw the loss of every step, and the mean of each epoch, as a PNG; losses (epochs, steps)."""
    from matplotlib.figure import Figure  # noqa: PLC0415  only this command draws

    epochs, steps = losses.shape
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(losses.size) / steps, losses.ravel(), linewidth=0.5, label="minibatch")
    axes.plot(np.arange(epochs) + 0.5, losses.mean(axis=1), "o-", label="mean of an epoch")
    axes.set(xlabel="epoch", ylabel="cross-entropy loss (nats)", ylim=(0, None))
    axes.legend()
    figure.savefig(file, dpi=150)


def draw_weights(weights: Floats, names: Sequence[str], file: Path) -> None:
    """Draw columns of weights (784, units) as 28 × 28 images, 10 a row, as a PNG.

    Red pixels speak for the unit, blue ones against it; every image has its own scale.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  only this command draws

    rows = -(-len(names) // 10)
    figure = Figure(figsize=(12, 1.5 * rows), layout="constrained")
    for place, (name, column) in enumerate(zip(names, weights.T, strict=True), start=1):
        axes = figure.add_subplot(rows, 10, place)
        limit = np.abs(column).max()
        axes.imshow(column.reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(name, fontsize=8)
        axes.set_axis_off()
    figure.savefig(file, dpi=150)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the command's options. The defaults reach the accuracies that the handout names."""
    parser = argparse.ArgumentParser(
        description=main.__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--model", choices=("linear", "network"), default="linear", help="what to train")
    add("--hidden", type=int, default=256, help="hidden units of the network")
    add("--epochs", type=int, default=20, help="passes over the 60,000 examples")
    add("--batch-size", type=int, default=128, help="examples in a minibatch")
    add("--learning-rate", type=float, default=0.3, help="of the first epoch; falls linearly to 0")
    add("--seed", type=int, default=0, help="of the weights and of the order of examples")
    add("--out", type=Path, default=Path(), help="folder for the pictures")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a model on Fashion-MNIST: a row an epoch, then pictures of losses and weights."""
    # train and accuracy stay usable while a model's file has a syntax error.
    from linear import LinearClassifier  # noqa: PLC0415
    from network import TwoLayerNetwork  # noqa: PLC0415

    from data import CLASS_NAMES  # noqa: PLC0415

    options = parse(arguments)
    if importlib.util.find_spec("matplotlib") is None:
        sys.exit("matplotlib draws the pictures, and is missing: python -m pip install matplotlib")

    model: Model
    names: Sequence[str]
    if options.model == "linear":
        model = LinearClassifier(784, 10, options.seed)
        losses = run(model, options)
        weights, names = model.parameters["W"].get(), CLASS_NAMES
    else:
        model = TwoLayerNetwork(784, options.hidden, 10, seed=options.seed)
        losses = run(model, options)
        W1 = model.parameters["W1"].get()
        largest = np.argsort(-np.linalg.norm(W1, axis=0))[:50]
        weights, names = W1[:, largest], [f"unit {unit}" for unit in largest]

    options.out.mkdir(parents=True, exist_ok=True)
    for picture, draw in {
        "losses": partial(plot_losses, losses),
        "weights": partial(draw_weights, weights, names),
    }.items():
        file = options.out / f"{options.model}-{picture}.png"
        draw(file)
        print(f"{picture}: {file}")


if __name__ == "__main__":
    main()
