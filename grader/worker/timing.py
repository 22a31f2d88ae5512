"""Takes times of what is loaded: a launcher on large arrays, or training steps of a model.

What is timed is prepared once and stays on the device. The judge then orders bursts: how many, with
which inputs, and afterwards asks for a part of what they left behind. No two launches see the same
numbers, nor always the same addresses; what a launch returned is copied as the end event passes,
and then destroyed, so that only work that was done in time, each time, looks right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader.protocol import DTYPES
from grader.worker import driver
from grader.worker.stepping import Graph, Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.worker.driver import Driver

bind = driver.bind

FLUSH_BYTES = 256 << 20
"""Written before each launch: more than any device's cache, and long enough that the host has
queued the launch before the device gets to it."""

ADDRESSES = 2
"""Of each input; launches take turns."""


class Input:
    """An array in device memory whose rows are shifted from launch to launch.

    Args:
        device: the driver's functions.
        tile: rows that are repeated.
        rows: to so many; None: the tile alone, never shifted.
    """

    def __init__(self, device: Driver, tile: Any, rows: int | None) -> None:
        self._driver, self._period = device, 1 if rows is None else len(tile)
        count = len(tile) if rows is None else rows
        self._pristine = device.tiled(tile, count + self._period - 1)
        self._row_bytes = tile.nbytes // len(tile)
        shape = (count, *tile.shape[1:])
        self._arrays = [device.array(shape, tile.dtype) for _ in range(ADDRESSES)]

    def refresh(self, shift: int) -> Any:
        """The array with row n as the tile's row (n + shift) modulo its length."""
        array = self._arrays[shift % ADDRESSES]
        start = shift % self._period * self._row_bytes
        self._driver.copy(array, self._pristine, start=start)
        return array


