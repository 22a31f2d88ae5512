"""What a wrong result looks like: poison left standing, parts left out, overflow, constants."""
# ruff: noqa: PLR2004 - thresholds stand where their reason does

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import oracle
from grader.diagnoses.mistake import Mistake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from grader.diagnoses.mistake import Case

    Array = NDArray[Any]

IN_PLACE = ("bias_add", "sgd.update")

_POISON = np.array([0xFFFFFFFF], np.uint32).view(np.float32).astype(np.float64).view(np.uint64)[0]
"""The NaN of all ones with which fresh memory is filled, as it looks in float64."""


def _poisoned(case: Case) -> Array:
    bits = np.ascontiguousarray(case.yours).view(np.uint64)
    return np.asarray(bits == _POISON)


def _right(case: Case) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(case.yours - case.true) <= case.limit)


def _is_tail(missing: Array) -> bool:
    """Whether what is missing is all elements from some place on, in memory order."""
    flat = missing.ravel()
    return bool(flat.any() and not flat.all() and flat[int(np.argmax(flat)) :].all())


def _nothing_written(case: Case) -> str | None:
    return "" if case.yours.size and _poisoned(case).all() else None


def _tail_missing(case: Case) -> str | None:
    missing = _poisoned(case)
    if not _is_tail(missing):
        return None
    first = int(np.argmax(missing.ravel()))
    return f"Elements from number {first:,} on still hold the NaNs that fill fresh memory."


def _holes(case: Case) -> str | None:
    missing = _poisoned(case)
    if missing.all() or not missing.any() or _is_tail(missing):
        return None
    first = int(np.argmax(missing.ravel()))
    return (
        f"{int(missing.sum()):,} of {missing.size:,} elements, number {first:,} the first, still "
        "hold the NaNs that fill fresh memory."
    )


def _tail_untouched(case: Case) -> str | None:
    """In place: right up to some element, and as before from there on."""
    before = case.inputs["Z" if case.quantity == "bias_add" else "w"]
    untouched = (case.yours == before) & ~_right(case)
    if not (_right(case) | untouched).all() or not _right(case).any():
        return None
    wrong = ~_right(case).ravel()
    first = int(np.argmax(wrong))
    late = wrong[first:]
    return (
        f"Elements from number {first:,} on are as they were before."
        if late.mean() > 0.9 and wrong.size - first >= 2
        else None
    )


def _untouched(case: Case) -> str | None:
    before = case.inputs["Z" if case.quantity == "bias_add" else "w"]
    return "" if np.array_equal(case.yours, before) and not _right(case).all() else None


def _overflows_with(case: Case, m: float) -> bool:
    """Right wherever exp(z − m) fits float32, and not finite or wrong only where it does not."""
    Z = case.inputs["Z"]
    with np.errstate(all="ignore"):
        sums = np.exp((Z - m).astype(np.float32)).sum(axis=1)
    broken = ~np.isfinite(sums) | (sums == 0)
    by_row = _right(case).reshape(len(Z), -1).all(axis=1)
    infinite = ~np.isfinite(case.yours).reshape(len(Z), -1).all(axis=1)
    return bool(infinite.any() and (broken | by_row).all() and not (infinite & ~broken).any())


def _overflowed_softmax(case: Case) -> str | None:
    return "" if _overflows_with(case, 0.0) else None


def _max_of_another_row(case: Case) -> str | None:
    Z = case.inputs["Z"]
    highest = {"row 0": Z[0].max(), "all of Z": Z.max(), "the last row": Z[-1].max()}
    for place, m in highest.items():
        if abs(m) > 1 and _overflows_with(case, m):
            return f"It is that of {place}."
    return None


def _log_of_zero(case: Case) -> str | None:
    """Infinite, or of few digits, only where the label's probability underflows."""
    Z, y = case.inputs["Z"], case.inputs["y"]
    p = np.exp(-oracle.softmax_xent(Z, y)[0]).astype(np.float32)
    infinite = np.isposinf(case.yours)
    lost = p < np.finfo(np.float32).tiny
    return "" if infinite.any() and (_right(case) | lost).all() else None


