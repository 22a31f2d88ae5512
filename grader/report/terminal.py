"""The report as a student reads it in a terminal.

Passed tasks take one line, the first failure is shown in full, others in short, `--all` shows
everything. Width, colour and encoding are rich's business: NO_COLOR and pipes get no colour, a
narrow terminal gets short lines.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from grader.budget import LOADING
from grader.report import conduct, times
from grader.report.plain import plain
from grader.report.words import APOLOGY, ASSIGNMENT, command, does_not_load
from grader.result import PartResult, Report, Result, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, TextIO

_STYLES = {
    State.PASSED: "green",
    State.PARTIAL: "yellow",
    State.FAILED: "red",
    State.WAITS: "dim",
    State.NOT_STARTED: "dim",
    State.NOT_MEASURED: "dim",
    State.GRADER_FAULT: "magenta",
}

MAX_WIDTH = 100
"""Wider lines are harder to read, and points would stand far from their titles."""

PIPE_WIDTH = 100
"""A pipe or a file has no width; log viewers rarely show less."""

_POINTS_WIDTH = 9
_INDENT = 4


def let_go(stream: IO[str]) -> None:
    """Lead a stream that nobody reads to nowhere; what is still buffered goes there at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Console(Console):
    """A console that falls silent where nobody reads on: `… | head`. The grading goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        let_go(self.file)


class Terminal:
    """Prints a report, line by line as results come.

    Args:
        file: where to; standard output if None.
        show_all: show every failure in full, and the parts of every task.
        width: of the terminal; found out if None.
        folder: of the submission, put before the names of its files; "" if it has none.
        order: ids of the tasks, in the order in which `offer` shows them.
    """

    def __init__(
        self,
        file: TextIO | None = None,
        *,
        show_all: bool = False,
        width: int | None = None,
        folder: str = "",
        submission: str = ASSIGNMENT,
        order: Sequence[str] = (),
    ) -> None:
        self._console = _Console(file=file, highlight=False, width=width)
        if width is None:
            self._console.width = (
                min(self._console.width, MAX_WIDTH) if self._console.is_terminal else PIPE_WIDTH
            )
        self._show_all, self._folder, self._submission = show_all, folder, submission
        self._order, self._held = list(order), dict[str, Result]()
        self._shown_in_full, self._awaited = 0, ""

    def backend(self, name: str, reason: str) -> None:
        """The first line: on which device, and why."""
        shown = name.replace("emulator", "emulator (checked)")
        self._wrapped(f"backend: {shown} — {reason}", "dim")

    def waiting(self) -> None:
        """A line for a device that takes long to start."""
        told = "starting the device (the first time, the emulator is built: about a minute) …"
        self._wrapped(told, "dim")

    def offer(self, result: Result) -> None:
        """Show a result as soon as all before it in the table have been shown."""
        self._held[result.task] = result
        while self._order and self._order[0] in self._held:
            self.result(self._held.pop(self._order.pop(0)))

    def result(self, result: Result) -> None:
        """One task: a line, and what is wrong."""
        points = f"{result.score:>3} / {result.max_score:<3}"
        if result.state is State.NOT_MEASURED:
            points = f"  – / {result.max_score:<3}"
        self._line(result.state.symbol, f"{result.task} {result.title}", points, result.state)
        if result.state is State.GRADER_FAULT:
            self._apology(result)
        elif result.state in (State.FAILED, State.PARTIAL):
            in_full = self._show_all or self._shown_in_full == 0
            self._failure(result, in_full=in_full)
            self._shown_in_full += 1
        elif result.state is State.NOT_MEASURED:
            for note in result.notes:
                self._indented(note, style="dim")
        elif result.state is State.WAITS:
            if result.message != self._awaited or self._show_all:
                self._indented(result.message, style="dim")
            self._awaited = result.message
        elif self._show_all:
            self._parts(result)
        for line in times.lines(result.evidence):
            self._indented(line, style="dim")

    def total(self, report: Report) -> None:
        """The last lines: the total, and the first thing to do."""
        more, scored = "", f"{report.score} / {report.max_score}"
        if all(result.state is State.NOT_MEASURED for result in report.results):
            scored = "nothing is measured here"
        if report.unmeasured:
            on_gpu = "gpu" in report.backend  # where timings could be had, but were not taken
            more = f", {report.unmeasured} more " + ("for timings" if on_gpu else "on a GPU")
        self._console.print()
        self._wrapped(f"{scored}{more}", "bold")
        for note in (*report.notes, *_not_loaded(report), *_replaced(report)):
            self._wrapped(note)
        self._output(report.output)
        if told := conduct.in_words(report):
            self._wrapped(told)
        next_step = self._next_step(report)
        if next_step:
            self._wrapped(f"next: {next_step}")
        if report.isolation:
            self._wrapped(report.isolation, "dim")
        told = f"seed {report.seed} · {report.seconds:.1f} s"
        self._wrapped(told, "dim")

    def _output(self, output: str) -> None:
        """What the submission printed: all that was kept of it, or how to see it."""
        lines = plain(output).strip().splitlines()
        if not lines:
            return
        if self._show_all:
            self._wrapped("your code printed:", "dim")
            self._indented("\n".join(lines))
        else:
            count = "a line" if len(lines) == 1 else f"{len(lines):,} lines"
            self._wrapped(f"your code printed {count} (ARGS=--all shows them)", "dim")

    def _line(self, symbol: str, title: str, points: str, state: State) -> None:
        room = max(self._console.width - _POINTS_WIDTH - 3, 10)
        if len(title) > room:
            title = title[: room - 1] + "…"
        text = Text()
        text.append(f"{symbol} ", style=_STYLES[state])
        text.append(f"{title:<{room}}", style="dim" if _STYLES[state] == "dim" else "")
        text.append(f" {points.rstrip()}", style=_STYLES[state])
        self._console.print(text, no_wrap=True, crop=False, overflow="ignore")

    def _failure(self, result: Result, *, in_full: bool) -> None:
        wrong = [part for part in result.parts if part.message]
        if not in_full:
            self._indented(_first_line(result.message))
            self._short_diagnosis(result)
            self._indented(self._where_and_next(result), style="dim")
            return
        shown: set[str] = set()
        for part in wrong:
            if part.message not in shown:
                self._part(part)
            shown.add(part.message)
            if not self._show_all:
                break
        hidden = len({part.message for part in wrong} - shown)
        if hidden:
            self._indented(f"and {hidden} more in other parts (ARGS=--all shows them)", style="dim")
        for note in (*_alone(result), *result.notes):
            self._indented(note, style="dim")
        if self._show_all:
            self._parts(result)
        self._indented(self._where_and_next(result), style="dim")

    def _part(self, part: PartResult) -> None:
        if part.title:
            self._indented(f"{part.title}:", style="italic")
        self._indented(part.message)
        if len(part.diagnoses) == 1:
            diagnosis = part.diagnoses[0]
            self._indented(f"Diagnosis: {diagnosis.title}. {diagnosis.text}", style="bold")
        elif part.diagnoses:
            titles = "; or: ".join(diagnosis.title for diagnosis in part.diagnoses)
            self._indented(f"Diagnosis, one of: {titles}.", style="bold")

    def _short_diagnosis(self, result: Result) -> None:
        """What is wrong with the part whose message is shown, without the explanation."""
        part = next((part for part in result.parts if part.message == result.message), None)
        if part is not None and part.diagnoses and not does_not_load(result):
            titles = "; or: ".join(diagnosis.title for diagnosis in part.diagnoses)
            self._indented(f"Diagnosis: {titles}.", style="bold")

    def _parts(self, result: Result) -> None:
        for part in result.parts:
            sign = "✓" if part.passed else "✗"
            self._indented(f"{sign} {part.name}: {part.points} / {part.max_points} · {part.title}")

    def _apology(self, result: Result) -> None:
        self._indented(APOLOGY)
        for part in result.parts:
            if part.fault:
                shown = part.fault if self._show_all else part.message
                self._indented(shown, style="dim")

    def _next_step(self, report: Report) -> str:
        """The first thing to do, in the order of the table; before it what keeps from judging."""
        if report.slowest == LOADING:
            again = command("grade", self._submission)
            return f"make your files load faster: what they do outside of functions · {again}"
        for result in report.results:
            if result.task == report.slowest:
                again = command("grade", self._submission, result.task)
                return f"make {result.task} faster ({self._folder}{result.file}) · {again}"
        for result in report.results:
            if result.state is State.NOT_STARTED:
                place = f"{self._folder}{result.file}"
                hint = command("hint", self._submission, result.task)
                return f"{result.task} {result.title} ({place}) · {hint}"
            if result.state in (State.FAILED, State.PARTIAL):
                if does_not_load(result):
                    return f"mend {self._place(result)} · {command('grade', self._submission)}"
                again = command("grade", self._submission, result.task)
                return f"mend {result.task} ({self._place(result)}) · {again}"
        return ""

    def _where_and_next(self, result: Result) -> str:
        if does_not_load(result):
            return f"next: mend {self._place(result)}"
        return f"{self._place(result)} · next: {command('hint', self._submission, result.task)}"

    def _place(self, result: Result) -> str:
        place = f"{self._folder}{result.file}"
        return f"{place}:{result.line}" if result.line else place

    def _indented(self, text: str, style: str = "") -> None:
        if text:
            self._wrapped(text, style, _INDENT)

    def _wrapped(self, text: str, style: str = "", indent: int = 0) -> None:
        """Lines of the console's width, without blanks at their ends."""
        room = max(self._console.width - indent, 1)
        for line in Text(plain(text), style=style).wrap(self._console, room):
            line.rstrip()
            self._console.print(Text(" " * indent if line else "") + line, no_wrap=True)


