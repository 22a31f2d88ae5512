// Barriers, fences, and the operations of a warp.
#pragma once

#define EMU_LINE int line = __builtin_LINE()

EMU_INLINE void __syncthreads(EMU_LINE) { emu_barrier(line); }
EMU_INLINE int __syncthreads_count(int p, EMU_LINE) { return emu_barrier_reduce(EMU_BARRIER_COUNT, p, line); }
EMU_INLINE int __syncthreads_and(int p, EMU_LINE) { return emu_barrier_reduce(EMU_BARRIER_AND, p, line); }
EMU_INLINE int __syncthreads_or(int p, EMU_LINE) { return emu_barrier_reduce(EMU_BARRIER_OR, p, line); }
EMU_INLINE void __threadfence_block() { emu_fence(EMU_FENCE_BLOCK); }
EMU_INLINE void __threadfence() { emu_fence(EMU_FENCE_DEVICE); }
EMU_INLINE void __threadfence_system() { emu_fence(EMU_FENCE_SYSTEM); }

namespace emu {
// A value of at most 8 bytes on its way through a warp operation.
template <class T>
EMU_INLINE uint64_t to_bits(T value) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T>
EMU_INLINE T from_bits(uint64_t bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}
}  // namespace emu

EMU_INLINE void __syncwarp(unsigned mask = 0xffffffffu, EMU_LINE) { emu_warp(EMU_SYNCWARP, mask, 0, 0, 32, line); }
EMU_INLINE unsigned __activemask() { return emu_active_mask(); }
EMU_INLINE unsigned __ballot_sync(unsigned mask, int p, EMU_LINE) {
  return (unsigned)emu_warp(EMU_BALLOT, mask, p != 0, 0, 32, line);
}
EMU_INLINE int __any_sync(unsigned mask, int p, EMU_LINE) {
  return (int)emu_warp(EMU_ANY, mask, p != 0, 0, 32, line);
}
EMU_INLINE int __all_sync(unsigned mask, int p, EMU_LINE) {
  return (int)emu_warp(EMU_ALL, mask, p != 0, 0, 32, line);
}

// The types that CUDA's shuffles take (CUDA C++ Programming Guide, "Warp Shuffle Functions").
#define EMU_SHUFFLE(T) \
  EMU_INLINE T __shfl_sync(unsigned mask, T value, int lane, int width = 32, EMU_LINE) { \
    return emu::from_bits<T>(emu_warp(EMU_SHFL, mask, emu::to_bits(value), lane, width, line)); \
  } \
  EMU_INLINE T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, EMU_LINE) { \
    return emu::from_bits<T>(emu_warp(EMU_SHFL_UP, mask, emu::to_bits(value), (int)delta, width, line)); \
  } \
  EMU_INLINE T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, EMU_LINE) { \
    return emu::from_bits<T>(emu_warp(EMU_SHFL_DOWN, mask, emu::to_bits(value), (int)delta, width, line)); \
  } \
  EMU_INLINE T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, EMU_LINE) { \
    return emu::from_bits<T>(emu_warp(EMU_SHFL_XOR, mask, emu::to_bits(value), lane_mask, width, line)); \
  }
EMU_SHUFFLE(int)
EMU_SHUFFLE(unsigned)
EMU_SHUFFLE(long)
EMU_SHUFFLE(unsigned long)
EMU_SHUFFLE(long long)
EMU_SHUFFLE(unsigned long long)
EMU_SHUFFLE(float)
EMU_SHUFFLE(double)

#define EMU_MATCH(T) \
  EMU_INLINE unsigned __match_any_sync(unsigned mask, T value, EMU_LINE) { \
    return (unsigned)emu_warp(EMU_MATCH_ANY, mask, emu::to_bits(value), 0, 32, line); \
  } \
  EMU_INLINE unsigned __match_all_sync(unsigned mask, T value, int *all, EMU_LINE) { \
    unsigned lanes = (unsigned)emu_warp(EMU_MATCH_ALL, mask, emu::to_bits(value), 0, 32, line); \
    *all = lanes != 0; \
    return lanes; \
  }
EMU_MATCH(int)
EMU_MATCH(unsigned)
EMU_MATCH(long)
EMU_MATCH(unsigned long)
EMU_MATCH(long long)
EMU_MATCH(unsigned long long)
EMU_MATCH(float)
EMU_MATCH(double)

#define EMU_WARP_REDUCE(T, name, operation) \
  EMU_INLINE T name(unsigned mask, T value, EMU_LINE) { \
    return (T)emu_warp(operation, mask, emu::to_bits(value), 0, 32, line); \
  }
EMU_WARP_REDUCE(int, __reduce_add_sync, EMU_REDUCE_ADD)
EMU_WARP_REDUCE(unsigned, __reduce_add_sync, EMU_REDUCE_ADD)
EMU_WARP_REDUCE(int, __reduce_min_sync, EMU_REDUCE_MIN)
EMU_WARP_REDUCE(unsigned, __reduce_min_sync, EMU_REDUCE_UMIN)
EMU_WARP_REDUCE(int, __reduce_max_sync, EMU_REDUCE_MAX)
EMU_WARP_REDUCE(unsigned, __reduce_max_sync, EMU_REDUCE_UMAX)
EMU_WARP_REDUCE(unsigned, __reduce_and_sync, EMU_REDUCE_AND)
EMU_WARP_REDUCE(unsigned, __reduce_or_sync, EMU_REDUCE_OR)
EMU_WARP_REDUCE(unsigned, __reduce_xor_sync, EMU_REDUCE_XOR)

// Removed from CUDA for compute capability 7.0 and later; the compiler turns a use into an error that names the
// replacement (emulator/compiler/translate.py).
#undef EMU_SHUFFLE
#undef EMU_MATCH
#undef EMU_WARP_REDUCE
