// Matrix products: by NumPy's BLAS where Python found one, by plain loops otherwise.
#include "device.hpp"
#include "kernels.hpp"

namespace emu {

// Mirrored by emulator.cublas.blas.HostBlas.
struct HostBlas {
  void *gemm[4];  // cblas_{s,d,c,z}gemm, or null
  int wide;       // its integers have 64 bits
  // NumPy may use as many threads as it likes; two of them on a busy machine made a product 40 times slower.
  void (*set_threads)(int);  // or null
  int (*get_threads)();
};
static HostBlas host{};

namespace {

class OneThread {
 public:
  OneThread() : before_(host.get_threads ? host.get_threads() : 1) { set(1); }
  ~OneThread() { set(before_); }

 private:
  void set(int count) {
    if (before_ != 1 && host.set_threads) host.set_threads(count);
  }
  int before_;
};

// How cblas takes its factors: real ones by value, complex ones by address.
template <class T>
struct Factor {
  using Type = T;
  static Type of(const T &value) { return value; }
};
template <class R>
struct Factor<std::complex<R>> {
  using Type = const void *;
  static Type of(const std::complex<R> &value) { return &value; }
};

constexpr int COLUMN_MAJOR = 102, CBLAS_NO_TRANS = 111;  // cblas.h; transposes follow in the order of Operation

template <class T, class Integer>
void call_host(void *function, int transa, int transb, long m, long n, long k, const T &alpha, const T *A, long lda,
               const T *B, long ldb, const T &beta, T *C, long ldc) {
  using F = typename Factor<T>::Type;
  using Gemm = void (*)(int, int, int, Integer, Integer, Integer, F, const void *, Integer, const void *, Integer, F,
                        void *, Integer);
  OneThread guard;
  reinterpret_cast<Gemm>(function)(COLUMN_MAJOR, CBLAS_NO_TRANS + transa, CBLAS_NO_TRANS + transb, m, n, k,
                                   Factor<T>::of(alpha), A, lda, B, ldb, Factor<T>::of(beta), C, ldc);
}

// Row by row of op(A), so that both factors of each inner product are contiguous.
template <class T>
void plain_gemm(int transa, int transb, long m, long n, long k, T alpha, const T *A, long lda, const T *B, long ldb,
                T beta, T *C, long ldc) {
  Dense<T> rows(Matrix<T>::general(A, transposes(transa) ? k : m, transposes(transa) ? m : k, lda),
                transa == N ? TRANSPOSE : transa == TRANSPOSE ? N : CONJUGATE);
  Dense<T> columns(Matrix<T>::general(B, transposes(transb) ? n : k, transposes(transb) ? k : n, ldb), transb);
  for (long j = 0; j < n; ++j) {
    for (long i = 0; i < m; ++i) {
      T &element = C[i + j * ldc];
      element = alpha * dot(k, rows.data() + i * k, columns.data() + j * k) + scaled(beta, element);
    }
  }
}

template <class T>
constexpr int TYPE_INDEX = sizeof(T) == sizeof(typename Element<T>::Real) ? (sizeof(T) == 4 ? 0 : 1)
                                                                          : (sizeof(T) == 8 ? 2 : 3);

}  // namespace

template <class T>
void gemm(int transa, int transb, long m, long n, long k, T alpha, const T *A, long lda, const T *B, long ldb, T beta,
          T *C, long ldc) {
  if (alpha == T(0) || k == 0) {
    for (long j = 0; j < n; ++j) {
      for (long i = 0; i < m; ++i) C[i + j * ldc] = scaled(beta, C[i + j * ldc]);
    }
    return;
  }
  void *function = host.gemm[TYPE_INDEX<T>];
  if (!function) {
    plain_gemm(transa, transb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
  } else if (host.wide) {
    call_host<T, int64_t>(function, transa, transb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
  } else {
    call_host<T, int32_t>(function, transa, transb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
  }
}

#define INSTANTIATE(T) \
  template void gemm<T>(int, int, long, long, long, T, const T *, long, const T *, long, T, T *, long);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::complex<float>)
INSTANTIATE(std::complex<double>)

}  // namespace emu

EXPORT void emu_connect_blas(const emu::HostBlas *blas) { emu::host = *blas; }
