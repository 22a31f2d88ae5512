// bfloat16: the upper half of a float, computed in float and rounded to nearest even.
#pragma once

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
EMU_INLINE float __low2float(__nv_bfloat162 v) { return v.x; }
EMU_INLINE float __high2float(__nv_bfloat162 v) { return v.y; }
EMU_INLINE __nv_bfloat16 __low2bfloat16(__nv_bfloat162 v) { return v.x; }
EMU_INLINE __nv_bfloat16 __high2bfloat16(__nv_bfloat162 v) { return v.y; }
EMU_INLINE __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }

#define EMU_BFLOAT_OPERATOR(op, name) \
  EMU_INLINE __nv_bfloat16 operator op(__nv_bfloat16 a, __nv_bfloat16 b) { return __nv_bfloat16((float)a op (float)b); } \
  EMU_INLINE __nv_bfloat16 &operator op##=(__nv_bfloat16 &a, __nv_bfloat16 b) { return a = a op b; } \
  EMU_INLINE __nv_bfloat16 name(__nv_bfloat16 a, __nv_bfloat16 b) { return a op b; } \
  EMU_INLINE __nv_bfloat162 operator op(__nv_bfloat162 a, __nv_bfloat162 b) { return {a.x op b.x, a.y op b.y}; } \
  EMU_INLINE __nv_bfloat162 name##2(__nv_bfloat162 a, __nv_bfloat162 b) { return a op b; }
EMU_BFLOAT_OPERATOR(+, __hadd)
EMU_BFLOAT_OPERATOR(-, __hsub)
EMU_BFLOAT_OPERATOR(*, __hmul)
EMU_BFLOAT_OPERATOR(/, __hdiv)
#undef EMU_BFLOAT_OPERATOR
EMU_INLINE __nv_bfloat16 operator-(__nv_bfloat16 a) { return __nv_bfloat16(-(float)a); }
#define EMU_BFLOAT_COMPARE(op, name) \
  EMU_INLINE bool operator op(__nv_bfloat16 a, __nv_bfloat16 b) { return (float)a op (float)b; } \
  EMU_INLINE bool name(__nv_bfloat16 a, __nv_bfloat16 b) { return a op b; }
EMU_BFLOAT_COMPARE(==, __heq)
EMU_BFLOAT_COMPARE(!=, __hne)
EMU_BFLOAT_COMPARE(<, __hlt)
EMU_BFLOAT_COMPARE(<=, __hle)
EMU_BFLOAT_COMPARE(>, __hgt)
EMU_BFLOAT_COMPARE(>=, __hge)
#undef EMU_BFLOAT_COMPARE
EMU_INLINE bool __hisnan(__nv_bfloat16 a) { return (float)a != (float)a; }
EMU_INLINE __nv_bfloat16 __hneg(__nv_bfloat16 a) { return -a; }
EMU_INLINE __nv_bfloat16 __habs(__nv_bfloat16 a) { return __nv_bfloat16(fabsf(a)); }
EMU_INLINE __nv_bfloat16 __hmax(__nv_bfloat16 a, __nv_bfloat16 b) { return __nv_bfloat16(fmaxf(a, b)); }
EMU_INLINE __nv_bfloat16 __hmin(__nv_bfloat16 a, __nv_bfloat16 b) { return __nv_bfloat16(fminf(a, b)); }
EMU_INLINE __nv_bfloat16 __hfma(__nv_bfloat16 a, __nv_bfloat16 b, __nv_bfloat16 c) {
  return __nv_bfloat16(fmaf(a, b, c));
}
EMU_INLINE __nv_bfloat162 __hfma2(__nv_bfloat162 a, __nv_bfloat162 b, __nv_bfloat162 c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
#define EMU_BFLOAT_FUNCTION(name, function) \
  EMU_INLINE __nv_bfloat16 name(__nv_bfloat16 x) { return __nv_bfloat16(function((float)x)); }
EMU_BFLOAT_FUNCTION(hexp, expf)
EMU_BFLOAT_FUNCTION(hlog, logf)
EMU_BFLOAT_FUNCTION(hsqrt, sqrtf)
EMU_BFLOAT_FUNCTION(hrsqrt, rsqrtf)
EMU_BFLOAT_FUNCTION(hrcp, 1.0f /)
EMU_BFLOAT_FUNCTION(htanh, tanhf)
#undef EMU_BFLOAT_FUNCTION
#define EMU_BFLOAT_SHUFFLE(name, Argument) \
  EMU_INLINE __nv_bfloat16 name(unsigned mask, __nv_bfloat16 value, Argument argument, int width = 32, EMU_LINE) { \
    return __ushort_as_bfloat16((unsigned short)name(mask, (unsigned)value.bits, argument, width, line)); \
  }
EMU_BFLOAT_SHUFFLE(__shfl_sync, int)
EMU_BFLOAT_SHUFFLE(__shfl_up_sync, unsigned)
EMU_BFLOAT_SHUFFLE(__shfl_down_sync, unsigned)
EMU_BFLOAT_SHUFFLE(__shfl_xor_sync, int)
#undef EMU_BFLOAT_SHUFFLE

}  // extern "C++"