def _max_from_zero(case: Case) -> str | None:
    """Broken only where all scores are so negative that exp(z − 0) loses them, right elsewhere."""
    highest = case.inputs["Z"].max(axis=1)
    broken = ~_right(case).reshape(len(highest), -1).all(axis=1)
    lost = highest < -80  # float32's exp loses digits below −87, a sum of few of them before that
    infinite = ~np.isfinite(case.yours).reshape(len(highest), -1).all(axis=1)
    overflows = highest > 89
    return "" if infinite.any() and not (broken & ~lost).any() and overflows.any() else None


def _clipped_log(case: Case) -> str | None:
    """Losses that never exceed some number, −log of what was added to p."""
    highest = float(case.yours.max())
    capped = case.true > highest + 1
    if not capped.any() or not 5 < highest < 110:
        return None
    same = np.abs(case.yours[capped] - highest) <= 1e-3 * highest
    return (
        f"No loss exceeds {highest:.2f} = −log({np.exp(-highest):.0e})."
        if same.all() and (_right(case) | capped | (case.true > highest - 12)).all()
        else None
    )


def _overflowed_activation(case: Case) -> str | None:
    """NaN only where e^z, e^−z, e^2z or e^−2z leaves float32."""
    if case.inputs["kind"] == "relu":
        return None
    nan = np.isnan(case.yours) & ~_poisoned(case)
    Z = case.inputs["Z"]
    large = np.abs(Z) > (88 if case.inputs["kind"] == "sigmoid" else 44)
    return "" if nan.any() and (large | _right(case)).all() and not (nan & ~large).any() else None


def _all_zero(case: Case) -> str | None:
    return "" if case.yours.size > 1 and not case.yours.any() and case.true.any() else None


def _input_returned(case: Case) -> str | None:
    for name, value in case.inputs.items():
        if (
            isinstance(value, np.ndarray)
            and value.dtype.kind == "f"
            and value.shape == case.true.shape
            and value.size > 1
            and np.array_equal(value, case.yours)
        ):
            return f"It is {name}, unchanged."
    return None


def _constant_factor(case: Case) -> str | None:
    big = np.abs(case.true) > 1e-3 * np.abs(case.true).max()
    if big.sum() < 3:
        return None
    ratio = float(np.median(case.yours[big] / case.true[big]))
    if not np.isfinite(ratio) or abs(ratio) < 1e-6 or not case.matches(ratio * case.true):
        return None
    return f"Every element is {ratio:.6g} times the true one."


def _transposed(case: Case) -> str | None:
    true = case.true
    if true.ndim != 2 or min(true.shape) < 2:
        return None
    return "" if case.matches(true.T.reshape(true.shape)) else None


def _rounded(case: Case) -> str | None:
    return "" if case.matches(np.trunc(case.true)) and np.trunc(case.true).any() else None


def _shifted(case: Case) -> str | None:
    yours, true, near = case.yours.ravel(), case.true.ravel(), case.near(case.true).ravel()
    if true.size < 8 or np.ptp(true) <= 1e-3 * np.abs(true).max():
        return None
    for by in (1, -1):
        if (np.abs(yours - np.roll(true, by)) <= np.maximum(near, np.roll(near, by)))[1:-1].all():
            return f"Element i holds what belongs to element i {'−' if by > 0 else '+'} 1."
    return None


def _rows_missing(case: Case) -> str | None:
    A = case.inputs["A"]
    N = len(A)
    if N < 2:
        return None
    sums = A.cumsum(axis=0)
    limit = np.maximum(4 * case.limit, 1e-5 * np.abs(sums).max(axis=0) / N)
    for divisors, said in ((np.full(N, N), "added"), (np.arange(1, N + 1), "averaged")):
        means = sums / divisors[:, None]
        fits = np.flatnonzero((np.abs(means - case.yours) <= limit).all(axis=1))
        if len(fits) == 1 and fits[0] < N - 1 and case.matches(means[fits[0]]):
            rows = int(fits[0]) + 1
            some = "row is" if rows == 1 else f"{rows:,} of {N:,} rows are"
            return f"Only the first {some} {said}."
    return None


