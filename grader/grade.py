"""Grades one submission: from a folder to a Report."""

from __future__ import annotations

import os
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader import sources, tasks
from grader.budget import Budget
from grader.devices import EMULATOR, GPU
from grader.integrity import distinct
from grader.isolation import Level, Reached
from grader.result import Report, Result, State
from grader.settings import Settings
from grader.settings import load as load_settings
from grader.timing import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from grader.budget import Used
    from grader.devices import Devices
    from grader.judge import Judge
    from grader.process import WorkerProcess

ROOT = Path(__file__).resolve().parents[1]
CHECKS = Path(__file__).resolve().parent / "checks"


class SubmissionError(Exception):
    """Nothing can be graded; the message says what was expected and found, and the next step."""


def given_device() -> Path:
    """The judge's own device.py: the solution's, or in a student's copy the one handed out."""
    for folder in ("solution", "assignment"):
        path = ROOT / folder / "device.py"
        if path.is_file():
            return path
    raise SubmissionError(
        "device.py is neither in solution/ nor in assignment/: unpack the homework again"
    )


def check_folder(folder: Path) -> None:
    """SubmissionError if a folder holds nothing to grade."""
    if not folder.exists():
        raise SubmissionError(
            f"{folder}: there is no such folder. Next: make grade SUBMISSION=assignment"
        )
    if not folder.is_dir():
        raise SubmissionError(
            f"{folder}: expected a folder with {', '.join(tasks.FILES)}; found a file"
        )
    if not any((folder / file).is_file() for file in tasks.FILES):
        raise SubmissionError(
            f"{folder}: expected {', '.join(tasks.FILES)}; found none of them. "
            "Next: name the folder that holds your files, e.g. make grade SUBMISSION=assignment"
        )


def grade(
    folder: Path,
    *,
    seed: int,
    devices: Devices,
    only: Collection[str] | None = None,
    alone: bool = False,
    failed: Collection[str] = (),
    workers: Mapping[str, WorkerProcess] | None = None,
    announce: Callable[[Result], None] | None = None,
    waiting: Callable[[], None] | None = None,
    level: Level = Level.LIGHT,
    settings: Settings | None = None,
) -> Report:
    """Grade a submission.

    Args:
        folder: its files.
        seed: from which all inputs are drawn.
        devices: that judge.
        only: ids of the tasks to grade; None for all.
        alone: what the tasks build on was not graded, and may be at fault.
        failed: ids of tasks that are not graded now, and are known to be wrong.
        workers: processes started ahead, by backend.
        announce: called with each Result as soon as it is there.
        waiting: called if a device takes long to start.
        level: the walls around student code.
        settings: of the instructor; read from their file if None.

    Returns:
        the report, its results in the order of the table.

    Raises:
        SubmissionError: nothing can be graded.
        SettingsError: the settings cannot be used.
        WorkerStartError: a device, or the process for student code, cannot be started.
    """
    begun = time.perf_counter()
    settings = load_settings() if settings is None else settings
    check_folder(folder)
    wanted = [task for task in tasks.TASKS if only is None or task.id in only]
    not_started = _not_started(folder)
    results = _immediate(wanted, not_started, devices)
    counts_cost = tasks.KERNEL_TIMES in results and EMULATOR in devices.names
    for result in results.values():
        if announce and not (counts_cost and result.task == tasks.KERNEL_TIMES):
            announce(result)
    grading = _Grading(
        folder,
        seed,
        devices,
        wanted=[task.id for task in wanted if task.id not in results],
        failed=not_started | set(failed),
        announce=announce,
        waiting=waiting,
        level=level,
        counts_cost=counts_cost and (alone or any(task.id not in results for task in wanted)),
        settings=settings,
    )
    judged = {}
    if grading.wanted or grading.counts_cost:
        judged = grading.run(workers or {}, alone=alone)
    results |= judged
    if announce and counts_cost and tasks.KERNEL_TIMES not in judged:
        announce(results[tasks.KERNEL_TIMES])
    return Report(
        backend=devices.label,
        reason=devices.reason,
        seed=seed,
        submission=str(folder),
        results=tuple(results[task.id] for task in wanted),
        notes=(*_advice(devices, judged.values()), *grading.notes()),
        seconds=time.perf_counter() - begun,
        output=grading.output,
        isolation=grading.reached.text(),
        year=settings.year,
        sources=sources.texts(folder),
        violations=distinct(seen for task in wanted for seen in results[task.id].violations),
        slowest=next((used.most for used in grading.used if used.is_up), ""),
    )


