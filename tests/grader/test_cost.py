"""What kernels cost without a GPU, and how it is told and scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import cost, tasks
from grader.cost_count import CASES
from grader.devices import Devices
from grader.grade import grade
from grader.result import Result, State
from grader.settings import Scoring, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.judge import Judge

DEVICES = Devices(("emulator",), "test")
SCORED = Settings(Scoring(emulated_cost=True))

STRIDED = '''
MEAN = r"""
__global__ void mean_of_rows(const float* A, float* mean, int N, int K)
{
    extern __shared__ float sums[];
    const int k = blockIdx.x, t = threadIdx.x;
    float sum = 0.0f;
    for (int n = t; n < N; n += blockDim.x)
        sum += A[(long long)n * K + k];
    sums[t] = sum;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) sums[t] += sums[t + half];
    }
    if (t == 0) mean[k] = sums[0] / N;
}
"""
mean_kernel = compile_kernel(MEAN, "mean_of_rows", "PPii")


def column_mean(A):
    N, K = A.shape
    mean = empty(K)
    mean_kernel(K, 256, A, mean, N, K, shared_bytes=1024)
    return mean
'''

BY_ATOMICS = '''
MEAN = r"""
__global__ void mean_by_atomics(const float* A, float* mean, int N, int K)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < N * K) atomicAdd(&mean[i % K], A[i] / N);
}
"""
mean_kernel = compile_kernel(MEAN, "mean_by_atomics", "PPii")


def column_mean(A):
    from device import zeros
    N, K = A.shape
    mean = zeros(K)
    mean_kernel(blocks_for(N * K, 256), 256, A, mean, N, K)
    return mean
'''

CONFLICTS = '''
COPY = r"""
__global__ void tanh_by_columns(const float* Z, float* A, long long size, int kind)
{
    __shared__ float tile[32 * 32];
    const long long i = blockIdx.x * 1024LL + threadIdx.y * 32 + threadIdx.x;
    if (i < size) tile[threadIdx.x * 32 + threadIdx.y] = Z[i];
    __syncthreads();
    if (i >= size) return;
    const float z = tile[threadIdx.x * 32 + threadIdx.y];
    A[i] = kind == 0 ? fmaxf(z, 0.0f) : kind == 1 ? 1.0f / (1.0f + expf(-z)) : tanhf(z);
}
"""
tanh_kernel = compile_kernel(COPY, "tanh_by_columns", "PPqi")


def activate(Z, kind):
    number = kind_number(kind)
    A = empty(Z.shape)
    tanh_kernel(blocks_for(Z.size, 1024), (32, 32), Z, A, Z.size, number)
    return A
'''


def with_kernels(submission: Callable[..., Path], text: str) -> Path:
    """The solution, with functions that replace those of kernels.py."""
    right = (submission() / "kernels.py").read_text("utf-8")
    return submission(kernels=f"{right}\n{text}")


def timed(folder: Path, settings: Settings = Settings()) -> Result:  # noqa: B008 - frozen
    """Task 5.1 of a submission, graded alone."""
    report = grade(folder, seed=1, devices=DEVICES, only={"5.1"}, alone=True, settings=settings)
    return report.find("5.1")


def test_what_is_recorded_is_the_solutions(reference: Judge) -> None:
    """cost.json is what `python -m grader.cost` would write now; counting again changes nothing."""
    text = cost.record(reference)
    assert cost.FILE.read_text("utf-8") == text
    assert cost.record(reference) == text
    assert set(cost.recorded()) == {case.function for case in CASES}


def test_a_kernel_as_good_says_nothing(reference: Judge) -> None:
    """The reference beside itself costs as much, and there is nothing to advise."""
    found = cost.compare(reference)
    assert [item.ratio for item in found] == [1.0] * len(CASES)
    assert not any(item.advice for item in found)
    assert len(cost.notes(found)) == 1
    assert cost.notes([]) == ()


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        (
            STRIDED,
            "a stride of 40 bytes (kernels.py:{}): 8 times the sectors",
            "sum += A[(long long)n * K + k];",
        ),
        (BY_ATOMICS, "atomic additions (kernels.py:{}), the reference 0", "atomicAdd("),
        (CONFLICTS, "bank conflicts (kernels.py:{}), the reference 0", "tile[threadIdx.x * 32"),
    ],
)
def test_advice(submission: Callable[..., Path], text: str, told: str, line: str) -> None:
    """What costs more is told in words, with the student's own line; it changes no score."""
    folder = with_kernels(submission, text)
    result = timed(folder)
    assert (result.state, result.score) == (State.NOT_MEASURED, 0)
    lines = (folder / "kernels.py").read_text("utf-8").splitlines()
    at = [number for number, source in enumerate(lines, 1) if line in source]
    assert any(told.format(number) in note for note in result.notes for number in at), result.notes
    assert len(result.notes) == 2
    assert len(result.evidence) == len(CASES)


def test_wrong_kernels_are_not_counted(submission: Callable[..., Path]) -> None:
    """What a wrong kernel costs says nothing."""
    wrong = "\nright = bias_add\ndef bias_add(Z, b):\n    right(Z, b)\n    right(Z, b)\n"
    result = timed(with_kernels(submission, wrong))
    assert len(result.evidence) == len(CASES) - 1
    assert not any("bias_add" in note for note in result.notes)


def test_scored_where_the_instructor_says_so(submission: Callable[..., Path]) -> None:
    """With `scoring.emulated_cost` the costs are worth the points of 5.1, by the same rule."""
    points = tasks.find("5.1").points
    full = timed(submission(), SCORED)
    assert (full.state, full.score, full.max_score) == (State.PASSED, points, points)
    strided = timed(with_kernels(submission, STRIDED), SCORED)
    assert strided.state is State.PARTIAL
    assert strided.score < points
    (wrong,) = [part for part in strided.parts if part.message]
    assert (wrong.name, wrong.file) == ("column mean", "kernels.py")
    assert "a stride of 40 bytes" in wrong.message


def test_scored_only_where_the_kernels_are_right(submission: Callable[..., Path]) -> None:
    """As for times: 5.1 waits for the kernels to be right."""
    wrong = "\nright = bias_add\ndef bias_add(Z, b):\n    right(Z, b)\n    right(Z, b)\n"
    result = timed(with_kernels(submission, wrong), SCORED)
    assert (result.state, result.score) == (State.WAITS, 0)
    assert "1.1" in result.message
