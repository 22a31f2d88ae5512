"""Wrong answers of matrix products, computed from the memory that cuBLAS was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader.diagnoses.mistake import Mistake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from grader.diagnoses.mistake import Inputs

    Array = NDArray[Any]


def _scaled(i: Inputs, product: Array) -> Array:
    before = i["beta"] * i["C"] if "C" in i else 0.0
    return np.asarray(i["alpha"] * product + before)


def _columns(memory: Array, shape: tuple[int, int]) -> Array:
    """What cuBLAS sees in memory, read column by column."""
    return np.asarray(memory.ravel().reshape(shape, order="F"))


def _unaware(i: Inputs, true: Array) -> Array | None:
    """A and B in row-major order, passed as if cuBLAS read rows."""
    A, B = i["A_memory"], i["B_memory"]
    left, right = _columns(A, A.shape), _columns(B, B.shape)
    product = (left.T if i["transpose_a"] else left) @ (right.T if i["transpose_b"] else right)
    return _scaled(i, product.ravel(order="F").reshape(true.shape))


def _without_transposing(i: Inputs, _: Array) -> Array | None:
    """The memory of both factors, taken for matrices of the shapes that the product needs."""
    if not (i["transpose_a"] or i["transpose_b"]):
        return None
    A, B = i["A_memory"].reshape(i["A"].shape), i["B_memory"].reshape(i["B"].shape)
    return _scaled(i, A @ B)


def _flags_exchanged(i: Inputs, _: Array) -> Array | None:
    if i["transpose_a"] == i["transpose_b"]:
        return None
    (M, K), (_, N) = i["A"].shape, i["B"].shape
    left, right = i["A_memory"].ravel(), i["B_memory"].ravel()
    A = left.reshape(K, M).T if i["transpose_b"] else left.reshape(M, K)
    B = right.reshape(N, K).T if i["transpose_a"] else right.reshape(K, N)
    return _scaled(i, A @ B)


def _transposed(_: Inputs, true: Array) -> Array | None:
    return np.asarray(true.T.reshape(true.shape)) if min(true.shape) > 1 else None


def _c_outer(i: Inputs) -> Array:
    return np.asarray(i["dZ"][:, :, None] * i["X"][:, None, :])


MISTAKES = (
    Mistake(
        "gemm-transposed",
        "the result lies transposed in memory",
        "The numbers are right, but column by column: cuBLAS wrote its column-major C.",
        "Ask for Cᵀ = Bᵀ Aᵀ: pass B first, with M and N exchanged and ldc = N.",
        {"gemm": _transposed},
    ),
    Mistake(
        "gemm-column-major",
        "cuBLAS reads columns, and was given rows",
        "A and B were passed in the order of the formula, as if cuBLAS read row by row; it sees "
        "each of them transposed, and so is the result. For square matrices yours is op(B) op(A).",
        "Ask for Cᵀ = Bᵀ Aᵀ: pass B first, with M and N exchanged.",
        {"gemm": _unaware},
    ),
    Mistake(
        "gemm-transpose-ignored",
        "a transpose flag does not reach cuBLAS",
        "The memory of a factor that is to be transposed was read as if it were not.",
        "Pass 't' for that factor; its leading dimension stays the length of a row as stored.",
        {"gemm": _without_transposing},
    ),
    Mistake(
        "gemm-flags-exchanged",
        "the transpose flags are exchanged",
        "transpose_a reached B, and transpose_b reached A. If B is passed first, its flag comes "
        "first, too.",
        "Exchange the two operation arguments of cublasSgemm.",
        {"gemm": _flags_exchanged},
    ),
    Mistake(
        "gemm-alpha",
        "alpha is ignored",
        "The result is op(A) op(B) (+ beta C) without the factor alpha.",
        "Pass alpha on to cublasSgemm.",
        {
            "gemm": lambda i, _: (
                i["A"] @ i["B"] + (i["beta"] * i["C"] if "C" in i else 0.0)
                if i["alpha"] != 1
                else None
            )
        },
    ),
    Mistake(
        "gemm-beta",
        "beta is ignored",
        "What `out` held before is not added: C = alpha·op(A) op(B) + beta·C.",
        "Pass beta on to cublasSgemm, with out's own memory as C.",
        {"gemm": lambda i, _: i["alpha"] * (i["A"] @ i["B"]) if i["beta"] else None},
    ),
    Mistake(
        "gemm-beta-one",
        "out is added without the factor beta",
        "Yours is alpha·op(A) op(B) + C.",
        "Multiply what `out` held by beta: pass it on to cublasSgemm.",
        {"gemm": lambda i, _: i["alpha"] * (i["A"] @ i["B"]) + i["C"] if i["beta"] else None},
    ),
    Mistake(
        "gemm-alpha-beta-exchanged",
        "alpha and beta are exchanged",
        "Yours is beta·op(A) op(B) + alpha·C.",
        "cublasSgemm takes alpha before A, and beta before C.",
        {
            "gemm": lambda i, _: (
                i["beta"] * (i["A"] @ i["B"]) + i["alpha"] * i["C"] if i["beta"] else None
            )
        },
    ),
    Mistake(
        "outer-swapped",
        "the two indices of the outer product are swapped",
        "Yours is G[n, c·D + d]; row n is x ∂zᵀ, (D, C) row-major: G[n, d·C + c] (eq. 6).",
        "Let c run fastest.",
        {
            "outer_products": lambda i, true: (
                _c_outer(i).reshape(true.shape)
                if i["X"].shape[1] > 1 and i["dZ"].shape[1] > 1
                else None
            )
        },
    ),
    Mistake(
        "outer-averaged",
        "the outer products are divided by N already",
        "G holds one gradient an example, not averaged (eq. 6); column_mean takes the average.",
        "Leave the 1/N to column_mean.",
        {"outer_products": lambda _, true: true / len(true) if len(true) > 1 else None},
    ),
    Mistake(
        "outer-first-example",
        "every row is the first example's outer product",
        "Row n has to come from X[n] and dZ[n] (eq. 6).",
        "Index X and dZ by the row n.",
        {
            "outer_products": lambda _, true: (
                np.broadcast_to(true[:1], true.shape).copy() if len(true) > 1 else None
            )
        },
    ),
)
