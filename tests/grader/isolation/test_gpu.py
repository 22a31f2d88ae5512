"""CUDA within the walls."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from grader.isolation import Level
from grader.judge import Judge, call

SOLUTION = Path(__file__).resolve().parents[3] / "solution"


@pytest.mark.gpu
@pytest.mark.skipif(os.geteuid() != 0, reason="a user id of one's own needs root")
@pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="needs an NVIDIA GPU")
def test_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel and cuBLAS run on a GPU at the full level."""
    monkeypatch.setenv("BACKEND", "gpu")
    A = np.arange(6, dtype=np.float32).reshape(2, 3)
    judge = Judge(SOLUTION, 1, SOLUTION / "device.py", "gpu", level=Level.FULL)
    try:
        (added,) = judge.run(call("kernels.bias_add", A, np.ones(3, np.float32)))
        (product,) = judge.run(call("blas.gemm", A, np.ascontiguousarray(A.T)))
    finally:
        judge.close()
    np.testing.assert_array_equal(added.arguments["0"].array, A + 1)
    np.testing.assert_array_equal(product.returned.array, A @ A.T)
    assert {"own user id", "own root folder", "seccomp"} <= set(judge.reached.measures)
    assert judge.events == ()
