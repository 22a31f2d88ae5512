"""A device in virtual time, and workers on it: what times come to can be tested without a GPU.

Work is queued; it takes effect when it is done, in order within a stream. The host's clock and the
device's advance by what calls and kernels take, with noise where a test wants it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.timing.contender import Contender
from grader.timing.lockstep import Pair
from grader.worker import stepping, timing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALL_US = 2.0
"""Of the host, for anything asked of the device."""

BYTES_PER_US = 1e3
"""So slow that small arrays take the time of large ones."""

FLUSH_US = 300.0

PIPE_US = 150.0
"""For a request and its reply."""


class Array:
    """Device memory."""

    def __init__(self, device: Device, data: Any, release_us: float = 0.0) -> None:
        self.device, self.data, self._release_us = device, data, release_us
        self.gpudata = device.address(data.nbytes)

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    nbytes = property(lambda self: self.data.nbytes)

    def get(self) -> Any:
        """Wait for the default stream, and read."""
        self.device.synchronize()
        return self.data.copy()

    def __del__(self) -> None:
        self.device.now += self._release_us


@dataclass
class Device:
    """One device, one host: their clocks in µs.

    Attributes:
        noise: draws the factor by which a piece of work takes longer.
        hiccup: draws how long the host is kept from working at a call.
    """

    noise: Callable[[], float] = lambda: 1.0
    hiccup: Callable[[], float] = lambda: 0.0
    now: float = 0.0
    free: dict[str, float] = field(default_factory=dict)
    _pending: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _next_address: int = 1 << 20
    _count: int = 0

    def address(self, size_bytes: int) -> int:
        """Of fresh memory."""
        self._next_address += size_bytes
        return self._next_address - size_bytes

    def work(
        self, us: float, effect: Callable[[], None] | None = None, stream: str = "default"
    ) -> float:
        """Queue work that takes so long, and return when it will be done."""
        self.now += CALL_US + self.hiccup()
        done = max(self.now, self.free.get(stream, 0.0)) + us * self.noise()
        self.free[stream] = done
        self._count += 1
        if effect is not None:
            self._pending.append((done, self._count, effect))
        return done

    def synchronize(self) -> None:
        """Wait for all streams; work takes effect in the order in which it is done."""
        self.now = max(self.now, *self.free.values(), 0.0) + CALL_US
        due = sorted(self._pending, key=lambda item: item[:2])
        self._pending = []
        for _, _, effect in due:
            effect()


class Driver:
    """As `grader.worker.driver.Driver`, on the simulated device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.synchronize = device.synchronize

    def event(self) -> dict[str, float]:
        """An event."""
        return {}

    def record(self, event: dict[str, float]) -> None:
        """Note when the default stream gets here."""
        event["at"] = self.device.work(0.0)

    def between_us(self, start: dict[str, float], end: dict[str, float]) -> float:
        """The time between two events."""
        return end["at"] - start["at"]

    def now_us(self) -> float:
        """The host's clock."""
        return self.device.now

    def is_array(self, value: Any) -> bool:
        """Whether it is a device array."""
        return isinstance(value, Array)

    def array(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A device array of NaN."""
        return Array(
            self.device, np.full(shape, -1 if np.dtype(dtype).kind == "i" else np.nan, dtype)
        )

    def upload(self, array: Any) -> Array:
        """A host array's copy."""
        return Array(self.device, np.array(array))

    def copy(self, target: Array, source: Array, *, start: int = 0) -> None:
        """Fill an array with as many bytes of another."""
        goal, origin = target.data, source.data  # not the arrays: they may be given back meanwhile

        def effect() -> None:
            data = np.ascontiguousarray(origin).reshape(-1).view(np.uint8)
            goal[...] = data[start : start + goal.nbytes].view(goal.dtype).reshape(goal.shape)

        self.device.work(target.nbytes / BYTES_PER_US, effect)

    def copy_by_kernel(self, target: Array, source: Array) -> None:
        """Fill an array with another."""
        self.copy(target, source)

    def fill(self, array: Array, word: int = 0xFFFFFFFF) -> None:
        """Fill an array."""
        data = array.data

        def effect() -> None:
            data.reshape(-1).view(np.uint32)[...] = word

        self.device.work(min(array.nbytes / BYTES_PER_US, FLUSH_US), effect)

    def tiled(self, rows: Any, count: int) -> Array:
        """Rows, repeated."""
        return Array(self.device, np.resize(rows, (count, *rows.shape[1:])))

    def rows(self, array: Array, rows: list[int]) -> Any:
        """Some rows, or the whole of a small array."""
        data = array.get()
        return data if not rows or rows[-1] >= len(data) else data[rows]


class Worker:
    """Answers as a timing worker does.

    Args:
        driver: of its process.
        functions: what is timed, by "module.function".
    """

    def __init__(self, driver: Driver, functions: dict[str, Callable[..., Any]]) -> None:
        self._driver, self._functions, self._timed = driver, functions, None
        self.events: tuple[Any, ...] = ()

    def ask(self, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Answer a request."""
        device = self._driver.device
        device.now += PIPE_US + device.hiccup()
        reply: list[Any] = []
        if request["op"] == "load":
            return {}, []
        if request["do"] != "prepare":
            return timing.answer(self._timed, request, reply), reply
        self._timed = self._prepare(request, arrays)
        return {}, []

    def kill(self) -> None:
        """Nothing is there to end."""

    def _prepare(self, request: dict[str, Any], arrays: list[Any]) -> Any:
        driver: Any = self._driver
        if "copy_bytes" in request:
            return timing.Copy(driver, 1 << 20)
        function = self._functions[request["what"]]
        kind: Any = timing.Kernel if "arguments" in request else stepping.Steps
        return kind(driver, function, request, arrays)


def pair(
    own: Worker,
    reference: Worker,
    device: Device,
    folder: Path,
    seed: int = 0,
    pids: tuple[int, ...] = (),
) -> Pair:
    """Both workers, and a judge with the host's clock."""

    def clock() -> float:
        return 1e-6 * device.now

    sides = [Contender(worker, folder, folder, clock) for worker in (own, reference)]
    return Pair(sides[0], sides[1], seed, pids)
