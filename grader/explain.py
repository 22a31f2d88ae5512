"""`python -m grader explain REPORT.json 2.3`: judges one task of a report again, and shows all.

For an appeal. The task is graded with the report's seed and with what stood in for other tasks
then, and each comparison, each call and each tolerance is shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import devices, seeds, settings, tasks, tolerance
from grader.grade import grade
from grader.handout import collect
from grader.isolation import Level
from grader.isolation.scratch import Scratch
from grader.refusals import REFUSALS
from grader.report import conduct
from grader.report.plain import plain
from grader.report.words import in_words
from grader.version import fingerprint
from grader.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.result import Report, Result

SHOWN_AS_IN_REPORT, SHOWN_OTHERWISE, UNUSABLE = 0, 1, 2
"""Exit codes: the same score as in the report; another one; nothing could be shown."""

_NAME_ONE = "name a report written by --json FILE, or a class run's students/ID/report.json"


class ExplainError(Exception):
    """Nothing can be shown; the message says why, and what to do."""


def main(argv: Sequence[str]) -> int:
    """Show a task of a report; see the exit codes above."""
    options = _parser().parse_args(argv)
    try:
        report = read(options.report)
        row = of_task(report, options.task)
        seed = seed_of(report, options.report, options.seed)
        check_same_grader(report, anyway=options.anyway)
        submission = find_submission(report, options.report, options.submission)
        again, witness = grade_again(report, row, submission, seed)
    except (ExplainError, *REFUSALS) as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    print("\n".join([f"Submission: {submission}", *shown(row, again, witness, seed)]))
    same = again.find(options.task).score == row["score"]
    return SHOWN_AS_IN_REPORT if same else SHOWN_OTHERWISE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m grader explain", description=main.__doc__)
    parser.add_argument("report", type=Path, help="written by --json, or a class run's report.json")
    parser.add_argument("task", help="e.g. 2.3")
    parser.add_argument("--submission", type=Path, help="where it lies now, if it was moved")
    parser.add_argument("--seed", type=seeds.seed, help="where the report does not tell it")
    parser.add_argument("--anyway", action="store_true", help="by another grader than the report's")
    return parser


def read(file: Path) -> dict[str, Any]:
    """A report's JSON; ExplainError where it is none."""
    try:
        report = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ExplainError(f"{file}: {error.strerror}. Next: {_NAME_ONE}") from None
    except ValueError as error:
        raise ExplainError(f"{file} is no JSON ({error}). Next: {_NAME_ONE}") from None
    if not isinstance(report, dict) or not isinstance(report.get("results"), list):
        raise ExplainError(f'{file} is no report: expected "results" in it. Next: {_NAME_ONE}')
    return report


def of_task(report: dict[str, Any], task: str) -> dict[str, Any]:
    """A task's row; ExplainError lists those that the report has."""
    rows = {str(row.get("task")): row for row in report["results"] if isinstance(row, dict)}
    if task not in rows:
        raise ExplainError(f"task {task} is not in the report, which has {', '.join(rows)}")
    row: dict[str, Any] = rows[task]
    if row.get("state") in ("not measured", "not started", "waits"):
        raise ExplainError(
            f"task {task} was not judged: {row['state']}. {row.get('message') or ''}".rstrip(". ")
        )
    return row


def seed_of(report: dict[str, Any], file: Path, given: int | None) -> int:
    """The seed: given, the report's, or that of the class run that the report lies in."""
    if given is not None:
        return given
    if isinstance(report.get("seed"), int) and report["seed"] >= 0:
        return int(report["seed"])
    of_class = file.resolve().parents[2] / "seed" if len(file.resolve().parents) > 2 else file  # noqa: PLR2004 - OUTPUT/students/ID
    try:
        return int(of_class.read_text("utf-8"))
    except (OSError, ValueError):
        raise ExplainError("the report does not tell its seed. Next: --seed N") from None


def _edition(year: str) -> str:
    return f"the year {year}" if year else "no year"