@dataclass
class _Grading:
    """What one grading needs to know; see `grade`."""

    folder: Path
    seed: int
    devices: Devices
    wanted: list[str]
    failed: set[str]
    announce: Callable[[Result], None] | None
    waiting: Callable[[], None] | None
    level: Level
    counts_cost: bool
    settings: Settings
    output: str = ""
    reached: Reached = field(default_factory=Reached)
    used: tuple[Used, ...] = ()

    def run(self, workers: Mapping[str, WorkerProcess], *, alone: bool) -> dict[str, Result]:
        """Judge the wanted tasks on every device."""
        from grader.judge import Judge  # noqa: PLC0415 - workers start before pytest is imported

        replaced = {name for task in self.failed for name in tasks.find(task).functions}
        replaced -= {name for task in self.wanted for name in tasks.find(task).functions}
        judges = [
            Judge(
                self.folder,
                self.seed,
                given_device(),
                backend,
                replaced=replaced,
                waiting=self.waiting,
                worker=workers.get(backend),
                level=self.level,
                year=self.settings.year,
                budget=Budget(self.settings.limits.grading_s),
            )
            for backend in self.devices.names
        ]
        try:
            results = self._check(judges, self.wanted, None if alone else self.announce)
            if alone:
                for task in self.wanted:
                    if results[task].state is not State.PASSED and tasks.find(task).builds_on:
                        results |= self._without_others(judges, results[task])
                    if self.announce:
                        self.announce(results[task])
            if self.counts_cost:
                needed = tasks.find(tasks.KERNEL_TIMES).builds_on if alone else ()
                others = self._check(judges[:1], needed, None) if needed else {}
                results[tasks.KERNEL_TIMES] = self._cost(judges[0], results | others)
                if self.announce:
                    self.announce(results[tasks.KERNEL_TIMES])
        finally:
            for judge in judges:
                judge.close()
            self.output = judges[0].output
            for judge in judges:
                self.reached = self.reached.weaker(judge.reached)
            self.used = tuple(judge.budget.used for judge in judges)
        return results

    def notes(self) -> list[str]:
        """What is to be said of the time that the submission took, on each device."""
        return [note for note in (used.note() for used in self.used) if note]

    def _cost(self, judge: Judge, results: Mapping[str, Result]) -> Result:
        """Task 5.1 where there is no GPU: what its kernels cost on the emulator.

        Args:
            judge: on the emulator.
            results: of the tasks that were judged.
        """
        from grader import cost, scoring  # noqa: PLC0415 - with NumPy and all diagnoses

        begun = time.perf_counter()
        task = tasks.find(tasks.KERNEL_TIMES)
        judge.budget.task = task.id
        wrong = {other for other, result in results.items() if result.state is not State.PASSED}
        broken = tuple(other for other in task.builds_on if other in wrong | self.failed)
        if broken and self.settings.scoring.emulated_cost:
            return scoring.waiting(task, broken)
        try:
            found = cost.compare(judge, broken)
        except Exception:  # noqa: BLE001 - whatever it is, it is no verdict
            return scoring.own_fault(task, traceback.format_exc())
        seconds = time.perf_counter() - begun
        if self.settings.scoring.emulated_cost:
            return scoring.assemble(task, cost.parts(found), seconds, ())
        unmeasured = _unmeasured(task)
        return replace(unmeasured, seconds=seconds, notes=cost.notes(found), evidence=tuple(found))

    def _without_others(self, judges: Sequence[Judge], first: Result) -> dict[str, Result]:
        """Judge a task again with all that it builds on replaced.

        A task graded alone must get the score that it gets among all, where what failed before it
        is replaced. What it builds on is not judged here, so a task that fails may fail because of
        that.
        """
        builds_on = tasks.find(first.task).builds_on
        for judge in judges:
            judge.replaced |= {name for task in builds_on for name in tasks.find(task).functions}
        again = self._check(judges, [first.task], None)[first.task]
        if again.score <= first.score:
            return {}
        note = (
            f"with your own {', '.join(builds_on)} it scores {first.score}: "
            "one of them is wrong; make grade shows which"
        )
        return {first.task: replace(again, notes=(*again.notes, note))}

    def _check(
        self,
        judges: Sequence[Judge],
        wanted: Iterable[str],
        announce: Callable[[Result], None] | None,
    ) -> dict[str, Result]:
        with _no_other_plugins():
            import pytest  # noqa: PLC0415 - takes a while, and the workers start meanwhile

            from grader.plugin import GradingPlugin  # noqa: PLC0415 - as pytest

            plugin = GradingPlugin(judges, wanted, self.failed, announce, self.devices.gpu)
            quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
            settings = ["-c", str(CHECKS / "pytest.ini"), "--rootdir", str(CHECKS), "--capture=no"]
            status = pytest.main([*quiet, *settings, str(CHECKS)], plugins=[plugin])
        if plugin.unusable is not None:
            raise plugin.unusable
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if plugin.errors:
            raise RuntimeError("a check cannot be loaded:\n" + "\n".join(plugin.errors))
        plugin.check_is_complete()
        for task in wanted:
            if task not in plugin.results:
                plugin.results[task] = _unjudged(tasks.find(task), plugin.broken)
                if announce:
                    announce(plugin.results[task])
        return plugin.results