def _row_step(case: Case) -> str | None:
    """Every second, fourth, … row, or the lower half of a block's threads."""
    A = case.inputs["A"]
    for step in (2, 4, 8, 16, 32):
        if len(A) > step:
            for divisor in (len(A), len(A[::step])):
                if case.matches(A[::step].sum(axis=0) / divisor):
                    return (
                        f"Only every {step}th row is added."
                        if step > 2
                        else ("Only every second row is added.")
                    )
    rows = np.arange(len(A))
    for threads in (32, 64, 128, 256, 512, 1024):
        half = rows % threads < threads // 2
        if not half.all() and case.matches(A[half].sum(axis=0) / len(A)):
            return f"Of each {threads} rows, only the first {threads // 2} are added."
    return None


def _classes_missing(case: Case) -> str | None:
    Z, y = case.inputs["Z"], case.inputs["y"]
    C = Z.shape[1]
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    sums = e.cumsum(axis=1)
    label = (Z - Z.max(axis=1, keepdims=True))[np.arange(len(y)), y]
    for k in range(1, C):
        with np.errstate(divide="ignore", invalid="ignore"):
            if case.quantity == "softmax.losses":
                wrong = np.log(sums[:, k - 1]) - label
            else:
                wrong = e / sums[:, k - 1 : k]
                wrong[np.arange(len(y)), y] -= 1.0
        if case.matches(wrong):
            return f"Only the first {k:,} of {C:,} classes are in the sum."
    return None


def _second_call(case: Case) -> str | None:
    return "" if case.inputs.get("calls_before") else None


def _accumulated(case: Case) -> str | None:
    if not case.inputs.get("calls_before"):
        return None
    doubled = 2 * case.true
    return "" if case.matches(doubled) else None


FIRST_LOOKS = (
    Mistake(
        "nothing-written",
        "nothing was written to the result",
        "The result still holds the NaNs with which the grader fills fresh memory.",
        "Is the kernel launched, does it write to this array, and does its guard let any thread "
        "through?",
        looks=_nothing_written,
    ),
    Mistake(
        "tail-not-written",
        "the end of the result was never written",
        "The grid is too small for this size: a number of blocks that is rounded down, or fixed.",
        "Round up: (size + threads − 1) // threads blocks, or blocks_for(size, threads).",
        looks=_tail_missing,
    ),
    Mistake(
        "holes-not-written",
        "some elements of the result were never written",
        "No thread owns them: is there a stride, a tile or a guard that leaves them out?",
        "Write down which thread writes element 0, 1, 2, … and which one skips.",
        looks=_holes,
    ),
    Mistake(
        "accumulator-not-zeroed",
        "the second call adds to the result of the first",
        "The first call is right, the second gives twice as much: what it adds to is not set to 0 "
        "in between.",
        "Set the accumulator to 0 at the beginning of each call.",
        looks=_accumulated,
    ),
    Mistake(
        "second-call-differs",
        "a second call gives another result",
        "The same inputs gave the right result the first time: something is left over from the "
        "first call, or threads race.",
        "Look for arrays that outlive a call, and for what is not reset.",
        looks=_second_call,
    ),
)

