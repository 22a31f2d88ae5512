"""Requests on a submission, whichever worker answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.actions import call, numbered, with_full_names
from grader.budget import Budget
from grader.limits import WorkerDiedError
from grader.runner import Runner
from tests.grader.conftest import SOLUTION
from tests.grader.test_judge import Z, b, kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOTHING = frozenset[str]()

TALKS = "print('x' * 50_000)\nimport os\nos._exit(3)"


def test_workers_add_up(submission: Callable[..., Path]) -> None:
    """What dying workers printed and saw is kept, in bounds; the next answers."""
    folder = submission(kernels=kernels(TALKS))
    runner = Runner(folder, SOLUTION / "device.py", "emulator", Budget())
    try:
        entries, arrays = numbered(with_full_names((call("kernels.bias_add", Z, b),)))
        for _ in range(2):
            with pytest.raises(WorkerDiedError, match="exit code 3"):
                runner.run(entries, arrays, NOTHING)
            runner.renew()
        assert 50_000 < len(runner.output) <= 1 << 16
        replaced = frozenset({"kernels.bias_add"})
        reply, _ = runner.run(entries, arrays, replaced)
        assert "fault" not in reply["results"][0]
        assert runner.missing
        assert "kernels" not in runner.faults
    finally:
        runner.close()
    assert not runner.scratch.exists()
    assert runner.worker is None


def test_module_that_kills(submission: Callable[..., Path]) -> None:
    """A module that ends each worker is left out, and blamed; the others are known."""
    folder = submission(linear="import os\nos._exit(0)\n")
    runner = Runner(folder, SOLUTION / "device.py", "emulator", Budget())
    try:
        runner.know(NOTHING)
        assert set(runner.faults) == {"linear"}
        assert runner.faults["linear"]["type"] == "died"
    finally:
        runner.close()
