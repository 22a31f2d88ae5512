"""Words and commands that reports share."""

from __future__ import annotations

from dataclasses import replace

from grader.report.words import command, does_not_load, in_words
from grader.result import Result, State

LOST = Result(
    "1.1", "t", State.FAILED, 0, 4, "kernels.py does not load: SyntaxError: x", "kernels.py", 41
)


def test_command() -> None:
    """A command names the submission where it is not the default, quoted for a shell."""
    assert command("grade", "assignment/") == "make grade"
    assert command("grade", "mine", "1.1") == "make grade SUBMISSION=mine TASK=1.1"
    assert command("hint", "a;b", "1.1") == "make hint SUBMISSION='a;b' TASK=1.1"


def test_does_not_load() -> None:
    """A file that is missing or does not load is named; other failures name none."""
    assert does_not_load(LOST) == "kernels.py"
    missing = replace(LOST, message="there is no blas.py in the submission", state=State.PARTIAL)
    assert does_not_load(missing) == "blas.py"
    instead = "there is no blas.py but a folder of that name in the submission"
    assert does_not_load(replace(missing, message=instead)) == "blas.py"
    assert does_not_load(replace(LOST, message="bias_add raised x does not load: y")) == ""
    assert does_not_load(replace(LOST, state=State.GRADER_FAULT)) == ""


def test_not_loaded_in_words() -> None:
    """Where a file does not load, the next step is to mend it; else it is a hint."""
    assert "next: mend kernels.py:41" in in_words(LOST)
    wrong = replace(LOST, message="Z: wrong")
    assert "make hint TASK=1.1" in in_words(wrong)
    assert "make hint SUBMISSION='my work' TASK=1.1" in in_words(wrong, "my work")
