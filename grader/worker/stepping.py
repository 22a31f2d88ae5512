"""Training steps that are timed, or compared with their replays as a graph; see `timing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.worker.driver import Driver

ADDRESSES = 2
"""Of each input; runs take turns."""

MOST_LOSSES = 50
"""Of a run that are shown: so far rounding parts no two right curves (DESIGN: 2e-7 after 100)."""


class Steps:
    """Training steps of a model on minibatches, the losses left on the device.

    Args:
        device: the driver's functions.
        make: the model's class.
        request: {"sizes": its arguments, "learning_rate": η, "batch": examples in a minibatch}.
        arrays: X and y of all minibatches, one after the other.
    """

    def __init__(
        self, device: Driver, make: Callable[..., Any], request: dict[str, Any], arrays: list[Any]
    ) -> None:
        self._driver, self._rate = device, float(request["learning_rate"])
        batch = int(request.get("batch", len(arrays[0])))
        self._minibatches = [
            [device.upload(array[start : start + batch]) for array in arrays]
            for start in range(0, len(arrays[0]), batch)
        ]
        self._inputs = [
            [device.array(part.shape, part.dtype) for part in self._minibatches[0]]
            for _ in range(ADDRESSES)
        ]
        self._model = make(*request["sizes"])
        self._initial = {name: self._copied(p) for name, p in self._model.parameters.items()}
        self._losses: list[Any] = []

    def burst(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take runs of steps, queued one after the other as in training, each from the beginning.

        Args:
            order: {"count": steps a run, "shifts": which minibatch and address, one a run, "rate":
                the learning rate}.

        Returns:
            {"figures": µs a step of each run, "queued_us": the least that the host took to ask for
            a step}.
        """
        device, step = self._driver, self._model.step
        rate, count = float(order.get("rate", self._rate)), int(order["count"])
        times_us, queued_us = [], []
        self._losses = []
        for shift in order["shifts"]:
            X, y = self._begin(int(shift))
            device.synchronize()
            begun_us = device.now_us()
            losses = [step(X, y, rate) for _ in range(count)]
            queued_us.append((device.now_us() - begun_us) / count)
            device.synchronize()
            times_us.append((device.now_us() - begun_us) / count)
            self._losses += losses[:MOST_LOSSES]
        return {"figures": times_us, "queued_us": min(queued_us)}

    def results(self, rows: list[int]) -> list[Any]:
        """The first losses of each run of the last burst."""
        del rows
        losses = [x.get() if hasattr(x, "gpudata") else x for x in self._losses]
        return [np.asarray(losses, np.float32).reshape(-1)]

    def _begin(self, shift: int) -> list[Any]:
        """The inputs of a run; the parameters are the initial ones again."""
        many = len(self._minibatches)
        inputs = self._inputs[shift // many % ADDRESSES]
        for target, source in zip(inputs, self._minibatches[shift % many], strict=True):
            self._driver.copy(target, source)
        for name, value in self._initial.items():
            self._driver.copy(self._model.parameters[name], value)
        return inputs

    def _copied(self, array: Any) -> Any:
        copy = self._driver.array(array.shape, array.dtype)
        self._driver.copy(copy, array)
        return copy


class Graph:
    """`training.graphed_step` of one model, beside plain steps of another with equal parameters.

    Args:
        graphed_step: the function.
        make: the models' class.
        request: {"sizes": the models' arguments, "learning_rate": η}.
        arrays: X and y.
    """

    def __init__(
        self,
        graphed_step: Callable[..., Any],
        make: Callable[..., Any],
        request: dict[str, Any],
        arrays: list[Any],
    ) -> None:
        from pycuda import gpuarray  # noqa: PLC0415 - the backend decides where it comes from

        self._graphed, self._plain = make(*request["sizes"]), make(*request["sizes"])
        self._inputs = [gpuarray.to_gpu(array) for array in arrays]
        self._rate = float(request["learning_rate"])
        self._replay = graphed_step(self._graphed, *self._inputs, self._rate)
        self._launches = 0

    def burst(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take steps both ways; the only figure is how many kernels the replays launched."""
        import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

        count = int(order["count"])
        launch, made = cuda.Function._launch_kernel, []  # noqa: SLF001 - the seam PyCUDA itself uses

        def counted(*arguments: Any) -> Any:
            made.append(arguments[0])
            return launch(*arguments)

        cuda.Function._launch_kernel = counted  # noqa: SLF001 - as above
        try:
            for _ in range(count):
                self._replay()
        finally:
            cuda.Function._launch_kernel = launch  # noqa: SLF001 - as above
        for _ in range(count):
            self._plain.step(*self._inputs, self._rate)
        return {"figures": [float(len(made))]}

    def results(self, rows: list[int]) -> list[Any]:
        """The parameters of the graphed model, then those of the plain one."""
        del rows
        models = self._graphed, self._plain
        return [p.get() for model in models for p in model.parameters.values()]
