"""Two workers side by side on one GPU: the submission in one, the reference in the other.

Each has a process of its own, so that neither can touch the other's code; only one works at a time.
"""

from __future__ import annotations

import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from grader.isolation import Level
from grader.isolation.scratch import Scratch
from grader.limits import WorkerDiedError
from grader.process import WorkerProcess
from grader.timing import plan, trust
from grader.timing.conditions import Watch
from grader.timing.ratio import Ratio, compare
from grader.timing.trust import Burst
from grader.verdicts import CheckFailure, RaisedInSubmission, raise_if_own

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from grader.timing.subjects import Kernel, Step

    Array = NDArray[Any]

COPY_BYTES = 128 << 20
"""Of the copy whose bandwidth kernels are compared with. It touches as much as each of them, so
that as much of what is written is still in the cache when it ends."""

RELEASES = 2.0
"""Times of what giving memory back takes the reference may a submission need for it."""


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

    Attributes:
        close: ends the worker; called with the last use of this, at the latest.
        is_over: the worker has ended, by itself or because it ran into a limit.
    """

    def __init__(
        self,
        worker: Asked,
        folder: Path,
        device: Path,
        clock: Callable[[], float] = time.perf_counter,
        cubins: Mapping[str, Array] | None = None,
    ) -> None:
        self._worker, self._clock = worker, clock
        self._cubins = {} if cubins is None else cubins
        self.close = weakref.finalize(self, self._worker.kill)
        place, given = str(folder.resolve()), str(device.resolve())  # it works in another folder
        self._load = {"op": "load", "folder": place, "device": given}
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
        """Take times, and then some rows of what was made meanwhile.

        Args:
            order: see `grader.worker.timing`.
            sample: draws the rows, once the burst is over.
        """
        others: tuple[Any, ...] = ()
        begun = self._clock()
        reply, _ = self._ask({"op": "time", "do": "burst", **order}, [])
        rows = sample()
        _, results = self._ask({"op": "time", "do": "results", "rows": rows}, [])
        wall_us = 1e6 * (self._clock() - begun)
        try:
            others = reply.get("released_us", 0.0), reply.get("queued_us", 0.0)
            figures = np.array([*reply["figures"], *others], dtype=float)
        except (KeyError, TypeError, ValueError):
            figures = np.array([np.nan])
        if figures.size <= len(others) or not np.all(np.isfinite(figures)) or np.any(figures < 0):
            raise CheckFailure("the worker's answer makes no sense: there are no times in it")
        *times_us, released_us, queued_us = map(float, figures)
        made = tuple(results), tuple(rows)
        return Burst(tuple(times_us), wall_us, released_us, queued_us, *made)

    def patched(self) -> list[str]:
        """What of the worker's own the submission was seen to replace."""
        events = getattr(self._worker, "events", ())
        return [str(event.detail) for event in events if event.kind == "patched"]

    def _ask(
        self, request: dict[str, Any], arrays: list[Array]
    ) -> tuple[dict[str, Any], list[Array]]:
        try:
            reply, reply_arrays = self._worker.ask(request, arrays)
        except WorkerDiedError as death:
            self.is_over = True
            raise CheckFailure(f"while it was timed: {death.reason}") from None
        fault = reply.get("fault")
        raise_if_own(fault)
        if fault is not None:
            message = f"while it was timed: {fault.get('type')}: {fault.get('message')}"
            raise RaisedInSubmission(message, fault)
        return reply, reply_arrays


