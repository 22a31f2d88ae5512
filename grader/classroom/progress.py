"""How far a class run is: a bar on a terminal, a line for each grading anywhere else."""

from __future__ import annotations

import time
from collections import Counter
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
        done: gradings of an earlier run.
        left: how many are left, by stage.
        names: of the entries, by key.
        stream: to write to.
    """

    def __init__(
        self, done: int, left: Mapping[str, int], names: Mapping[str, str], stream: TextIO
    ) -> None:
        self._total, self._done, self._left = done + sum(left.values()), done, Counter(left)
        self._graded = Counter[str]()
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
        self._task = self._bar.add_task(
            "grading", total=self._total, completed=done, pace="", names=""
        )

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
        self._done += 1
        self._left[job.stage] -= 1
        if outcome.kind != "refused":  # which takes no time, and says nothing of others
            self._graded[job.stage] += 1
        if self._bar.disable:
            count = f"{self._done:>{len(str(self._total))}} of {self._total}"
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
        """Gradings an hour of each stage, and when the slowest is done, from what was graded."""
        passed_s = max(time.monotonic() - self._begun, 1e-3)
        a_second = {stage: count / passed_s for stage, count in self._graded.items()}
        waiting = [stage for stage, count in self._left.items() if count]
        if not a_second or not a_second.keys() >= set(waiting):
            return ""
        left_s = max((self._left[stage] / a_second[stage] for stage in waiting), default=0.0)
        minutes, seconds = divmod(round(left_s), 60)
        left = f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
        rates = [f"{3600 * rate:,.0f}" for rate in a_second.values()]
        if len(rates) > 1:
            rates = [f"{stage} {rate}" for stage, rate in zip(a_second, rates, strict=True)]
        return f"{before}{', '.join(rates)} an hour, {left} left"

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
