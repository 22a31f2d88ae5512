"""The command line: `python -m grader grade DIR`, `handout`, `hint`."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader import devices, seeds, tasks
from grader.grade import SubmissionError, grade
from grader.handout import collect
from grader.isolation import Level
from grader.isolation.scratch import Scratch
from grader.refusals import REFUSALS
from grader.report import record
from grader.report.plain import plain
from grader.report.terminal import Terminal, let_go
from grader.result import State

if TYPE_CHECKING:
    from grader.result import Report

PERFECT, NOT_PERFECT, UNUSABLE = 0, 1, 2
"""Exit codes: all points that can be had here; not all; the grader could not run."""

WRITERS = {
    "json": "the results as JSON",
    "html": "a page for the browser",
    "junit": "JUnit XML",
    "gradescope": "Gradescope's results.json",
}
"""Reports that are files: each is an option, and a module of grader.report with `write`."""

COMMANDS = {
    "hint": ("grader.handout.hints", "a hint for a task, e.g. 2.3"),
    "watch": ("grader.watch", "grade again at each save what it can affect"),
    "time": ("grader.timing.table", "where the time of kernels and training steps goes"),
    "explain": ("grader.explain", "run one check of a report again, and show everything"),
    "class": ("grader.classroom.command", "grade a whole class"),
    "handout": ("grader.handout.build", "write assignment/ from solution/"),
    "release": ("grader.release.main", "make the zip that students get"),
    "gradescope": ("grader.release.gradescope", "make the autograder's zip for Gradescope"),
}
"""Commands with a module of their own, which has `main`, and what they do."""

STDOUT = Path("-")
"""The file of a report that goes to standard output; what a person reads goes to stderr then."""


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and arguments[0] in COMMANDS:
        module, _ = COMMANDS[arguments[0]]
        return int(importlib.import_module(module).main(arguments[1:]))
    options = _parser().parse_args(arguments)
    return _grade(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grader", description="Grade the homework.")
    commands = parser.add_subparsers(dest="command", required=True)
    grading = commands.add_parser("grade", help="grade a submission")
    grading.add_argument("submission", type=Path, help="folder, zip or notebook")
    grading.add_argument("--task", metavar="ID", help="grade one task, e.g. 2.3")
    for name, what in WRITERS.items():
        grading.add_argument(
            f"--{name}", type=Path, metavar="FILE", help=f"write {what}, too (-: to stdout)"
        )
    grading.add_argument("--record", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    grading.add_argument(
        "--seed",
        type=seeds.seed,
        help="repeat a grading: the seed that it printed (-: read from stdin)",
    )
    grading.add_argument(
        "--isolation",
        choices=[level.value for level in Level],
        default=Level.LIGHT.value,
        help="the walls around student code; full: all that this machine has (default: light)",
    )
    grading.add_argument("--all", action="store_true", help="show every failure in full")
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what)
    return parser


def _grade(options: argparse.Namespace) -> int:
    wrong = _wrong_usage(options)
    if wrong:
        return _unusable(wrong)
    terminal = Terminal(
        sys.stderr if _to_stdout(options) else None,
        show_all=options.all,
        folder=f"{options.submission}/" if options.submission.is_dir() else "",
        submission=str(options.submission),
        order=[task.id for task in tasks.TASKS if options.task in (None, task.id)],
    )
    try:
        chosen = devices.choose()
        terminal.backend(chosen.label, chosen.reason)
        report = _graded(options, terminal, chosen)
    except REFUSALS as error:
        if options.record and isinstance(error, (SubmissionError, collect.SubmissionError)):
            record.write_refusal(str(error), options.record)
        return _unusable(str(error))
    terminal.total(report)
    for name in (*WRITERS, "record"):
        file = getattr(options, name)
        try:
            if file is not None:
                _write(report, name, file)
        except OSError as error:
            return _unusable(f"--{name} {file}: {error.strerror}")
    if any(result.state is State.GRADER_FAULT for result in report.results):
        return UNUSABLE
    return PERFECT if report.is_perfect else NOT_PERFECT


def _wrong_usage(options: argparse.Namespace) -> str:
    """What is wrong with the options, "" where nothing is."""
    known = [task.id for task in tasks.TASKS]
    to_stdout = _to_stdout(options)
    if options.task not in (None, *known):
        return f"--task {options.task}: there is no such task; the tasks are {', '.join(known)}"
    if len(to_stdout) > 1:
        return f"{' and '.join(to_stdout)}: one report alone can go to stdout"
    return ""


def _to_stdout(options: argparse.Namespace) -> list[str]:
    """The options whose report goes to standard output."""
    return [f"--{name}" for name in WRITERS if getattr(options, name) == STDOUT]


def _write(report: Report, name: str, file: Path) -> None:
    """Write one of the WRITERS' reports."""
    writer = importlib.import_module(f"grader.report.{name}")
    if file != STDOUT:
        writer.write(report, file)
        return
    with tempfile.TemporaryDirectory(prefix="grader-") as scratch:
        written = Path(scratch) / name
        writer.write(report, written)
        try:
            sys.stdout.buffer.write(written.read_bytes())
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has seen enough
            let_go(sys.stdout)


def _graded(options: argparse.Namespace, terminal: Terminal, chosen: devices.Devices) -> Report:
    with Scratch() as scratch:
        collected = collect.collect(options.submission, scratch)
        report = grade(
            collected.folder,
            seed=seeds.new_seed() if options.seed is None else options.seed,
            devices=chosen,
            only=None if options.task is None else {options.task},
            alone=options.task is not None,
            announce=terminal.offer,
            waiting=terminal.waiting,
            level=Level(options.isolation),
        )
    return replace(
        report, submission=str(options.submission), notes=(*report.notes, *collected.notes)
    )


def _unusable(message: str) -> int:
    sys.stderr.write(f"{plain(message)}\n")
    return UNUSABLE