def check_same_grader(report: dict[str, Any], *, anyway: bool) -> None:
    """ExplainError if another version or another year's edition made the report."""
    year = settings.load().year
    if report.get("year", year) != year:
        raise ExplainError(
            f"the report is of {_edition(report['year'])}, and this grader of {_edition(year)}, "
            "which has other inputs. Next: explain it where it was graded, or put "
            f'year = "{report["year"]}" into grader/settings.toml'
        )
    if not anyway and report.get("grader", fingerprint()) != fingerprint():
        raise ExplainError(
            f"the report was made by another version of the grader ({report['grader']}; this is "
            f"{fingerprint()}). Next: explain it there, or add --anyway to see what this one says"
        )


def find_submission(report: dict[str, Any], file: Path, given: Path | None) -> Path:
    """Where the submission lies; ExplainError where it lies no longer."""
    if given is not None:
        if not given.exists():
            raise ExplainError(f"--submission {given}: there is nothing")
        return given
    named = Path(str(report.get("submission") or ""))
    if report.get("seed") is None:  # a class's: what students get names no place
        raise ExplainError(
            "a class's report does not tell where the submission lies. Next: --submission FOLDER"
        )
    for place in (named, file.parent / named):
        if report.get("submission") and place.exists():
            return place
    told = (
        f"it was {named}" if report.get("submission") else "the report does not tell where it was"
    )
    raise ExplainError(f"the submission is not there: {told}. Next: --submission FOLDER")


def grade_again(
    report: dict[str, Any], row: dict[str, Any], submission: Path, seed: int
) -> tuple[Report, Witness]:
    """The task judged as it was then, and what was seen meanwhile."""
    witness = Witness()
    chosen = devices.choose()
    if "emulator" in str(report.get("backend")) and devices.EMULATOR not in chosen.names:
        raise ExplainError(
            "the report was made on the emulator, which needs a C++ compiler. Next: make doctor"
        )
    stood_in = [name for name in row.get("stand_ins", ()) if name in {t.id for t in tasks.TASKS}]
    level = Level.FULL if report.get("isolation") else Level.LIGHT
    with Scratch() as scratch, witness.watching():
        folder = collect.collect(submission, scratch).folder
        again = grade(
            folder, seed=seed, devices=chosen, only={row["task"]}, failed=stood_in, level=level
        )
    return again, witness


def shown(row: dict[str, Any], again: Report, witness: Witness, seed: int) -> list[str]:
    """Everything, as lines."""
    result = again.find(row["task"])
    lines = [
        f"Task {row['task']}: {row['title']}",
        f"In the report: {row['state']}, {row['score']} of {row['max_score']}",
        f"Judged again:  {result.state.value}, {result.score} of {result.max_score}",
        f"Devices: {again.backend} ({again.reason}); seed {seed}",
    ]
    if result.score != row["score"]:
        lines.append(
            "The scores differ: was the submission changed since, or judged on other devices?"
        )
    if result.stand_ins or row.get("stand_ins"):
        names = ", ".join(row.get("stand_ins") or result.stand_ins)
        lines.append(f"Stand-ins: {names} failed, so right ones were in their place.")
    lines += ["", "What happened, in order:", *witness.lines]
    lines += ["", *_derived(witness), "", *_verdict(result)]
    told = conduct.in_words(again)
    return [*lines, "", told or "Integrity: nothing was seen beside the results."]


def _derived(witness: Witness) -> list[str]:
    """How what is allowed comes about."""
    lines = [
        f"Tolerances: {tolerance.SAFETY:g} times a bound on float32 rounding, unit roundoff 2⁻²⁴:"
    ]
    lines += ["    (the derivations, with their sources, are in grader/tolerance.py)"]
    return [*lines, *(f"    {name}: {text}" for name, text in sorted(witness.derivations.items()))]


def _verdict(result: Result) -> list[str]:
    lines = ["Parts:"]
    for part in result.parts:
        lines.append(f"    {part.points} of {part.max_points}  {part.name}: {plain(part.title)}")
        lines += [f"        {plain(line)}" for line in part.message.splitlines()]
    lines += ["", "Findings of the checked device:" if result.findings else "Findings: none"]
    lines += [f"    {plain(found.kind)}: {plain(found.text)}" for found in result.findings]
    told = in_words(result)
    return [*lines, "", "What the student is told:", *told.splitlines()] if told else lines
