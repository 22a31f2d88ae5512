"""What a student reads."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from grader.budget import LOADING
from grader.report.terminal import Terminal
from grader.result import Diagnosed, PartResult, Report, Result, State

PASSED = Result("1.1", "bias_add adds", State.PASSED, 4, 4, parts=(PartResult("small", "t", 4, 4),))
FAILED = Result(
    "2.3",
    "dW and db match the true gradients",
    State.PARTIAL,
    3,
    8,
    message="dW: 20 of 20 elements differ",
    file="linear.py",
    line=41,
    parts=(
        PartResult("scores", "scores are right", 3, 3),
        PartResult(
            "W",
            "dW is right",
            0,
            5,
            "dW: 20 of 20 elements differ",
            diagnoses=(Diagnosed("sum-not-mean", "the average is missing", "Divide by N."),),
        ),
    ),
)
NOT_STARTED = Result("2.4", "one step", State.NOT_STARTED, 0, 3, file="linear.py")
UNMEASURED = Result("5.1", "timings", State.NOT_MEASURED, 0, 10)
FAULT = Result(
    "1.2", "softmax", State.GRADER_FAULT, 0, 0, "KeyError: x",
    parts=(PartResult("small", "t", 0, 10, "KeyError: x", fault="Traceback …"),),
)  # fmt: skip


def shown(
    *results: Result,
    width: int = 80,
    show_all: bool = False,
    submission: str = "assignment",
    slowest: str = "",
) -> str:
    """The whole report as text."""
    file = io.StringIO()
    terminal = Terminal(
        file, width=width, show_all=show_all, folder="assignment/", submission=submission
    )
    terminal.backend("emulator", "no NVIDIA GPU here")
    for result in results:
        terminal.result(result)
    terminal.total(Report("emulator", "", 7, "assignment", results, slowest=slowest))
    return file.getvalue()


def test_passed_is_one_line() -> None:
    """A passed task takes one line."""
    text = shown(PASSED)
    assert text.startswith("backend: emulator (checked) — no NVIDIA GPU here\n✓ 1.1 bias_add adds")
    assert text.splitlines()[1].endswith("4 / 4")
    assert len([line for line in text.splitlines() if line.strip()]) == 4


def test_failure() -> None:
    """A failure tells what, why, where, and what to do next."""
    text = shown(FAILED)
    assert "◐ 2.3" in text
    assert "dW: 20 of 20 elements differ" in text
    assert "Diagnosis: the average is missing. Divide by N." in text
    assert "assignment/linear.py:41 · next: make hint TASK=2.3" in text


def test_time_is_used_up() -> None:
    """Why tasks were not judged is told once, and what takes the time is the first to mend."""
    why = "not judged: your code used up the 180 s of a grading, most of it in 1.1"
    waiting = [replace(NOT_STARTED, task=t, state=State.WAITS, message=why) for t in ("2.4", "4.1")]
    slow = replace(PASSED, file="kernels.py")
    text = shown(slow, FAILED, *waiting, slowest="1.1")
    assert text.count("not judged") == 1
    assert "next: make 1.1 faster (assignment/kernels.py) · make grade TASK=1.1" in text
    assert shown(*waiting, show_all=True).count("not judged") == 2
    assert "next: make your files load faster" in shown(*waiting, slowest=LOADING)


def test_only_the_first_failure_in_full() -> None:
    """The second failure is short, its mistake named, not explained, unless all are shown."""
    assert shown(FAILED, FAILED).count("Divide by N.") == 1
    assert shown(FAILED, FAILED).count("Diagnosis: the average is missing.") == 2
    assert shown(FAILED, FAILED, show_all=True).count("Divide by N.") == 2


def test_submission_is_kept() -> None:
    """Commands to type name the submission, unless it is the default."""
    text = shown(FAILED, submission="mine")
    assert "next: make hint SUBMISSION=mine TASK=2.3" in text
    assert "make grade SUBMISSION=mine TASK=2.3" in text
    assert "make hint SUBMISSION=mine TASK=2.4" in shown(NOT_STARTED, submission="mine")
    assert "SUBMISSION" not in shown(FAILED, submission="assignment/")


@pytest.mark.parametrize(
    "message",
    ["linear.py does not load: SyntaxError: x\n    def", "there is no linear.py in the submission"],
)
def test_not_loaded(message: str) -> None:
    """A file that does not load is what to mend first: no hint helps, and it costs many tasks."""
    unloaded = replace(FAILED, message=message, line=41)
    waiting = replace(PASSED, stand_ins=("2.3",))
    text = shown(unloaded, waiting, submission="mine")
    assert "next: mend assignment/linear.py:41" in text
    told = "linear.py does not load: mend this first, everything in it counts again then."
    assert told in text.replace("\n", " ")
    assert "next: mend assignment/linear.py:41 · make grade SUBMISSION=mine" in text
    assert "make hint" not in text
    assert "costs its points once" not in text
    assert "costs its points once" in shown(FAILED, waiting).replace("\n", " ")


ALIKE = (Diagnosed("launch-refused", "the device refuses the launch", "Mind the block."),)


@pytest.mark.parametrize(
    ("other", "is_once"),
    [
        (replace(FAILED, task="2.1", diagnoses=ALIKE), False),
        (replace(FAILED, task="2.1", diagnoses=()), False),
        (replace(FAILED, task="2.1", diagnoses=(replace(ALIKE[0], id="other"),)), True),
        (replace(PASSED, task="5.1", state=State.WAITS, score=0), False),
        (UNMEASURED, True),
        (NOT_STARTED, True),
        (FAULT, True),
    ],
)
def test_one_mistake_costs_once(other: Result, is_once: bool) -> None:
    """That a mistake costs its points once is said only where nothing else was lost by it."""
    first = replace(FAILED, diagnoses=ALIKE)
    text = shown(first, other, replace(PASSED, stand_ins=("2.3",))).replace("\n", " ")
    assert ("one mistake costs its points once." in text) is is_once
    assert "was judged with the grader's own in its place" in text


@pytest.mark.parametrize("width", [30, 40, 80])
def test_no_trailing_blanks(width: int) -> None:
    """A wrapped line ends with its last word; an empty line within a message stays one."""
    part = PartResult("W", "t", 0, 5, "many words, " * 20 + "\n\n    and source")
    wrong = replace(FAILED, message=part.message, parts=(part,))
    text = shown(wrong, replace(PASSED, stand_ins=("2.3",)), width=width)
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "\n\n        and source" in text


def test_total() -> None:
    """What needs a GPU leaves the total, and is told beside it."""
    assert "4 / 4, 10 more on a GPU" in shown(PASSED, UNMEASURED)
    assert "\nnothing is measured here, 10 more on a GPU\n" in shown(UNMEASURED)


def test_first_thing_to_do() -> None:
    """The first task that is not started or wrong is named at the end."""
    assert "next: 2.4 one step (assignment/linear.py)" in shown(PASSED, NOT_STARTED, FAILED)
    assert "next: mend 2.3 (assignment/linear.py:41)" in shown(FAILED, NOT_STARTED)


def test_apology() -> None:
    """A fault of the grader is apologised for, and costs nothing."""
    text = shown(PASSED, FAULT)
    assert "‼ 1.2" in text
    assert "Sorry" in text
    assert "4 / 4" in text.splitlines()[-2]


@pytest.mark.parametrize("width", [40, 60, 100])
def test_width(width: int) -> None:
    """No line is wider than the terminal."""
    assert max(map(len, shown(PASSED, FAILED, UNMEASURED, width=width).splitlines())) <= width


class TerminalText(io.StringIO):
    """Text that takes itself for a terminal."""

    def isatty(self) -> bool:
        """As a terminal says."""
        return True


def colours(text: str) -> list[str]:
    """The escapes that set a colour; bold and dim are none (no-color.org)."""
    return re.findall(r"\x1b\[(?:\d+;)*[349]\d(?:;\d+)*m", text)


@pytest.mark.parametrize("has_colour", [True, False])
def test_colour(monkeypatch: pytest.MonkeyPatch, *, has_colour: bool) -> None:
    """A terminal gets colour, unless NO_COLOR is set; a pipe never does."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not has_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    file = TerminalText()
    Terminal(file, width=80).result(PASSED)
    assert bool(colours(file.getvalue())) == has_colour
    assert "\x1b" not in shown(PASSED)


