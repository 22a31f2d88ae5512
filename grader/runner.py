"""Runs requests on a submission, in one worker after the other.

Who asks need not know which worker answers: there is one when it is needed, with the submission
loaded; where one dies, the next gets a fresh one, and what all of them did is added up.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from grader import ahead, tasks
from grader.devices import GPU
from grader.integrity import WROTE_TO_PIPE
from grader.isolation import Level, Reached
from grader.isolation.scratch import Scratch
from grader.limits import BudgetSpentError, WorkerDiedError
from grader.process import WorkerProcess, WorkerStartError
from grader.turns import Turns
from grader.verdicts import NotJudged, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from grader.ahead import Cubins
    from grader.budget import Budget
    from grader.isolation import Event

    Array = NDArray[Any]
    Reply = tuple[dict[str, Any], list[Array]]

NONSENSE = (
    *(TypeError, ValueError, LookupError, AttributeError),
    *(ArithmeticError, RecursionError),
)
"""What reading a reply raises that no worker of ours wrote."""


_MOST_OUTPUT = 64 << 10
"""Characters that are kept of all workers' output, as bytes are of one's."""


class Runner:
    """A submission on one device.

    Args:
        folder: the submission's files.
        device: the judge's own device.py.
        backend: "emulator" or "gpu".
        budget: the time of the grading.
        level: the walls around student code.
        waiting: called if the device takes long to start.
        worker: one that was started ahead; it is ended here.

    Attributes:
        worker: at work or on its way; None where there is none.
        scratch: the workers' folder.
        output: the beginning of what the submission printed, in all workers that have ended.
        reached: what isolation came to in them.
        faults: why modules do not load, by name, as far as they were loaded.
        missing: functions that the submission does not have.
        turns: among gradings that share the device.
    """

    def __init__(
        self,
        folder: Path,
        device: Path,
        backend: str,
        budget: Budget,
        *,
        level: Level = Level.LIGHT,
        waiting: Callable[[], None] | None = None,
        worker: WorkerProcess | None = None,
    ) -> None:
        self._folder, self._device, self._backend = folder, device, backend
        self._level, self._waiting = level, waiting
        self.budget, self.worker = budget, worker
        self._held = Scratch()
        self.scratch = self._held.path
        self.turns = Turns.of_environment() if backend == GPU else Turns(None)
        self.reached = Reached()
        self.faults: dict[str, Mapping[str, Any]] = {}
        self.missing: frozenset[str] = frozenset()
        self._loaded: frozenset[str] | None = None  # in this worker, with these replaced
        self._known: frozenset[str] | None = None  # in one of the workers
        self.output = ""
        self._events: tuple[Event, ...] = ()
        self.start()

    @property
    def events(self) -> tuple[Event, ...]:
        """What the submission did that it has no business with, in all workers so far."""
        return self._events + (self.worker.events if self.worker is not None else ())

    @cached_property
    def cubins(self) -> Cubins:
        """The submission's kernels, compiled; without walls each worker finds what others did."""
        is_wanted = self._backend == GPU and self._level is Level.FULL
        return ahead.cubins(self._folder, self._device, self.budget) if is_wanted else {}

    def start(self) -> None:
        """Start a worker, without waiting for it."""
        if self.worker is None:
            self.worker = WorkerProcess(
                self.scratch,
                self._backend,
                level=self._level,
                readable=(self._folder, self._device),
            )
            self._loaded = None
        self.worker.budget = self.budget

    def renew(self) -> None:
        """Let what follows run in a fresh worker."""
        self._drop()
        self.start()

    def rest(self) -> None:
        """End the worker, and let other gradings on the device."""
        self._drop()
        self.turns.leave()

    def close(self) -> None:
        """End the worker and remove what all have left."""
        self.rest()
        self._held.remove()

    def run(
        self, entries: list[Mapping[str, Any]], arrays: list[Array], replaced: frozenset[str]
    ) -> Reply:
        """Run actions; what runs into the wall-clock backstop is tried again, in a fresh worker.

        Args:
            entries: of the actions.
            arrays: that belong to them.
            replaced: functions that stand-ins replace.

        Raises:
            NotJudged: the time of the grading is used up.
            WorkerDiedError: the worker ended before it answered.
            WorkerStartError: its device does not start.
        """
        for attempt in (1, 2):
            try:
                self._load(replaced)
                return self._ask({"op": "run", "actions": entries}, arrays)
            except WorkerDiedError as death:  # noqa: PERF203 - two rounds at most
                if attempt == 2 or not death.is_backstop:  # noqa: PLR2004 - the second attempt
                    raise
                self._drop()
        raise AssertionError

    def rerun(
        self,
        entries: list[Mapping[str, Any]],
        arrays: list[Array],
        replaced: frozenset[str],
        under: Sequence[str],
        limit_s: float,
    ) -> None:
        """Run actions in a worker of its own that another program runs, whatever comes of it.

        Args:
            entries: of the actions.
            arrays: that belong to them.
            replaced: functions that stand-ins replace.
            under: the program and its options.
            limit_s: for the program to end when the worker has.
        """
        worker = WorkerProcess(self.scratch, self._backend, under)
        try:
            worker.ask(self._request(replaced), [])
            worker.ask({"op": "run", "actions": entries}, arrays)
            worker.finish(limit_s)
        except (WorkerDiedError, WorkerStartError):
            pass  # what the program wrote until then counts
        finally:
            worker.kill()

    def know(self, replaced: frozenset[str]) -> None:
        """Have `faults` and `missing` tell how the submission loads with these replaced."""
        if self._known != replaced:
            self._load(replaced)

    def check_budget(self) -> None:
        """Raise NotJudged if the time of the grading is used up."""
        if not self.budget.has():
            raise NotJudged(self.budget.used.refusal())

    # ------------------------------------------------------------------------------------------

    def _ask(self, request: dict[str, Any], arrays: list[Array]) -> Reply:
        """The worker's answer."""
        self.check_budget()
        self.start()
        assert self.worker is not None  # noqa: S101 - for mypy: start made one
        self.worker.wait_until_ready(self._waiting)
        try:
            return self.worker.ask(request, arrays)
        except BudgetSpentError as spent:
            self._drop()
            told = self.budget.used.refusal()
            raise NotJudged(told, file=spent.file, line=spent.line) from None

    def _load(self, replaced: frozenset[str]) -> None:
        """Let the worker have the submission and its stand-ins loaded."""
        if self.worker is None or self._loaded != replaced:
            _ = self.cubins  # which need no turn
            self.turns.together()
            faults, self.missing = self._load_apart_from_broken(replaced)
            self._loaded = self._known = replaced
            self.faults = faults | self.faults

    def _load_apart_from_broken(
        self, replaced: frozenset[str]
    ) -> tuple[dict[str, Mapping[str, Any]], frozenset[str]]:
        """Load; a module that kills the worker while it is imported is left out the next time."""
        names = [file.removesuffix(".py") for file in tasks.FILES]
        for module in [*names, ""]:
            try:
                request = {**self._request(replaced), "cubins": list(self.cubins)}
                return _loaded(self._ask(request, list(self.cubins.values()))[0])
            except WorkerDiedError as death:  # noqa: PERF203 - six rounds at most
                said = "" if self.worker is None else self.worker.loading  # or so it is told
                died_in = said if said in names and said not in self._deadly else module
                self.faults[died_in] = {
                    "type": "died",
                    "message": death.reason,
                    "file": f"{died_in}.py",
                    "deadly": True,
                }
                self._drop()
        raise RuntimeError("no worker survives an empty submission")

    def _request(self, replaced: frozenset[str]) -> dict[str, Any]:
        """The request that loads the submission, without the modules that killed a worker."""
        return {
            "op": "load",
            "folder": str(self._folder),
            "device": str(self._device),
            "replaced": sorted(replaced),
            "without": self._deadly,
        }

    @property
    def _deadly(self) -> list[str]:
        """The modules that killed a worker while they were imported."""
        return [name for name, fault in self.faults.items() if fault.get("deadly")]

    def _drop(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.output = (self.output + self.worker.output)[:_MOST_OUTPUT]
            self._events += self.worker.events
            self.reached = self.reached.weaker(self.worker.reached)
            self.worker, self._loaded = None, None


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
    except NONSENSE:
        raise WorkerDiedError(WROTE_TO_PIPE) from None
