"""Two workers side by side on one GPU: the submission in one, the reference in the other.

Each has a process of its own, so that neither can touch the other's code; only one works at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import processes
from grader.isolation import Level
from grader.isolation.scratch import Scratch
from grader.process import WorkerProcess
from grader.timing import one_core, plan, trust
from grader.timing.conditions import Watch
from grader.timing.contender import Contender, Copied
from grader.timing.ratio import Ratio, compare
from grader.verdicts import CheckFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from grader.budget import Budget
    from grader.timing.subjects import Kernel, Step
    from grader.timing.trust import Burst

    Array = NDArray[Any]

BUSY_SHARE = 0.3
"""Of the time in which the reference has its turn may the submission's process use of a core: it
waits then, and what it uses nevertheless slows the reference down."""

BUSY_US = 50_000.0
"""And so much: five ticks of the clock by which the system counts."""

RELEASES = 2.0
"""Times of what giving memory back takes the reference may a submission need for it."""


class Pair:
    """A submission and the reference.

    Args:
        submission, reference: their workers.
        seed: of the order of measurements.
        pids: of both workers' processes, the reference's last; () where that is not known.
        scratch: folders that live as long as the pair.

    Attributes:
        conditions: what was unusual while the last times were taken, "" for nothing.
    """

    def __init__(
        self,
        submission: Contender,
        reference: Contender,
        seed: int,
        pids: Sequence[int] = (),
        scratch: tuple[Scratch, ...] = (),
    ) -> None:
        self.submission, self.reference = submission, reference
        self._pids, self.conditions = pids, ""
        self._scratch = scratch
        self._busy_us, self._idle_us = 0.0, 0.0
        self._rng = np.random.default_rng(seed)

    @staticmethod
    def start(
        folder: Path,
        device: Path,
        seed: int,
        level: Level = Level.LIGHT,
        cubins: Mapping[str, Array] | None = None,
        budget: Budget | None = None,
    ) -> Pair:
        """Start both workers, which do nothing on the GPU before something is prepared.

        Args:
            folder: the submission's files.
            device: the judge's own device.py.
            seed: of the order of measurements.
            level: the walls around the submission.
            cubins: kernels of the submission that are compiled already.
            budget: of the grading, of which the submission takes its time.
        """
        own, other = Scratch(), Scratch()
        (other.path / "scratch").mkdir()
        workers = [
            WorkerProcess(
                own.path,
                "gpu",
                timing=True,
                level=level,
                readable=(folder.resolve(), device),
                budget=budget,
            ),
            WorkerProcess(other.path / "scratch", "gpu", timing=True),
        ]
        folders = folder, plan.reference_folder(other.path)
        for worker in workers:
            worker.wait_until_ready()
        submission = Contender(workers[0], folders[0], device, cubins=cubins, budget=budget)
        reference = Contender(workers[1], folders[1], device, is_reference=True)

        pids = [worker.pid for worker in workers]
        return Pair(submission, reference, seed, pids, (own, other))

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
        self._busy_us, self._idle_us = 0.0, 0.0
        release_us = 0.0 if subject.is_step else RELEASES * self.copied.release_us
        with one_core.shared(self._pids if subject.is_step else ()):
            return self._compare(subject, most, release_us)

    def _compare(self, subject: Kernel | Step, most: int, release_us: float) -> Ratio:
        for contender in (self.reference, self.submission):
            contender.prepare(subject.request, subject.arrays)
        order = subject.order(self._rng, 1)
        reference, own = (self.take(side, subject, order) for side in (1, 0))
        check(subject, order, own, reference, first=True)
        watch = Watch(self._pids) if self._pids else None
        rounds = _Rounds(self, subject)
        found = compare(
            lambda: subject.time_of(rounds.take(0).times_us),
            lambda: subject.time_of(rounds.take(1).times_us),
            int(self._rng.integers(1 << 32)),
            most,
        )
        self.conditions = "" if watch is None else watch.told()
        self._distrust(subject, found, release_us)
        return found

    @cached_property
    def copied(self) -> Copied:
        """What a copy on this device reaches, measured once."""
        return self.reference.copied()

    def draw(self, subject: Kernel | Step) -> dict[str, Any]:
        """The next burst's order."""
        return subject.order(self._rng)

    def take(self, side: int, subject: Kernel | Step, order: dict[str, Any]) -> Burst:
        """A burst of the submission (0) or the reference (1)."""
        contender = (self.submission, self.reference)[side]
        begun_s = self._used_s()
        burst = contender.burst(order, lambda: subject.sample(self._rng))
        if side:
            self._busy_us += 1e6 * (self._used_s() - begun_s)
            self._idle_us += burst.wall_us
        return burst

    def _used_s(self) -> float:
        """The processor's time that the submission's process has used."""
        return processes.cpu_time_s(self._pids[0]) if self._pids else 0.0

    def _distrust(self, subject: Kernel | Step, found: Ratio, release_us: float) -> None:
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
        for taken in range(1, trust.MOST_BURSTS + 1):
            order = subject.in_a_row(self._rng, launches)
            for side in self._rng.permutation(2):
                (own, reference)[side].append(self.take(int(side), subject, order))
            check(subject, order, own[-1], reference[-1])
            if taken < trust.LEAST_BURSTS:
                continue
            told = trust.contradiction(own, reference, found.high, per_time, release_us)
            if not told:
                break
        told = told or self._interference()
        if told:
            raise CheckFailure(told, void=told)

    def _interference(self) -> str:
        """What the submission did while the reference had its turn, "" for nothing."""
        share = self._busy_us / max(self._idle_us, 1.0)
        if share <= BUSY_SHARE or self._busy_us <= BUSY_US:
            return ""
        return f"your code kept a core {share:.0%} busy while the reference's time was taken"


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
