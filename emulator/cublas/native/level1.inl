// Vector with vector. Included once for each type: see each_type.hpp.

static R magnitude(T value) { return std::abs(std::real(value)) + std::abs(std::imag(value)); }

// The index, from 1, of the first element of greatest (or least) magnitude. 0 where there is none.
template <class Better>
static int find_extreme(const char *routine, void *handle, int n, const T *x, int incx, int *result, Better better) {
  Call call(routine, handle);
  const Vector<T> vector(x, incx > 0 ? n : 0, incx);
  call.reads("x", vector);
  long best = -1;
  if (!call.failed()) {
    for (long i = 0; i < vector.n; ++i) {
      if (best < 0 || better(magnitude(vector[i]), magnitude(vector[best]))) best = i;
    }
  }
  call.result("result", result, static_cast<int>(best + 1));
  return call.status();
}

EXPORT int INDEX(amax)(void *handle, int n, const T *x, int incx, int *result) {
  return find_extreme(INDEX_TEXT(amax), handle, n, x, incx, result, [](R a, R b) { return a > b; });
}
EXPORT int INDEX(amin)(void *handle, int n, const T *x, int incx, int *result) {
  return find_extreme(INDEX_TEXT(amin), handle, n, x, incx, result, [](R a, R b) { return a < b; });
}

EXPORT int RESULT(asum)(void *handle, int n, const T *x, int incx, R *result) {
  Call call(RESULT_TEXT(asum), handle);
  const Vector<T> vector(x, incx > 0 ? n : 0, incx);
  call.reads("x", vector);
  typename Element<T>::Wide sum = 0;
  if (!call.failed()) {
    for (long i = 0; i < vector.n; ++i) sum += magnitude(vector[i]);
  }
  call.result("result", result, static_cast<R>(sum));
  return call.status();
}

EXPORT int RESULT(nrm2)(void *handle, int n, const T *x, int incx, R *result) {
  Call call(RESULT_TEXT(nrm2), handle);
  const Vector<T> vector(x, incx > 0 ? n : 0, incx);
  call.reads("x", vector);
  using Wide = typename Element<T>::Wide;  // squares of the greatest and the least numbers fit
  Wide sum = 0;
  if (!call.failed()) {
    for (long i = 0; i < vector.n; ++i) {
      const Wide re = std::real(vector[i]), im = std::imag(vector[i]);
      sum += re * re + im * im;
    }
  }
  call.result("result", result, static_cast<R>(std::sqrt(sum)));
  return call.status();
}

static int inner_product(const char *routine, bool conjugate_x, void *handle, int n, const T *x, int incx, const T *y,
                         int incy, T *result) {
  Call call(routine, handle);
  const Vector<T> left(x, n, incx), right(y, n, incy);
  call.reads("x", left), call.reads("y", right);
  T product(0);
  if (!call.failed() && n > 0) {
    Contiguous<T> a(left), b(right);
    product = dot(n, a.data(), b.data(), conjugate_x);
  }
  call.result("result", result, product);
  return call.status();
}

#if COMPLEX
EXPORT int NAME(dotu)(void *handle, int n, const T *x, int incx, const T *y, int incy, T *result) {
  return inner_product(NAME_TEXT(dotu), false, handle, n, x, incx, y, incy, result);
}
EXPORT int NAME(dotc)(void *handle, int n, const T *x, int incx, const T *y, int incy, T *result) {
  return inner_product(NAME_TEXT(dotc), true, handle, n, x, incx, y, incy, result);
}
#else
EXPORT int NAME(dot)(void *handle, int n, const T *x, int incx, const T *y, int incy, T *result) {
  return inner_product(NAME_TEXT(dot), false, handle, n, x, incx, y, incy, result);
}
#endif

EXPORT int NAME(axpy)(void *handle, int n, const T *alpha, const T *x, int incx, T *y, int incy) {
  Call call(NAME_TEXT(axpy), handle);
  if (call.failed() || n <= 0) return call.status();
  const T a = call.scalar("alpha", alpha);
  if (call.failed() || a == T(0)) return call.status();
  const Vector<T> from(x, n, incx), to(y, n, incy);
  call.reads("x", from), call.updates("y", to);
  if (call.failed()) return call.status();
  for (long i = 0; i < n; ++i) to[i] += a * from[i];
  return call.status();
}

