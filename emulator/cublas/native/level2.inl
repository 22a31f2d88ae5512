// Matrix with vector. Included once for each type: see each_type.hpp.

// y = alpha op(A) x + beta y, once the matrix's own arguments are checked.
static int matrix_vector(Call &call, const char *matrix, const Matrix<T> &A, int trans, const T *alpha, const T *x,
                         int incx, const T *beta, T *y, int incy) {
  call.increment("incx", incx), call.increment("incy", incy);
  if (call.failed() || A.rows == 0 || A.columns == 0) return call.status();
  const T a = call.scalar("alpha", alpha), b = call.scalar("beta", beta);
  const Vector<T> from(x, transposes(trans) ? A.rows : A.columns, incx);
  const Vector<T> to(y, transposes(trans) ? A.columns : A.rows, incy);
  if (a != T(0)) call.reads(matrix, A), call.reads("x", from);
  call.updates("y", to, b != T(0));
  if (call.failed()) return call.status();
  if (a != T(0)) {
    multiply(A, trans, a, from, b, to);
  } else {
    for (long i = 0; i < to.n; ++i) to[i] = scaled(b, to[i]);
  }
  return call.status();
}

EXPORT int NAME(gemv)(void *handle, int trans, int m, int n, const T *alpha, const T *A, int lda, const T *x, int incx,
                      const T *beta, T *y, int incy) {
  Call call(NAME_TEXT(gemv), handle);
  call.operation("trans", trans), call.size("m", m), call.size("n", n), call.leading("lda", lda, m);
  return matrix_vector(call, "A", Matrix<T>::general(A, m, n, lda), trans, alpha, x, incx, beta, y, incy);
}

EXPORT int NAME(gbmv)(void *handle, int trans, int m, int n, int kl, int ku, const T *alpha, const T *A, int lda,
                      const T *x, int incx, const T *beta, T *y, int incy) {
  Call call(NAME_TEXT(gbmv), handle);
  call.operation("trans", trans), call.size("m", m), call.size("n", n), call.size("kl", kl), call.size("ku", ku);
  call.leading("lda", lda, static_cast<long>(kl) + ku + 1);
  return matrix_vector(call, "A", Matrix<T>::band(A, m, n, kl, ku, lda), trans, alpha, x, incx, beta, y, incy);
}

static Matrix<T> mirrored(const Matrix<T> &half, bool hermitian) {
  return hermitian ? half.hermitian() : half.symmetric();
}

static int full_symmetric(const char *routine, bool hermitian, void *handle, int uplo, int n, const T *alpha,
                          const T *A, int lda, const T *x, int incx, const T *beta, T *y, int incy) {
  Call call(routine, handle);
  call.option("uplo", uplo), call.size("n", n), call.leading("lda", lda, n);
  const auto whole = mirrored(Matrix<T>::half(A, uplo, n, lda), hermitian);
  return matrix_vector(call, "A", whole, N, alpha, x, incx, beta, y, incy);
}

static int band_symmetric(const char *routine, bool hermitian, void *handle, int uplo, int n, int k, const T *alpha,
                          const T *A, int lda, const T *x, int incx, const T *beta, T *y, int incy) {
  Call call(routine, handle);
  call.option("uplo", uplo), call.size("n", n), call.size("k", k), call.leading("lda", lda, k + 1L);
  const auto whole = mirrored(Matrix<T>::half_band(A, uplo, n, k, lda), hermitian);
  return matrix_vector(call, "A", whole, N, alpha, x, incx, beta, y, incy);
}

static int packed_symmetric(const char *routine, bool hermitian, void *handle, int uplo, int n, const T *alpha,
                            const T *AP, const T *x, int incx, const T *beta, T *y, int incy) {
  Call call(routine, handle);
  call.option("uplo", uplo), call.size("n", n);
  const auto whole = mirrored(Matrix<T>::half_packed(AP, uplo, n), hermitian);
  return matrix_vector(call, "AP", whole, N, alpha, x, incx, beta, y, incy);
}

// A += alpha x yᵀ (or yᴴ), and once more with x and y exchanged where `twice`.
template <class Factor>
static int rank_update(Call &call, const char *matrix, const Matrix<T> &A, const Factor *alpha, const Vector<T> &x,
                       const Vector<T> &y, bool conjugate_y, bool twice) {
  call.increment("incx", x.inc), call.increment("incy", y.inc);
  if (call.failed() || A.rows == 0 || A.columns == 0) return call.status();
  const T a = call.scalar("alpha", alpha);
  if (call.failed() || a == T(0)) return call.status();
  call.reads("x", x);
  if (x.data != y.data || x.n != y.n || x.inc != y.inc) call.reads("y", y);
  call.updates(matrix, A);
  if (call.failed()) return call.status();
  add_outer(A, a, x, y, conjugate_y);
  if (twice) add_outer(A, conjugate_y ? conjugate(a) : a, y, x, conjugate_y);
  return call.status();
}

