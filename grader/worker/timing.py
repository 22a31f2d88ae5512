"""Takes times of what is loaded: a launcher on large arrays, or training steps of a model.

What is timed is prepared once and stays on the device; the judge then asks for bursts, in an order
of its own, and at the end for a part of the results of the last run that was timed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.worker.values import describe

if TYPE_CHECKING:
    from collections.abc import Callable

FLUSH_BYTES = 256 << 20
"""Written before each launch: more than any device's cache, and long enough that the host has
queued the launch before the device gets to it."""

RUNS = 5
"""Of steps in one measurement."""


class Kernel:
    """A launcher of kernels.py on arrays of which the judge sent the first rows.

    Args:
        launch: the function.
        request: {"arguments": [{"tile": i, "rows": N} | {"value": v}], …}: array i of the frame,
            repeated to N rows, or a JSON value.
        arrays: of the frame.
    """

    def __init__(
        self, launch: Callable[..., Any], request: dict[str, Any], arrays: list[Any]
    ) -> None:
        import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from
        from pycuda import gpuarray  # noqa: PLC0415 - as above

        self._cuda, self._launch = cuda, launch
        self._flushed = gpuarray.empty(FLUSH_BYTES // 4, np.float32)
        self._pristine = [
            _tiled(arrays[entry["tile"]], entry["rows"]) if "tile" in entry else None
            for entry in request["arguments"]
        ]
        self._arguments = [
            entry.get("value") if pristine is None else pristine.copy()
            for entry, pristine in zip(request["arguments"], self._pristine, strict=True)
        ]
        self._returned: Any = None

    def burst(self, count: int) -> list[float]:
        """Time some launches in µs, each with inputs as sent and a cold cache."""
        cuda = self._cuda
        events = [(cuda.Event(), cuda.Event()) for _ in range(count)]
        for start, end in events:
            self._returned = None  # its memory goes back to the pool, as in a training loop
            for argument, pristine in zip(self._arguments, self._pristine, strict=True):
                if pristine is not None:
                    cuda.memcpy_dtod_async(argument.gpudata, pristine.gpudata, pristine.nbytes)
            cuda.memset_d32_async(self._flushed.gpudata, 0, FLUSH_BYTES // 4)
            start.record()
            self._returned = self._launch(*self._arguments)
            end.record()
        cuda.Context.synchronize()
        return [1e3 * float(start.time_till(end)) for start, end in events]

    def results(self, rows: list[int], reply: list[Any]) -> list[Any]:
        """What the last launch returned and made of its arguments: some rows of each array."""
        returned = self._returned
        items = list(returned) if isinstance(returned, tuple | list) else [returned]
        device = [item for item in [*items, *self._arguments] if hasattr(item, "gpudata")]
        return [describe(_rows(array, rows), reply, {}) for array in device]


class Steps:
    """Training steps of a model on one minibatch, the loss left on the device.

    Args:
        make: the model's class.
        request: {"sizes": its arguments, "learning_rate": η}.
        arrays: X and y.
    """

    def __init__(
        self, make: Callable[..., Any], request: dict[str, Any], arrays: list[Any]
    ) -> None:
        import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from
        from pycuda import gpuarray  # noqa: PLC0415 - as above

        self._synchronize = cuda.Context.synchronize
        self._model = make(*request["sizes"])
        self._inputs = [gpuarray.to_gpu(array) for array in arrays]
        self._rate = float(request["learning_rate"])
        self._losses: list[Any] = []

    def burst(self, count: int) -> list[float]:
        """Time steps in µs: queued one after the other, as in training.

        Of several short runs the quickest counts: what else the host does only adds to a step.
        """
        step, (X, y), rate = self._model.step, self._inputs, self._rate
        times_us = []
        for _ in range(RUNS):
            self._synchronize()
            begun = time.perf_counter()
            losses = [step(X, y, rate) for _ in range(count)]
            self._synchronize()
            times_us.append(1e6 * (time.perf_counter() - begun) / count)
            self._losses += losses
        return [min(times_us)]

    def results(self, rows: list[int], reply: list[Any]) -> list[Any]:
        """The losses of all steps, from the first."""
        del rows
        losses = [x.get() if hasattr(x, "gpudata") else x for x in self._losses]
        return [describe(np.asarray(losses, np.float32).reshape(-1), reply, {})]


class Copy:
    """A copy on the device, whose bandwidth is what any kernel can hope for."""

    def __init__(self, size_bytes: int) -> None:
        import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from
        from pycuda import gpuarray  # noqa: PLC0415 - as above

        self._cuda, self._size_bytes = cuda, size_bytes
        self._source, self._target = (
            gpuarray.zeros(size_bytes // 4, np.float32),
            gpuarray.zeros(size_bytes // 4, np.float32),
        )

    def burst(self, count: int) -> list[float]:
        """Time some copies in µs."""
        cuda, times = self._cuda, []
        for _ in range(count):
            start, end = cuda.Event(), cuda.Event()
            start.record()
            cuda.memcpy_dtod_async(self._target.gpudata, self._source.gpudata, self._size_bytes)
            end.record()
            end.synchronize()
            times.append(1e3 * float(start.time_till(end)))
        return times

    def results(self, rows: list[int], reply: list[Any]) -> list[Any]:
        """Nothing."""
        del rows, reply
        return []


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

    def burst(self, count: int) -> list[float]:
        """Take steps both ways; return how many launches of kernels the replays made."""
        import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

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
        return [float(len(made))]

    def results(self, rows: list[int], reply: list[Any]) -> list[Any]:
        """The parameters of the graphed model, then those of the plain one."""
        del rows
        models = self._graphed, self._plain
        return [describe(p, reply, {}) for model in models for p in model.parameters.values()]


def prepare(resolve: Callable[[str], Any], request: dict[str, Any], arrays: list[Any]) -> Any:
    """Make what is to be timed.

    Args:
        resolve: the object behind a name of the submission.
        request: {"copy_bytes"}, or {"what": "kernels.bias_add", "arguments"}, or {"what":
            "network.TwoLayerNetwork", "sizes", "learning_rate"}, with "graph": True for a graph.
        arrays: of the frame.
    """
    if "copy_bytes" in request:
        return Copy(int(request["copy_bytes"]))
    what = resolve(request["what"])
    if "arguments" in request:
        return Kernel(what, request, arrays)
    if request.get("graph"):
        return Graph(resolve("training.graphed_step"), what, request, arrays)
    return Steps(what, request, arrays)


def _tiled(rows: Any, count: int) -> Any:
    """Rows on the device, repeated to so many."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from
    from pycuda import gpuarray  # noqa: PLC0415 - as above

    seed = gpuarray.to_gpu(np.ascontiguousarray(rows))
    out = gpuarray.empty((count, *rows.shape[1:]), rows.dtype)
    for start in range(0, out.nbytes, seed.nbytes):
        size = min(seed.nbytes, out.nbytes - start)
        cuda.memcpy_dtod(int(out.gpudata) + start, seed.gpudata, size)
    return out


def _rows(array: Any, rows: list[int]) -> Any:
    """Some rows of a device array, on the host; a small array whole."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    if not rows or rows[-1] >= array.shape[0]:
        return array.get()
    out = np.empty((len(rows), *array.shape[1:]), array.dtype)
    width = array.nbytes // array.shape[0]
    for place, row in enumerate(rows):
        cuda.memcpy_dtoh(out[place : place + 1], int(array.gpudata) + int(row) * width)
    return out