template <class Factor>
static int scale(const char *routine, void *handle, int n, const Factor *alpha, T *x, int incx) {
  Call call(routine, handle);
  if (call.failed() || n <= 0 || incx <= 0) return call.status();
  const Factor a = call.scalar("alpha", alpha);
  const Vector<T> vector(x, n, incx);
  call.updates("x", vector);
  if (call.failed()) return call.status();
  for (long i = 0; i < n; ++i) vector[i] *= a;
  return call.status();
}

EXPORT int NAME(scal)(void *handle, int n, const T *alpha, T *x, int incx) {
  return scale(NAME_TEXT(scal), handle, n, alpha, x, incx);
}
#if COMPLEX
EXPORT int BY_REAL(scal)(void *handle, int n, const R *alpha, T *x, int incx) {
  return scale(BY_REAL_TEXT(scal), handle, n, alpha, x, incx);
}
#endif

EXPORT int NAME(copy)(void *handle, int n, const T *x, int incx, T *y, int incy) {
  Call call(NAME_TEXT(copy), handle);
  const Vector<T> from(x, n, incx), to(y, n, incy);
  call.reads("x", from), call.writes("y", to);
  if (call.failed()) return call.status();
  for (long i = 0; i < n; ++i) to[i] = from[i];
  return call.status();
}

EXPORT int NAME(swap)(void *handle, int n, T *x, int incx, T *y, int incy) {
  Call call(NAME_TEXT(swap), handle);
  const Vector<T> left(x, n, incx), right(y, n, incy);
  call.updates("x", left), call.updates("y", right);
  if (call.failed()) return call.status();
  for (long i = 0; i < n; ++i) {
    const T value = left[i];
    left[i] = right[i];
    right[i] = value;
  }
  return call.status();
}

// (x, y) = (h11 x + h12 y, h21 x + h22 y), element by element.
template <class First, class Second>
static void transform(const Vector<T> &x, const Vector<T> &y, First h11, Second h12, Second h21, First h22) {
  for (long i = 0; i < x.n; ++i) {
    const T left = x[i], right = y[i];
    x[i] = h11 * left + h12 * right;
    y[i] = h21 * left + h22 * right;
  }
}

template <class Sine>
static int rotate(const char *routine, void *handle, int n, T *x, int incx, T *y, int incy, const R *c,
                  const Sine *s) {
  Call call(routine, handle);
  if (call.failed() || n <= 0) return call.status();
  const R cosine = call.scalar("c", c);
  const Sine sine = call.scalar("s", s);
  const Vector<T> left(x, n, incx), right(y, n, incy);
  call.updates("x", left), call.updates("y", right);
  if (!call.failed()) transform(left, right, cosine, sine, -conjugate(sine), cosine);
  return call.status();
}

EXPORT int NAME(rot)(void *handle, int n, T *x, int incx, T *y, int incy, const R *c, const T *s) {
  return rotate(NAME_TEXT(rot), handle, n, x, incx, y, incy, c, s);
}

#if COMPLEX
EXPORT int BY_REAL(rot)(void *handle, int n, T *x, int incx, T *y, int incy, const R *c, const R *s) {
  return rotate(BY_REAL_TEXT(rot), handle, n, x, incx, y, incy, c, s);
}
#endif

// The rotation that turns (a, b) into (r, 0), as in the reference BLAS.
static void make_rotation(T &a, T &b, R &c, T &s) {
#if COMPLEX
  const R length = std::hypot(std::abs(a), std::abs(b));
  if (std::abs(a) == R(0)) {
    c = R(0), s = T(1), a = b;
    return;
  }
  const T direction = a / std::abs(a);
  c = std::abs(a) / length;
  s = direction * std::conj(b) / length;
  a = direction * length;
#else
  const R length = std::copysign(std::hypot(a, b), std::abs(a) > std::abs(b) ? a : b);
  if (length == R(0)) {
    c = R(1), s = R(0), a = b = R(0);
    return;
  }
  c = a / length;
  s = b / length;
  // z, from which c and s can be had again, goes where b was.
  b = std::abs(a) > std::abs(b) ? s : c != R(0) ? R(1) / c : R(1);
  a = length;
#endif
}

