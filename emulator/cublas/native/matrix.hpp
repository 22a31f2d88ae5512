// Vectors and matrices in BLAS storage: where each element lies, and which elements a routine may touch.
#pragma once
#include <complex>
#include <cstdlib>

namespace emu {

template <class T>
struct Element {
  using Real = T;
  using Wide = long double;  // sums of squares that neither overflow nor underflow
};
template <>
struct Element<float> {
  using Real = float;
  using Wide = double;
};
template <class R>
struct Element<std::complex<R>> {
  using Real = R;
  using Wide = typename Element<R>::Wide;
};

template <class R>
R conjugate(R value) {
  return value;
}
template <class R>
std::complex<R> conjugate(std::complex<R> value) {
  return std::conj(value);
}
template <class R>
R real_part(R value) {
  return value;
}
template <class R>
std::complex<R> real_part(std::complex<R> value) {
  return value.real();
}

// Numbers of cublas_api.h. CONJUGATE (no transpose) is only used inside, by solvers from the right.
enum Operation { N = 0, TRANSPOSE = 1, HERMITIAN = 2, CONJUGATE = 3 };
enum Fill { LOWER = 0, UPPER = 1 };
enum Side { LEFT = 0, RIGHT = 1 };

inline bool transposes(int operation) { return operation == TRANSPOSE || operation == HERMITIAN; }
inline bool conjugates(int operation) { return operation == HERMITIAN || operation == CONJUGATE; }

// Temporary memory. Uninitialised.
template <class T>
class Buffer {
 public:
  explicit Buffer(long count) : data_(static_cast<T *>(std::malloc(sizeof(T) * (count > 0 ? count : 1)))) {
    if (!data_) std::abort();
  }
  ~Buffer() { std::free(data_); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  T &operator[](long i) { return data_[i]; }
  T *data() { return data_; }

 private:
  T *data_;
};

// n elements, `inc` apart; with a negative increment the first one is the last in memory.
template <class T>
struct Vector {
  using Value = T;
  T *data;
  long n, inc;
  Vector(const T *data, long n, long inc) : data(const_cast<T *>(data)), n(n), inc(inc) {}
  long offset(long i) const { return inc < 0 ? (i - (n - 1)) * inc : i * inc; }
  T &operator[](long i) const { return data[offset(i)]; }
  // Runs of contiguous elements, for checks.
  long runs() const { return inc == 0 ? (n > 0) : n; }
  long run_offset(long j) const { return inc < 0 ? j * -inc : j * inc; }
  long run_length(long) const { return 1; }
};

// A column-major matrix of which column j holds rows [first(j), last(j)); the rest is implied.
template <class T>
struct Matrix {
  using Value = T;
  enum Storage { FULL, BAND, PACKED };
  enum Implied { ZERO, MIRRORED, MIRRORED_CONJUGATE };

  T *data;
  long rows, columns, ld;
  long below, above;  // stored diagonals
  Storage storage = FULL;
  Implied implied = ZERO;
  bool unit_diagonal = false;  // ones, and not read

  static Matrix general(const T *data, long rows, long columns, long ld) {
    return {const_cast<T *>(data), rows, columns, ld, rows, columns};
  }
  static Matrix band(const T *data, long rows, long columns, long below, long above, long ld) {
    return {const_cast<T *>(data), rows, columns, ld, below, above, BAND};
  }
  static Matrix half(const T *data, int fill, long n, long ld) {
    return {const_cast<T *>(data), n, n, ld, fill == LOWER ? n : 0, fill == LOWER ? 0 : n};
  }
  static Matrix half_band(const T *data, int fill, long n, long k, long ld) {
    return band(data, n, n, fill == LOWER ? k : 0, fill == LOWER ? 0 : k, ld);
  }
  static Matrix half_packed(const T *data, int fill, long n) {
    Matrix matrix = half(data, fill, n, 0);
    matrix.storage = PACKED;
    return matrix;
  }
  Matrix triangular(int unit) const {
    Matrix matrix = *this;
    matrix.unit_diagonal = unit != 0;
    return matrix;
  }
  Matrix symmetric() const {
    Matrix matrix = *this;
    matrix.implied = MIRRORED;
    return matrix;
  }
  Matrix hermitian() const {
    Matrix matrix = *this;
    matrix.implied = MIRRORED_CONJUGATE;
    return matrix;
  }

  bool is_half() const { return below == 0 || above == 0; }
  bool is_lower() const { return above == 0; }
  long first(long j) const {
    long row = j > above ? j - above : 0;
    return unit_diagonal && is_lower() ? row + 1 : row;
  }
  long last(long j) const {
    long row = j + below + 1 < rows ? j + below + 1 : rows;
    return unit_diagonal && !is_lower() ? row - 1 : row;
  }
  long offset(long i, long j) const {
    if (storage == BAND) return above + i - j + j * ld;
    if (storage == FULL) return i + j * ld;
    return is_lower() ? i + j * (2 * rows - j - 1) / 2 : i + j * (j + 1) / 2;
  }
  T at(long i, long j) const {
    if (i == j && unit_diagonal) return T(1);
    if (j - i <= above && i - j <= below) {
      T value = data[offset(i, j)];
      return i == j && implied == MIRRORED_CONJUGATE ? real_part(value) : value;
    }
    if (implied == ZERO) return T(0);
    return implied == MIRRORED ? data[offset(j, i)] : conjugate(data[offset(j, i)]);
  }

  long runs() const { return rows > 0 ? columns : 0; }
  long run_offset(long j) const { return offset(first(j), j); }
  long run_length(long j) const { return last(j) - first(j); }
};

// Calls visit(offset, length) for each maximal contiguous run of stored elements, in order of memory.
template <class Stored, class Visit>
void each_run(const Stored &stored, Visit visit) {
  long start = 0, length = 0;
  for (long j = 0; j < stored.runs(); ++j) {
    if (stored.run_length(j) <= 0) continue;
    if (length && stored.run_offset(j) == start + length) {
      length += stored.run_length(j);
      continue;
    }
    if (length) visit(start, length);
    start = stored.run_offset(j);
    length = stored.run_length(j);
  }
  if (length) visit(start, length);
}

}  // namespace emu
