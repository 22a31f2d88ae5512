"""Holds what a submission must not know, runs it in a worker, and reads what comes back.

The judge never imports student code nor PyCUDA. It sends inputs, gets raw arrays, and decides which
functions are replaced by stand-ins.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from grader import ahead, editions, settings, tasks
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
from grader.devices import GPU
from grader.integrity import WROTE_TO_PIPE
from grader.isolation import Level, Reached
from grader.isolation.scratch import Scratch
from grader.limits import BudgetSpentError, WorkerDiedError
from grader.outcomes import Outcome, Value, outcome
from grader.process import WorkerProcess, WorkerStartError
from grader.timing.lockstep import Pair
from grader.turns import Turns
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

    from grader.ahead import Cubins
    from grader.isolation import Event

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

_NONSENSE = (
    *(TypeError, ValueError, LookupError, AttributeError),
    *(ArithmeticError, RecursionError),
)
"""What reading a reply raises that no worker of ours wrote."""


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
        budget: the time of the grading.

    Attributes:
        year: of this edition.
        budget: as given, or a new one.
        reached: what isolation came to in all workers that have ended.
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
        self._waiting, self.level = waiting, level
        self._loaded: frozenset[str] | None = None
        self._known: frozenset[str] | None = None
        self._worker = worker
        self._pair: Pair | None = None
        self._turns = Turns.of_environment() if backend == GPU else Turns(None)
        self.budget = Budget() if budget is None else budget
        self._held = Scratch()
        self._scratch = self._held.path
        self._events: tuple[Event, ...] = ()
        self.reached = Reached()
        self._faults: dict[str, Mapping[str, Any]] = {}
        self._missing: frozenset[str] = frozenset()
        self._too_slow: dict[str, str] = {}
        self._output: list[str] = []
        self.last_request: tuple[list[Mapping[str, Any]], list[Array]] = ([], [])
        self.last_launched_own = False
        self.start()

    def start(self) -> None:
        """Start a worker, without waiting for it."""
        if self._worker is None:
            self._worker = WorkerProcess(
                self._scratch,
                self.backend,
                level=self.level,
                readable=(self.folder, self.device),
            )
            self._loaded = None
        self._worker.budget = self.budget

    @property
    def pid(self) -> int | None:
        """Of the worker, None where there is none."""
        return None if self._worker is None else self._worker.pid

    def beside_reference(self) -> Pair:
        """The submission beside the reference, ready to be timed; a pair that ended is replaced.

        The judge's own worker ends: nothing else is on the GPU while times are taken.
        """
        if self._pair is None or self._pair.is_over:
            cubins = self._cubins
            self._rest()
            self._pair = Pair.start(
                self.folder, self.device, self.seed, self.level, cubins, self.budget
            )
            self._turns.alone()
            self._pair.load()
        return self._pair

    def close(self) -> None:
        """End all workers and remove what they left."""
        self._rest()
        self._held.remove()

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
            reply, reply_arrays = self._ask(entries, arrays)
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
            reply, _ = self._ask(entries, arrays)
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
        self._drop()
        self.start()

    def rerun(self, under: Sequence[str], limit_s: float) -> None:
        """Run the last request again, in a worker of its own that another program runs.

        Args:
            under: the program and its options; what it finds out is its own business.
            limit_s: for the program to end when the worker has.
        """
        if self.level is Level.FULL:
            return  # such a program needs what the walls forbid
        worker = WorkerProcess(self._scratch, self.backend, under)
        entries, arrays = self.last_request
        try:
            worker.ask(self._request(frozenset(self.replaced)), [])
            worker.ask({"op": "run", "actions": entries}, arrays)
            worker.finish(limit_s)
        except (WorkerDiedError, WorkerStartError):
            pass  # what the program wrote until then counts
        finally:
            worker.kill()

    def check_budget(self) -> None:
        """Raise NotJudged if the time of the grading is used up."""
        if not self.budget.has():
            raise NotJudged(self.budget.used.refusal())

    def require(self, function: str) -> None:
        """Raise CheckFailure if a module does not load, lacks a function, or that never ends."""
        module, _, name = function.partition(".")
        if self._known != frozenset(self.replaced):
            self._load()
        if function in self._too_slow:
            reason = self._too_slow[function]
            raise CheckFailure(
                f"{short_name(function)} was not run again: {reason}", file=file_of(function)
            )
        fault = self._faults.get(module)
        raise_if_own(fault)
        if fault is not None:
            place = {"file": f"{module}.py"} if fault.get("file") is None else place_of(fault)
            raise CheckFailure(load_message(module, fault), **place)
        if function in self._missing:
            raise CheckFailure(
                f"{module}.py has no {short_name(name)}: was it renamed?", file=f"{module}.py"
            )

    # ------------------------------------------------------------------------------------------

    def _ask(
        self, entries: list[Mapping[str, Any]], arrays: list[Array]
    ) -> tuple[dict[str, Any], list[Array]]:
        """One request; where it ran into the wall-clock backstop, once more on a fresh worker."""
        for attempt in (1, 2):
            try:
                self._load()
                return self._tell({"op": "run", "actions": entries}, arrays)
            except WorkerDiedError as death:  # noqa: PERF203 - two rounds at most
                if attempt == 2 or not death.is_backstop:  # noqa: PLR2004 - the second attempt
                    raise
                self._drop()
        raise AssertionError

    def _tell(
        self, request: dict[str, Any], arrays: list[Array]
    ) -> tuple[dict[str, Any], list[Array]]:
        """The worker's answer; NotJudged where the time of the grading is used up."""
        self.check_budget()
        self.start()
        assert self._worker is not None  # noqa: S101 - for mypy: start made one
        self._worker.wait_until_ready(self._waiting)
        try:
            return self._worker.ask(request, arrays)
        except BudgetSpentError as spent:
            self._drop()
            told = self.budget.used.refusal()
            raise NotJudged(told, file=spent.file, line=spent.line) from None

    def _load(self) -> None:
        """Let the worker have the submission and today's stand-ins loaded."""
        wanted = frozenset(self.replaced)
        if self._worker is None or self._loaded != wanted:
            _ = self._cubins  # which need no turn
            self._turns.together()
            faults, self._missing = self._load_apart_from_broken(wanted)
            self._loaded = self._known = wanted
            self._faults = faults | self._faults

    def _load_apart_from_broken(
        self, wanted: frozenset[str]
    ) -> tuple[dict[str, Mapping[str, Any]], frozenset[str]]:
        """Load; a module that kills the worker while it is imported is left out the next time."""
        names = [file.removesuffix(".py") for file in tasks.FILES]
        for module in [*names, ""]:
            try:
                cubins = list(self._cubins.values())
                return _loaded(self._tell(self._request(wanted), cubins)[0])
            except WorkerDiedError as death:  # noqa: PERF203 - six rounds at most
                said = "" if self._worker is None else self._worker.loading  # or so it is told
                died_in = said if said in names and said not in self._deadly else module
                self._faults[died_in] = {
                    "type": "died",
                    "message": death.reason,
                    "file": f"{died_in}.py",
                    "deadly": True,
                }
                self._drop()
        raise RuntimeError("no worker survives an empty submission")

    def _request(self, wanted: frozenset[str]) -> dict[str, Any]:
        """The request that loads the submission, without the modules that killed a worker."""
        return {
            "op": "load",
            "folder": str(self.folder),
            "device": str(self.device),
            "replaced": sorted(wanted),
            "without": self._deadly,
            "cubins": list(self._cubins),
        }

    @cached_property
    def _cubins(self) -> Cubins:
        """The submission's kernels, compiled; without walls each worker finds what others did."""
        is_wanted = self.backend == GPU and self.level is Level.FULL
        return ahead.cubins(self.folder, self.device) if is_wanted else {}

    @property
    def _deadly(self) -> list[str]:
        """The modules that killed a worker while they were imported."""
        return [name for name, fault in self._faults.items() if fault.get("deadly")]

    @property
    def output(self) -> str:
        """The beginning of what the submission printed, in all workers that have ended."""
        return "".join(self._output)

    @property
    def events(self) -> tuple[Event, ...]:
        """What the submission did that it has no business with, in all workers so far."""
        return self._events + (self._worker.events if self._worker is not None else ())

    def _rest(self) -> None:
        """End all workers, and let other gradings on the GPU."""
        if self._pair is not None:
            self._pair.close()
            self._pair = None
        self._drop()
        self._turns.leave()

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._output.append(self._worker.output)
            self._events += self._worker.events
            self.reached = self.reached.weaker(self._worker.reached)
            self._worker, self._loaded = None, None

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
        except _NONSENSE:
            raise CheckFailure(WROTE_TO_PIPE) from None
        return outcomes


def _loaded(reply: Mapping[str, Any]) -> tuple[dict[str, Mapping[str, Any]], frozenset[str]]:
    """Faults by module, and missing functions; WorkerDiedError where no worker of ours says so."""
    try:
        modules = dict(reply.get("modules", {}))
        faults: dict[str, Mapping[str, Any]] = {
            str(name): fault for name, fault in modules.items() if isinstance(fault, dict)
        }
        for fault in faults.values():
            place_of(fault)
        return faults, frozenset(map(str, reply.get("missing", ())))
    except _NONSENSE:
        raise WorkerDiedError(WROTE_TO_PIPE) from None