EXPORT int NAME(rotg)(void *handle, T *a, T *b, R *c, T *s) {
  Call call(NAME_TEXT(rotg), handle);
  T first = call.scalar("a", a), second = call.scalar("b", b), sine(0);
  R cosine(0);
  if (call.failed()) return call.status();
  make_rotation(first, second, cosine, sine);
  call.result("a", a, first), call.result("b", b, second), call.result("c", c, cosine), call.result("s", s, sine);
  return call.status();
}

#if !COMPLEX
// param[0] says which of the other four, h11 h21 h12 h22, are implied.
struct Modified {
  T h11, h21, h12, h22;
  explicit Modified(const T *param) : h11(param[1]), h21(param[2]), h12(param[3]), h22(param[4]) {
    if (param[0] == T(0)) h11 = h22 = T(1);
    if (param[0] == T(1)) h12 = T(1), h21 = T(-1);
    if (param[0] == T(-2)) h11 = h22 = T(1), h12 = h21 = T(0);
  }
};

EXPORT int NAME(rotm)(void *handle, int n, T *x, int incx, T *y, int incy, const T *param) {
  Call call(NAME_TEXT(rotm), handle);
  if (call.failed() || n <= 0) return call.status();
  call.parameters("param", param, 5, false);
  const Vector<T> left(x, n, incx), right(y, n, incy);
  call.updates("x", left), call.updates("y", right);
  if (call.failed()) return call.status();
  const Modified h(param);
  transform(left, right, h.h11, h.h12, h.h21, h.h22);
  return call.status();
}

// The modified Givens rotation of the reference BLAS: Lawson, Hanson, Kincaid, Krogh (1979), with its scaling by γ.
static void make_modified_rotation(T &d1, T &d2, T &x1, T y1, T *param) {
  constexpr T GAMMA = 4096, GAMMA2 = GAMMA * GAMMA;
  T flag = -1, h11 = 0, h12 = 0, h21 = 0, h22 = 0;
  const T p2 = d2 * y1;
  if (d1 >= 0 && p2 == 0) {
    param[0] = T(-2);
    return;
  }
  const T p1 = d1 * x1, q2 = p2 * y1, q1 = p1 * x1;
  if (d1 >= 0 && std::abs(q1) > std::abs(q2)) {
    h21 = -y1 / x1, h12 = p2 / p1;
    const T u = 1 - h12 * h21;
    if (u > 0) flag = 0, h11 = h22 = 1, d1 /= u, d2 /= u, x1 *= u;
  } else if (d1 >= 0 && q2 >= 0) {
    flag = 1, h11 = p1 / p2, h22 = x1 / y1, h12 = 1, h21 = -1;
    const T u = 1 + h11 * h22, exchanged = d2 / u;
    d2 = d1 / u, d1 = exchanged, x1 = y1 * u;
  }
  if (flag < 0) {
    d1 = d2 = x1 = h11 = h12 = h21 = h22 = 0;
  } else {
    const auto rescale = [&](T &d, T &a, T &b, T *x) {
      while (d != 0 && (std::abs(d) <= 1 / GAMMA2 || std::abs(d) >= GAMMA2)) {
        const T up = std::abs(d) <= 1 / GAMMA2 ? GAMMA : 1 / GAMMA;
        flag = -1, d *= up * up, a /= up, b /= up;
        if (x) *x /= up;
      }
    };
    rescale(d1, h11, h12, &x1);
    rescale(d2, h21, h22, nullptr);
  }
  param[0] = flag;
  if (flag != 1) param[2] = h21, param[3] = h12;
  if (flag != 0) param[1] = h11, param[4] = h22;
}

EXPORT int NAME(rotmg)(void *handle, T *d1, T *d2, T *x1, const T *y1, T *param) {
  Call call(NAME_TEXT(rotmg), handle);
  T a = call.scalar("d1", d1), b = call.scalar("d2", d2), x = call.scalar("x1", x1);
  const T y = call.scalar("y1", y1);
  call.parameters("param", param, 5, true);
  if (call.failed()) return call.status();
  make_modified_rotation(a, b, x, y, param);
  call.result("d1", d1, a), call.result("d2", d2, b), call.result("x1", x1, x);
  return call.status();
}
#endif
