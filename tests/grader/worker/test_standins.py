"""Stand-ins keep the contract: checked by grading a submission that is nothing but stand-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import tasks
from grader.devices import Devices
from grader.grade import grade
from grader.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

EMPTY = "# nothing here\n"
AT_REST = "even while your kernels and cuBLAS do nothing"
"""A stand-in is NumPy, and the grader sees that."""


def test_contract(submission: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """With every function replaced, every check passes but for the kernels that are the task."""
    folder = submission(kernels=EMPTY, blas=EMPTY, linear=EMPTY, network=EMPTY, training=EMPTY)
    monkeypatch.setattr(Judge, "require", lambda *_: None)
    report = grade(folder, seed=4, devices=Devices(("emulator",), "test"))
    wrong = {
        (result.task, part.name)
        for result in report.results
        for part in result.parts
        if not part.passed and "launched no kernel of yours" not in part.message
        if not any(AT_REST in other.message for other in result.parts)
    }
    messages = [part.message for result in report.results for part in result.parts if part.message]
    assert wrong == set(), messages
    checked = {result.task for result in report.results if result.parts}
    assert checked == {task.id for task in tasks.TASKS if not task.needs_gpu}