def test_wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a wide terminal lines stay as short as they are best read."""
    monkeypatch.setenv("COLUMNS", "160")
    file = TerminalText()
    terminal = Terminal(file)
    terminal.result(FAILED)
    assert max(map(len, re.sub(r"\x1b\[[\d;]*m", "", file.getvalue()).splitlines())) <= 100


def test_screenful() -> None:
    """The common case, a handful of failures among all tasks, fits on a screen of 50 lines."""
    text = shown(*[PASSED] * 9, FAILED, FAILED, FAILED, *[UNMEASURED] * 3)
    assert len(text.splitlines()) <= 50


def test_no_control_characters() -> None:
    """What a submission raises cannot steer the reader's terminal, nor use rich's markup."""
    nasty = Result(
        "1.1", "t", State.FAILED, 0, 4, message="\x1b[2J[red]x", file="kernels.py",
        parts=(PartResult("small", "t", 0, 4, "\x1b[2J[red]x"),),
    )  # fmt: skip
    text = shown(nasty)
    assert "\x1b" not in text
    assert "[red]x" in text


def test_offer_keeps_the_order() -> None:
    """Results are shown in the order of the table, however they come."""
    file = io.StringIO()
    terminal = Terminal(file, width=80, order=["1.1", "2.3", "2.4"])
    for result in (NOT_STARTED, FAILED, PASSED):
        terminal.offer(result)
    text = file.getvalue()
    assert text.index("1.1") < text.index("2.3") < text.index("2.4")