def _immediate(
    wanted: list[tasks.Task], not_started: set[str], devices: Devices
) -> dict[str, Result]:
    """Results that need no worker: not started, or not measured here."""
    results = {}
    for task in wanted:
        if task.needs_gpu and not (GPU in devices.names and plan.is_there()):
            results[task.id] = _unmeasured(task)
        elif task.id in not_started:
            told = "it is a bonus, and nothing is lost without it" if task.bonus else ""
            results[task.id] = Result(
                task.id, task.title, State.NOT_STARTED, 0, task.points, told, task.file
            )
    return results


def _advice(devices: Devices, judged: Iterable[Result]) -> tuple[str, ...]:
    """How to learn more of what is wrong here, where there is a way."""
    return (devices.advice,) if devices.advice and any(map(_is_unexplained, judged)) else ()


def _is_unexplained(result: Result) -> bool:
    """Whether a checked device might tell why a task failed, where this one does not."""
    return result.state in (State.FAILED, State.PARTIAL) and not result.findings


def _unjudged(task: tasks.Task, broken: str) -> Result:
    """The result of a task that no check has judged: timings have none where they aren't taken."""
    from grader import scoring  # noqa: PLC0415 - with NumPy and all diagnoses

    return _unmeasured(task) if task.needs_gpu and not broken else scoring.own_fault(task, broken)


def _unmeasured(task: tasks.Task) -> Result:
    state, message = State.NOT_MEASURED, "needs a GPU"
    return Result(task.id, task.title, state, 0, task.points, message, task.file)


def _not_started(folder: Path) -> set[str]:
    """Ids of the tasks whose TODO regions all equal the stub's, and of a bonus that is left out."""
    from grader.handout import stubs  # noqa: PLC0415 - reads a file

    return {
        task.id
        for task in tasks.TASKS
        if (folder / task.file).is_file()
        and (stubs.not_started(task.id, folder) or (task.bonus and _lacks_graph(folder)))
    }


def _lacks_graph(folder: Path) -> bool:
    """Whether nothing in a submission speaks of the function of the bonus."""
    name = tasks.GRAPH.rpartition(".")[2]
    return not any(name in text for text in sources.texts(folder).values())


@contextmanager
def _no_other_plugins() -> Iterator[None]:
    """Keep pytest from loading plugins that happen to be installed: they cost time."""
    name = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    before = os.environ.get(name)
    addopts = os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
        if addopts is not None:
            os.environ["PYTEST_ADDOPTS"] = addopts
