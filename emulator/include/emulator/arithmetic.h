// CUDA's mathematical functions and intrinsics that the host's <math.h> lacks.
// Reference: CUDA Math API Reference Manual. Accuracy is tested against NumPy.
#pragma once

// ---- minimum and maximum: nvcc's own overload set; a NaN yields the other argument
#define EMU_MINMAX(R, A, B) \
  EMU_INLINE constexpr R min(A a, B b) { return (R)a < (R)b ? (R)a : (R)b; } \
  EMU_INLINE constexpr R max(A a, B b) { return (R)a > (R)b ? (R)a : (R)b; }
EMU_MINMAX(int, int, int)
EMU_MINMAX(unsigned, unsigned, unsigned)
EMU_MINMAX(unsigned, int, unsigned)
EMU_MINMAX(unsigned, unsigned, int)
EMU_MINMAX(long, long, long)
EMU_MINMAX(unsigned long, unsigned long, unsigned long)
EMU_MINMAX(unsigned long, long, unsigned long)
EMU_MINMAX(unsigned long, unsigned long, long)
EMU_MINMAX(long long, long long, long long)
EMU_MINMAX(unsigned long long, unsigned long long, unsigned long long)
EMU_MINMAX(unsigned long long, long long, unsigned long long)
EMU_MINMAX(unsigned long long, unsigned long long, long long)
#undef EMU_MINMAX
#define EMU_MINMAX(R, A, B, suffix) \
  EMU_INLINE R min(A a, B b) { return fmin##suffix(a, b); } \
  EMU_INLINE R max(A a, B b) { return fmax##suffix(a, b); }
EMU_MINMAX(float, float, float, f)
EMU_MINMAX(double, double, double, )
EMU_MINMAX(double, float, double, )
EMU_MINMAX(double, double, float, )
#undef EMU_MINMAX
EMU_INLINE unsigned umin(unsigned a, unsigned b) { return min(a, b); }
EMU_INLINE unsigned umax(unsigned a, unsigned b) { return max(a, b); }
EMU_INLINE long long llmin(long long a, long long b) { return min(a, b); }
EMU_INLINE long long llmax(long long a, long long b) { return max(a, b); }
EMU_INLINE unsigned long long ullmin(unsigned long long a, unsigned long long b) { return min(a, b); }
EMU_INLINE unsigned long long ullmax(unsigned long long a, unsigned long long b) { return max(a, b); }

// ---- bits of numbers
EMU_INLINE int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
EMU_INLINE unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
EMU_INLINE float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
EMU_INLINE float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
EMU_INLINE long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
EMU_INLINE double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
EMU_INLINE double __hiloint2double(int high, int low) {
  return __longlong_as_double((long long)((unsigned long long)(unsigned)high << 32 | (unsigned)low));
}
EMU_INLINE int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
EMU_INLINE int __double2loint(double x) { return (int)__double_as_longlong(x); }

// ---- integers
// Not __builtin_popcount: without a machine instruction for it, g++ calls its own library, which images are not linked to.
EMU_INLINE int __popcll(unsigned long long x) {
  x -= x >> 1 & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (int)(x * 0x0101010101010101u >> 56);
}
EMU_INLINE int __popc(unsigned x) { return __popcll(x); }
EMU_INLINE int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
EMU_INLINE int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
EMU_INLINE int __ffs(int x) { return __builtin_ffs(x); }
EMU_INLINE int __ffsll(long long x) { return __builtin_ffsll(x); }
EMU_INLINE unsigned __brev(unsigned x) {
  x = __builtin_bswap32(x);
  x = (x & 0x0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0fu);
  x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
  return (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
}
EMU_INLINE unsigned long long __brevll(unsigned long long x) {
  return (unsigned long long)__brev((unsigned)x) << 32 | __brev((unsigned)(x >> 32));
}
EMU_INLINE unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  unsigned long long bytes = (unsigned long long)b << 32 | a;
  unsigned result = 0;
  for (int i = 0; i < 4; i++) {
    unsigned choice = selector >> 4 * i & 0xf;
    unsigned byte = (unsigned)(bytes >> 8 * (choice & 7)) & 0xff;
    if (choice & 8) byte = byte & 0x80 ? 0xff : 0;  // replicates the sign
    result |= byte << 8 * i;
  }
  return result;
}
EMU_INLINE int __mul24(int a, int b) { return (int)((unsigned)(a << 8 >> 8) * (unsigned)(b << 8 >> 8)); }
EMU_INLINE unsigned __umul24(unsigned a, unsigned b) { return (a & 0xffffff) * (b & 0xffffff); }
EMU_INLINE int mul24(int a, int b) { return __mul24(a, b); }
EMU_INLINE unsigned umul24(unsigned a, unsigned b) { return __umul24(a, b); }
EMU_INLINE int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
EMU_INLINE unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
EMU_INLINE long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
EMU_INLINE unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)a * b >> 64);
}
EMU_INLINE int mulhi(int a, int b) { return __mulhi(a, b); }
EMU_INLINE unsigned umulhi(unsigned a, unsigned b) { return __umulhi(a, b); }
EMU_INLINE int __hadd(int a, int b) { return (int)(((long long)a + b) >> 1); }
EMU_INLINE int __rhadd(int a, int b) { return (int)(((long long)a + b + 1) >> 1); }
EMU_INLINE unsigned __uhadd(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a + b) >> 1); }
EMU_INLINE unsigned __urhadd(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a + b + 1) >> 1); }
EMU_INLINE unsigned __usad(unsigned a, unsigned b, unsigned c) { return (a > b ? a - b : b - a) + c; }
EMU_INLINE unsigned __sad(int a, int b, unsigned c) {
  return (a > b ? (unsigned)a - (unsigned)b : (unsigned)b - (unsigned)a) + c;
}
EMU_INLINE unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return (unsigned)((((unsigned long long)high << 32 | low) << (shift & 31)) >> 32);
}
EMU_INLINE unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return (unsigned)(((unsigned long long)high << 32 | low) >> (shift & 31));
}
EMU_INLINE unsigned __funnelshift_lc(unsigned low, unsigned high, unsigned shift) {
  return shift >= 32 ? low : __funnelshift_l(low, high, shift);
}
EMU_INLINE unsigned __funnelshift_rc(unsigned low, unsigned high, unsigned shift) {
  return shift >= 32 ? high : __funnelshift_r(low, high, shift);
}
EMU_INLINE int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; i++) c += (signed char)(a >> 8 * i) * (signed char)(b >> 8 * i);
  return c;
}
EMU_INLINE unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 4; i++) c += (a >> 8 * i & 0xff) * (b >> 8 * i & 0xff);
  return c;
}

