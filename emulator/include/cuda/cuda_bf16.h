// bfloat16: the upper half of a float, computed in float and rounded to nearest even.
#pragma once

#include "emulator/short_float.h"

extern "C++" {  // PyCUDA puts extern "C" around a source

struct __attribute__((aligned(2))) __nv_bfloat16_raw {
  unsigned short x;
};

namespace emu {
EMU_INLINE unsigned short bfloat16_bits(float value) {
  unsigned bits = __float_as_uint(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;  // NaN
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
EMU_INLINE float bfloat16_value(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }
}  // namespace emu

struct __attribute__((aligned(2))) __nv_bfloat16 {
  unsigned short bits;
  __nv_bfloat16() = default;
  __nv_bfloat16(float value) : bits(emu::bfloat16_bits(value)) {}
  __nv_bfloat16(double value) : bits(emu::bfloat16_bits((float)value)) {}
  __nv_bfloat16(int value) : bits(emu::bfloat16_bits((float)value)) {}
  __nv_bfloat16(unsigned value) : bits(emu::bfloat16_bits((float)value)) {}
  __nv_bfloat16(__nv_bfloat16_raw raw) : bits(raw.x) {}
  operator float() const { return emu::bfloat16_value(bits); }
  operator __nv_bfloat16_raw() const { return {bits}; }
};
typedef __nv_bfloat16 nv_bfloat16;
struct __attribute__((aligned(4))) __nv_bfloat162 {
  __nv_bfloat16 x, y;
  __nv_bfloat162() = default;
  __nv_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) : x(x), y(y) {}
};
typedef __nv_bfloat162 nv_bfloat162;

EMU_INLINE __nv_bfloat16 __float2bfloat16(float x) { return __nv_bfloat16(x); }
EMU_INLINE __nv_bfloat16 __float2bfloat16_rn(float x) { return __nv_bfloat16(x); }
EMU_INLINE __nv_bfloat16 __double2bfloat16(double x) { return __nv_bfloat16(x); }
EMU_INLINE __nv_bfloat16 __int2bfloat16_rn(int x) { return __nv_bfloat16(x); }
EMU_INLINE float __bfloat162float(__nv_bfloat16 x) { return x; }
EMU_INLINE int __bfloat162int_rn(__nv_bfloat16 x) { return __float2int_rn(x); }
EMU_INLINE int __bfloat162int_rz(__nv_bfloat16 x) { return __float2int_rz(x); }
EMU_INLINE unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
EMU_INLINE short __bfloat16_as_short(__nv_bfloat16 x) { return (short)x.bits; }
EMU_INLINE __nv_bfloat16 __ushort_as_bfloat16(unsigned short x) { return __nv_bfloat16(__nv_bfloat16_raw{x}); }
EMU_INLINE __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
EMU_INLINE __nv_bfloat162 __float2bfloat162_rn(float x) { return {x, x}; }
EMU_INLINE __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
EMU_INLINE __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 x) { return {x, x}; }
EMU_INLINE float2 __bfloat1622float2(__nv_bfloat162 v) { return {v.x, v.y}; }
EMU_INLINE __nv_bfloat162 __float22bfloat162_rn(float2 v) { return {v.x, v.y}; }
EMU_INLINE __nv_bfloat16 __low2bfloat16(__nv_bfloat162 v) { return v.x; }
EMU_INLINE __nv_bfloat16 __high2bfloat16(__nv_bfloat162 v) { return v.y; }
EMU_INLINE __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }

EMU_SHORT_FLOAT(__nv_bfloat16)

}  // extern "C++"
