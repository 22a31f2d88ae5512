"""Matrix products of row-major matrices, as NumPy keeps them, by cuBLAS, which reads columns."""

from device import cublas_handle, empty, require
from pycuda.gpuarray import GPUArray
from skcuda import cublas


def gemm(
    A: GPUArray,
    B: GPUArray,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
    out: GPUArray | None = None,
) -> GPUArray:
    """Return C = alpha · op(A) op(B) + beta · C, where op transposes or leaves as it is.

    cuBLAS reads memory column by column. Our row-major (M, K) matrix, read that way, is a (K, M)
    matrix with leading dimension K: the transpose. And the transpose of our product is

        Cᵀ = op(B)ᵀ op(A)ᵀ,

    whose factors are what cuBLAS sees in B's and A's memory. So no element has to be moved: ask for
    B times A instead of A times B, with the rows and columns of the result exchanged.

    Args:
        A: (M, K), or (K, M) if transpose_a; float32.
        B: (K, N), or (N, K) if transpose_b; float32.
        transpose_a: use Aᵀ.
        transpose_b: use Bᵀ.
        alpha: factor of the product.
        beta: factor of what `out` held before; 0 overwrites it, even if it held NaN.
        out: (M, N) float32, takes the result and is returned; a new array if None.

    Raises:
        TypeError: an operand is not a GPUArray of float32.
        ValueError: the shapes don't fit, or beta is not 0 and there is no `out`.

    Source: https://docs.nvidia.com/cuda/cublas/#cublas-t-gemm
    """
    A_rows, A_columns = require("A", A, ("rows", "columns"))
    B_rows, B_columns = require("B", B, ("rows", "columns"))
    # BEGIN SOLUTION 2.1
    #| # TODO(2.1): M, K, N from the shapes (ValueError if they don't fit), then one cublasSgemm
    #| # with B's memory first. A leading dimension is the length of a row as it lies in memory,
    #| # transposed or not. Try it with M, K, N all different: square matrices hide mistakes.
    M, K = (A_columns, A_rows) if transpose_a else (A_rows, A_columns)
    B_K, N = (B_columns, B_rows) if transpose_b else (B_rows, B_columns)
    if B_K != K:
        raise ValueError(
            f"gemm: op(A) is ({M}, {K}) and op(B) is ({B_K}, {N}); "
            f"the {K} columns of op(A) have to match the {B_K} rows of op(B)"
        )
    if out is None:
        if beta != 0.0:
            raise ValueError(f"gemm: beta = {beta} needs `out`, the matrix to add to")
        out = empty((M, N))
    else:
        require("out", out, (M, N))

    op_a, op_b = "t" if transpose_a else "n", "t" if transpose_b else "n"
    a, lda, b, ldb, c, ldc = A.gpudata, A_columns, B.gpudata, B_columns, out.gpudata, N
    cublas.cublasSgemm(cublas_handle, op_b, op_a, N, M, K, alpha, b, ldb, a, lda, beta, c, ldc)
    return out
    # END SOLUTION
