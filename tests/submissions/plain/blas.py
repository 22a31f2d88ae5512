"""Row-major products by column-major cuBLAS: C' = B' A'."""

from device import cublas_handle, empty
from skcuda import cublas


def gemm(A, B, transpose_a=False, transpose_b=False, alpha=1.0, beta=0.0, out=None):
    M, K = A.shape[::-1] if transpose_a else A.shape
    K_of_B, N = B.shape[::-1] if transpose_b else B.shape
    if K != K_of_B:
        raise ValueError(f"{M} x {K} times {K_of_B} x {N}")
    if out is None:
        if beta != 0:
            raise ValueError("beta needs out")
        out = empty((M, N))
    if out.shape != (M, N):
        raise ValueError(f"out is {out.shape}, the product is ({M}, {N})")
    op_a = "t" if transpose_a else "n"
    op_b = "t" if transpose_b else "n"
    lda, ldb, ldc = A.shape[1], B.shape[1], N
    cublas.cublasSgemm(
        cublas_handle, op_b, op_a, N, M, K, alpha, B.gpudata, ldb, A.gpudata, lda,
        beta, out.gpudata, ldc,
    )
    return out
