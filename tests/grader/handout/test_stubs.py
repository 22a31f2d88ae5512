from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.handout.markers import parse, strip
from grader.handout.stubs import (
    Handout,
    Progress,
    _contains,
    _pattern,
    _squeezed,
    handout,
    not_started,
    progress,
    stubs_of,
)

TASKS = {"1.1", "1.2"}
SOURCE = '''\
ADD = """
__global__ void add(float *x) {
  // BEGIN SOLUTION 1.1
  x[0] += 1;
  // END SOLUTION
}
"""


def add(x):
    # BEGIN SOLUTION 1.1
    launch(ADD, x)
    # END SOLUTION


def double(x):
    # BEGIN SOLUTION 1.2
    add(x)
    # END SOLUTION
    # BEGIN SOLUTION 1.2
    add(x)
    # END SOLUTION
'''
STUB = strip(SOURCE, "a.py", TASKS)
HANDOUT = Handout({"a.py": STUB}, stubs_of(SOURCE, parse(SOURCE, "a.py", TASKS)), {})


def after(tmp_path: Path, text: str, task: str = "1.1") -> Progress:
    """How far a task is when the file reads like this."""
    (tmp_path / "a.py").write_bytes(text.encode())
    return progress(task, tmp_path, HANDOUT)


def test_untouched_files_are_not_started(tmp_path: Path) -> None:
    """The stub itself is not started, in all its tasks."""
    assert after(tmp_path, STUB) is Progress.NOT_STARTED
    assert after(tmp_path, STUB, "1.2") is Progress.NOT_STARTED
    assert not_started("1.2", tmp_path, HANDOUT)


def test_code_below_a_todo_that_still_stands_is_a_start(tmp_path: Path) -> None:
    """Leaving the TODO comment in place hides no work."""
    text = STUB.replace("  // TODO(1.1)\n", "  // TODO(1.1)\n  x[0] += 1;\n")
    assert after(tmp_path, text) is Progress.STARTED
    assert after(tmp_path, text, "1.2") is Progress.NOT_STARTED


def test_one_touched_region_is_a_start(tmp_path: Path) -> None:
    """A task is started when any of its regions is."""
    lines = [line for line in STUB.splitlines(keepends=True) if "raise" not in line]
    assert after(tmp_path, "".join(lines)) is Progress.STARTED


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("\n", "   \n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text + "\n\ndef mine():\n    return 1\n",
        lambda text: "# my name\n" + text,
    ],
    ids=["Windows line ends", "tabs", "trailing blanks", "blank lines", "below", "above"],
)
def test_blanks_and_changes_elsewhere_do_not_matter(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    """An editor's habits, and work outside of a region, start no task."""
    assert after(tmp_path, change(STUB)) is Progress.NOT_STARTED


def test_missing_file_is_a_state_of_its_own(tmp_path: Path) -> None:
    """A file that is not there is neither started nor not started."""
    assert progress("1.1", tmp_path, HANDOUT) is Progress.MISSING_FILE
    assert not not_started("1.1", tmp_path, HANDOUT)


def test_file_that_is_not_utf8_is_compared_all_the_same(tmp_path: Path) -> None:
    """Wrong bytes elsewhere in the file change nothing."""
    (tmp_path / "a.py").write_bytes(STUB.encode() + b"# \xff\xfe\n")
    assert not_started("1.1", tmp_path, HANDOUT)


def test_task_without_regions_has_nothing_to_start(tmp_path: Path) -> None:
    """Timings count as started."""
    assert progress("5.1", tmp_path, HANDOUT) is Progress.STARTED


def test_handout_survives_json() -> None:
    """What is written is what is read."""
    assert Handout.from_json(HANDOUT.to_json()) == HANDOUT


def test_missing_stubs_name_the_next_step(tmp_path: Path) -> None:
    """The error says which command writes the file."""
    with pytest.raises(FileNotFoundError, match="make handout"):
        handout(tmp_path / "stubs.json")


@given(st.sampled_from(range(len(STUB.splitlines()))), st.sampled_from(["x = 1", "// y", "z"]))
def test_neighbours_of_a_region_decide(index: int, extra: str) -> None:
    """A line put anywhere starts a task only if it lands in or at one of its regions."""
    lines = STUB.splitlines()
    lines.insert(index, extra)
    pattern = [s for s in HANDOUT.stubs if s.task == "1.1"]
    whole = ["".join(text.split()) for text in lines if text.strip()]
    intact = all(
        "|".join("".join(p.split()) for p in (s.before, *s.lines, s.after) if p) in "|".join(whole)
        for s in pattern
    )
    assert all(_contains(_squeezed(lines), _pattern(s)) for s in pattern) == intact