class Kernel:
    """A launcher of kernels.py on arrays of which the judge sent the first rows.

    Args:
        device: the driver's functions.
        launch: the function.
        request: {"arguments": [{"tile": i, "rows": N} | {"tile": i} | {"value": v}], …}: array i of
            the frame, repeated to N rows or as it is, or a JSON value.
        arrays: of the frame.
    """

    def __init__(
        self,
        device: Driver,
        launch: Callable[..., Any],
        request: dict[str, Any],
        arrays: list[Any],
    ) -> None:
        self._driver, self._launch = device, launch
        self._flushed = device.array((FLUSH_BYTES // 4,), np.float32)
        self._inputs = [
            Input(device, arrays[entry["tile"]], entry.get("rows")) if "tile" in entry else entry
            for entry in request["arguments"]
        ]
        self._made: list[Any] = []
        self._copies: list[Any] = []
        self._returned: Any = None

    def burst(self, order: dict[str, Any]) -> dict[str, Any]:
        """Launch once for each shift, with fresh inputs and a cold cache.

        Args:
            order: {"shifts": of the inputs' rows, one a launch}; with "in_a_row": True the cache is
                not flushed and nothing is copied at the end events, so that little but the launches
                takes the judge's time.

        Returns:
            {"figures": times in µs, "released_us": what giving memory back took in all}.
        """
        device, times_us, released_us = self._driver, [], 0.0
        in_a_row = bool(order.get("in_a_row"))
        for shift in order["shifts"]:
            released_us += self._destroy()
            arguments = [
                item.refresh(int(shift)) if isinstance(item, Input) else item["value"]
                for item in self._inputs
            ]
            if not in_a_row:
                device.fill(self._flushed, 0)
            start, end = device.event(), device.event()
            device.record(start)
            self._returned = self._launch(*arguments)
            device.record(end)
            self._made = self._left_by(arguments)
            self._keep([] if in_a_row else self._made)
            device.synchronize()
            times_us.append(device.between_us(start, end))
        return {"figures": times_us, "released_us": released_us}

    def _destroy(self) -> float:
        """Spoil what the launch before made and give it back; how many µs the latter took."""
        while self._made:
            self._driver.fill(self._made.pop())
        begun_us = self._driver.now_us()
        self._returned = None  # to the pool, as in a training loop
        return self._driver.now_us() - begun_us

    def _left_by(self, arguments: list[Any]) -> list[Any]:
        """The arrays that the launch returned, or its first argument if it returned none."""
        returned = self._returned
        items = list(returned) if isinstance(returned, tuple | list) else [returned]
        made = [item for item in items if self._driver.is_array(item)]
        return made or [item for item in arguments if self._driver.is_array(item)][:1]

    def _keep(self, made: list[Any]) -> None:
        """Copy arrays, in the order of the stream: right behind the end event."""
        for place, array in enumerate(made):
            if place == len(self._copies):
                self._copies.append(None)
            copy = self._copies[place]
            if copy is None or (copy.shape, copy.dtype) != (array.shape, array.dtype):
                self._copies[place] = copy = self._driver.array(array.shape, array.dtype)
            self._driver.copy(copy, array)
        del self._copies[len(made) :]

    def results(self, rows: list[int]) -> list[Any]:
        """Some rows of what the last launch made: as the end event passed, then as it is now."""
        return [self._driver.rows(array, rows) for array in (*self._copies, *self._made)]


class Copy:
    """Copies on the device, whose bandwidth is what any kernel can hope for.

    Args:
        device: the driver's functions.
        size_bytes: of a copy.
    """

    def __init__(self, device: Driver, size_bytes: int) -> None:
        self._driver = device
        self._flushed = device.array((FLUSH_BYTES // 4,), np.float32)
        source, target = (device.array((size_bytes // 4,), np.float32) for _ in range(2))
        device.fill(source, 0)
        self._ways = driver.ways_to_copy(device, target, source)
        self._shape = source.shape

    def burst(self, order: dict[str, Any]) -> dict[str, Any]:
        """Time some copies as kernels are timed, and what giving one array's memory back takes.

        Args:
            order: {"copies": how many, "way": one of `grader.worker.driver.WAYS`}.
        """
        device, times_us = self._driver, []
        copy = self._ways[order["way"]]
        spare = device.array(self._shape, np.float32)
        for _ in range(int(order["copies"])):
            device.fill(self._flushed, 0)
            start, end = device.event(), device.event()
            device.record(start)
            copy()
            device.record(end)
            device.synchronize()
            times_us.append(device.between_us(start, end))
        begun_us = device.now_us()
        del spare
        return {"figures": times_us, "released_us": device.now_us() - begun_us}

    def results(self, rows: list[int]) -> list[Any]:
        """Nothing."""
        del rows
        return []


def answer(timed: Any, request: dict[str, Any], reply: list[Any]) -> dict[str, Any]:
    """What a burst or a look at its results came to.

    Args:
        timed: made by `prepare`.
        request: {"do": "burst", …} or {"do": "results", "rows"}.
        reply: receives the arrays of the results.
    """
    if request["do"] == "burst":
        return dict(timed.burst(request))
    found = timed.results(list(request["rows"]))
    reply += [x if str(x.dtype) in DTYPES else np.empty(0, np.float32) for x in found]
    return {}


def prepare(resolve: Callable[[str], Any], request: dict[str, Any], arrays: list[Any]) -> Any:
    """Make what is to be timed.

    Args:
        resolve: the object behind a name of the submission.
        request: {"copy_bytes"}, or {"what": "kernels.bias_add", "arguments"}, or {"what":
            "network.TwoLayerNetwork", "sizes", "learning_rate", "batch"}, with "graph": True for a
            graph.
        arrays: of the frame.
    """
    device = driver.bound()
    if "copy_bytes" in request:
        return Copy(device, int(request["copy_bytes"]))
    what = resolve(request["what"])
    if "arguments" in request:
        return Kernel(device, what, request, arrays)
    if request.get("graph"):
        return Graph(resolve("training.graphed_step"), what, request, arrays)
    return Steps(device, what, request, arrays)
