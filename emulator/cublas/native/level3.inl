// Matrix with matrix. Included once for each type: see each_type.hpp.

EXPORT int NAME(gemm)(void *handle, int transa, int transb, int m, int n, int k, const T *alpha, const T *A, int lda,
                      const T *B, int ldb, const T *beta, T *C, int ldc) {
  Call call(NAME_TEXT(gemm), handle);
  call.operation("transa", transa), call.operation("transb", transb);
  call.size("m", m), call.size("n", n), call.size("k", k);
  call.leading("lda", lda, transa == N ? m : k), call.leading("ldb", ldb, transb == N ? k : n);
  call.leading("ldc", ldc, m);
  if (call.failed() || m == 0 || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  if (a != T(0)) {
    call.reads("A", Matrix<T>::general(A, transa == N ? m : k, transa == N ? k : m, lda));
    call.reads("B", Matrix<T>::general(B, transb == N ? k : n, transb == N ? n : k, ldb));
    call.not_in_place("A", C, A), call.not_in_place("B", C, B);
  }
  call.updates("C", Matrix<T>::general(C, m, n, ldc), b != T(0));
  if (!call.failed()) gemm(transa, transb, m, n, k, a, A, lda, B, ldb, b, C, ldc);
  return call.status();
}

// C = alpha A B + beta C, or alpha B A + beta C, with A symmetric or Hermitian.
static int symmetric_product(const char *routine, bool hermitian, void *handle, int side, int uplo, int m, int n,
                             const T *alpha, const T *A, int lda, const T *B, int ldb, const T *beta, T *C, int ldc) {
  Call call(routine, handle);
  const long order = side == LEFT ? m : n;
  call.option("side", side), call.option("uplo", uplo), call.size("m", m), call.size("n", n);
  call.leading("lda", lda, order), call.leading("ldb", ldb, m), call.leading("ldc", ldc, m);
  if (call.failed() || m == 0 || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  const auto half = Matrix<T>::half(A, uplo, order, lda);
  if (a != T(0)) call.reads("A", half), call.reads("B", Matrix<T>::general(B, m, n, ldb));
  call.updates("C", Matrix<T>::general(C, m, n, ldc), b != T(0));
  if (call.failed()) return call.status();
  Dense<T> whole(hermitian ? half.hermitian() : half.symmetric());
  if (side == LEFT) {
    gemm(N, N, m, n, order, a, whole.data(), order, B, ldb, b, C, ldc);
  } else {
    gemm(N, N, m, n, order, a, B, ldb, whole.data(), order, b, C, ldc);
  }
  return call.status();
}

EXPORT int NAME(symm)(void *handle, int side, int uplo, int m, int n, const T *alpha, const T *A, int lda, const T *B,
                      int ldb, const T *beta, T *C, int ldc) {
  return symmetric_product(NAME_TEXT(symm), false, handle, side, uplo, m, n, alpha, A, lda, B, ldb, beta, C, ldc);
}

// C = alpha op(A) op(B)ᵀ (+ alpha op(B) op(A)ᵀ, where there is a B) + beta C, one half of it.
static int half_product(Call &call, bool hermitian, int uplo, int trans, int n, int k, T a, const T *A, int lda,
                        const T *B, int ldb, T b, T *C, int ldc) {
  const long rows = trans == N ? n : k, columns = trans == N ? k : n;
  auto half = Matrix<T>::half(C, uplo, n, ldc);
  if (a != T(0)) call.reads("A", Matrix<T>::general(A, rows, columns, lda));
  if (a != T(0) && B) call.reads("B", Matrix<T>::general(B, rows, columns, ldb));
  call.updates("C", half, b != T(0));
  if (call.failed()) return call.status();
  Buffer<T> sums(static_cast<long>(n) * n);
  const int turned = hermitian ? HERMITIAN : TRANSPOSE;
  const int left = trans == N ? N : turned, right = trans == N ? turned : N;
  gemm(left, right, n, n, k, a, A, lda, B ? B : A, B ? ldb : lda, T(0), sums.data(), n);
  if (B) gemm(left, right, n, n, k, hermitian ? conjugate(a) : a, B, ldb, A, lda, T(1), sums.data(), n);
  store_half(hermitian ? half.hermitian() : half, sums.data(), b);
  return call.status();
}

static void check_half_product(Call &call, int uplo, int trans, int n, int k, int lda, int ldc) {
  call.option("uplo", uplo), call.operation("trans", trans), call.size("n", n), call.size("k", k);
  call.leading("lda", lda, trans == N ? n : k), call.leading("ldc", ldc, n);
}

EXPORT int NAME(syrk)(void *handle, int uplo, int trans, int n, int k, const T *alpha, const T *A, int lda,
                      const T *beta, T *C, int ldc) {
  Call call(NAME_TEXT(syrk), handle);
  check_half_product(call, uplo, trans, n, k, lda, ldc);
  if (call.failed() || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  return half_product(call, false, uplo, trans, n, k, a, A, lda, nullptr, 0, b, C, ldc);
}

EXPORT int NAME(syr2k)(void *handle, int uplo, int trans, int n, int k, const T *alpha, const T *A, int lda,
                       const T *B, int ldb, const T *beta, T *C, int ldc) {
  Call call(NAME_TEXT(syr2k), handle);
  check_half_product(call, uplo, trans, n, k, lda, ldc);
  call.leading("ldb", ldb, trans == N ? n : k);
  if (call.failed() || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  if (a != T(0)) call.require(B != nullptr, "B", "it is a null pointer");
  return half_product(call, false, uplo, trans, n, k, a, A, lda, B, ldb, b, C, ldc);
}

#if COMPLEX
EXPORT int NAME(hemm)(void *handle, int side, int uplo, int m, int n, const T *alpha, const T *A, int lda, const T *B,
                      int ldb, const T *beta, T *C, int ldc) {
  return symmetric_product(NAME_TEXT(hemm), true, handle, side, uplo, m, n, alpha, A, lda, B, ldb, beta, C, ldc);
}

EXPORT int NAME(herk)(void *handle, int uplo, int trans, int n, int k, const R *alpha, const T *A, int lda,
                      const R *beta, T *C, int ldc) {
  Call call(NAME_TEXT(herk), handle);
  check_half_product(call, uplo, trans, n, k, lda, ldc);
  call.require(trans != TRANSPOSE, "trans", "it is 1 (transpose), and must be 0 (none) or 2 (conjugate transpose)");
  if (call.failed() || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  return half_product(call, true, uplo, trans, n, k, a, A, lda, nullptr, 0, b, C, ldc);
}

EXPORT int NAME(her2k)(void *handle, int uplo, int trans, int n, int k, const T *alpha, const T *A, int lda,
                       const T *B, int ldb, const R *beta, T *C, int ldc) {
  Call call(NAME_TEXT(her2k), handle);
  check_half_product(call, uplo, trans, n, k, lda, ldc);
  call.leading("ldb", ldb, trans == N ? n : k);
  call.require(trans != TRANSPOSE, "trans", "it is 1 (transpose), and must be 0 (none) or 2 (conjugate transpose)");
  if (call.failed() || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  if (a != T(0)) call.require(B != nullptr, "B", "it is a null pointer");
  return half_product(call, true, uplo, trans, n, k, a, A, lda, B, ldb, b, C, ldc);
}
#endif

static void check_triangle(Call &call, int side, int uplo, int trans, int diag, int m, int n, int lda, int ldb) {
  call.option("side", side), call.option("uplo", uplo), call.operation("trans", trans), call.option("diag", diag);
  call.size("m", m), call.size("n", n);
  call.leading("lda", lda, side == LEFT ? m : n), call.leading("ldb", ldb, m);
}

// C may be B.
EXPORT int NAME(trmm)(void *handle, int side, int uplo, int trans, int diag, int m, int n, const T *alpha, const T *A,
                      int lda, const T *B, int ldb, T *C, int ldc) {
  Call call(NAME_TEXT(trmm), handle);
  check_triangle(call, side, uplo, trans, diag, m, n, lda, ldb);
  call.leading("ldc", ldc, m);
  if (call.failed() || m == 0 || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha);
  const long order = side == LEFT ? m : n;
  const auto triangle = Matrix<T>::half(A, uplo, order, lda).triangular(diag);
  const auto general = Matrix<T>::general(B, m, n, ldb);
  if (a != T(0)) call.reads("A", triangle), call.reads("B", general);
  call.writes("C", Matrix<T>::general(C, m, n, ldc));
  if (call.failed()) return call.status();
  if (a == T(0)) {
    gemm(N, N, m, n, 0, a, A, lda, B, ldb, T(0), C, ldc);
    return call.status();
  }
  Dense<T> whole(triangle), from(general);
  if (side == LEFT) {
    gemm(trans, N, m, n, order, a, whole.data(), order, from.data(), from.rows, T(0), C, ldc);
  } else {
    gemm(N, trans, m, n, order, a, from.data(), from.rows, whole.data(), order, T(0), C, ldc);
  }
  return call.status();
}

EXPORT int NAME(trsm)(void *handle, int side, int uplo, int trans, int diag, int m, int n, const T *alpha, const T *A,
                      int lda, T *B, int ldb) {
  Call call(NAME_TEXT(trsm), handle);
  check_triangle(call, side, uplo, trans, diag, m, n, lda, ldb);
  if (call.failed() || m == 0 || n == 0) return call.status();
  const T a = call.scalar("alpha", alpha);
  const auto triangle = Matrix<T>::half(A, uplo, side == LEFT ? m : n, lda).triangular(diag);
  if (a != T(0)) call.reads("A", triangle);
  call.updates("B", Matrix<T>::general(B, m, n, ldb), a != T(0));
  if (!call.failed()) solve_matrix(side, triangle, trans, a, Matrix<T>::general(B, m, n, ldb));
  return call.status();
}

// C = alpha op(A) + beta op(B). C may be A or B where that one is not transposed.
EXPORT int PLAIN(geam)(void *handle, int transa, int transb, int m, int n, const T *alpha, const T *A, int lda,
                       const T *beta, const T *B, int ldb, T *C, int ldc) {
  Call call(NAME_TEXT(geam), handle);
  call.operation("transa", transa), call.operation("transb", transb), call.size("m", m), call.size("n", n);
  call.leading("lda", lda, transa == N ? m : n), call.leading("ldb", ldb, transb == N ? m : n);
  call.leading("ldc", ldc, m);
  if (call.failed() || m == 0 || n == 0) return call.status();
  call.require(C != A || (transa == N && lda == ldc), "C", "it is A, which needs transa = 0 and lda = ldc");
  call.require(C != B || (transb == N && ldb == ldc), "C", "it is B, which needs transb = 0 and ldb = ldc");
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  const auto left = Matrix<T>::general(A, transa == N ? m : n, transa == N ? n : m, lda);
  const auto right = Matrix<T>::general(B, transb == N ? m : n, transb == N ? n : m, ldb);
  if (a != T(0)) call.reads("A", left);
  if (b != T(0)) call.reads("B", right);
  call.writes("C", Matrix<T>::general(C, m, n, ldc));
  if (call.failed()) return call.status();
  const auto element = [](const Matrix<T> &X, int operation, long i, long j) {
    const T value = transposes(operation) ? X.data[j + i * X.ld] : X.data[i + j * X.ld];
    return conjugates(operation) ? conjugate(value) : value;
  };
  for (long j = 0; j < n; ++j) {
    for (long i = 0; i < m; ++i) {
      const T first = a == T(0) ? T(0) : a * element(left, transa, i, j);
      const T second = b == T(0) ? T(0) : b * element(right, transb, i, j);
      C[i + j * ldc] = first + second;
    }
  }
  return call.status();
}

// C = diag(x) A from the left, A diag(x) from the right.
EXPORT int PLAIN(dgmm)(void *handle, int side, int m, int n, const T *A, int lda, const T *x, int incx, T *C, int ldc) {
  Call call(NAME_TEXT(dgmm), handle);
  call.option("mode", side), call.size("m", m), call.size("n", n);
  call.leading("lda", lda, m), call.leading("ldc", ldc, m);
  if (call.failed() || m == 0 || n == 0) return call.status();
  const Vector<T> diagonal(x, side == LEFT ? m : n, incx);
  call.reads("A", Matrix<T>::general(A, m, n, lda)), call.reads("x", diagonal);
  call.writes("C", Matrix<T>::general(C, m, n, ldc));
  if (call.failed()) return call.status();
  Contiguous<T> factors(diagonal);
  for (long j = 0; j < n; ++j) {
    for (long i = 0; i < m; ++i) C[i + j * ldc] = A[i + j * lda] * factors[side == LEFT ? i : j];
  }
  return call.status();
}
