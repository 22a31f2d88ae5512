"""Whose mistake an exception is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader.grade import ROOT
from grader.worker.blame import is_ours, traceback_of
from grader.worker.faults import describe_fault

if TYPE_CHECKING:
    from pathlib import Path

EMULATOR = str(ROOT / "emulator" / "driver" / "copies.py")
WORKER = str(ROOT / "grader" / "worker" / "standins.py")

OURS = """
class Stream:
    pass

Stream.__module__ = 'emulator.findings'

def copy(dest, *others, stream=None):
    return inner(dest, *others)

def inner(dest, *others):
    {body}
"""


def raised(body: str, *arguments: Any, file: str = EMULATOR) -> BaseException:
    """What a call by a submission of a function in a file of ours raises."""
    import emulator.findings  # noqa: F401, PLC0415 - the class above claims to be from there

    scope: dict[str, Any] = {"np": np}
    exec(compile(OURS.format(body=body), file, "exec"), scope)  # noqa: S102 - a bug of ours
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of each kind
        exec(  # noqa: S102 - as a submission would
            compile("copy(*arguments)", "/submission/kernels.py", "exec"),
            {"copy": scope["copy"], "arguments": arguments},
        )
    return caught.value


ARRAY = np.zeros(3, np.float32)


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("return adress(dest)", (ARRAY,)),
        ("size = size + 1", (None,)),
        ("assert dest is None", (ARRAY,)),
        ("return Stream().handle", (ARRAY,)),
        ("return np.no_such_thing_at_all.x if 0 else Stream.handle", (None,)),
        ("found = None\n    return found.group(1)", (ARRAY, 3)),
        ("return {'float32': 4}['float63']", (ARRAY, "float16")),
        ("rows = []\n    return rows[0]", (3,)),
        ("return len(None)", (ARRAY, (8, 1, 1))),
    ],
)
def test_ours(body: str, arguments: tuple[Any, ...]) -> None:
    """An operation of the emulator that fails on the emulator's own values is its own mistake."""
    error = raised(body, *arguments)
    assert is_ours(error)
    assert "copies.py" in traceback_of(error)


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("raise TypeError('expected a GPUArray')", (None,)),
        ("raise AttributeError('no such function of the device')", ("x",)),
        ("return dest.gpudata", (ARRAY,)),
        ("return dest.gpudata", (None,)),
        ("return dest + 1", (None,)),
        ("return int(dest)", ((1, 2),)),
        ("return memoryview(dest)", (3.5,)),
        ("return others[0][2]", (ARRAY, (8, 1))),
        ("return {'relu': 1}[others[0]]", (ARRAY, "rleu")),
        ("return others[0]()", (ARRAY, lambda x: x)),
        ("return int(np.ones(3) if 0 else dest)", (ARRAY,)),
        ("return 1 // others[0]", (ARRAY, 0)),
        ("raise ValueError('shape')", (ARRAY,)),
    ],
)
def test_the_students(body: str, arguments: tuple[Any, ...]) -> None:
    """What is refused on purpose, or fails on what was handed in, stays the student's."""
    assert not is_ours(raised(body, *arguments))


@pytest.mark.parametrize(
    ("body", "is_own"),
    [
        ("return adress(dest)", True),
        ("return dest['W']", False),
        ("return dest['W'].gpudata", False),
        ("return dest['b'].gpudata", False),
        ("return len(dest['b'])", False),
    ],
)
def test_worker(body: str, is_own: bool) -> None:
    """Stand-ins and the worker ask models of the student's for what they may not have."""
    assert is_ours(raised(body, {"b": None}, file=WORKER)) is is_own


def test_students_own_frame(tmp_path: Path) -> None:
    """An undefined name in the student's own line is the student's."""
    with pytest.raises(NameError) as caught:
        exec(compile("x = undefined", str(tmp_path / "kernels.py"), "exec"), {})  # noqa: S102
    assert not is_ours(caught.value)
    assert describe_fault(caught.value, tmp_path)["ours"] == ""
    assert not is_ours(NameError("never raised"))
    assert sys.exc_info() == (None, None, None)


def test_fault_holds_the_traceback(tmp_path: Path) -> None:
    """What the judge gets of a mistake of ours is all of its traceback."""
    fault = describe_fault(raised("return adress(dest)", ARRAY), tmp_path)
    assert fault["ours"].startswith("Traceback")
    assert "NameError: name 'adress' is not defined" in fault["ours"]
