// Arithmetic of the floating-point numbers of 16 bits, which is that of float, rounded. EMU_SHORT_FLOAT(T) defines it for
// a type T that converts to float and back and keeps its bits in `bits`, and for its pairs, T##2.
#pragma once

#define EMU_SHORT_OPERATOR(T, op, name) \
  EMU_INLINE T operator op(T a, T b) { return T((float)a op (float)b); } \
  EMU_INLINE T &operator op##=(T &a, T b) { return a = a op b; } \
  EMU_INLINE T name(T a, T b) { return a op b; } \
  EMU_INLINE T##2 operator op(T##2 a, T##2 b) { return {a.x op b.x, a.y op b.y}; } \
  EMU_INLINE T##2 name##2(T##2 a, T##2 b) { return a op b; }
#define EMU_SHORT_COMPARE(T, op, name) \
  EMU_INLINE bool operator op(T a, T b) { return (float)a op (float)b; } \
  EMU_INLINE bool name(T a, T b) { return a op b; }
#define EMU_SHORT_FUNCTION(T, name, function) \
  EMU_INLINE T name(T x) { return T(function((float)x)); }
#define EMU_SHORT_SHUFFLE(T, name, Argument) \
  EMU_INLINE T name(unsigned mask, T value, Argument argument, int width = 32, EMU_LINE) { \
    value.bits = (unsigned short)name(mask, (unsigned)value.bits, argument, width, line); \
    return value; \
  }

#define EMU_SHORT_FLOAT(T) \
  EMU_SHORT_OPERATOR(T, +, __hadd) \
  EMU_SHORT_OPERATOR(T, -, __hsub) \
  EMU_SHORT_OPERATOR(T, *, __hmul) \
  EMU_SHORT_OPERATOR(T, /, __hdiv) \
  EMU_INLINE T operator-(T a) { return T(-(float)a); } \
  EMU_SHORT_COMPARE(T, ==, __heq) \
  EMU_SHORT_COMPARE(T, !=, __hne) \
  EMU_SHORT_COMPARE(T, <, __hlt) \
  EMU_SHORT_COMPARE(T, <=, __hle) \
  EMU_SHORT_COMPARE(T, >, __hgt) \
  EMU_SHORT_COMPARE(T, >=, __hge) \
  EMU_INLINE bool __hisnan(T a) { return (float)a != (float)a; } \
  EMU_INLINE T __hneg(T a) { return -a; } \
  EMU_INLINE T __habs(T a) { return T(fabsf(a)); } \
  EMU_INLINE T __hmax(T a, T b) { return T(fmaxf(a, b)); } \
  EMU_INLINE T __hmin(T a, T b) { return T(fminf(a, b)); } \
  EMU_INLINE T __hfma(T a, T b, T c) { return T((double)a * (double)b + (double)c); } \
  EMU_INLINE T##2 __hfma2(T##2 a, T##2 b, T##2 c) { return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; } \
  EMU_SHORT_FUNCTION(T, hexp, expf) \
  EMU_SHORT_FUNCTION(T, hexp2, exp2f) \
  EMU_SHORT_FUNCTION(T, hlog, logf) \
  EMU_SHORT_FUNCTION(T, hlog2, log2f) \
  EMU_SHORT_FUNCTION(T, hsin, sinf) \
  EMU_SHORT_FUNCTION(T, hcos, cosf) \
  EMU_SHORT_FUNCTION(T, hsqrt, sqrtf) \
  EMU_SHORT_FUNCTION(T, hrsqrt, rsqrtf) \
  EMU_SHORT_FUNCTION(T, hrcp, 1.0f /) \
  EMU_SHORT_FUNCTION(T, hfloor, floorf) \
  EMU_SHORT_FUNCTION(T, hceil, ceilf) \
  EMU_SHORT_FUNCTION(T, hrint, rintf) \
  EMU_SHORT_FUNCTION(T, htrunc, truncf) \
  EMU_SHORT_FUNCTION(T, htanh, tanhf) \
  EMU_SHORT_SHUFFLE(T, __shfl_sync, int) \
  EMU_SHORT_SHUFFLE(T, __shfl_up_sync, unsigned) \
  EMU_SHORT_SHUFFLE(T, __shfl_down_sync, unsigned) \
  EMU_SHORT_SHUFFLE(T, __shfl_xor_sync, int) \
  EMU_INLINE float __low2float(T##2 v) { return v.x; } \
  EMU_INLINE float __high2float(T##2 v) { return v.y; }
