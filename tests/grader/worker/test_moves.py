"""Kernels that only move numbers about, and kernels that make them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader.actions import call, watched
from grader.judge import Judge
from tests.submissions.specimens import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

SOLUTION = Path(__file__).resolve().parents[3] / "solution"

OTHERS = r"""

COPY = "__global__ void copy_out(float* to, const float* from, int n)"
COPY += "{ if (threadIdx.x < n) to[threadIdx.x] = from[threadIdx.x]; }"
copy_out = compile_kernel(COPY, "copy_out", "PPi")


def column_mean(A):
    mean = empty(A.shape[1])
    copy_out(1, 32, mean, A + A, A.shape[1])
    return mean


def activate(Z, kind):
    made, A = empty(Z.shape), empty(Z.shape)
    activate_kernel(1, 32, Z, made, Z.size, KINDS[kind])
    copy_out(1, 32, A, made, Z.size)
    return A
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Of the plain submission, with a sum that a kernel hands on, and one that it hands on made."""
    folder = tmp_path_factory.mktemp("moves")
    (folder / "kernels.py").write_text((PLAIN / "kernels.py").read_text("utf-8") + OTHERS)
    made = Judge(folder, 1, SOLUTION / "device.py")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("function", "rest", "only_moved"),
    [("column_mean", (), True), ("activate", ("tanh",), False), ("softmax_xent", (0,), False)],
)
def test_only_moved(judge: Judge, function: str, rest: tuple[Any, ...], only_moved: bool) -> None:
    """What a library computed is handed on, what a first kernel computed is made."""
    Z = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)
    arguments = (np.zeros(5, np.int32),) if rest == (0,) else rest
    (outcome,) = judge.run(watched(call(f"kernels.{function}", Z, *arguments)))
    assert outcome.only_moved is only_moved
