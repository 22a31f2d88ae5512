// Half precision: stored in 16 bits (IEEE 754 binary16), computed in float and rounded to nearest even.
#pragma once

#include "emulator/short_float.h"

extern "C++" {  // PyCUDA puts extern "C" around a source

struct __attribute__((aligned(2))) __half_raw {
  unsigned short x;
};

namespace emu {
EMU_INLINE unsigned short half_bits(float value) {
  unsigned bits = __float_as_uint(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (unsigned short)0x7fff;              // NaN
  if (magnitude >= 0x477ff000) return (unsigned short)(sign | 0x7c00);    // rounds to infinity: from 65520 on
  if (magnitude < 0x38800000) {                                           // subnormal: below 2^-14
    float scaled = __uint_as_float(magnitude) * 16777216.0f;              // in units of 2^-24
    return (unsigned short)(sign | (unsigned)(int)__builtin_rintf(scaled));
  }
  unsigned rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return (unsigned short)(sign | ((rounded - 0x38000000) >> 13));
}
EMU_INLINE float half_value(unsigned short half) {
  unsigned sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  if (exponent == 0) {
    float value = (float)fraction / 16777216.0f;
    return sign ? -value : value;
  }
  if (exponent == 31) return __uint_as_float(sign | 0x7f800000 | fraction << 13);
  return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}
}  // namespace emu

struct __attribute__((aligned(2))) __half {
  unsigned short bits;
  __half() = default;
  __half(float value) : bits(emu::half_bits(value)) {}
  __half(double value) : bits(emu::half_bits((float)value)) {}
  __half(int value) : bits(emu::half_bits((float)value)) {}
  __half(unsigned value) : bits(emu::half_bits((float)value)) {}
  __half(__half_raw raw) : bits(raw.x) {}
  operator float() const { return emu::half_value(bits); }
  operator __half_raw() const { return {bits}; }
};
typedef __half half;
struct __attribute__((aligned(4))) __half2 {
  __half x, y;
  __half2() = default;
  __half2(__half x, __half y) : x(x), y(y) {}
};
typedef __half2 half2;

EMU_INLINE __half __float2half(float x) { return __half(x); }
EMU_INLINE __half __float2half_rn(float x) { return __half(x); }
EMU_INLINE __half __double2half(double x) { return __half(x); }
EMU_INLINE float __half2float(__half x) { return x; }
EMU_INLINE __half __int2half_rn(int x) { return __half(x); }
EMU_INLINE int __half2int_rn(__half x) { return __float2int_rn(x); }
EMU_INLINE int __half2int_rz(__half x) { return __float2int_rz(x); }
EMU_INLINE unsigned short __half_as_ushort(__half x) { return x.bits; }
EMU_INLINE short __half_as_short(__half x) { return (short)x.bits; }
EMU_INLINE __half __ushort_as_half(unsigned short x) { return __half(__half_raw{x}); }
EMU_INLINE __half2 __floats2half2_rn(float x, float y) { return {x, y}; }
EMU_INLINE __half2 __float2half2_rn(float x) { return {x, x}; }
EMU_INLINE __half2 __halves2half2(__half x, __half y) { return {x, y}; }
EMU_INLINE __half2 __half2half2(__half x) { return {x, x}; }
EMU_INLINE float2 __half22float2(__half2 v) { return {v.x, v.y}; }
EMU_INLINE __half2 __float22half2_rn(float2 v) { return {v.x, v.y}; }
EMU_INLINE __half __low2half(__half2 v) { return v.x; }
EMU_INLINE __half __high2half(__half2 v) { return v.y; }
EMU_INLINE __half2 make_half2(__half x, __half y) { return {x, y}; }

EMU_SHORT_FLOAT(__half)

}  // extern "C++"
