"""Holds what a submission must not know, runs it in a worker, and reads what comes back.

The judge never imports student code nor PyCUDA. It sends inputs, gets raw arrays, and decides which
functions are replaced by stand-ins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from grader import editions, settings
from grader.actions import (
    Action,
    Host,
    Kept,
    call,
    idle,
    keep,
    new,
    numbered,
    put,
    refill,
    take,
    with_full_names,
)
from grader.budget import Budget
from grader.integrity import WROTE_TO_PIPE
from grader.isolation import Level
from grader.limits import WorkerDiedError
from grader.outcomes import Outcome, Value, outcome
from grader.process import WorkerStartError
from grader.runner import NONSENSE, Runner
from grader.timing.lockstep import Pair
from grader.verdicts import (
    CheckFailure,
    NotJudged,
    OwnFault,
    RaisedInSubmission,
    file_of,
    load_message,
    place_of,
    raise_if_own,
    raise_if_wrong,
    short_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from grader.isolation import Event, Reached
    from grader.process import WorkerProcess

    Array = NDArray[Any]

__all__ = [
    "Action",
    "CheckFailure",
    "Host",
    "Judge",
    "Kept",
    "Outcome",
    "RaisedInSubmission",
    "Value",
    "WorkerStartError",
    "call",
    "idle",
    "keep",
    "new",
    "put",
    "refill",
    "take",
]


class Judge:
    """One submission under judgement on one device.

    Args:
        folder: the submission's files.
        seed: from which every check's inputs are drawn.
        device: the judge's own device.py.
        backend: on which the submission runs, "emulator" or "gpu".
        replaced: functions to replace by stand-ins from the beginning.
        waiting: called if the device takes long to start.
        worker: one that was started ahead for that backend; the judge ends it.
        level: the walls around student code.
        year: of this edition, which changes all inputs; as the settings say if None.
        budget: the time of the grading; a new one if None.

    Attributes:
        year: of this edition.
        last_request: the actions that were run last.
        last_launched_own: whether a kernel of the submission ran in them.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        device: Path,
        backend: str = "emulator",
        *,
        replaced: Iterable[str] = (),
        waiting: Callable[[], None] | None = None,
        worker: WorkerProcess | None = None,
        level: Level = Level.LIGHT,
        year: str | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.folder, self.seed, self.backend = folder.resolve(), seed, backend
        self.device = device.resolve()
        self.year = settings.load().year if year is None else year
        self.replaced = set(replaced)
        self.level = level
        self._runner = Runner(
            self.folder,
            self.device,
            backend,
            Budget() if budget is None else budget,
            level=level,
            waiting=waiting,
            worker=worker,
        )
        self._pair: Pair | None = None
        self._too_slow: dict[str, str] = {}
        self.last_request: tuple[list[Mapping[str, Any]], list[Array]] = ([], [])
        self.last_launched_own = False

    def start(self) -> None:
        """Start a worker, without waiting for it."""
        self._runner.start()

    @property
    def pid(self) -> int | None:
        """Of the worker, None where there is none."""
        worker = self._runner.worker
        return None if worker is None else worker.pid

    @property
    def budget(self) -> Budget:
        """The time of the grading."""
        return self._runner.budget

    @property
    def reached(self) -> Reached:
        """What isolation came to in all workers that have ended."""
        return self._runner.reached

    @property
    def output(self) -> str:
        """The beginning of what the submission printed, in all workers that have ended."""
        return self._runner.output

    @property
    def events(self) -> tuple[Event, ...]:
        """What the submission did that it has no business with, in all workers so far."""
        return self._runner.events

    def beside_reference(self) -> Pair:
        """The submission beside the reference, ready to be timed; a pair that ended is replaced.

        The judge's own worker ends: nothing else is on the GPU while times are taken.
        """
        if self._pair is None or self._pair.is_over:
            cubins = self._runner.cubins
            self._end_pair()
            self._runner.rest()
            self._pair = Pair.start(
                self.folder, self.device, self.seed, self.level, cubins, self.budget
            )
            self._runner.turns.alone()
            self._pair.load()
        return self._pair

    def close(self) -> None:
        """End all workers and remove what they left."""
        self._end_pair()
        self._runner.close()

    def rng(self, *names: str) -> np.random.Generator:
        """A generator of inputs, of the seed and of the names (a task, a part)."""
        named = (crc32(name.encode()) for name in names)
        return np.random.default_rng([self.seed, *editions.entropy(self.year), *named])

    def run(self, *actions: Action, own: Collection[str] = ()) -> list[Outcome]:
        """Run actions in the worker, in order.

        Args:
            actions: made by `call`, `new`, `put`, `take`, `keep`, `refill`.
            own: functions that are under judgement; those that are missing, or whose module does
                not load, are a failure, while all others may be stand-ins.

        Raises:
            NotJudged: the time of the grading is used up.
            CheckFailure: the submission has no such function, raised, crashed, ran into a limit, or
                the checked device found something in one of its kernels.
            OwnFault: the emulator or the grader's own code in the worker is mistaken.
        """
        actions = with_full_names(actions)
        called = [action.what for action in actions if action.entry["do"] == "call"]
        for what in called:
            if what in own:
                self.require(what)
        self.last_request = entries, arrays = numbered(actions)
        self.last_launched_own = False
        try:
            reply, reply_arrays = self._runner.run(entries, arrays, frozenset(self.replaced))
        except WorkerDiedError as death:
            self.renew()
            what = called[-1] if called else actions[-1].what
            if death.is_slow:
                self._too_slow[what] = death.reason
            message = f"{short_name(what)}: {death.reason}"
            file = death.file or file_of(what)
            raise CheckFailure(message, file=file, line=death.line) from None
        try:
            outcomes = self._outcomes(actions, reply, reply_arrays)
            self.last_launched_own = any(outcome.own_threads for outcome in outcomes)
        except CheckFailure as failure:
            if called and any(found.kind == "time-limit" for found in failure.findings):
                self._too_slow[called[-1]] = failure.message.splitlines()[0]
            raise
        else:
            return outcomes
        finally:
            if reply.get("lost"):
                self.renew()

    def attempt(self, *actions: Action) -> list[Outcome] | None:
        """Run actions whose failure is no verdict: None then, and the next get a fresh worker."""
        too_slow = dict(self._too_slow)
        try:
            return self.run(*actions)
        except NotJudged:
            raise
        except (CheckFailure, OwnFault):
            self._too_slow = too_slow
            self.renew()
            return None

    def count(self, *actions: Action) -> dict[str, Any] | None:
        """What the last call asks of the device; see `grader.worker.work.counting`.

        Returns:
            {"work", "kernels", "launches"}; None where something fails, or makes no sense.
        """
        counted = replace(actions[-1], entry={**actions[-1].entry, "count": True})
        actions = (*actions[:-1], counted)
        entries, arrays = numbered(with_full_names(actions))
        try:
            reply, _ = self._runner.run(entries, arrays, frozenset(self.replaced))
        except NotJudged:
            return None
        except WorkerDiedError:
            self.renew()
            return None
        if reply.get("lost"):
            self.renew()
        results = reply.get("results")
        last = results[-1] if isinstance(results, list) and len(results) == len(actions) else {}
        if not isinstance(last, dict) or not isinstance(last.get("counted"), dict):
            return None
        return {**last["counted"], "launches": last.get("launches", [])}

    def renew(self) -> None:
        """Let what follows run in a fresh worker."""
        self._runner.renew()

    def rerun(self, under: Sequence[str], limit_s: float) -> None:
        """Run the last request again, in a worker of its own that another program runs.

        Args:
            under: the program and its options; what it finds out is its own business.
            limit_s: for the program to end when the worker has.
        """
        if self.level is not Level.FULL:  # such a program needs what the walls forbid
            entries, arrays = self.last_request
            self._runner.rerun(entries, arrays, frozenset(self.replaced), under, limit_s)

    def check_budget(self) -> None:
        """Raise NotJudged if the time of the grading is used up."""
        self._runner.check_budget()

    def require(self, function: str) -> None:
        """Raise CheckFailure if a module does not load, lacks a function, or that never ends."""
        module, _, name = function.partition(".")
        self._runner.know(frozenset(self.replaced))
        if function in self._too_slow:
            reason = self._too_slow[function]
            raise CheckFailure(
                f"{short_name(function)} was not run again: {reason}", file=file_of(function)
            )
        fault = self._runner.faults.get(module)
        raise_if_own(fault)
        if fault is not None:
            place = {"file": f"{module}.py"} if fault.get("file") is None else place_of(fault)
            raise CheckFailure(load_message(module, fault), **place)
        if function in self._runner.missing:
            raise CheckFailure(
                f"{module}.py has no {short_name(name)}: was it renamed?", file=f"{module}.py"
            )

    # ------------------------------------------------------------------------------------------

    def _end_pair(self) -> None:
        if self._pair is not None:
            self._pair.close()
            self._pair = None

    def _outcomes(
        self, actions: tuple[Action, ...], reply: Mapping[str, Any], arrays: list[Array]
    ) -> list[Outcome]:
        try:
            outcomes = []
            for action, result in zip(actions, list(reply["results"]), strict=False):
                raise_if_wrong(action.what, result)
                outcomes.append(outcome(action, result, arrays))
            outcomes[len(actions) - 1]  # IndexError: results are missing
            any(made.own_threads for made in outcomes)  # which reads all launches
        except NONSENSE:
            raise CheckFailure(WROTE_TO_PIPE) from None
        return outcomes
