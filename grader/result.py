"""Results: one list of them feeds every report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from grader import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.evidence import Evidence
    from grader.integrity import Violation


class State(str, Enum):
    """What became of a task; the value is its name in JSON."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    WAITS = "waits"
    NOT_STARTED = "not started"
    NOT_MEASURED = "not measured"
    GRADER_FAULT = "grader fault"

    @property
    def symbol(self) -> str:
        """The sign in front of the task in a report."""
        return _SYMBOLS[self]


_SYMBOLS = {
    State.PASSED: "✓",
    State.PARTIAL: "◐",
    State.FAILED: "✗",
    State.WAITS: "–",
    State.NOT_STARTED: "○",
    State.NOT_MEASURED: "◌",
    State.GRADER_FAULT: "‼",
}


@dataclass(frozen=True)
class Diagnosed:
    """A known mistake recognised in what the student's code returned.

    Attributes:
        id: of the entry in the bank.
        title: the mistake in a student's words.
        text: the explanation, with the equation and the next step.
    """

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Found:
    """What the checked device found in a kernel.

    Attributes:
        kind: as `emulator.findings.Kind`, e.g. "race".
        text: what a person reads: kernel, line, block, thread, explanation.
        kernel: its name.
        file, line: the student's own place, None where unknown.
    """

    kind: str
    text: str
    kernel: str
    file: str | None
    line: int | None


@dataclass(frozen=True)
class PartResult:
    """What became of one part of a task.

    Attributes:
        name: of the part.
        title: what is true of right code, in the student's words.
        points: earned.
        max_points: of the part.
        message: what is wrong, "" where nothing is.
        file, line: the student's own place, None where unknown.
        diagnoses: known mistakes recognised.
        findings: of the checked device.
        fault: the grader's own traceback, "" where it did its work.
        evidence: curves, maps and times for pages; also of parts that passed.
        void: why a time is no time, "" where it is one; the part has no points then.
        policy: what shows that something else than a kernel did the work, "" where nothing does;
            the task has no points then.
        unjudged: the time of the grading was used up before there was a verdict.
    """

    name: str
    title: str
    points: int
    max_points: int
    message: str = ""
    file: str | None = None
    line: int | None = None
    diagnoses: tuple[Diagnosed, ...] = ()
    findings: tuple[Found, ...] = ()
    fault: str = ""
    evidence: tuple[Evidence, ...] = ()
    void: str = ""
    policy: str = ""
    unjudged: bool = False

    @property
    def passed(self) -> bool:
        """Whether all its points are earned."""
        return self.points == self.max_points


@dataclass(frozen=True)
class Result:
    """What became of a task.

    Attributes:
        task: its id.
        title: of the task.
        state: see `State`.
        score: points earned.
        max_score: points that can be had here.
        message: the first thing that is wrong, "" where nothing is.
        file, line: the student's own place of it, None where unknown.
        diagnoses, findings: of all parts, each once.
        seconds: that the checks took.
        parts: in the order of the table.
        notes: sentences for the student.
        stand_ins: ids of the tasks that it builds on and that were replaced by stand-ins.
        violations: seen while it was judged; see `grader.integrity`.
    """

    task: str
    title: str
    state: State
    score: int
    max_score: int
    message: str = ""
    file: str | None = None
    line: int | None = None
    diagnoses: tuple[Diagnosed, ...] = ()
    findings: tuple[Found, ...] = ()
    seconds: float = 0.0
    parts: tuple[PartResult, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    stand_ins: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True)
class Report:
    """All results of one grading.

    Attributes:
        backend: "gpu" or "emulator".
        reason: why that one, in words.
        seed: that repeats this grading; −1 where it stays secret.
        submission: the folder as the student named it.
        results: in the order of the table.
        notes: sentences about the submission as a whole.
        seconds: of wall time.
        output: the beginning of what the submission printed.
        sources: text of the submission's files by name, to quote lines from.
        violations: of rules of conduct, in the order in which they were seen.
        isolation: the level that the submission ran at, in words; "" for a student's own run.
        year: of the edition that it was graded by.
        slowest: id of the task in which most of the grading's time was used up, "loading" for the
            import of the files; "" where all was judged.
    """

    backend: str
    reason: str
    seed: int
    submission: str
    results: tuple[Result, ...] = ()
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    output: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    isolation: str = ""
    year: str = ""
    slowest: str = ""

    @property
    def score(self) -> int:
        """Points earned."""
        return sum(result.score for result in self.results)

    @property
    def max_score(self) -> int:
        """Points that can be had here: without what is not measured, and without a bonus."""
        return sum(result.max_score for result in self.results if _counts(result))

    @property
    def unmeasured(self) -> int:
        """Points that need a GPU, without a bonus."""
        unmeasured = (r for r in self.results if r.state is State.NOT_MEASURED)
        return sum(r.max_score for r in unmeasured if not tasks.find(r.task).bonus)

    @property
    def is_perfect(self) -> bool:
        """Whether all that can be had here was earned."""
        return self.score >= self.max_score

    def find(self, task: str) -> Result:
        """The result of a task; KeyError if it was not graded."""
        for result in self.results:
            if result.task == task:
                return result
        raise KeyError(task)


def _counts(result: Result) -> bool:
    return result.state is not State.NOT_MEASURED and not tasks.find(result.task).bonus
