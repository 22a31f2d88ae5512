// The same on many matrices. Included once for each type: see each_type.hpp.

static void check_gemm(Call &call, int transa, int transb, int m, int n, int k, int lda, int ldb, int ldc, int count) {
  call.operation("transa", transa), call.operation("transb", transb);
  call.size("m", m), call.size("n", n), call.size("k", k), call.size("batchCount", count);
  call.leading("lda", lda, transa == N ? m : k), call.leading("ldb", ldb, transb == N ? k : n);
  call.leading("ldc", ldc, m);
}

EXPORT int PLAIN(gemmBatched)(void *handle, int transa, int transb, int m, int n, int k, const T *alpha,
                              const T *const *A, int lda, const T *const *B, int ldb, const T *beta, T *const *C,
                              int ldc, int count) {
  Call call(NAME_TEXT(gemmBatched), handle);
  check_gemm(call, transa, transb, m, n, k, lda, ldb, ldc, count);
  if (call.failed() || m == 0 || n == 0 || count == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  call.reads("Aarray", Vector<const T *>(A, count, 1)), call.reads("Barray", Vector<const T *>(B, count, 1));
  call.reads("Carray", Vector<T *>(C, count, 1));
  for (long i = 0; i < count && !call.failed(); ++i) {
    if (a != T(0)) {
      call.reads("Aarray", i, Matrix<T>::general(A[i], transa == N ? m : k, transa == N ? k : m, lda));
      call.reads("Barray", i, Matrix<T>::general(B[i], transb == N ? k : n, transb == N ? n : k, ldb));
    }
    call.updates("Carray", i, Matrix<T>::general(C[i], m, n, ldc), b != T(0));
    if (!call.failed()) gemm(transa, transb, m, n, k, a, A[i], lda, B[i], ldb, b, C[i], ldc);
  }
  return call.status();
}

EXPORT int PLAIN(gemmStridedBatched)(void *handle, int transa, int transb, int m, int n, int k, const T *alpha,
                                     const T *A, int lda, long long stride_a, const T *B, int ldb, long long stride_b,
                                     const T *beta, T *C, int ldc, long long stride_c, int count) {
  Call call(NAME_TEXT(gemmStridedBatched), handle);
  check_gemm(call, transa, transb, m, n, k, lda, ldb, ldc, count);
  if (call.failed() || m == 0 || n == 0 || count == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  for (long i = 0; i < count && !call.failed(); ++i) {
    const T *left = A + i * stride_a, *right = B + i * stride_b;
    T *product = C + i * stride_c;
    if (a != T(0)) {
      call.reads("A", i, Matrix<T>::general(left, transa == N ? m : k, transa == N ? k : m, lda));
      call.reads("B", i, Matrix<T>::general(right, transb == N ? k : n, transb == N ? n : k, ldb));
    }
    call.updates("C", i, Matrix<T>::general(product, m, n, ldc), b != T(0));
    if (!call.failed()) gemm(transa, transb, m, n, k, a, left, lda, right, ldb, b, product, ldc);
  }
  return call.status();
}

EXPORT int PLAIN(trsmBatched)(void *handle, int side, int uplo, int trans, int diag, int m, int n, const T *alpha,
                              const T *const *A, int lda, T *const *B, int ldb, int count) {
  Call call(NAME_TEXT(trsmBatched), handle);
  call.option("side", side), call.option("uplo", uplo), call.operation("trans", trans), call.option("diag", diag);
  call.size("m", m), call.size("n", n), call.size("batchCount", count);
  call.leading("lda", lda, side == LEFT ? m : n), call.leading("ldb", ldb, m);
  if (call.failed() || m == 0 || n == 0 || count == 0) return call.status();
  const T a = call.scalar("alpha", alpha);
  call.reads("Aarray", Vector<const T *>(A, count, 1)), call.reads("Barray", Vector<T *>(B, count, 1));
  for (long i = 0; i < count && !call.failed(); ++i) {
    const auto triangle = Matrix<T>::half(A[i], uplo, side == LEFT ? m : n, lda).triangular(diag);
    const auto right = Matrix<T>::general(B[i], m, n, ldb);
    if (a != T(0)) call.reads("Aarray", i, triangle);
    call.updates("Barray", i, right, a != T(0));
    if (!call.failed()) solve_matrix(side, triangle, trans, a, right);
  }
  return call.status();
}

// LU in place, with row exchanges where there is a `pivots`. The first zero pivot, from 1; 0: none.
static int factorise(const Matrix<T> &A, int *pivots) {
  const long n = A.rows;
  const auto element = [&](long i, long j) -> T & { return A.data[i + j * A.ld]; };
  int singular = 0;
  for (long j = 0; j < n; ++j) {
    long pivot = j;
    for (long i = j + 1; pivots && i < n; ++i) {
      if (std::abs(element(i, j)) > std::abs(element(pivot, j))) pivot = i;
    }
    if (pivots) pivots[j] = static_cast<int>(pivot + 1);
    for (long column = 0; pivot != j && column < n; ++column) std::swap(element(j, column), element(pivot, column));
    if (element(j, j) == T(0)) {
      if (!singular) singular = static_cast<int>(j + 1);
      continue;
    }
    for (long i = j + 1; i < n; ++i) element(i, j) /= element(j, j);
    for (long column = j + 1; column < n; ++column) {
      add_scaled(n - 1 - j, -element(j, column), &element(j + 1, j), &element(j + 1, column));
    }
  }
  return singular;
}

EXPORT int PLAIN(getrfBatched)(void *handle, int n, T *const *A, int lda, int *pivots, int *info, int count) {
  Call call(NAME_TEXT(getrfBatched), handle);
  call.size("n", n), call.size("batchSize", count), call.leading("lda", lda, n);
  if (call.failed() || count == 0) return call.status();
  call.reads("Aarray", Vector<T *>(A, count, 1));
  if (pivots) call.writes("PivotArray", Vector<int>(pivots, static_cast<long>(n) * count, 1));
  for (long i = 0; i < count && !call.failed(); ++i) {
    const auto matrix = Matrix<T>::general(A[i], n, n, lda);
    call.updates("Aarray", i, matrix);
    if (!call.failed()) call.flag("infoArray", i, info, factorise(matrix, pivots ? pivots + i * n : nullptr));
  }
  return call.status();
}

// Solves op(A) X = B with the factors that getrf left in A.
static void solve_factored(const Matrix<T> &A, int trans, const int *pivots, const Matrix<T> &B) {
  const auto exchange = [&](long i) {
    const long other = pivots ? pivots[i] - 1 : i;
    for (long j = 0; other != i && j < B.columns; ++j) std::swap(B.data[i + j * B.ld], B.data[other + j * B.ld]);
  };
  const auto lower = Matrix<T>::half(A.data, LOWER, A.rows, A.ld).triangular(1);
  const auto upper = Matrix<T>::half(A.data, UPPER, A.rows, A.ld);
  if (trans == N) {
    for (long i = 0; i < A.rows; ++i) exchange(i);
    solve_matrix(LEFT, lower, N, T(1), B), solve_matrix(LEFT, upper, N, T(1), B);
  } else {
    solve_matrix(LEFT, upper, trans, T(1), B), solve_matrix(LEFT, lower, trans, T(1), B);
    for (long i = A.rows - 1; i >= 0; --i) exchange(i);
  }
}

static bool pivots_valid(const int *pivots, long n) {
  for (long i = 0; pivots && i < n; ++i) {
    if (pivots[i] < 1 || pivots[i] > n) return false;
  }
  return true;
}

EXPORT int PLAIN(getrsBatched)(void *handle, int trans, int n, int columns, const T *const *A, int lda,
                               const int *pivots, T *const *B, int ldb, int *info, int count) {
  Call call(NAME_TEXT(getrsBatched), handle);
  call.operation("trans", trans), call.size("n", n), call.size("nrhs", columns), call.size("batchSize", count);
  call.leading("lda", lda, n), call.leading("ldb", ldb, n);
  call.require(info != nullptr, "info", "it is a null pointer, and must be one of host memory");
  if (info) *info = 0;
  if (call.failed() || n == 0 || columns == 0 || count == 0) return call.status();
  call.reads("Aarray", Vector<const T *>(A, count, 1)), call.reads("Barray", Vector<T *>(B, count, 1));
  if (pivots) call.reads("devIpiv", Vector<int>(pivots, static_cast<long>(n) * count, 1));
  for (long i = 0; i < count && !call.failed(); ++i) {
    const auto factors = Matrix<T>::general(A[i], n, n, lda), right = Matrix<T>::general(B[i], n, columns, ldb);
    const int *exchanges = pivots ? pivots + i * n : nullptr;
    call.reads("Aarray", i, factors), call.updates("Barray", i, right);
    if (!call.failed()) {
      call.require(pivots_valid(exchanges, n), "devIpiv", "an index in it is not a row from 1 to n");
    }
    if (!call.failed()) solve_factored(factors, trans, exchanges, right);
  }
  return call.status();
}

EXPORT int PLAIN(getriBatched)(void *handle, int n, const T *const *A, int lda, const int *pivots, T *const *C,
                               int ldc, int *info, int count) {
  Call call(NAME_TEXT(getriBatched), handle);
  call.size("n", n), call.size("batchSize", count), call.leading("lda", lda, n), call.leading("ldc", ldc, n);
  if (call.failed() || count == 0) return call.status();
  call.reads("Aarray", Vector<const T *>(A, count, 1)), call.reads("Carray", Vector<T *>(C, count, 1));
  if (pivots) call.reads("PivotArray", Vector<int>(pivots, static_cast<long>(n) * count, 1));
  for (long i = 0; i < count && !call.failed(); ++i) {
    const auto factors = Matrix<T>::general(A[i], n, n, lda), inverse = Matrix<T>::general(C[i], n, n, ldc);
    const int *exchanges = pivots ? pivots + i * n : nullptr;
    call.reads("Aarray", i, factors), call.writes("Carray", i, inverse);
    if (!call.failed()) {
      call.require(pivots_valid(exchanges, n), "PivotArray", "an index in it is not a row from 1 to n");
    }
    if (call.failed()) break;
    int singular = 0;
    for (long j = n - 1; j >= 0; --j) {
      if (factors.at(j, j) == T(0)) singular = static_cast<int>(j + 1);
    }
    call.flag("infoArray", i, info, singular);
    for (long j = 0; j < n; ++j) {
      for (long row = 0; row < n; ++row) inverse.data[row + j * ldc] = row == j ? T(1) : T(0);
    }
    if (!singular) solve_factored(factors, N, exchanges, inverse);
  }
  return call.status();
}
