"""The command line: `python -m grader grade DIR`, `handout`, `hint`."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

PERFECT, NOT_PERFECT, UNUSABLE = 0, 1, 2
"""Exit codes: all points that can be had here; not all; the grader could not run."""

_SEED_BITS = 32


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["handout"]:
        from grader.handout.build import main as handout  # noqa: PLC0415 - instructors only

        return int(handout(arguments[1:]))
    if arguments[:1] == ["hint"]:
        from grader.handout.hints import main as hint  # noqa: PLC0415 - not for grading

        return int(hint(arguments[1:]))
    options = _parser().parse_args(arguments)
    return _grade(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grader", description="Grade the homework.")
    commands = parser.add_subparsers(dest="command", required=True)
    grade = commands.add_parser("grade", help="grade a submission")
    grade.add_argument("submission", type=Path, help="folder, zip or notebook")
    grade.add_argument("--task", metavar="ID", help="grade one task, e.g. 2.3")
    grade.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    grade.add_argument("--seed", type=int, help="repeat a grading: the seed that it printed")
    grade.add_argument("--all", action="store_true", help="show every failure in full")
    commands.add_parser("handout", help="write assignment/ from solution/")
    commands.add_parser("hint", help="a hint for a task, e.g. 2.3")
    return parser


def _grade(options: argparse.Namespace) -> int:
    from backend import BackendError, select  # noqa: PLC0415 - not needed for --help
    from grader.report.terminal import Terminal  # noqa: PLC0415 - as above

    folder = f"{options.submission}/" if options.submission.is_dir() else ""
    terminal = Terminal(show_all=options.all, folder=folder)
    try:
        backend = select()
    except BackendError as error:
        return _unusable(str(error))
    terminal.backend(backend.name, backend.reason)
    if options.seed is not None and options.seed < 0:
        return _unusable(f"--seed {options.seed}: expected a number of 0 or more")
    seed = secrets.randbits(_SEED_BITS) if options.seed is None else options.seed
    return _grade_with(options, terminal, (backend.name, backend.reason), seed)


def _grade_with(
    options: argparse.Namespace, terminal: object, backend: tuple[str, str], seed: int
) -> int:
    from dataclasses import replace  # noqa: PLC0415 - needed only here

    from grader import tasks  # noqa: PLC0415 - not needed for --help
    from grader.grade import SubmissionError, grade  # noqa: PLC0415 - as above
    from grader.handout import collect  # noqa: PLC0415 - as above
    from grader.report import json  # noqa: PLC0415 - as above
    from grader.report.terminal import Terminal  # noqa: PLC0415 - as above
    from grader.result import State  # noqa: PLC0415 - as above

    assert isinstance(terminal, Terminal)  # noqa: S101 - for mypy
    if options.task is not None and options.task not in {task.id for task in tasks.TASKS}:
        known = ", ".join(task.id for task in tasks.TASKS)
        return _unusable(f"--task {options.task}: there is no such task; the tasks are {known}")
    with tempfile.TemporaryDirectory(prefix="grader-") as scratch:
        try:
            collected = collect.collect(options.submission, Path(scratch))
            only = None if options.task is None else {options.task}
            alone = only is not None
            report = grade(collected.folder, seed=seed, backend=backend, only=only, alone=alone)
        except (SubmissionError, collect.SubmissionError) as error:
            return _unusable(str(error))
    report = replace(report, submission=str(options.submission), notes=collected.notes)
    for result in report.results:
        terminal.result(result)
    terminal.total(report)
    if options.json is not None:
        try:
            json.write(report, options.json)
        except OSError as error:
            return _unusable(f"--json {options.json}: {error.strerror}")
    if any(result.state is State.GRADER_FAULT for result in report.results):
        return UNUSABLE
    return PERFECT if report.is_perfect else NOT_PERFECT


def _unusable(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return UNUSABLE