def _alone(result: Result) -> tuple[str, ...]:
    """What a task builds on that was replaced, as a sentence."""
    if not result.stand_ins:
        return ()
    names = ", ".join(result.stand_ins)
    return (f"judged on its own: {names}, on which it builds, came from the grader",)


def _not_loaded(report: Report) -> tuple[str, ...]:
    """What to mend before anything else, as a sentence for each file."""
    files = dict.fromkeys(does_not_load(result) for result in report.results)
    told = "does not load: mend this first, everything in it counts again then."
    return tuple(f"{file} {told}" for file in files if file)


def _replaced(report: Report) -> tuple[str, ...]:
    """What was replaced for the tasks that build on it, as a sentence; not what nobody started."""
    replaced = {task for result in report.results for task in result.stand_ins}
    wrong = [
        result.task
        for result in report.results
        if result.task in replaced
        and result.state is not State.NOT_STARTED
        and not does_not_load(result)
    ]
    if not wrong:
        return ()
    told = f"What builds on {', '.join(wrong)} was judged with the grader's own in its place"
    once = ": one mistake costs its points once" if _causes_differ(report) else ""
    return (f"{told}{once}.",)


def _causes_differ(report: Report) -> bool:
    """Whether no two tasks lose for the same reason, as far as the reasons are known."""
    if any(result.state is State.WAITS for result in report.results):
        return False
    lost = [
        {diagnosis.id for diagnosis in result.diagnoses}
        for result in report.results
        if result.state in (State.FAILED, State.PARTIAL) and not does_not_load(result)
    ]
    known = all(lost) and sum(map(len, lost)) == len(set().union(*lost))
    return len(lost) == 1 or known


def _first_line(message: str) -> str:
    return message.splitlines()[0] if message else ""
