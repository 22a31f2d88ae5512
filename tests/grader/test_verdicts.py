"""Faults in the student's words."""

from __future__ import annotations

from typing import Any

import pytest

from grader.verdicts import (
    CheckFailure,
    OwnFault,
    RaisedInSubmission,
    load_message,
    raise_if_wrong,
)

RACE = {"kind": "race", "text": "race in k", "kernel": "k", "file": "kernels.py", "line": 7}
REFUSED = {**RACE, "kind": "invalid-argument", "text": "lda is 3", "line": None}


def fault(kind: str, message: str = "", **more: Any) -> dict[str, Any]:
    """A fault as the worker describes it."""
    return {"type": kind, "message": message, "file": "blas.py", "line": 4, **more}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (fault("IndexError", "no", source="x[9]"), "gemm raised IndexError: no\n    x[9]"),
        (fault("KeyError"), "gemm raised KeyError"),
        (fault("CompileError", "expected a ;", compiler=True), "does not compile: expected a ;"),
        (fault("CompileError", "no a", compiler=True, source="z = a"), "compile: no a\n    z = a"),
        (fault("NotImplementedError", "TODO(2.1)"), "not written yet: TODO(2.1)"),
        (fault("TypeError", "gemm() takes 2 positional arguments"), "its signature differs"),
    ],
)
def test_exceptions(given: dict[str, Any], words: str) -> None:
    """Each kind of exception has its words, and its place."""
    with pytest.raises(RaisedInSubmission) as caught:
        raise_if_wrong("blas.gemm", {"fault": given})
    assert words in caught.value.message
    assert (caught.value.file, caught.value.line) == ("blas.py", 4)
    assert caught.value.type == given["type"]


def test_finding_comes_first() -> None:
    """A finding explains the exception that it causes."""
    with pytest.raises(CheckFailure, match="race in k") as caught:
        raise_if_wrong("blas.gemm", {"fault": fault("LogicError"), "findings": [RACE]})
    assert (caught.value.file, caught.value.line) == ("kernels.py", 7)


def test_flood() -> None:
    """However much a worker says, a report holds what a person reads."""
    long = "x" * 1_000_000
    with pytest.raises(CheckFailure) as caught:
        raise_if_wrong("blas.gemm", {"findings": [{**RACE, "text": long}] * 10_000})
    assert len(caught.value.findings) <= 100
    assert len(caught.value.message) < 10_000
    for ours in ("", long):
        flood = fault(long, long, source=long, ours=ours)
        with pytest.raises((CheckFailure, OwnFault)) as raised:
            raise_if_wrong("blas.gemm", {"fault": flood})
        assert len(str(raised.value)) + len(getattr(raised.value, "trace", "")) < 20_000


def test_refusal_that_was_handled() -> None:
    """A refused argument is a fault only if the program fails by it."""
    raise_if_wrong("blas.gemm", {"findings": [REFUSED]})
    with pytest.raises(CheckFailure, match="lda is 3") as caught:
        raise_if_wrong("blas.gemm", {"findings": [REFUSED], "fault": fault("cublasError")})
    assert caught.value.line == 4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (fault("missing", "there is no blas.py"), "there is no blas.py in the submission"),
        (fault("died", "your code ended the process"), "blas.py does not load: your code ended"),
        (fault("EOFError"), "the grader has no keyboard"),
        (fault("SyntaxError", "invalid syntax", source="def f("), "SyntaxError: invalid syntax"),
    ],
)
def test_load_message(given: dict[str, Any], words: str) -> None:
    """Why a module does not load."""
    assert words in load_message("blas", given)
