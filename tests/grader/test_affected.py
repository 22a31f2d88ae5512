"""Which tasks a change can affect."""

from __future__ import annotations

import pytest

from grader import tasks
from grader.affected import affected
from tests.grader.conftest import SOLUTION

ALL = {task.id for task in tasks.TASKS}
FILES = {file: (SOLUTION / file).read_text("utf-8") for file in tasks.FILES}

NETWORK = {"4.1", "4.2", "4.3"}


def after(file: str, old: str, new: str, passed: set[str] = ALL) -> set[str]:
    """What a change of the solution affects."""
    assert old in FILES[file]
    return affected(FILES, {**FILES, file: FILES[file].replace(old, new, 1)}, passed)


def test_nothing_changed() -> None:
    """The same files affect nothing."""
    assert affected(FILES, dict(FILES), set()) == set()


def test_kernel_and_what_calls_it() -> None:
    """A kernel affects its own task and those whose code comes to it, and no others."""
    found = after("kernels.py", "BIAS_ADD = ", "BIAS_ADD = 'more' + ")
    assert {"1.1", "2.3", "4.1"} <= found
    assert not {"1.2", "1.3", "1.4", "2.1", "3.1"} & found


def test_method() -> None:
    """A method of the network affects the network's tasks only."""
    found = after("network.py", "def forward(self", "def forward(self, *more")
    assert found >= NETWORK
    assert not {"1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "3.1"} & found


def test_comments_of_passed_tasks() -> None:
    """A comment moves lines, which matters to tasks that failed there, and to no others."""
    assert after("kernels.py", "import", "# a comment\nimport") == set()
    assert after("kernels.py", "import", "# a comment\nimport", ALL - {"1.2"}) == {"1.2"}


def test_imports() -> None:
    """What a file runs when it is imported concerns every task that comes to that file."""
    found = affected(FILES, {**FILES, "blas.py": f"print(1)\n{FILES['blas.py']}"}, ALL)
    assert {"2.1", "2.3", "4.2"} <= found
    assert not {"1.1", "1.2", "1.3", "1.4"} & found


def test_helper() -> None:
    """A change in a file of the student's own affects the tasks that use it."""
    uses = {
        **FILES,
        "blas.py": "import mine\n"
        + FILES["blas.py"].replace("def gemm(", "@mine.helper\ndef gemm("),
        "mine.py": "def helper():\n    return 1\n",
    }
    changed = {**uses, "mine.py": "def helper():\n    return 2\n"}
    assert "2.1" in affected(uses, changed, ALL)
    assert "1.1" not in affected(uses, changed, ALL)


@pytest.mark.parametrize("text", ["def broken(:\n", "\0"])
def test_broken_file(text: str) -> None:
    """A file that is no Python any more, or is again, may affect everything."""
    broken = {**FILES, "kernels.py": text}
    assert affected(FILES, broken, ALL) == ALL
    assert affected(broken, FILES, set()) == ALL


def test_file_removed() -> None:
    """A file that is gone may affect everything."""
    assert affected(FILES, {f: t for f, t in FILES.items() if f != "blas.py"}, ALL) == ALL