// ---- conversions with a rounding mode: nearest even, towards zero, up, down. Out of range saturates, NaN gives 0.
namespace emu {
template <class To, class From>
EMU_INLINE To saturate(From rounded) {
  if (rounded != rounded) return 0;
  constexpr To lowest = std::is_signed<To>::value ? (To)((To)1 << (sizeof(To) * 8 - 1)) : 0;
  constexpr To highest = (To)~lowest;
  if (rounded <= (From)lowest) return lowest;
  if (rounded >= (From)highest) return highest;
  return (To)rounded;
}
// `nearest` moved by one place where the sign of the rounding error (exact − nearest) asks for it.
template <int Mode, class T>
EMU_INLINE T directed(T nearest, T error) {
  if (!(error != 0) || nearest != nearest) return nearest;
  bool up = Mode == 'u' || (Mode == 'z' && nearest < 0);
  if (up && error > 0) return (T)nextafter(nearest, (T)INFINITY);
  if (!up && error < 0) return (T)nextafter(nearest, (T)-INFINITY);
  return nearest;
}
template <int Mode, class T>
EMU_INLINE T add(T a, T b) {  // error: Knuth's TwoSum
  T sum = a + b, part = sum - a;
  return directed<Mode>(sum, (a - (sum - part)) + (b - part));
}
template <int Mode, class T>
EMU_INLINE T multiply(T a, T b) {
  T product = a * b;
  return directed<Mode>(product, (T)fma(a, b, -product));
}
template <int Mode, class T>
EMU_INLINE T divide(T a, T b) {
  T quotient = a / b, rest = (T)fma(-quotient, b, a);
  return directed<Mode>(quotient, b < 0 ? -rest : rest);
}
template <int Mode, class T>
EMU_INLINE T square_root(T a) {
  T root = (T)sqrt(a);
  return directed<Mode>(root, (T)fma(-root, root, a));
}
template <int Mode>
EMU_INLINE float multiply_add(float a, float b, float c) {
  float nearest = fmaf(a, b, c);
  return directed<Mode>(nearest, (float)(fma((double)a, (double)b, (double)c) - (double)nearest));
}
template <int Mode>
EMU_INLINE double multiply_add(double a, double b, double c) {
  double nearest = fma(a, b, c);
  return directed<Mode>(nearest, (double)(fmal(a, b, c) - (long double)nearest));
}
template <int Mode, class To, class From>
EMU_INLINE To narrow(From x) {  // an integer or a double as the nearest float (or double) in one direction
  To nearest = (To)x;
  return directed<Mode>(nearest, (To)((long double)x - (long double)nearest));
}
}  // namespace emu

