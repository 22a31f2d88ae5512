"""The student's own lines."""

from __future__ import annotations

from grader.report.excerpts import LONGEST, excerpts
from grader.result import PartResult
from tests.grader.report.reports import KERNELS, RACE


def part(file: str, line: int) -> PartResult:
    """A failure at a place."""
    return PartResult("p", "t", 0, 1, "wrong", file, line)


def test_all_lines_of_a_finding() -> None:
    """Both lines of a race are marked, with some lines around them."""
    race = PartResult("p", "t", 0, 1, RACE.text, "kernels.py", 3, findings=(RACE,))
    (cut,) = excerpts(race, {"kernels.py": KERNELS})
    assert cut.marked == {3, 4}
    assert cut.lines[0] == (1, "SOURCE = '''")
    assert (4, "  x += sums[t + 1];") in cut.lines


def test_far_apart() -> None:
    """Places far apart are two excerpts."""
    text = "\n".join(f"line {n}" for n in range(1, 101))
    first = excerpts(part("a.py", 5), {"a.py": text})
    last = excerpts(part("a.py", 100), {"a.py": text})
    assert first[0].lines[0] == (3, "line 3")
    assert last[0].lines[-1] == (100, "line 100")


def test_function_without_docstring() -> None:
    """Where only the function is known, its body is shown, not its docstring."""
    text = 'x = 1\ndef f(a):\n    """Doc.\n\n    More.\n    """\n    b = a\n    return b\ny = 2\n'
    (cut,) = excerpts(part("a.py", 2), {"a.py": text})
    assert cut.lines == ((2, "def f(a):"), (7, "    b = a"), (8, "    return b"))


def test_long_function() -> None:
    """Of a long function only the beginning is shown."""
    text = "def f():\n" + "    x = 1\n" * 100
    assert len(excerpts(part("a.py", 1), {"a.py": text})[0].lines) == LONGEST


def test_unknown_places() -> None:
    """Files that are not there, and lines beyond the end, give nothing."""
    assert excerpts(part("other.py", 1), {"a.py": "x"}) == []
    assert excerpts(part("a.py", 7), {"a.py": "x"}) == []


def test_tabs() -> None:
    """Tabs are shown as blanks, and what is no Python is shown as it is."""
    (cut,) = excerpts(part("a.py", 1), {"a.py": "def f(:\n\treturn\n"})
    assert cut.lines == ((1, "def f(:"), (2, "    return"))
