// cuRAND's device functions for the XORWOW generator (the one behind PyCUDA's random numbers), bit for bit.
// The generator: Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003, page 5. The seeding and the
// order in which numbers are used are cuRAND's. Other generators (Philox, MRG32k3a, Sobol) are not emulated.
#pragma once

extern "C++" {  // PyCUDA puts extern "C" around a source

struct curandStateXORWOW {
  unsigned d, v[5];
  int boxmuller_flag, boxmuller_flag_double;
  float boxmuller_extra;
  double boxmuller_extra_double;
};
typedef curandStateXORWOW curandStateXORWOW_t;
typedef curandStateXORWOW curandState_t;
typedef curandStateXORWOW curandState;

namespace emu {
namespace xorwow {
constexpr unsigned weyl = 362437;

EMU_INLINE void step(unsigned *v) {
  unsigned t = v[0] ^ v[0] >> 2;
  v[0] = v[1], v[1] = v[2], v[2] = v[3], v[3] = v[4];
  v[4] = v[4] ^ v[4] << 4 ^ t ^ t << 1;
}

// The step is linear over GF(2), so n steps are x^n modulo its characteristic polynomial, a polynomial in the step
// (Haramoto et al., "Efficient Jump Ahead for F2-Linear Random Number Generators", 2008). Least significant word first.
struct polynomial {
  unsigned word[5];
};
constexpr polynomial characteristic = {{0x00060001u, 0x08610030u, 0x00062121u, 0x0f3c0035u, 0x00000f0eu}};  // less x^160
constexpr polynomial x = {{2, 0, 0, 0, 0}};
// x^(2^67): one subsequence
constexpr polynomial subsequence = {{0x26294934u, 0x77bbc248u, 0x1a87dad0u, 0x930052d4u, 0x947e6dd2u}};

static inline polynomial multiply(polynomial a, polynomial b) {
  polynomial product = {{0, 0, 0, 0, 0}};
  for (int bit = 0; bit < 160; bit++) {
    unsigned take = 0u - (b.word[bit / 32] >> bit % 32 & 1);
    for (int i = 0; i < 5; i++) product.word[i] ^= a.word[i] & take;
    unsigned overflow = 0u - (a.word[4] >> 31);
    for (int i = 4; i > 0; i--) a.word[i] = a.word[i] << 1 | a.word[i - 1] >> 31;
    a.word[0] <<= 1;
    for (int i = 0; i < 5; i++) a.word[i] ^= characteristic.word[i] & overflow;
  }
  return product;
}

// `n` times the steps of `unit`.
static inline void jump(unsigned *v, polynomial unit, unsigned long long n) {
  if (n == 0) return;
  polynomial power = {{1, 0, 0, 0, 0}};
  for (; n; n >>= 1) {
    if (n & 1) power = multiply(power, unit);
    if (n > 1) unit = multiply(unit, unit);
  }
  unsigned state[5] = {v[0], v[1], v[2], v[3], v[4]}, sum[5] = {0, 0, 0, 0, 0};
  for (int bit = 0; bit < 160; bit++) {
    unsigned take = 0u - (power.word[bit / 32] >> bit % 32 & 1);
    for (int i = 0; i < 5; i++) sum[i] ^= state[i] & take;
    step(state);
  }
  for (int i = 0; i < 5; i++) v[i] = sum[i];
}
}  // namespace xorwow
}  // namespace emu

static inline void skipahead(unsigned long long n, curandStateXORWOW *state) {
  emu::xorwow::jump(state->v, emu::xorwow::x, n);
  state->d += emu::xorwow::weyl * (unsigned)n;
}
static inline void skipahead_sequence(unsigned long long n, curandStateXORWOW *state) {
  emu::xorwow::jump(state->v, emu::xorwow::subsequence, n);
}
static inline void curand_init(unsigned long long seed, unsigned long long subsequence, unsigned long long offset,
                               curandStateXORWOW *state) {
  unsigned low = (unsigned)seed ^ 0xaad26b49u, high = (unsigned)(seed >> 32) ^ 0xf7dcefddu;
  unsigned t0 = 1099087573u * low, t1 = 2591861531u * high;
  state->d = 6615241u + t1 + t0;
  state->v[0] = 123456789u + t0;
  state->v[1] = 362436069u ^ t0;
  state->v[2] = 521288629u + t1;
  state->v[3] = 88675123u ^ t1;
  state->v[4] = 5783321u + t0;
  skipahead_sequence(subsequence, state);
  skipahead(offset, state);
  state->boxmuller_flag = state->boxmuller_flag_double = 0;
  state->boxmuller_extra = 0;
  state->boxmuller_extra_double = 0;
}
static inline unsigned curand(curandStateXORWOW *state) {
  emu::xorwow::step(state->v);
  state->d += emu::xorwow::weyl;
  return state->v[4] + state->d;
}

// ---- distributions. 0x1p-32f and its like put an integer in the middle of its cell: never 0, sometimes 1.
static inline float curand_uniform(curandStateXORWOW *state) { return curand(state) * 0x1p-32f + 0x1p-33f; }
namespace emu {
static inline double uniform53(unsigned x, unsigned y) {
  unsigned long long bits = (unsigned long long)x ^ (unsigned long long)y << 21;
  return bits * 0x1p-53 + 0x1p-54;
}
}  // namespace emu
static inline double curand_uniform_double(curandStateXORWOW *state) {
  unsigned x = curand(state), y = curand(state);
  return emu::uniform53(x, y);
}
// Box and Muller's transform: two uniform numbers give two normal ones.
static inline float2 curand_normal2(curandStateXORWOW *state) {
  unsigned x = curand(state), y = curand(state);
  float u = x * 0x1p-32f + 0x1p-33f;
  float angle = y * (0x1p-32f * 6.2831855f) + 0x1p-33f * 6.2831855f;
  float radius = sqrtf(-2.0f * logf(u));
  return make_float2(radius * sinf(angle), radius * cosf(angle));
}
static inline double2 curand_normal2_double(curandStateXORWOW *state) {
  unsigned x0 = curand(state), x1 = curand(state), y0 = curand(state), y1 = curand(state);
  double radius = sqrt(-2.0 * log(emu::uniform53(x0, x1))), turns = 2 * emu::uniform53(y0, y1);
  return make_double2(radius * sinpi(turns), radius * cospi(turns));
}
static inline float curand_normal(curandStateXORWOW *state) {
  if (state->boxmuller_flag) {
    state->boxmuller_flag = 0;
    return state->boxmuller_extra;
  }
  float2 pair = curand_normal2(state);
  state->boxmuller_extra = pair.y;
  state->boxmuller_flag = 1;
  return pair.x;
}
static inline double curand_normal_double(curandStateXORWOW *state) {
  if (state->boxmuller_flag_double) {
    state->boxmuller_flag_double = 0;
    return state->boxmuller_extra_double;
  }
  double2 pair = curand_normal2_double(state);
  state->boxmuller_extra_double = pair.y;
  state->boxmuller_flag_double = 1;
  return pair.x;
}
static inline float curand_log_normal(curandStateXORWOW *state, float mean, float stddev) {
  return expf(mean + stddev * curand_normal(state));
}
static inline double curand_log_normal_double(curandStateXORWOW *state, double mean, double stddev) {
  return exp(mean + stddev * curand_normal_double(state));
}
static inline float2 curand_log_normal2(curandStateXORWOW *state, float mean, float stddev) {
  float2 pair = curand_normal2(state);
  return make_float2(expf(mean + stddev * pair.x), expf(mean + stddev * pair.y));
}
static inline double2 curand_log_normal2_double(curandStateXORWOW *state, double mean, double stddev) {
  double2 pair = curand_normal2_double(state);
  return make_double2(exp(mean + stddev * pair.x), exp(mean + stddev * pair.y));
}

}  // extern "C++"