#define EMU_TO_INTEGER(from, From, to, To) \
  EMU_INLINE To __##from##2##to##_rn(From x) { return emu::saturate<To>(rint(x)); } \
  EMU_INLINE To __##from##2##to##_rz(From x) { return emu::saturate<To>(trunc(x)); } \
  EMU_INLINE To __##from##2##to##_ru(From x) { return emu::saturate<To>(ceil(x)); } \
  EMU_INLINE To __##from##2##to##_rd(From x) { return emu::saturate<To>(floor(x)); }
EMU_TO_INTEGER(float, float, int, int)
EMU_TO_INTEGER(float, float, uint, unsigned)
EMU_TO_INTEGER(float, float, ll, long long)
EMU_TO_INTEGER(float, float, ull, unsigned long long)
EMU_TO_INTEGER(double, double, int, int)
EMU_TO_INTEGER(double, double, uint, unsigned)
EMU_TO_INTEGER(double, double, ll, long long)
EMU_TO_INTEGER(double, double, ull, unsigned long long)
#undef EMU_TO_INTEGER
#define EMU_TO_FLOATING(from, From, to, To) \
  EMU_INLINE To __##from##2##to##_rn(From x) { return (To)x; } \
  EMU_INLINE To __##from##2##to##_rz(From x) { return emu::narrow<'z', To>(x); } \
  EMU_INLINE To __##from##2##to##_ru(From x) { return emu::narrow<'u', To>(x); } \
  EMU_INLINE To __##from##2##to##_rd(From x) { return emu::narrow<'d', To>(x); }
EMU_TO_FLOATING(int, int, float, float)
EMU_TO_FLOATING(uint, unsigned, float, float)
EMU_TO_FLOATING(ll, long long, float, float)
EMU_TO_FLOATING(ull, unsigned long long, float, float)
EMU_TO_FLOATING(double, double, float, float)
EMU_TO_FLOATING(ll, long long, double, double)
EMU_TO_FLOATING(ull, unsigned long long, double, double)
#undef EMU_TO_FLOATING
EMU_INLINE double __int2double_rn(int x) { return x; }
EMU_INLINE double __uint2double_rn(unsigned x) { return x; }

#define EMU_ROUNDED(f, d, T, mode, Mode) \
  EMU_INLINE T __##f##add_##mode(T a, T b) { return emu::add<Mode, T>(a, b); } \
  EMU_INLINE T __##f##sub_##mode(T a, T b) { return emu::add<Mode, T>(a, -b); } \
  EMU_INLINE T __##f##mul_##mode(T a, T b) { return emu::multiply<Mode, T>(a, b); } \
  EMU_INLINE T __##f##div_##mode(T a, T b) { return emu::divide<Mode, T>(a, b); } \
  EMU_INLINE T __##f##rcp_##mode(T a) { return emu::divide<Mode, T>(1, a); } \
  EMU_INLINE T __##f##sqrt_##mode(T a) { return emu::square_root<Mode, T>(a); } \
  EMU_INLINE T __##d##_##mode(T a, T b, T c) { return emu::multiply_add<Mode>(a, b, c); }