static int general_update(const char *routine, bool conjugate_y, void *handle, int m, int n, const T *alpha,
                          const T *x, int incx, const T *y, int incy, T *A, int lda) {
  Call call(routine, handle);
  call.size("m", m), call.size("n", n), call.leading("lda", lda, m);
  return rank_update(call, "A", Matrix<T>::general(A, m, n, lda), alpha, Vector<T>(x, m, incx), Vector<T>(y, n, incy),
                     conjugate_y, false);
}

// One vector: y is x. Packed: lda is 0.
template <class Factor>
static int half_update(const char *routine, bool hermitian, bool packed, bool twice, void *handle, int uplo, int n,
                       const Factor *alpha, const T *x, int incx, const T *y, int incy, T *A, int lda) {
  Call call(routine, handle);
  call.option("uplo", uplo), call.size("n", n);
  if (!packed) call.leading("lda", lda, n);
  const auto half = packed ? Matrix<T>::half_packed(A, uplo, n) : Matrix<T>::half(A, uplo, n, lda);
  return rank_update(call, packed ? "AP" : "A", mirrored(half, hermitian), alpha, Vector<T>(x, n, incx),
                     Vector<T>(y, n, incy), hermitian, twice);
}

EXPORT int NAME(symv)(void *handle, int uplo, int n, const T *alpha, const T *A, int lda, const T *x, int incx,
                      const T *beta, T *y, int incy) {
  return full_symmetric(NAME_TEXT(symv), false, handle, uplo, n, alpha, A, lda, x, incx, beta, y, incy);
}
EXPORT int NAME(syr)(void *handle, int uplo, int n, const T *alpha, const T *x, int incx, T *A, int lda) {
  return half_update(NAME_TEXT(syr), false, false, false, handle, uplo, n, alpha, x, incx, x, incx, A, lda);
}
EXPORT int NAME(syr2)(void *handle, int uplo, int n, const T *alpha, const T *x, int incx, const T *y, int incy, T *A,
                      int lda) {
  return half_update(NAME_TEXT(syr2), false, false, true, handle, uplo, n, alpha, x, incx, y, incy, A, lda);
}

#if COMPLEX
EXPORT int NAME(geru)(void *handle, int m, int n, const T *alpha, const T *x, int incx, const T *y, int incy, T *A,
                      int lda) {
  return general_update(NAME_TEXT(geru), false, handle, m, n, alpha, x, incx, y, incy, A, lda);
}
EXPORT int NAME(gerc)(void *handle, int m, int n, const T *alpha, const T *x, int incx, const T *y, int incy, T *A,
                      int lda) {
  return general_update(NAME_TEXT(gerc), true, handle, m, n, alpha, x, incx, y, incy, A, lda);
}
EXPORT int NAME(hemv)(void *handle, int uplo, int n, const T *alpha, const T *A, int lda, const T *x, int incx,
                      const T *beta, T *y, int incy) {
  return full_symmetric(NAME_TEXT(hemv), true, handle, uplo, n, alpha, A, lda, x, incx, beta, y, incy);
}
EXPORT int NAME(hbmv)(void *handle, int uplo, int n, int k, const T *alpha, const T *A, int lda, const T *x, int incx,
                      const T *beta, T *y, int incy) {
  return band_symmetric(NAME_TEXT(hbmv), true, handle, uplo, n, k, alpha, A, lda, x, incx, beta, y, incy);
}
EXPORT int NAME(hpmv)(void *handle, int uplo, int n, const T *alpha, const T *AP, const T *x, int incx, const T *beta,
                      T *y, int incy) {
  return packed_symmetric(NAME_TEXT(hpmv), true, handle, uplo, n, alpha, AP, x, incx, beta, y, incy);
}
EXPORT int NAME(her)(void *handle, int uplo, int n, const R *alpha, const T *x, int incx, T *A, int lda) {
  return half_update(NAME_TEXT(her), true, false, false, handle, uplo, n, alpha, x, incx, x, incx, A, lda);
}
EXPORT int NAME(her2)(void *handle, int uplo, int n, const T *alpha, const T *x, int incx, const T *y, int incy, T *A,
                      int lda) {
  return half_update(NAME_TEXT(her2), true, false, true, handle, uplo, n, alpha, x, incx, y, incy, A, lda);
}
EXPORT int NAME(hpr)(void *handle, int uplo, int n, const R *alpha, const T *x, int incx, T *AP) {
  return half_update(NAME_TEXT(hpr), true, true, false, handle, uplo, n, alpha, x, incx, x, incx, AP, 0);
}
EXPORT int NAME(hpr2)(void *handle, int uplo, int n, const T *alpha, const T *x, int incx, const T *y, int incy,
                      T *AP) {
  return half_update(NAME_TEXT(hpr2), true, true, true, handle, uplo, n, alpha, x, incx, y, incy, AP, 0);
}
#else
EXPORT int NAME(ger)(void *handle, int m, int n, const T *alpha, const T *x, int incx, const T *y, int incy, T *A,
                     int lda) {
  return general_update(NAME_TEXT(ger), false, handle, m, n, alpha, x, incx, y, incy, A, lda);
}
EXPORT int NAME(sbmv)(void *handle, int uplo, int n, int k, const T *alpha, const T *A, int lda, const T *x, int incx,
                      const T *beta, T *y, int incy) {
  return band_symmetric(NAME_TEXT(sbmv), false, handle, uplo, n, k, alpha, A, lda, x, incx, beta, y, incy);
}
EXPORT int NAME(spmv)(void *handle, int uplo, int n, const T *alpha, const T *AP, const T *x, int incx, const T *beta,
                      T *y, int incy) {
  return packed_symmetric(NAME_TEXT(spmv), false, handle, uplo, n, alpha, AP, x, incx, beta, y, incy);
}
EXPORT int NAME(spr)(void *handle, int uplo, int n, const T *alpha, const T *x, int incx, T *AP) {
  return half_update(NAME_TEXT(spr), false, true, false, handle, uplo, n, alpha, x, incx, x, incx, AP, 0);
}
EXPORT int NAME(spr2)(void *handle, int uplo, int n, const T *alpha, const T *x, int incx, const T *y, int incy,
                      T *AP) {
  return half_update(NAME_TEXT(spr2), false, true, true, handle, uplo, n, alpha, x, incx, y, incy, AP, 0);
}
#endif

