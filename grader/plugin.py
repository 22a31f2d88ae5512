"""The pytest plugin that turns checks into Results.

It puts the checks into judging order, runs each on every device that judges, gives it its view of
the submission, skips what is not started, decides before each task what is replaced by stand-ins,
and collects outcomes.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from grader import diagnoses, integrity, sanitizer, tasks
from grader.devices import GPU
from grader.judge import CheckFailure, WorkerStartError
from grader.result import PartResult, Result, State
from grader.scoring import (
    assemble,
    own_fault,
    part_result,
    placed,
    second_opinion,
    waiting,
    with_conduct,
)
from grader.sources import Places
from grader.student import EVIDENCE, PLACE, Student

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from grader.integrity import Violation
    from grader.judge import Judge
    from grader.tasks import Task


@dataclass
class _Progress:
    """A task while its checks run."""

    parts: dict[str, PartResult] = field(default_factory=dict)
    shared: dict[str, dict[str, Any]] = field(default_factory=dict)  # by device
    seconds: float = 0.0
    stand_ins: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()


class GradingPlugin:
    """Grades the tasks that are wanted.

    Args:
        judges: of the submission, one a device; the first one scores, another gives a second
            opinion on what the first finds right. What needs a GPU is judged there alone.
        wanted: ids of the tasks to grade.
        failed: ids of the tasks that are not started, or failed before.
        announce: called with each Result as soon as its task is done.
        gpu: what the GPU is called in a sentence.
    """

    def __init__(
        self,
        judges: Sequence[Judge],
        wanted: Iterable[str],
        failed: Iterable[str],
        announce: Callable[[Result], None] | None = None,
        gpu: str = "the GPU",
    ) -> None:
        self._judges = {judge.backend: judge for judge in judges}
        self._wanted, self._gpu = frozenset(wanted), gpu
        self._places = Places(judges[0].folder)
        self._examiner = sanitizer.Examiner()
        self._announce = announce or (lambda _: None)
        self._progress: dict[str, _Progress] = {}
        self._failed: set[str] = set(failed) - self._wanted
        self._current: Task | None = None
        self._collected: set[tuple[str, str]] = set()
        self._events_seen: dict[str, int] = {}
        self._replaced_in: dict[str, tuple[int | None, tuple[Violation, ...]]] = {}
        self.results: dict[str, Result] = {}
        self.errors: list[str] = []
        self.broken = ""
        self.unusable: WorkerStartError | None = None

    # Collection ------------------------------------------------------------------------------

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the marker."""
        config.addinivalue_line("markers", "part(task, part, points, needs): a share of a task")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One run of each check for each device."""
        if "student" in metafunc.fixturenames:
            metafunc.parametrize("student", tuple(self._judges), indirect=True)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the checks of the tasks that are wanted, in judging order."""
        order = {task.id: place for place, task in enumerate(tasks.judging_order())}
        kept = []
        for item in items:
            task, part = _part_of(item)
            self._collected.add((task, part))
            needs_gpu = tasks.find(task).needs_gpu
            if task in self._wanted and (_device_of(item) == GPU or not needs_gpu):
                kept.append(item)
        places = {
            (task.id, part.name): place
            for task in tasks.TASKS
            for place, part in enumerate(task.parts)
        }
        devices = list(self._judges)

        def place(item: pytest.Item) -> tuple[int, int, int]:
            part = _part_of(item)
            return order[part[0]], places[part], devices.index(_device_of(item))

        items[:] = sorted(kept, key=place)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A check that cannot be collected is the grader's own fault."""
        if report.failed:
            self.errors.append(str(report.longrepr))

    def check_is_complete(self) -> None:
        """RuntimeError if the table's parts and the collected checks are not the same."""
        parts = {(t.id, part.name) for t in tasks.TASKS for part in t.parts}
        needed = {(task, part) for task, part in parts if not tasks.find(task).needs_gpu}
        if not needed <= self._collected <= parts:
            wrong = sorted((needed - self._collected) | (self._collected - parts))
            raise RuntimeError(f"checks and table of tasks differ: {wrong} {self.errors}")

    # Running -----------------------------------------------------------------------------------

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        """The submission, as the check of one part sees it."""
        task, part = _part_of(request.node)
        progress, device = self._progress[task], _device_of(request.node)
        if progress.waits_for or (part in progress.parts and not progress.parts[part].passed):
            pytest.skip("waits for another task, or is known to be wrong")
        self._judges[device].check_budget()
        return Student(self._judges[device], task, part, progress.shared.setdefault(device, {}))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin a task with its first check; time each check."""
        task, _ = _part_of(item)
        if self._current is None or self._current.id != task:
            self._finish()
            self._begin(tasks.find(task))
        begun = time.perf_counter()
        try:
            return (yield)
        finally:
            self._progress[task].seconds += time.perf_counter() - begun

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the outcome of a part."""
        report = yield
        is_over = call.when == "call" or (call.excinfo is not None and call.when == "setup")
        error = call.excinfo.value if call.excinfo is not None else None
        if is_over and not isinstance(error, pytest.skip.Exception):
            if isinstance(error, WorkerStartError):
                self.unusable, item.session.shouldstop = error, "no worker"
            self._note(item, error, report.longreprtext)
        return report

    def _note(self, item: pytest.Item, error: BaseException | None, trace: str) -> None:
        """Keep the outcome of a part; what another device found right may be wrong on the GPU."""
        (task, part), device = _part_of(item), _device_of(item)
        progress = self._progress[task]
        doc = getattr(getattr(item, "function", None), "__doc__", None) or part
        try:
            result = self._result(item, error, part_result(task, part, doc, error, trace))
        except Exception as own:  # noqa: BLE001 - whatever it is, it is no verdict
            result = part_result(task, part, doc, own, traceback.format_exc())
        if part in progress.parts:
            result = second_opinion(progress.parts[part], result, self._gpu)
        else:
            shown = progress.shared.get(device, {}).get(f"{EVIDENCE} {part}", ())
            result = replace(result, evidence=(*shown, *result.evidence))
        progress.parts[part] = result

    def _result(
        self, item: pytest.Item, error: BaseException | None, result: PartResult
    ) -> PartResult:
        """A part's result with its place, and with what else is found out about a mistake."""
        (task, _), device = _part_of(item), _device_of(item)
        shared = self._progress[task].shared.get(device, {})
        result = self._places.of_part(placed(result, shared.get(PLACE)))
        timed = tasks.find(task).needs_gpu  # in workers of its own
        if device == GPU and isinstance(error, CheckFailure) and not (timed or result.unjudged):
            result = self._examiner.examine(self._judges[GPU], result, error)
            known = diagnoses.explain(CheckFailure(result.message, findings=result.findings))
            result = replace(result, diagnoses=known or result.diagnoses)
        return result

    def pytest_internalerror(self, excrepr: object) -> bool:
        """What fails beside the checks is the grader's own fault, too; told in the report."""
        self.broken = str(excrepr)
        return True

    def pytest_sessionfinish(self) -> None:
        """The last task is done."""
        self._finish()

    # Tasks ---------------------------------------------------------------------------------------

    def _begin(self, task: Task) -> None:
        self._current = task
        for judge in self._judges.values():
            judge.budget.task = task.id
        progress = self._progress.setdefault(task.id, _Progress())
        broken = [needed for needed in task.builds_on if needed in self._failed]
        needed = {name for other in broken for name in tasks.find(other).functions}
        if task.needs_gpu:
            progress.waits_for = tuple(broken)  # no stand-in is as fast as a kernel
            return
        for judge in self._judges.values():
            if not needed <= judge.replaced:
                # All that failed so far, at once: each change means loading the submission anew.
                judge.replaced |= {n for other in self._failed for n in tasks.find(other).functions}
                judge.replaced -= set(task.functions)
        progress.stand_ins = tuple(broken)

    def _finish(self) -> None:
        task, self._current = self._current, None
        if task is None:
            return
        progress = self._progress[task.id]
        if progress.waits_for:
            result = waiting(task, progress.waits_for)
        elif len(progress.parts) < len(task.parts):
            return  # interrupted: no verdict on half of a task
        else:
            result = self._assembled(task, progress)
        if result.state not in (State.PASSED, State.GRADER_FAULT):
            self._failed.add(task.id)
        self.results[task.id] = result
        self._announce(result)

    def _assembled(self, task: Task, progress: _Progress) -> Result:
        try:
            result = assemble(task, progress.parts, progress.seconds, progress.stand_ins)
            return with_conduct(result, self._seen(task))
        except Exception:  # noqa: BLE001 - whatever it is, it is no verdict
            return own_fault(task, traceback.format_exc())

    def _seen(self, task: Task) -> tuple[Violation, ...]:
        """What workers have seen the submission do since the last task, and what still is so."""
        found: list[Violation] = []
        for name, judge in self._judges.items():
            events = judge.events
            fresh = integrity.from_events(events[self._events_seen.get(name, 0) :], task.id)
            fresh = self._places.of_violations(fresh)
            self._events_seen[name] = len(events)
            # A worker in which something was replaced stays so for the tasks that begin in it.
            pid, before = self._replaced_in.pop(name, (None, ()))
            lasting = before if pid == judge.pid else ()
            now = tuple(each for each in fresh if each.kind == "patched") or lasting
            if now:
                self._replaced_in[name] = (judge.pid, now)
            found += [*fresh, *before]
        return integrity.distinct(found)


def _part_of(item: pytest.Item) -> tuple[str, str]:
    marker = item.get_closest_marker("part")
    if marker is None:
        raise pytest.UsageError(f"{item.nodeid} has no part marker")
    return str(marker.kwargs["task"]), str(marker.kwargs["part"])


def _device_of(item: pytest.Item) -> str:
    """The device on which this run of a check judges."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        raise pytest.UsageError(f"{item.nodeid} does not use the fixture student")
    return str(callspec.params["student"])