EMU_ROUNDED(f, fmaf, float, rz, 'z')
EMU_ROUNDED(f, fmaf, float, ru, 'u')
EMU_ROUNDED(f, fmaf, float, rd, 'd')
EMU_ROUNDED(d, fma, double, rz, 'z')
EMU_ROUNDED(d, fma, double, ru, 'u')
EMU_ROUNDED(d, fma, double, rd, 'd')
#undef EMU_ROUNDED
#define EMU_NEAREST(f, d, T) \
  EMU_INLINE T __##f##add_rn(T a, T b) { return a + b; } \
  EMU_INLINE T __##f##sub_rn(T a, T b) { return a - b; } \
  EMU_INLINE T __##f##mul_rn(T a, T b) { return a * b; } \
  EMU_INLINE T __##f##div_rn(T a, T b) { return a / b; } \
  EMU_INLINE T __##f##rcp_rn(T a) { return 1 / a; } \
  EMU_INLINE T __##f##sqrt_rn(T a) { return (T)sqrt(a); } \
  EMU_INLINE T __##d##_rn(T a, T b, T c) { return (T)fma(a, b, c); }
EMU_NEAREST(f, fmaf, float)
EMU_NEAREST(d, fma, double)
#undef EMU_NEAREST
EMU_INLINE float __frsqrt_rn(float x) { return (float)(1.0 / sqrt((double)x)); }

// ---- fast approximations: here as accurate as the functions they stand for. glibc declares some of these names.
#define EMU_FAST(name, expression) \
  EMU_INLINE float emu_fast_##name(float x) { return expression; }
EMU_FAST(expf, expf(x))
EMU_FAST(exp10f, exp10f(x))
EMU_FAST(logf, logf(x))
EMU_FAST(log2f, log2f(x))
EMU_FAST(log10f, log10f(x))
EMU_FAST(sinf, sinf(x))
EMU_FAST(cosf, cosf(x))
EMU_FAST(tanf, tanf(x))
EMU_FAST(tanhf, tanhf(x))
#undef EMU_FAST
#define __expf(x) emu_fast_expf(x)
#define __exp10f(x) emu_fast_exp10f(x)
#define __logf(x) emu_fast_logf(x)
#define __log2f(x) emu_fast_log2f(x)
#define __log10f(x) emu_fast_log10f(x)
#define __sinf(x) emu_fast_sinf(x)
#define __cosf(x) emu_fast_cosf(x)
#define __tanf(x) emu_fast_tanf(x)
#define __tanhf(x) emu_fast_tanhf(x)
EMU_INLINE float emu_fast_powf(float x, float y) { return powf(x, y); }
#define __powf(x, y) emu_fast_powf(x, y)
EMU_INLINE void emu_fast_sincosf(float x, float *s, float *c) { *s = sinf(x), *c = cosf(x); }
#define __sincosf(x, s, c) emu_fast_sincosf(x, s, c)
EMU_INLINE float __fdividef(float a, float b) { return a / b; }
EMU_INLINE float fdividef(float a, float b) { return a / b; }
EMU_INLINE double fdivide(double a, double b) { return a / b; }
EMU_INLINE float fdivide(float a, float b) { return a / b; }
EMU_INLINE float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }  // NaN gives 0

// ---- functions that <math.h> lacks, in double precision
EMU_INLINE double rsqrt(double x) { return 1 / sqrt(x); }
EMU_INLINE double rcbrt(double x) { return 1 / cbrt(x); }
EMU_INLINE double rhypot(double x, double y) { return 1 / hypot(x, y); }
EMU_INLINE double norm3d(double a, double b, double c) { return hypot(hypot(a, b), c); }
EMU_INLINE double rnorm3d(double a, double b, double c) { return 1 / norm3d(a, b, c); }
EMU_INLINE double norm4d(double a, double b, double c, double d) { return hypot(hypot(a, b), hypot(c, d)); }
EMU_INLINE double rnorm4d(double a, double b, double c, double d) { return 1 / norm4d(a, b, c, d); }
static inline double norm(int n, const double *x) {
  double result = 0;
  for (int i = 0; i < n; i++) result = hypot(result, x[i]);
  return result;
}
static inline float normf(int n, const float *x) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return (float)sqrt(sum);
}
EMU_INLINE double rnorm(int n, const double *x) { return 1 / norm(n, x); }
EMU_INLINE float rnormf(int n, const float *x) { return 1 / normf(n, x); }

