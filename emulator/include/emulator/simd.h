// Arithmetic on the two halves or the four bytes of a word. Reference: CUDA Math API, "SIMD Intrinsics".
#pragma once

namespace emu {
// A function of each of the lanes of two words, each `Lane` wide; what does not fit is cut off.
template <class Lane, class F>
EMU_INLINE unsigned lanes(unsigned a, unsigned b, F function) {
  constexpr unsigned bits = 8 * sizeof(Lane), mask = (1u << bits) - 1;
  unsigned result = 0;
  for (unsigned shift = 0; shift < 32; shift += bits)
    result |= ((unsigned)function((int)(Lane)(a >> shift), (int)(Lane)(b >> shift)) & mask) << shift;
  return result;
}
template <class Lane>
EMU_INLINE int clamped(int value) {
  constexpr int lowest = (Lane)-1 < 0 ? -(1 << (8 * sizeof(Lane) - 1)) : 0;
  constexpr int highest = lowest + (int)((1u << 8 * sizeof(Lane)) - 1);
  return value < lowest ? lowest : value > highest ? highest : value;
}
}  // namespace emu

#define EMU_LANES(name, Lane, expression) \
  EMU_INLINE unsigned name(unsigned x, unsigned y) { \
    return emu::lanes<Lane>(x, y, [](int a, int b) { return expression; }); \
  }
#define EMU_LANE(name, Lane, expression) \
  EMU_INLINE unsigned name(unsigned x) { \
    return emu::lanes<Lane>(x, x, [](int a, int) { return expression; }); \
  }
#define EMU_LANES_COMPARE(name, lanes, Signed, Unsigned, op) \
  EMU_LANES(__vcmp##name##s##lanes, Signed, a op b ? -1 : 0) \
  EMU_LANES(__vcmp##name##u##lanes, Unsigned, a op b ? -1 : 0) \
  EMU_LANES(__vset##name##s##lanes, Signed, a op b) \
  EMU_LANES(__vset##name##u##lanes, Unsigned, a op b)
#define EMU_LANES_ALL(lanes, Signed, Unsigned) \
  EMU_LANES(__vadd##lanes, Unsigned, a + b) \
  EMU_LANES(__vsub##lanes, Unsigned, a - b) \
  EMU_LANES(__vaddss##lanes, Signed, emu::clamped<Signed>(a + b)) \
  EMU_LANES(__vaddus##lanes, Unsigned, emu::clamped<Unsigned>(a + b)) \
  EMU_LANES(__vsubss##lanes, Signed, emu::clamped<Signed>(a - b)) \
  EMU_LANES(__vsubus##lanes, Unsigned, emu::clamped<Unsigned>(a - b)) \
  EMU_LANES(__vmins##lanes, Signed, a < b ? a : b) \
  EMU_LANES(__vminu##lanes, Unsigned, a < b ? a : b) \
  EMU_LANES(__vmaxs##lanes, Signed, a > b ? a : b) \
  EMU_LANES(__vmaxu##lanes, Unsigned, a > b ? a : b) \
  EMU_LANES(__vabsdiffs##lanes, Signed, a > b ? a - b : b - a) \
  EMU_LANES(__vabsdiffu##lanes, Unsigned, a > b ? a - b : b - a) \
  EMU_LANES(__vavgu##lanes, Unsigned, (a + b + 1) >> 1) \
  EMU_LANES(__vhaddu##lanes, Unsigned, (a + b) >> 1) \
  EMU_LANES(__vcmpeq##lanes, Unsigned, a == b ? -1 : 0) \
  EMU_LANES(__vcmpne##lanes, Unsigned, a != b ? -1 : 0) \
  EMU_LANES(__vseteq##lanes, Unsigned, a == b) \
  EMU_LANES(__vsetne##lanes, Unsigned, a != b) \
  EMU_LANES_COMPARE(lt, lanes, Signed, Unsigned, <) \
  EMU_LANES_COMPARE(le, lanes, Signed, Unsigned, <=) \
  EMU_LANES_COMPARE(gt, lanes, Signed, Unsigned, >) \
  EMU_LANES_COMPARE(ge, lanes, Signed, Unsigned, >=) \
  EMU_LANE(__vabs##lanes, Signed, a < 0 ? -a : a) \
  EMU_LANE(__vabsss##lanes, Signed, emu::clamped<Signed>(a < 0 ? -a : a)) \
  EMU_LANE(__vneg##lanes, Signed, -a) \
  EMU_LANE(__vnegss##lanes, Signed, emu::clamped<Signed>(-a))
EMU_LANES_ALL(2, short, unsigned short)
EMU_LANES_ALL(4, signed char, unsigned char)
#undef EMU_LANES_ALL
#undef EMU_LANES_COMPARE
#undef EMU_LANE
#undef EMU_LANES
EMU_INLINE unsigned __vsadu4(unsigned a, unsigned b) { return __dp4a(__vabsdiffu4(a, b), 0x01010101u, 0u); }
