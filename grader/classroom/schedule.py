"""Hands gradings out to workers, and takes what comes back, whatever becomes of the workers."""

from __future__ import annotations

import contextlib
import queue
import time
from collections import deque
from typing import TYPE_CHECKING

from grader.classroom import cluster, grading
from grader.classroom.grading import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from distributed import Client, Future

TRIES = 3
"""Of a grading that gives no result."""

NO_WORKER_S = 30.0
"""After which somebody should hear that no worker has come."""

ALIKE = 5
"""So many gradings without a result, before there is a single one, and the machine is at fault."""

_POLL_S = 0.5


class ScheduleError(Exception):
    """Grading makes no sense any more; the message says why, and the next step."""


class Schedule:
    """Gradings on their way to workers and back.

    Only as many are handed out as workers can do at a time, so that what is under way is known: a
    run that is killed then begins these anew, and nothing else.

    Args:
        client: of the workers.
        begin: called before a grading is handed out.
        end: called with each outcome.
        tick: called some times a second, with the gradings that are under way.
    """

    def __init__(
        self,
        client: Client,
        begin: Callable[[Job], None],
        end: Callable[[Job, Outcome], None],
        tick: Callable[[Iterable[Job], str], None],
    ) -> None:
        self._client, self._begin, self._end, self._tick = client, begin, end, tick
        self._done: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
        self._under_way: dict[object, tuple[Job, Future[Outcome]]] = {}
        self._results, self._failures = 0, 0
        self._idle_since = time.monotonic()

    def run(self, jobs: Iterable[Job], at_once: int | None = None) -> None:
        """Grade them all.

        Args:
            jobs: in the order in which they are handed out.
            at_once: at most so many at a time, None for as many as workers can do.

        Raises:
            ScheduleError: nothing can be graded here.
        """
        waiting: dict[str, deque[Job]] = {}
        for job in jobs:
            waiting.setdefault(job.stage, deque()).append(job)
        try:
            while self._under_way or any(waiting.values()):
                for stage, rest in waiting.items():
                    self._hand_out(stage, rest, at_once)
                with contextlib.suppress(queue.Empty):
                    self._take(self._done.get(timeout=_POLL_S))
                self._tick([job for job, _ in self._under_way.values()], self._hint())
        finally:
            for _, future in self._under_way.values():
                future.cancel()

    def _hand_out(self, stage: str, rest: deque[Job], at_once: int | None) -> None:
        if not rest:
            return
        count = sum(job.stage == stage for job, _ in self._under_way.values())
        free = cluster.capacity(self._client, stage) - count
        if at_once is not None:
            free = min(free, at_once - len(self._under_way))
        name = cluster.resource(self._client, stage)
        for _ in range(min(free, len(rest))):
            job = rest.popleft()
            self._begin(job)
            future = self._client.submit(
                grading.grade,
                job,
                key=f"{job.run}-{job.stage}-{job.key}-{time.monotonic_ns()}",
                pure=False,
                retries=TRIES - 1,
                resources={name: 1 / grading.AT_ONCE[stage]} if name else None,
            )
            self._under_way[future.key] = job, future
            future.add_done_callback(self._done.put)

    def _take(self, future: Future[Outcome]) -> None:
        from distributed import KilledWorker  # noqa: PLC0415 - no other command needs it

        job, _ = self._under_way.pop(future.key)
        if future.status == "finished":
            outcome: Outcome = future.result()
        elif future.status == "error":
            error = future.exception()
            kind = "deadly" if isinstance(error, KilledWorker) else "failed"
            tries = cluster.ALLOWED_FAILURES + 1
            told = f"it ended {tries} workers, one after the other" if kind == "deadly" else error
            outcome = Outcome(kind, message=str(told))
        else:
            raise ScheduleError("the scheduler is gone. Next: type the same command to go on")
        self._results += outcome.is_final
        self._failures += not outcome.is_final
        self._end(job, outcome)
        if not self._results and self._failures >= ALIKE:
            raise ScheduleError(
                f"not one of {self._failures} gradings gave a result; the last says: "
                f"{outcome.message}\nNext: make doctor, and type the same command to go on"
            )

    def _hint(self) -> str:
        """What somebody who waits should know, "" where all is well."""
        if self._under_way:
            self._idle_since = time.monotonic()
            return ""
        if time.monotonic() - self._idle_since < NO_WORKER_S:
            return ""
        return "no worker has come yet that can take what is left"
