"""A device that does nothing, a host that sees other numbers, arrays with new numbers in place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader.actions import blind
from grader.judge import CheckFailure, Judge, Kept, call, idle, keep, refill
from tests.submissions.specimens import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.judge import Value

SOLUTION = Path(__file__).resolve().parents[3] / "solution"


def values(value: Value) -> Any:
    """What an array holds."""
    return value.array


rng = np.random.default_rng(5)
Z, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((3, 4), 4))


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """A judge of the plain submission."""
    judge = Judge(PLAIN, 1, SOLUTION / "device.py")
    yield judge
    judge.close()


def test_idle_kernels(judge: Judge) -> None:
    """An idle kernel's launch is recorded, and changes nothing; the next call works again."""
    (outcome,) = judge.run(idle(call("kernels.bias_add", Z, b), "kernels"))
    assert outcome.own_threads == [256]
    assert np.array_equal(values(outcome.arguments["0"]), Z)
    (outcome,) = judge.run(call("kernels.bias_add", Z, b))
    assert np.array_equal(values(outcome.arguments["0"]), Z + b)


def test_idle_cublas(judge: Judge) -> None:
    """An idle product leaves `out` as it was; errors of sizes are raised as ever."""
    out = np.ones((3, 3), dtype=np.float32)
    product = call("blas.gemm", Z, Z, transpose_b=True, out=out)
    (outcome,) = judge.run(idle(product, "kernels", "cublas"))
    assert np.array_equal(values(outcome.returned), out)
    with pytest.raises(CheckFailure, match="ValueError"):
        judge.run(idle(call("blas.gemm", Z, Z), "cublas"))
    (outcome,) = judge.run(product)
    assert np.allclose(values(outcome.returned), Z @ Z.T)


def test_blind_host(judge: Judge) -> None:
    """A blind host changes nothing of what the device computes, nor of what the judge reads."""
    outcomes = judge.run(
        blind(call("kernels.bias_add", Z, b)),
        blind(call("blas.gemm", Z, Z, transpose_b=True)),
        call("kernels.bias_add", Z, b),
    )
    assert np.array_equal(values(outcomes[0].arguments["0"]), Z + b)
    assert np.allclose(values(outcomes[1].returned), Z @ Z.T)
    assert np.array_equal(values(outcomes[2].arguments["0"]), Z + b)


def test_refill(judge: Judge) -> None:
    """A kept array gets other numbers, and a call sees them."""
    add = call("kernels.bias_add", Kept("Z"), b)
    outcomes = judge.run(keep("Z", Z), add, refill("Z", 2 * Z), add)
    assert np.array_equal(values(outcomes[1].arguments["0"]), Z + b)
    assert np.array_equal(values(outcomes[3].arguments["0"]), 2 * Z + b)


def test_refused_launch_is_none(judge: Judge, tmp_path: Path) -> None:
    """A launch that the device refuses does not count as one."""
    text = (PLAIN / "kernels.py").read_text("utf-8")
    changed = text.replace(
        "    bias_add_kernel(blocks(N * C), THREADS, Z, b, N, C)",
        "    try:\n"
        "        bias_add_kernel(1, 4096, Z, b, N, C)\n"
        "    except Exception:\n"
        "        Z.set(Z.get() + b.get())",
    )
    (tmp_path / "kernels.py").write_text(changed, "utf-8")
    other = Judge(tmp_path, 1, judge.device)
    try:
        (outcome,) = other.run(call("kernels.bias_add", Z, b))
    finally:
        other.close()
    assert outcome.own_threads == []
    assert np.array_equal(values(outcome.arguments["0"]), Z + b)