namespace emu {
constexpr double pi = 3.14159265358979323846, sqrt_half = 0.70710678118654752440, sqrt_pi = 1.77245385090551602730;
// sin(πx) and cos(πx) after an exact reduction to |r| ≤ 1/4, so that whole and half numbers are exact.
static inline double sin_of_pi_times(double x) {
  double r = remainder(x, 2.0), a = fabs(r);
  if (a > 0.5) a = 1 - a;
  double s = a <= 0.25 ? sin(pi * a) : cos(pi * (0.5 - a));
  return copysign(s, r);
}
static inline double cos_of_pi_times(double x) {
  double a = fabs(remainder(x, 2.0));
  double sign = a > 0.5 ? -1 : 1;
  if (a > 0.5) a = 1 - a;
  return sign * (a <= 0.25 ? cos(pi * a) : sin(pi * (0.5 - a)));
}
// Modified Bessel functions by their power series: all terms have one sign, so nothing cancels (DLMF 10.25.2).
static inline double bessel_i(int order, double x) {
  double quarter = x * x / 4, term = order ? x / 2 : 1, sum = term;
  for (int k = 1; k < 1000 && fabs(term) > 1e-17 * fabs(sum); k++) sum += term *= quarter / k / (k + order);
  return sum;
}
}  // namespace emu
EMU_INLINE double sinpi(double x) { return emu::sin_of_pi_times(x); }
EMU_INLINE double cospi(double x) { return emu::cos_of_pi_times(x); }
EMU_INLINE double tanpi(double x) { return sinpi(x) / cospi(x); }
EMU_INLINE void sincospi(double x, double *s, double *c) { *s = sinpi(x), *c = cospi(x); }
EMU_INLINE double cyl_bessel_i0(double x) { return emu::bessel_i(0, x); }
EMU_INLINE double cyl_bessel_i1(double x) { return emu::bessel_i(1, x); }
EMU_INLINE double normcdf(double x) { return 0.5 * erfc(-x * emu::sqrt_half); }
// exp(x²)·erfc(x): the product while it is accurate, then the continued fraction (DLMF 7.9.1).
static inline double erfcx(double x) {
  if (x < 4) {
    double square = x * x, rest = fma(x, x, -square);
    return exp(square) * (1 + rest) * erfc(x);
  }
  double fraction = 0;
  for (int k = 60; k > 0; k--) fraction = k / 2.0 / (x + fraction);
  return 1 / ((x + fraction) * emu::sqrt_pi);
}
// The inverse of erfc: the normal quantile's rational estimate (Abramowitz and Stegun 26.2.23, error < 4.5e-4), then
// Newton's method on log erfc, which converges quadratically down to the smallest y.
static inline double erfinv(double y);
static inline double erfcinv(double y) {
  if (y >= 0.5 && y <= 1.5) return erfinv(1 - y);  // exact
  if (!(y > 0 && y < 2)) return y == 0 ? INFINITY : y == 2 ? -INFINITY : NAN;
  if (y > 1) return -erfcinv(2 - y);
  double t = sqrt(-2 * log(y / 2));
  double x = (t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))) *
             emu::sqrt_half;
  for (int i = 0; i < 5; i++) {
    double scaled = erfcx(x), residual = log(scaled) - x * x - log(y);
    x += residual * scaled * emu::sqrt_pi / 2;
  }
  return x;
}
static inline double erfinv(double y) {
  if (fabs(y) > 0.5) return y > 0 ? erfcinv(1 - y) : -erfcinv(1 + y);
  double x = y * emu::sqrt_pi / 2;
  for (int i = 0; i < 6; i++) x -= (erf(x) - y) * exp(x * x) * emu::sqrt_pi / 2;
  return x;
}
EMU_INLINE double normcdfinv(double p) { return -erfcinv(2 * p) / emu::sqrt_half; }

