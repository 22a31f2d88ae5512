"""Grades one submission: from a folder to a Report."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader import tasks
from grader.result import Report, Result, State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from grader.judge import Judge

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
    backend: tuple[str, str],
    only: Collection[str] | None = None,
    alone: bool = False,
    announce: Callable[[Result], None] | None = None,
    waiting: Callable[[], None] | None = None,
) -> Report:
    """Grade a submission.

    Args:
        folder: its files.
        seed: from which all inputs are drawn.
        backend: name and reason, for the report.
        only: ids of the tasks to grade; None for all.
        alone: what the tasks build on was not graded, and may be at fault.
        announce: called with each Result as soon as it is there.
        waiting: called if the device takes long to start.

    Returns:
        the report, its results in the order of the table.

    Raises:
        SubmissionError: nothing can be graded.
        WorkerStartError: the device, or the process for student code, cannot be started.
    """
    begun = time.perf_counter()
    check_folder(folder)
    wanted = [task for task in tasks.TASKS if only is None or task.id in only]
    not_started = _not_started(folder)
    results = _immediate(wanted, not_started)
    for result in results.values():
        if announce:
            announce(result)
    remaining = [task.id for task in wanted if task.id not in results]
    output = ""
    if remaining:
        judged, output = _judged(
            folder, seed, remaining, not_started, announce, waiting, alone=alone
        )
        results |= judged
    return Report(
        backend=backend[0],
        reason=backend[1],
        seed=seed,
        submission=str(folder),
        results=tuple(results[task.id] for task in wanted),
        seconds=time.perf_counter() - begun,
        output=output,
    )


def _judged(
    folder: Path,
    seed: int,
    wanted: list[str],
    not_started: set[str],
    announce: Callable[[Result], None] | None,
    waiting: Callable[[], None] | None,
    *,
    alone: bool,
) -> tuple[dict[str, Result], str]:
    from grader.judge import Judge  # noqa: PLC0415 - the worker starts before pytest is imported

    replaced = {name for task in not_started for name in tasks.find(task).functions}
    judge = Judge(folder, seed, given_device(), replaced, waiting)
    try:
        results = _run_checks(judge, wanted, not_started, None if alone else announce)
        if alone:
            for task in wanted:
                if results[task].state is not State.PASSED and tasks.find(task).builds_on:
                    results |= _second_opinion(judge, task, not_started, results[task])
                if announce:
                    announce(results[task])
    finally:
        judge.close()
    return results, judge.output


def _second_opinion(
    judge: Judge, task: str, not_started: set[str], first: Result
) -> dict[str, Result]:
    """Judge a task again with all that it builds on replaced.

    A task graded alone must get the score that it gets among all, where what failed before it is
    replaced. What it builds on is not judged here, so a task that fails may fail because of that.
    """
    builds_on = tasks.find(task).builds_on
    judge.replaced |= {name for other in builds_on for name in tasks.find(other).functions}
    again = _run_checks(judge, [task], not_started, None)[task]
    if again.score <= first.score:
        return {}
    note = (
        f"with your own {', '.join(builds_on)} it scores {first.score}: "
        "one of them is wrong; make grade shows which"
    )
    return {task: replace(again, notes=(*again.notes, note))}


def _run_checks(
    judge: Judge,
    wanted: Iterable[str],
    not_started: set[str],
    announce: Callable[[Result], None] | None,
) -> dict[str, Result]:
    with _no_other_plugins():
        import pytest  # noqa: PLC0415 - takes a while, and the worker starts meanwhile

        from grader.plugin import GradingPlugin  # noqa: PLC0415 - as pytest

        plugin = GradingPlugin(judge, wanted, not_started, announce)
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
    return plugin.results


def _immediate(wanted: list[tasks.Task], not_started: set[str]) -> dict[str, Result]:
    """Results that need no worker: not started, or not measured here."""
    results = {}
    for task in wanted:
        if task.needs_gpu:
            state, message = State.NOT_MEASURED, "needs a GPU"
        elif task.id in not_started:
            state, message = State.NOT_STARTED, ""
        else:
            continue
        results[task.id] = Result(task.id, task.title, state, 0, task.points, message, task.file)
    return results


def _not_started(folder: Path) -> set[str]:
    """Ids of the tasks whose TODO regions all equal the stub's."""
    from grader.handout import stubs  # noqa: PLC0415 - reads a file

    return {
        task.id
        for task in tasks.TASKS
        if not task.needs_gpu
        and (folder / task.file).is_file()
        and stubs.not_started(task.id, folder)
    }


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
