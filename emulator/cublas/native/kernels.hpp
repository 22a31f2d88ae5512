// The arithmetic. Everything is built on three things: a dot product, a scaled sum, and the host's gemm.
#pragma once
#include <cmath>

#include "matrix.hpp"

namespace emu {

// Dot product in 8 partial sums: vectorised without reordering by the compiler, and less rounding than one sum.
template <class T>
T dot(long n, const T *x, const T *y, bool conjugate_x = false) {
  constexpr int LANES = 8;
  T sums[LANES] = {};
  long i = 0;
  if (conjugate_x) {
    for (; i < n; ++i) sums[i % LANES] += conjugate(x[i]) * y[i];
  } else {
    for (; i + LANES <= n; i += LANES) {
      for (int lane = 0; lane < LANES; ++lane) sums[lane] += x[i + lane] * y[i + lane];
    }
    for (int lane = 0; i < n; ++i, ++lane) sums[lane] += x[i] * y[i];
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

template <class T>
void add_scaled(long n, T alpha, const T *__restrict__ x, T *__restrict__ y, bool conjugate_x = false) {
  if (conjugate_x) {
    for (long i = 0; i < n; ++i) y[i] += alpha * conjugate(x[i]);
  } else {
    for (long i = 0; i < n; ++i) y[i] += alpha * x[i];
  }
}

// A contiguous copy of x.
template <class T>
class Contiguous : public Buffer<T> {
 public:
  explicit Contiguous(const Vector<T> &x) : Buffer<T>(x.n) {
    for (long i = 0; i < x.n; ++i) (*this)[i] = x[i];
  }
};

// A column-major copy of op(A), with all that is implied.
template <class T>
class Dense : public Buffer<T> {
 public:
  explicit Dense(const Matrix<T> &A, int operation = N)
      : Buffer<T>(A.rows * A.columns), rows(transposes(operation) ? A.columns : A.rows) {
    for (long j = 0; j < A.columns; ++j) {
      for (long i = 0; i < A.rows; ++i) {
        const T value = conjugates(operation) ? conjugate(A.at(i, j)) : A.at(i, j);
        (*this)[transposes(operation) ? j + i * rows : i + j * rows] = value;
      }
    }
  }
  const long rows;
};

// C = alpha op(A) op(B) + beta C, column-major. C is not read for beta = 0, A and B not for alpha = 0.
template <class T>
void gemm(int transa, int transb, long m, long n, long k, T alpha, const T *A, long lda, const T *B, long ldb, T beta,
          T *C, long ldc);

template <class T>
T scaled(T beta, T value) {
  return beta == T(0) ? T(0) : beta * value;
}

// y = alpha op(A) x + beta y for every kind of matrix.
template <class T>
void multiply(const Matrix<T> &A, int operation, T alpha, const Vector<T> &x, T beta, const Vector<T> &y) {
  Contiguous<T> from(x);
  Buffer<T> sums(y.n);
  for (long i = 0; i < y.n; ++i) sums[i] = T(0);
  const bool conj = conjugates(operation);
  for (long j = 0; j < A.columns; ++j) {
    long low = A.first(j), high = A.last(j);
    if (A.is_half() && A.rows == A.columns) {  // the diagonal apart: it counts once, and may be implied
      sums[j] += (conj ? conjugate(A.at(j, j)) : A.at(j, j)) * from[j];
      if (!A.unit_diagonal) A.is_lower() ? ++low : --high;
    }
    const T *column = A.data + A.offset(low, j);
    const long n = high - low;
    if (n <= 0) continue;
    if (A.implied != Matrix<T>::ZERO) {
      add_scaled(n, from[j], column, sums.data() + low);
      sums[j] += dot(n, column, from.data() + low, A.implied == Matrix<T>::MIRRORED_CONJUGATE);
    } else if (transposes(operation)) {
      sums[j] += dot(n, column, from.data() + low, conj);
    } else {
      add_scaled(n, from[j], column, sums.data() + low, conj);
    }
  }
  for (long i = 0; i < y.n; ++i) y[i] = alpha * sums[i] + scaled(beta, y[i]);
}

// x = op(A)⁻¹ x by substitution; `rows` is op(A) with its rows contiguous.
template <class T>
void substitute(const T *rows, bool lower, bool unit_diagonal, const Vector<T> &x) {
  Contiguous<T> solved(x);
  const long n = x.n;
  for (long step = 0; step < n; ++step) {
    const long i = lower ? step : n - 1 - step;
    const long from = lower ? 0 : i + 1, count = lower ? i : n - 1 - i;
    const T value = solved[i] - dot(count, rows + i * n + from, solved.data() + from);
    solved[i] = unit_diagonal ? value : value / rows[i * n + i];
  }
  for (long i = 0; i < n; ++i) x[i] = solved[i];
}

// Solves op(A) x = b for each of the vectors; A is triangular.
template <class T, class VectorAt>
void solve(const Matrix<T> &A, int operation, long count, VectorAt vector_at) {
  const bool lower = A.is_lower() != transposes(operation);
  const int by_rows = operation == N           ? TRANSPOSE
                      : operation == TRANSPOSE ? N
                      : operation == HERMITIAN ? CONJUGATE
                                               : HERMITIAN;
  Dense<T> rows(A, by_rows);
  for (long i = 0; i < count; ++i) substitute(rows.data(), lower, A.unit_diagonal, vector_at(i));
}

// Solves op(A) X = alpha B (from the left) or X op(A) = alpha B (from the right), in place in B.
template <class T>
void solve_matrix(int side, const Matrix<T> &A, int operation, T alpha, const Matrix<T> &B) {
  for (long j = 0; j < B.columns; ++j) {
    for (long i = 0; i < B.rows; ++i) B.data[B.offset(i, j)] = scaled(alpha, B.data[B.offset(i, j)]);
  }
  if (alpha == T(0)) return;
  if (side == LEFT) {
    solve(A, operation, B.columns, [&](long j) { return Vector<T>(B.data + j * B.ld, B.rows, 1); });
    return;
  }
  const int transposed = operation == N ? TRANSPOSE : operation == TRANSPOSE ? N : CONJUGATE;
  solve(A, transposed, B.rows, [&](long i) { return Vector<T>(B.data + i, B.columns, B.ld); });
}

// A += alpha x yᵀ (or yᴴ), for the stored elements of A.
template <class T>
void add_outer(const Matrix<T> &A, T alpha, const Vector<T> &x, const Vector<T> &y, bool conjugate_y = false) {
  Contiguous<T> left(x);
  for (long j = 0; j < A.columns; ++j) {
    const long low = A.first(j);
    const T factor = alpha * (conjugate_y ? conjugate(y[j]) : y[j]);
    add_scaled(A.last(j) - low, factor, left.data() + low, A.data + A.offset(low, j));
    if (A.implied == Matrix<T>::MIRRORED_CONJUGATE) A.data[A.offset(j, j)] = real_part(A.at(j, j));
  }
}

// C = sums + beta C, for the stored elements of C.
template <class T>
void store_half(const Matrix<T> &C, T *sums, T beta) {
  for (long j = 0; j < C.columns; ++j) {
    for (long i = C.first(j); i < C.last(j); ++i) {
      T &element = C.data[C.offset(i, j)];
      const T value = sums[i + j * C.rows] + scaled(beta, element);
      element = i == j && C.implied == Matrix<T>::MIRRORED_CONJUGATE ? real_part(value) : value;
    }
  }
}

}  // namespace emu