class Pair:
    """A submission and the reference.

    Args:
        submission, reference: their workers.
        seed: of the order of measurements.
        watch: begins to look at the GPU, before something is timed.
        scratch: folders that live as long as the pair.

    Attributes:
        conditions: what was unusual while the last times were taken, "" for nothing.
    """

    def __init__(
        self,
        submission: Contender,
        reference: Contender,
        seed: int,
        watch: Callable[[], Watch] | None = None,
        scratch: tuple[Scratch, ...] = (),
    ) -> None:
        self.submission, self.reference = submission, reference
        self._watch, self.conditions = watch, ""
        self._scratch = scratch
        self._rng = np.random.default_rng(seed)
        self._copy_us, self._release_us = 0.0, 0.0

    @staticmethod
    def start(
        folder: Path,
        device: Path,
        seed: int,
        level: Level = Level.LIGHT,
        judges: int | None = None,
        cubins: Mapping[str, Array] | None = None,
    ) -> Pair:
        """Start both workers, which do nothing on the GPU before something is prepared.

        Args:
            folder: the submission's files.
            device: the judge's own device.py.
            seed: of the order of measurements.
            level: the walls around the submission.
            judges: process of the judge's own worker, which may be on the GPU, too.
            cubins: kernels of the submission that are compiled already.
        """
        own, other = Scratch(), Scratch()
        (other.path / "scratch").mkdir()
        workers = [
            WorkerProcess(
                own.path, "gpu", timing=True, level=level, readable=(folder.resolve(), device)
            ),
            WorkerProcess(other.path / "scratch", "gpu", timing=True),
        ]
        folders = folder, plan.reference_folder(other.path)
        for worker in workers:
            worker.wait_until_ready()
        submission = Contender(workers[0], folders[0], device, cubins=cubins)
        reference = Contender(workers[1], folders[1], device)

        def watch() -> Watch:
            pids = [judges, *(worker.pid for worker in workers)]
            return Watch([pid for pid in pids if pid is not None])

        return Pair(submission, reference, seed, watch, (own, other))

    def load(self) -> None:
        """Let both load what they need, at once: making a context takes half a second each."""
        with ThreadPoolExecutor(2) as pool:
            loading = [pool.submit(side.load) for side in (self.submission, self.reference)]
        for side in loading:
            side.result()

    @property
    def is_over(self) -> bool:
        """Whether a worker has, so that no more times can be taken."""
        return self.submission.is_over or self.reference.is_over

    def close(self) -> None:
        """End both workers."""
        self.submission.close()
        self.reference.close()

    def compare(self, subject: Kernel | Step, most: int) -> Ratio:
        """Time both on equal inputs; see `grader.timing.ratio.compare`.

        Args:
            subject: what is timed.
            most: points at stake.

        Raises:
            CheckFailure: what was timed left something wrong behind, or its times are none.
        """
        self.copy_bytes_per_us()
        for contender in (self.reference, self.submission):
            contender.prepare(subject.request, subject.arrays)
        order = subject.order(self._rng, 1)
        reference, own = (self.take(side, subject, order) for side in (1, 0))
        check(subject, order, own, reference, first=True)
        watch = None if self._watch is None else self._watch()
        rounds = _Rounds(self, subject)
        found = compare(
            lambda: subject.time_of(rounds.take(0).times_us),
            lambda: subject.time_of(rounds.take(1).times_us),
            int(self._rng.integers(1 << 32)),
            most,
        )
        self.conditions = "" if watch is None else watch.told()
        self._distrust(subject, found)
        return found

    def copy_bytes_per_us(self) -> float:
        """The bandwidth of a copy on this device, bytes read and written, measured once."""
        if not self._copy_us:
            self.reference.prepare({"copy_bytes": COPY_BYTES}, [])
            self.reference.burst({"count": 1})
            burst = self.reference.burst({"count": 10})
            self._copy_us = burst.median_us
            self._release_us = burst.released_us / len(burst.times_us)
        return 2 * COPY_BYTES / self._copy_us

    def draw(self, subject: Kernel | Step) -> dict[str, Any]:
        """The next burst's order."""
        return subject.order(self._rng)

    def take(self, side: int, subject: Kernel | Step, order: dict[str, Any]) -> Burst:
        """A burst of the submission (0) or the reference (1)."""
        contender = (self.submission, self.reference)[side]
        return contender.burst(order, lambda: subject.sample(self._rng))

    def _distrust(self, subject: Kernel | Step, found: Ratio) -> None:
        """CheckFailure where the judge's clock contradicts the times that were reported."""
        patched = self.submission.patched()
        if patched:
            seen = f"your code reached for what times are taken by ({patched[0]})"
            raise CheckFailure(seen, void=seen)
        launches = trust.size(found.time_us, found.reference_us)
        _, per_time = subject.times_of(launches)
        own: list[Burst] = []
        reference: list[Burst] = []
        told = ""
        for _ in range(trust.ATTEMPTS):
            for _ in range(trust.BURSTS):
                order = subject.order(self._rng, launches)
                for side in self._rng.permutation(2):
                    (own, reference)[side].append(self.take(int(side), subject, order))
                check(subject, order, own[-1], reference[-1])
            release_us = RELEASES * self._release_us
            told = trust.contradiction(own, reference, found.high, per_time, release_us)
            if not told:
                return
        raise CheckFailure(told, void=told)


class _Rounds:
    """Bursts of both sides in the order in which they are asked for, each pair of equal orders."""

    def __init__(self, pair: Pair, subject: Kernel | Step) -> None:
        self._pair, self._subject = pair, subject
        self._order: dict[str, Any] = {}
        self._taken: dict[int, Burst] = {}

    def take(self, side: int) -> Burst:
        """The next burst of a side; the second of a round is followed by a look at the results."""
        if not self._taken:
            self._order = self._pair.draw(self._subject)
        self._taken[side] = burst = self._pair.take(side, self._subject, self._order)
        if len(self._taken) == 2:  # noqa: PLR2004 - both sides
            check(self._subject, self._order, self._taken[0], self._taken[1])
            self._taken = {}
        return burst


def check(
    subject: Kernel | Step,
    order: dict[str, Any],
    own: Burst,
    reference: Burst,
    *,
    first: bool = False,
) -> None:
    """Look at what a burst left behind.

    Raises:
        CheckFailure: it is wrong; what was right at first and is wrong when timed again makes the
            time void.
    """
    try:
        subject.check(order, list(own.rows), own.results, reference.results)
    except CheckFailure as failure:
        if first or failure.void:
            raise
        seen = f"right when it was first called, wrong when it was timed: {failure.message}"
        raise CheckFailure(seen, evidence=failure.evidence, void=seen) from None
