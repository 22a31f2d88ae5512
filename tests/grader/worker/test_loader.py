"""A submission's files, imported by their names."""

from __future__ import annotations

import py_compile
from pathlib import Path

import numpy as np

from grader.judge import Judge, call
from tests.submissions.specimens import PLAIN

SOLUTION = Path(__file__).resolve().parents[3] / "solution"

FILL = (
    "def bias_add(Z, b):\n    import own_helper\n\n    Z.fill(np.float32({} + own_helper.VALUE))\n"
)


def with_other_bytecode(file: Path, source: str, compiled: str) -> None:
    """A module beside whose source lies another one, compiled."""
    file.write_text(compiled, "utf-8")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(file), invalidation_mode=unchecked)
    file.write_text(source, "utf-8")


def test_source_counts(tmp_path: Path) -> None:
    """What runs is the source that reports quote, not a compiled file beside it."""
    plain = (PLAIN / "kernels.py").read_text("utf-8")
    with_other_bytecode(tmp_path / "kernels.py", plain + FILL.format(1), plain + FILL.format(2))
    with_other_bytecode(tmp_path / "own_helper.py", "VALUE = 10", "VALUE = 20")
    judge = Judge(tmp_path, 1, SOLUTION / "device.py")
    Z, b = np.zeros((2, 3), np.float32), np.zeros(3, np.float32)
    try:
        (outcome,) = judge.run(call("kernels.bias_add", Z, b))
    finally:
        judge.close()
    assert np.array_equal(outcome.arguments["0"].array, Z + 11)  # type: ignore[arg-type]  # is one
