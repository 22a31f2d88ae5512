"""One side of a pair: a worker that takes times of a submission, or of the reference.

Its answers come from the process in which student code runs. What no worker of the grader's would
say is a forgery, and named so; what it could say is for `grader.timing.trust` to believe or not.
"""

from __future__ import annotations

import os
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from grader.integrity import WROTE_TO_PIPE
from grader.limits import BudgetSpentError, WorkerDiedError
from grader.timing.trust import Burst
from grader.turns import KERNELS
from grader.verdicts import CheckFailure, NotJudged, OwnFault, RaisedInSubmission, raise_if_own
from grader.worker.driver import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from grader.budget import Budget

    Array = NDArray[Any]

COPY_BYTES = 128 << 20
"""Of the copy whose bandwidth kernels are compared with. It touches as much as each of them, so
that as much of what is written is still in the cache when it ends."""

COPY_BURSTS, COPIES = 3, 8
"""Of each way to copy, in turn, after one burst to warm up: 20 ms in all."""

LONGEST_US = 1e12
"""Of any time that a worker tells: eleven days."""

_NONSENSE = (TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading a fault raises that no worker of ours wrote."""


@dataclass(frozen=True)
class Copied:
    """What the device does without any kernel of a submission.

    Attributes:
        bytes_per_us: read and written by a copy, the quickest way.
        release_us: what giving an array's memory back takes.
    """

    bytes_per_us: float
    release_us: float


class Asked(Protocol):
    """A worker, as `grader.process.WorkerProcess`."""

    def ask(self, request: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Send a request and return the reply and its arrays."""

    def kill(self) -> None:
        """End it."""


class Contender:
    """One side's worker.

    Args:
        worker: that takes times.
        folder: of the five files.
        device: the judge's own device.py.
        clock: the judge's, in seconds.
        cubins: kernels of the submission that are compiled already.
        budget: that the worker takes its time of.
        is_reference: no failure of its files is the submission's.

    Attributes:
        close: ends the worker; called with the last use of this, at the latest.
        is_over: the worker has ended, by itself or because it ran into a limit, or its device is
            broken for good.
    """

    def __init__(
        self,
        worker: Asked,
        folder: Path,
        device: Path,
        clock: Callable[[], float] = time.perf_counter,
        cubins: Mapping[str, Array] | None = None,
        budget: Budget | None = None,
        *,
        is_reference: bool = False,
    ) -> None:
        self._is_reference = is_reference
        self._worker, self._clock, self._budget = worker, clock, budget
        self._cubins = {} if cubins is None else cubins
        self.close = weakref.finalize(self, self._worker.kill)
        place, given = str(folder.resolve()), str(device.resolve())  # it works in another folder
        self._load = {"op": "load", "folder": place, "device": given}
        if is_reference and KERNELS in os.environ:
            self._load["kernels"] = os.environ[KERNELS]
        self.is_over = self._is_loaded = False

    def load(self) -> None:
        """Let the worker load the files, unless it has."""
        if not self._is_loaded:
            request = {**self._load, "replaced": [], "without": [], "cubins": list(self._cubins)}
            self._ask(request, list(self._cubins.values()))
            self._is_loaded = True

    def prepare(self, request: dict[str, Any], arrays: list[Array]) -> None:
        """Put on the device what is to be timed; see `grader.worker.timing`."""
        self.load()
        self._ask({"op": "time", "do": "prepare", **request}, arrays)

    def burst(self, order: dict[str, Any], sample: Callable[[], list[int]] = list) -> Burst:
        """Take a time for each of the order's shifts, and then some rows of what was made.

        Args:
            order: see `grader.worker.timing`.
            sample: draws the rows, once the burst is over.

        Raises:
            CheckFailure: the code under test raised or ended the worker, or forged its answer.
        """
        begun = self._clock()
        reply = self._burst(order)
        rows = sample()
        results = self._results(rows)
        wall_us = 1e6 * (self._clock() - begun)
        times_us = _times(reply.get("figures"), len(order["shifts"]))
        others = [reply.get(name, 0.0) for name in ("released_us", "queued_us")]
        released_us, queued_us = _times(others, len(others))
        return Burst(times_us, wall_us, released_us, queued_us, tuple(results), tuple(rows))

    def replayed(self, count: int) -> tuple[float, list[Array]]:
        """Take so many steps as a graph, and as many without one.

        Returns:
            how many kernels were launched beside the graph's, and what
            `grader.worker.stepping.Graph` shows.
        """
        (launches,) = _times(self._burst({"count": count}).get("figures"), 1)
        return launches, self._results([])

    def copied(self) -> Copied:
        """Copy arrays under the conditions under which kernels are timed."""
        self.prepare({"copy_bytes": COPY_BYTES}, [])
        order = {"copies": COPIES}
        times_us: dict[str, list[float]] = {way: [] for way in WAYS}
        released_us: list[float] = []
        for number in range(1 + COPY_BURSTS):
            for way in WAYS:
                reply = self._burst({**order, "way": way})
                taken = _times(reply.get("figures"), COPIES)
                times_us[way] += taken if number else ()
                released_us += _times([reply.get("released_us")], 1)
        quickest_us = min(float(np.median(taken)) for taken in times_us.values())
        return Copied(2 * COPY_BYTES / max(quickest_us, 1e-3), float(np.median(released_us)))

    def patched(self) -> list[str]:
        """What of the worker's own the submission was seen to replace."""
        events = getattr(self._worker, "events", ())
        return [str(event.detail) for event in events if event.kind == "patched"]

    def _burst(self, order: dict[str, Any]) -> dict[str, Any]:
        return self._ask({"op": "time", "do": "burst", **order}, [])[0]

    def _results(self, rows: list[int]) -> list[Array]:
        return self._ask({"op": "time", "do": "results", "rows": rows}, [])[1]

    def _ask(
        self, request: dict[str, Any], arrays: list[Array]
    ) -> tuple[dict[str, Any], list[Array]]:
        try:
            reply, reply_arrays = self._worker.ask(request, arrays)
        except WorkerDiedError as death:
            self.is_over = True
            if isinstance(death, BudgetSpentError) and self._budget is not None:
                raise NotJudged(self._budget.used.refusal()) from None
            if self._is_reference:
                self._raise({"type": "WorkerDiedError", "message": death.reason})
            raise CheckFailure(f"while it was timed: {death.reason}") from None
        if reply.get("fault") is not None:
            self.is_over = self.is_over or bool(reply.get("lost"))
            self._raise(reply["fault"])
        return reply, reply_arrays

    def _raise(self, fault: Any) -> None:
        """Raise what a worker says that the code under test ran into."""
        if self._is_reference:
            raise OwnFault({**fault, "type": "the reference", "ours": str(fault)})
        try:
            raise_if_own(fault)
            message = f"while it was timed: {fault.get('type')}: {fault.get('message')}"
            raise RaisedInSubmission(message, fault)
        except _NONSENSE:
            raise _forged() from None


def _times(told: object, count: int) -> tuple[float, ...]:
    """So many figures from 0 on, of the types that JSON has for numbers."""
    if not isinstance(told, list) or len(told) != count:
        raise _forged()
    if not all(type(figure) in (int, float) and 0 <= figure <= LONGEST_US for figure in told):
        raise _forged()
    return tuple(map(float, told))


def _forged() -> CheckFailure:
    return CheckFailure(f"while it was timed: {WROTE_TO_PIPE}")
