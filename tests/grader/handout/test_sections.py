import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.handout.markers import MarkerError, parse, strip
from grader.handout.sections import SectionError, replace_section, sections, with_headings

TASKS = {"1.1", "1.2", "2.3"}
PYTHON = '''\
"""A file."""

import numpy as np

# What follows adds.
ADD = """
// BEGIN SOLUTION 1.1
x += 1;
// END SOLUTION
"""
add_kernel = compile_kernel(ADD)


def add(x):
    # BEGIN SOLUTION 1.1
    return x + 1
    # END SOLUTION


def helper():
    return 1


class Model:
    def __init__(self):
        self.x = 1

    @property
    def scores(self):
        # BEGIN SOLUTION 2.3
        return 1
        # END SOLUTION


# What follows is given.


# It is short.
def last():
    return 2
'''


def headed(text: str = PYTHON) -> str:
    """The file with its headings."""
    return with_headings(text, parse(text, "a.py", TASKS))


def test_headings_stand_above_tasks_and_above_what_follows() -> None:
    """A section begins at its comments or decorators, and given code ends it."""
    stub = strip(headed(), "a.py", TASKS)
    assert [(s.name, s.task) for s in sections(stub)] == [
        ("1.1 add", "1.1"),
        ("given", "given"),
        ("2.3 scores", "2.3"),
        ("given", "given"),
    ]
    add, _, scores, last = sections(stub)
    assert add.body[0] == "# What follows adds."
    assert add.body[-1].strip().startswith("raise NotImplementedError")
    assert scores.body[0] == "    @property"
    assert last.body[0] == "# What follows is given."


def test_code_between_two_pieces_of_a_task_belongs_to_it() -> None:
    """The compiled kernel between its source and its launcher is part of the section."""
    assert "add_kernel = compile_kernel(ADD)" in sections(headed())[0].body


def test_headings_change_nothing_else() -> None:
    """Without the heading lines the file is what it was."""
    kept = [line for line in headed().splitlines() if not line.lstrip().startswith("# --- ")]
    assert kept == PYTHON.splitlines()


def test_regions_of_two_tasks_in_one_function_are_an_error() -> None:
    """A function belongs to one task."""
    text = textwrap.dedent(
        """\
        def f():
            # BEGIN SOLUTION 1.1
            x = 1
            # END SOLUTION
            # BEGIN SOLUTION 1.2
            y = 1
            # END SOLUTION
        """
    )
    with pytest.raises(MarkerError, match=r"a.py:5: .*a function of its own"):
        headed(text)


def test_region_around_statements_is_an_error() -> None:
    """A region lies inside a constant, function or method, where a section can hold it."""
    text = "x = 1\n# BEGIN SOLUTION 1.1\ny = 1\n# END SOLUTION\n"
    with pytest.raises(MarkerError, match=r"a.py:2: .*outside of any"):
        headed(text)


def test_replacing_a_section_keeps_the_rest() -> None:
    """Only the body changes; headings, blank lines and neighbours stay."""
    new = replace_section(headed(), "1.1 add", "\n\nADD = 1\n\n", "a.py")
    before, after = headed().splitlines(), new.splitlines()
    assert sections(new)[0].body == ("ADD = 1",)
    assert before[:5] == after[:5]
    assert before[before.index("def helper():") - 3 :] == after[after.index("def helper():") - 3 :]


@pytest.mark.parametrize("text", ["x = 1\n", "# --- 1.1 add ---\n# --- 1.1 add ---\n"])
def test_missing_or_repeated_heading_is_an_error(text: str) -> None:
    """The message names the heading and how often it was found."""
    with pytest.raises(SectionError, match=r"expected one heading `# --- 1.1 add ---`, found"):
        replace_section(text, "1.1 add", "y", "a.py")


line = st.from_regex(r"( {4})?[a-z]{1,6} = [0-9]", fullmatch=True)


@given(st.lists(line, min_size=1, max_size=4), st.lists(line, min_size=1, max_size=4))
def test_replaced_bodies_read_back(first: list[str], second: list[str]) -> None:
    """What is put into a section is what stands in it, whatever stood there before."""
    text = "\n".join(["x", "# --- 1.1 a ---", *first, "", "", "# --- given ---", "z", ""])
    new = replace_section(text, "1.1 a", "\n".join(second), "a.py")
    assert [s.body for s in sections(new)] == [tuple(second), ("z",)]
    assert replace_section(new, "1.1 a", "\n".join(first), "a.py") == text