// ---- the same for float: computed in double, rounded once; `name(float)` and `namef(float)` alike
#define EMU_FLOAT(name) \
  EMU_INLINE float name##f(float x) { return (float)name((double)x); } \
  EMU_INLINE float name(float x) { return (float)name((double)x); }
EMU_FLOAT(rsqrt)
EMU_FLOAT(rcbrt)
EMU_FLOAT(sinpi)
EMU_FLOAT(cospi)
EMU_FLOAT(tanpi)
EMU_FLOAT(cyl_bessel_i0)
EMU_FLOAT(cyl_bessel_i1)
EMU_FLOAT(normcdf)
EMU_FLOAT(normcdfinv)
EMU_FLOAT(erfcx)
EMU_FLOAT(erfinv)
EMU_FLOAT(erfcinv)
#undef EMU_FLOAT
EMU_INLINE float exp10(float x) { return exp10f(x); }
EMU_INLINE float rhypotf(float x, float y) { return (float)rhypot((double)x, (double)y); }
EMU_INLINE float rhypot(float x, float y) { return rhypotf(x, y); }
EMU_INLINE float norm3df(float a, float b, float c) { return (float)norm3d(a, b, c); }
EMU_INLINE float rnorm3df(float a, float b, float c) { return (float)rnorm3d(a, b, c); }
EMU_INLINE float norm4df(float a, float b, float c, float d) { return (float)norm4d(a, b, c, d); }
EMU_INLINE float rnorm4df(float a, float b, float c, float d) { return (float)rnorm4d(a, b, c, d); }
EMU_INLINE void sincospif(float x, float *s, float *c) { *s = sinpif(x), *c = cospif(x); }
EMU_INLINE void sincospi(float x, float *s, float *c) { sincospif(x, s, c); }
EMU_INLINE void sincos(float x, float *s, float *c) { *s = sinf(x), *c = cosf(x); }

// ---- functions with a result behind a pointer: stored here, where the store is seen, not inside the host's library
#define EMU_TWO_RESULTS(name, function, T, Second) \
  EMU_INLINE T emu_##name(T x, Second *second) { \
    Second result; \
    T first = function(x, &result); \
    *second = result; \
    return first; \
  }
namespace emu {
// The host's functions under names that the macros below leave alone.
EMU_INLINE float modf_host(float x, float *whole) { return __builtin_modff(x, whole); }
EMU_INLINE double modf_host(double x, double *whole) { return __builtin_modf(x, whole); }
EMU_INLINE float frexp_host(float x, int *exponent) { return __builtin_frexpf(x, exponent); }
EMU_INLINE double frexp_host(double x, int *exponent) { return __builtin_frexp(x, exponent); }
}  // namespace emu
EMU_TWO_RESULTS(modf, emu::modf_host, float, float)
EMU_TWO_RESULTS(modf, emu::modf_host, double, double)
EMU_TWO_RESULTS(frexp, emu::frexp_host, float, int)
EMU_TWO_RESULTS(frexp, emu::frexp_host, double, int)
#undef EMU_TWO_RESULTS
#define modf(x, whole) emu_modf(x, whole)
#define modff(x, whole) emu_modf((float)(x), whole)
#define frexp(x, exponent) emu_frexp(x, exponent)
#define frexpf(x, exponent) emu_frexp((float)(x), exponent)
EMU_INLINE float emu_remquo(float x, float y, int *quotient) {
  int result;
  float rest = __builtin_remquof(x, y, &result);
  *quotient = result;
  return rest;
}
EMU_INLINE double emu_remquo(double x, double y, int *quotient) {
  int result;
  double rest = __builtin_remquo(x, y, &result);
  *quotient = result;
  return rest;
}
#define remquo(x, y, quotient) emu_remquo(x, y, quotient)
#define remquof(x, y, quotient) emu_remquo((float)(x), (float)(y), quotient)
EMU_INLINE void emu_sincosf(float x, float *s, float *c) { *s = sinf(x), *c = cosf(x); }
#define sincosf(x, s, c) emu_sincosf(x, s, c)
