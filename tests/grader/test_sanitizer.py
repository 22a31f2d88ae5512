"""compute-sanitizer's reports, mapped to lines.

memcheck's and racecheck's as they came on an H100 (CUDA 13.0), the others' after its documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import diagnoses, sanitizer
from grader.verdicts import CheckFailure, RaisedInSubmission

if TYPE_CHECKING:
    from pathlib import Path

MEMCHECK = """\
========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 4 bytes
=========     at bias_add+0xd0 in kernels.py:3
=========     by thread (15,0,0) in block (0,0,0)
=========     Access to 0x7f04d0a2043c is out of bounds
=========     and is 1 bytes after the nearest allocation at 0x7f04d0a20400 of size 60 bytes
=========     Saved host backtrace up to driver entry point at kernel launch time
=========         Host Frame: [0x2f7] in python
=========
========= Program hit CUDA_ERROR_LAUNCH_FAILED (error 719) due to "unspecified launch failure".
=========     Saved host backtrace up to driver entry point at error
=========
========= ERROR SUMMARY: 2 errors
"""

RACECHECK = """\
========= Error: Race reported between Write access at sgd_update+0x110 in kernels.py:2
=========     and Read access at sgd_update+0x160 in kernels.py:3 [20 hazards]
=========
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
"""

SYNCCHECK = """\
========= Barrier error detected. Divergent thread(s) in block
=========     at void mean<float>(float *, int)+0x50 in kernels.py:2
=========     by thread (32,0,0) in block (0,0,0)
"""

INITCHECK = """\
========= Uninitialized __global__ memory read of size 4 bytes
=========     at mean(float *, int)+0x50 in kernels.py:1
=========     by thread (0,0,0) in block (0,0,0)
=========
========= Uninitialized __global__ memory read of size 4 bytes
=========     at mean(float *, int)+0x50 in kernels.py:1
=========     by thread (1,0,0) in block (0,0,0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A submission of three lines."""
    (tmp_path / "kernels.py").write_text("first\n  second\nthird\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("report", "kind", "kernel", "line", "known"),
    [
        (MEMCHECK, "out-of-bounds", "bias_add", 3, "a kernel leaves its array"),
        (RACECHECK, "race", "sgd_update", 2, "a barrier is missing"),
        (SYNCCHECK, "barrier-divergence", "mean", 2, "not every thread reaches the barrier"),
        (INITCHECK, "unwritten-read", "mean", 1, "memory is read before anyone wrote it"),
    ],
)
def test_parse(folder: Path, report: str, kind: str, kernel: str, line: int, known: str) -> None:
    """Each tool's finding has a kind of the emulator's, its kernel and line, and a diagnosis."""
    (found,) = sanitizer.parse(report, "tool", folder)
    assert (found.kind, found.kernel, found.file, found.line) == (kind, kernel, "kernels.py", line)
    (diagnosed,) = diagnoses.explain(CheckFailure(found.text, findings=(found,)))
    assert diagnosed.title == known


def test_text(folder: Path) -> None:
    """The text has the student's line, and no addresses, which differ from run to run."""
    (found,) = sanitizer.parse(MEMCHECK, "memcheck", folder)
    assert "kernels.py:3 | third" in found.text
    assert "by thread (15,0,0) in block (0,0,0)" in found.text
    assert "after the nearest allocation of size 60 bytes" in found.text
    assert "0x" not in found.text


def test_lines_of_others(folder: Path) -> None:
    """What lies in a library's kernel is not the student's."""
    assert not list(sanitizer.parse(INITCHECK.replace("kernels.py", "gemm.cu"), "t", folder))


def test_the_tool_that_fits() -> None:
    """A broken context asks for memcheck first, wrong numbers for racecheck."""
    raised = RaisedInSubmission("cuMemcpyDtoH failed", {"type": "LogicError"})
    assert sanitizer.tools_for(raised)[0] == "memcheck"
    assert sanitizer.tools_for(CheckFailure("dW: 3 of 4 elements differ"))[0] == "racecheck"
    assert "initcheck" in sanitizer.tools_for(CheckFailure("yours nan, true 1"))