LAST_LOOKS = (
    Mistake(
        "tail-not-reached",
        "the end of the array was never reached",
        "The grid is too small for this size: a number of blocks that is rounded down, or fixed.",
        "Round up: (size + threads − 1) // threads blocks, or blocks_for(size, threads).",
        looks=_tail_untouched,
        quantities=IN_PLACE,
    ),
    Mistake(
        "nothing-changed",
        "the array was not changed",
        "It is what it was before the call; this function works in place.",
        "Launch the kernel on the array itself, not on a copy, and write to it.",
        looks=lambda case: _untouched(case) if case.quantity == "bias_add" else None,
        quantities=("bias_add",),
    ),
    Mistake(
        "log-of-zero",
        "the logarithm of 0 is taken",
        "The loss is infinite where the label's probability underflows to 0: −log of a quotient "
        "(eq. 3).",
        "Use log Σ exp(z_k − m) − (z_y − m), whose logarithm is of a number ≥ 1.",
        looks=_log_of_zero,
        quantities=("softmax.losses",),
    ),
    Mistake(
        "max-from-zero",
        "the search for the maximum starts at 0",
        "Large scores are right; where all scores of a row are very negative, the maximum found is "
        "0, every exponential underflows, and their sum is 0 (eq. 3).",
        "Start with the row's first score, or with -INFINITY.",
        looks=_max_from_zero,
        quantities=("softmax.dZ", "softmax.losses"),
    ),
    Mistake(
        "max-not-subtracted",
        "the maximum is not subtracted before exp",
        "Small scores are right, large ones are not finite: expf overflows above 88, and for very "
        "negative scores the sum becomes 0 (eq. 3).",
        "Subtract the row's largest score m from all of them first.",
        looks=_overflowed_softmax,
        quantities=("softmax.dZ", "softmax.losses"),
    ),
    Mistake(
        "max-of-another-row",
        "the maximum is not the row's own",
        "Where a row's own maximum is far from what is subtracted, exp overflows, or all "
        "exponentials underflow and their sum is 0 (eq. 3).",
        "Look for m in Z[n*C + c], c from 0 to C − 1.",
        looks=_max_of_another_row,
        quantities=("softmax.dZ", "softmax.losses"),
    ),
    Mistake(
        "log-clipped",
        "the probability is clipped before the logarithm",
        "A small number added to p, or a lower bound of p, bounds the loss: large losses are wrong "
        "(eq. 3).",
        "Use log Σ exp(z_k − m) − (z_y − m): it needs no such help.",
        looks=_clipped_log,
        quantities=("softmax.losses",),
    ),
    Mistake(
        "activation-overflows",
        "infinity is divided by infinity",
        "NaN only for large |z|: e^z leaves float32 in numerator and denominator (eq. 9).",
        "Use 1/(1 + expf(-z)) for σ, and tanhf.",
        looks=_overflowed_activation,
        quantities=("activate",),
    ),
    Mistake(
        "first-rows-only",
        "only the first rows reach the result",
        "The others are left out: only the first block counts, a loop stops early, or the number "
        "of rows is rounded down.",
        "Let every thread go on over all N rows: for (n = …; n < N; n += …), and combine all "
        "blocks.",
        looks=_rows_missing,
        quantities=("column_mean",),
    ),
    Mistake(
        "rows-skipped",
        "rows are skipped",
        "A part of the rows does not reach the result: the tree, or the stride of a loop, leaves "
        "them out.",
        "Check with pencil and paper which thread adds rows 0 to 7, and who adds these sums.",
        looks=_row_step,
        quantities=("column_mean",),
    ),
    Mistake(
        "first-classes-only",
        "only the first classes are summed",
        "The sum of exponentials runs over all C classes, however many threads there are (eq. 2).",
        "Loop: for (c = threadIdx.x; c < C; c += blockDim.x).",
        looks=_classes_missing,
        quantities=("softmax.dZ", "softmax.losses"),
    ),
    Mistake(
        "truncated",
        "the numbers are cut to integers",
        "Everything behind the decimal point is lost: an int variable, or integer division.",
        "Declare it float.",
        looks=_rounded,
    ),
    Mistake(
        "all-zero",
        "the result is all zeros",
        "Nothing was computed into it, or an integer division or a cast made everything 0.",
        "Is the kernel's result written to the array that is returned? Is 1/N a float?",
        looks=_all_zero,
    ),
    Mistake(
        "input-returned",
        "an input came back",
        "The result is one of the inputs.",
        "Return the array that the kernel writes to.",
        looks=_input_returned,
    ),
    Mistake(
        "result-transposed",
        "the result lies transposed in memory",
        "The numbers are right, in the order of the transpose.",
        "Row-major, element (row, column) lies at row · columns + column.",
        looks=_transposed,
    ),
    Mistake(
        "shifted-by-one",
        "every element is one place off",
        "The right numbers stand beside their places.",
        "Count from 0, and write to the index that you read.",
        looks=_shifted,
    ),
    Mistake(
        "constant-factor",
        "every element is off by the same factor",
        "Everything else is right: a factor is missing, or one too many.",
        "Look for a constant, a size or a learning rate of that value.",
        looks=_constant_factor,
    ),
)

MISTAKES = (*FIRST_LOOKS, *LAST_LOOKS)