// x = op(A) x, or op(A)⁻¹ x, with A triangular.
static int triangle_vector(Call &call, bool solves, const char *matrix, const Matrix<T> &A, int trans, T *x,
                           int incx) {
  call.increment("incx", incx);
  if (call.failed() || A.rows == 0) return call.status();
  const Vector<T> vector(x, A.rows, incx);
  call.reads(matrix, A), call.updates("x", vector);
  if (call.failed()) return call.status();
  if (solves) {
    solve(A, trans, 1, [&](long) { return vector; });
  } else {
    multiply(A, trans, T(1), vector, T(0), vector);
  }
  return call.status();
}

static void check_half(Call &call, int uplo, int trans, int diag, int n) {
  call.option("uplo", uplo), call.operation("trans", trans), call.option("diag", diag), call.size("n", n);
}

#define TRIANGULAR(routine, solves)                                                                                   \
  EXPORT int NAME(tr##routine)(void *handle, int uplo, int trans, int diag, int n, const T *A, int lda, T *x,         \
                               int incx) {                                                                            \
    Call call(NAME_TEXT(tr##routine), handle);                                                                        \
    check_half(call, uplo, trans, diag, n), call.leading("lda", lda, n);                                              \
    return triangle_vector(call, solves, "A", Matrix<T>::half(A, uplo, n, lda).triangular(diag), trans, x, incx);     \
  }                                                                                                                   \
  EXPORT int NAME(tb##routine)(void *handle, int uplo, int trans, int diag, int n, int k, const T *A, int lda, T *x,  \
                               int incx) {                                                                            \
    Call call(NAME_TEXT(tb##routine), handle);                                                                        \
    check_half(call, uplo, trans, diag, n), call.size("k", k), call.leading("lda", lda, k + 1L);                      \
    const auto band = Matrix<T>::half_band(A, uplo, n, k, lda).triangular(diag);                                      \
    return triangle_vector(call, solves, "A", band, trans, x, incx);                                                  \
  }                                                                                                                   \
  EXPORT int NAME(tp##routine)(void *handle, int uplo, int trans, int diag, int n, const T *AP, T *x, int incx) {     \
    Call call(NAME_TEXT(tp##routine), handle);                                                                        \
    check_half(call, uplo, trans, diag, n);                                                                           \
    return triangle_vector(call, solves, "AP", Matrix<T>::half_packed(AP, uplo, n).triangular(diag), trans, x, incx); \
  }
TRIANGULAR(mv, false)
TRIANGULAR(sv, true)
#undef TRIANGULAR
