"""How far a class run is: a bar on a terminal, a line for each grading anywhere else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from grader.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from grader.classroom.grading import Job, Outcome

_NAMES = 3
"""Of what is under way: more do not fit beside a bar."""


class Meter:
    """Counts gradings.

    Args:
        total: gradings of the class.
        done: of them, graded by an earlier run.
        names: of the entries, by key.
        stream: to write to.
    """

    def __init__(self, total: int, done: int, names: Mapping[str, str], stream: TextIO) -> None:
        self._total, self._before, self._now, self._graded = total, done, 0, 0
        self._names, self._stream = names, stream
        self._begun = time.monotonic()
        self._hint = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[names]}", markup=False),
            console=Console(file=stream),
            disable=not stream.isatty(),
        )
        self._task = self._bar.add_task("grading", total=total, completed=done, pace="", names="")

    def __enter__(self) -> Meter:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def end(self, job: Job, outcome: Outcome, told: str) -> None:
        """A grading came back; `told` is what came of it, in a word or three."""
        self._now += 1
        self._graded += outcome.kind != "refused"  # which takes no time, and says nothing of others
        if self._bar.disable:
            count = f"{self._before + self._now:>{len(str(self._total))}} of {self._total}"
            took = f"{outcome.seconds:.1f} s"
            name = plain(self._names.get(job.key, job.key))
            self._say(f"{count}  {name}: {told} ({job.stage}, {took}){self._pace(' · ')}")
        self._bar.update(self._task, advance=1)

    def tick(self, under_way: Iterable[Job], hint: str) -> None:
        """Show what is under way, and a hint where there is one."""
        if hint != self._hint and hint and self._bar.disable:
            self._say(hint)
        self._hint = hint
        names = [plain(self._names.get(job.key, job.key)) for job in under_way]
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        shown = hint or ", ".join(names[:_NAMES]) + more
        self._bar.update(self._task, pace=self._pace(), names=shown)

    def _pace(self, before: str = "") -> str:
        """Gradings an hour and what is left, from what this run has graded."""
        if not self._graded:
            return ""
        a_second = self._graded / max(time.monotonic() - self._begun, 1e-3)
        left_s = (self._total - self._before - self._now) / a_second
        minutes, seconds = divmod(round(left_s), 60)
        left = f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
        return f"{before}{3600 * a_second:,.0f} an hour, {left} left"

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
