"""Where in the student's own files a fault lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from grader.worker.faults import describe_fault


class CompileError(Exception):
    """As PyCUDA's: its text holds the compiler's output."""


def fault_of(folder: Path, source: str, error: BaseException | None = None) -> dict[str, Any]:
    """The fault of running a source as kernels.py of a folder, or an error from elsewhere."""
    path = folder / "kernels.py"
    path.write_text(source, "utf-8")
    if error is not None:
        return describe_fault(error, folder)
    try:
        exec(compile(source, str(path), "exec"), {"Path": Path})  # noqa: S102 - that is the test
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return describe_fault(caught, folder)
    raise AssertionError("nothing was raised")


def test_innermost_line_of_the_student(tmp_path: Path) -> None:
    """The innermost line in the submission is named, not the library's below it."""
    found = fault_of(tmp_path, "def f():\n    Path(3)\n\nf()\n")
    assert (found["file"], found["line"], found["source"]) == ("kernels.py", 2, "Path(3)")
    assert found["type"] == "TypeError"


def test_elsewhere(tmp_path: Path) -> None:
    """An error without a frame in the submission has no place."""
    assert fault_of(tmp_path, "", ValueError("no"))["line"] is None


@pytest.mark.parametrize(
    "line",
    [
        'kernels.py(2): error: identifier "bb" is undefined',  # nvcc
        'kernels.py:2:14: error: identifier "bb" is undefined',  # g++ and clang
    ],
)
def test_compile_error(tmp_path: Path, line: str) -> None:
    """A compiler's message is mapped to the student's file and line."""
    text = f"nvcc failed\n[stderr:\n{line}\n1 error detected]"
    found = fault_of(tmp_path, "A = '''\n  a = bb;\n'''\n", CompileError(text))
    assert found["compiler"] is True
    assert (found["file"], found["line"]) == ("kernels.py", 2)
    assert found["message"] == 'identifier "bb" is undefined'
    assert found["source"] == "a = bb;"


def test_long_messages_are_cut(tmp_path: Path) -> None:
    """A message of megabytes does not cross the pipe."""
    assert len(fault_of(tmp_path, "", ValueError("x" * 10**6))["message"]) < 10_000


def test_misuse_of_another_task(tmp_path: Path) -> None:
    """A function that refuses its arguments is not to blame: the line that calls it is named."""
    sources = {
        "kernels.py": "def activate(Z, kind):\n    check(Z)\n\n\ndef check(Z):\n    Z.shape\n",
        "network.py": "def forward(X):\n    Z = None\n    return activate(Z, 'relu')\n",
    }
    scope: dict[str, Any] = {}
    for file, source in sources.items():
        (tmp_path / file).write_text(source, "utf-8")
        exec(compile(source, str(tmp_path / file), "exec"), scope)  # noqa: S102 - that is the test
    places = {}
    for name, argument in {"forward": (1,), "activate": (None, "relu")}.items():
        with pytest.raises(AttributeError) as caught:
            scope[name](*argument)
        found = describe_fault(caught.value, tmp_path, scope[name])
        places[name] = found["file"], found["line"]
    assert places == {"forward": ("network.py", 3), "activate": ("kernels.py", 6)}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("x = 1\ny = 'Größe'\n".encode("latin-1"), 2),
        ("x = 1\n".encode("utf-16"), 1),
        ("x = 1\n".encode("utf-16-le"), 1),
    ],
)
def test_encoding(tmp_path: Path, content: bytes, line: int) -> None:
    """Of a file that is not UTF-8, the line is named, and what to do."""
    path = tmp_path / "linear.py"
    path.write_bytes(content)
    with pytest.raises((SyntaxError, ValueError)) as caught:
        compile(content, str(path), "exec")
    found = describe_fault(caught.value, tmp_path)
    assert (found["file"], found["line"]) == ("linear.py", line)
    assert "save the file as UTF-8" in found["message"]
    assert ("NUL byte at line" in found["message"]) is (content[1:2] == b"\0")


def test_a_pipe_has_no_lines(tmp_path: Path) -> None:
    """A place that is a pipe, which nobody writes to, is not waited for."""
    os.mkfifo(tmp_path / "pipe.cu")
    error = CompileError("pipe.cu(3): error: expected a ;")
    found = describe_fault(error, tmp_path)
    assert (found["file"], found["line"], found["source"]) == ("pipe.cu", 3, "")


def test_an_exception_that_cannot_say_what_it_is(tmp_path: Path) -> None:
    """An exception whose __str__ raises is told by its type, with the line that raised it."""
    source = (
        "class Speechless(TypeError):\n"
        "    def __str__(self): raise SystemExit(3)\n"
        "raise Speechless\n"
    )
    fault = fault_of(tmp_path, source)
    assert (fault["type"], fault["line"]) == ("Speechless", 3)
    assert "Speechless.__str__ raises SystemExit" in fault["message"]


def test_an_exception_that_cannot_be_looked_at(tmp_path: Path) -> None:
    """What an exception does when it is looked at stays a fault of the submission."""
    source = (
        "class Shy(SyntaxError):\n"
        "    @property\n"
        "    def filename(self): raise KeyboardInterrupt\n"
        "raise Shy('no')\n"
    )
    fault = fault_of(tmp_path, source)
    assert (fault["type"], fault["file"], fault["ours"]) == ("Shy", None, "")
    assert "raises KeyboardInterrupt" in fault["message"]
