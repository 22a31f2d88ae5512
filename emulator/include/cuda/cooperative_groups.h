// Cooperative groups: blocks, tiles of a warp, and reductions over a tile. Grids and clusters are not emulated.
#pragma once

extern "C++" {  // PyCUDA puts extern "C" around a source

namespace cooperative_groups {

struct thread_block {
  static unsigned thread_rank() {
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  }
  static unsigned num_threads() { return blockDim.x * blockDim.y * blockDim.z; }
  static unsigned size() { return num_threads(); }
  static dim3 group_index() { return blockIdx; }
  static dim3 thread_index() { return threadIdx; }
  static dim3 dim_threads() { return blockDim; }
  static dim3 group_dim() { return blockDim; }
  static void sync(EMU_LINE) { emu_barrier(line); }
};
EMU_INLINE thread_block this_thread_block() { return {}; }

// A part of a warp: Size consecutive lanes, Size a power of two.
template <unsigned Size, class Parent = void>
struct thread_block_tile {
  static_assert(Size >= 1 && Size <= 32 && (Size & (Size - 1)) == 0,
                "a tile has 1, 2, 4, 8, 16 or 32 threads (larger tiles are not emulated)");
  static unsigned lane() { return thread_block::thread_rank() & 31; }
  static unsigned mask() { return Size == 32 ? 0xffffffffu : ((1u << (Size & 31)) - 1) << (lane() / Size * Size); }
  static constexpr unsigned num_threads() { return Size; }
  static constexpr unsigned size() { return Size; }
  static unsigned thread_rank() { return lane() % Size; }
  static unsigned meta_group_rank() { return thread_block::thread_rank() / Size; }
  static unsigned meta_group_size() { return (thread_block::num_threads() + Size - 1) / Size; }
  static void sync(EMU_LINE) { __syncwarp(mask(), line); }
  template <class T>
  static T shfl(T value, int rank, EMU_LINE) { return __shfl_sync(mask(), value, rank, Size, line); }
  template <class T>
  static T shfl_up(T value, unsigned delta, EMU_LINE) { return __shfl_up_sync(mask(), value, delta, Size, line); }
  template <class T>
  static T shfl_down(T value, unsigned delta, EMU_LINE) { return __shfl_down_sync(mask(), value, delta, Size, line); }
  template <class T>
  static T shfl_xor(T value, int lanes, EMU_LINE) { return __shfl_xor_sync(mask(), value, lanes, Size, line); }
  static unsigned ballot(int predicate, EMU_LINE) {
    return __ballot_sync(mask(), predicate, line) >> (lane() / Size * Size);
  }
  static int any(int predicate, EMU_LINE) { return __any_sync(mask(), predicate, line); }
  static int all(int predicate, EMU_LINE) { return __all_sync(mask(), predicate, line); }
  template <class T>
  static unsigned match_any(T value, EMU_LINE) {
    return __match_any_sync(mask(), value, line) >> (lane() / Size * Size);
  }
};
template <unsigned Size, class Parent>
EMU_INLINE thread_block_tile<Size, Parent> tiled_partition(const Parent &) { return {}; }

template <class T>
struct plus {
  T operator()(T a, T b) const { return a + b; }
};
template <class T>
struct less {
  T operator()(T a, T b) const { return b < a ? b : a; }
};
template <class T>
struct greater {
  T operator()(T a, T b) const { return a < b ? b : a; }
};
template <class T>
struct bit_and {
  T operator()(T a, T b) const { return a & b; }
};
template <class T>
struct bit_or {
  T operator()(T a, T b) const { return a | b; }
};
template <class T>
struct bit_xor {
  T operator()(T a, T b) const { return a ^ b; }
};

// The result reaches every thread of the tile.
template <unsigned Size, class Parent, class T, class F>
EMU_INLINE T reduce(const thread_block_tile<Size, Parent> &tile, T value, F combine, EMU_LINE) {
  for (unsigned lanes = Size / 2; lanes > 0; lanes /= 2) value = combine(value, tile.shfl_xor(value, (int)lanes, line));
  return value;
}
template <unsigned Size, class Parent, class T, class F>
EMU_INLINE T inclusive_scan(const thread_block_tile<Size, Parent> &tile, T value, F combine, EMU_LINE) {
  for (unsigned delta = 1; delta < Size; delta *= 2) {
    T before = tile.shfl_up(value, delta, line);
    if (tile.thread_rank() >= delta) value = combine(before, value);
  }
  return value;
}
template <unsigned Size, class Parent, class T>
EMU_INLINE T inclusive_scan(const thread_block_tile<Size, Parent> &tile, T value, EMU_LINE) {
  return inclusive_scan(tile, value, plus<T>(), line);
}

template <class Group>
EMU_INLINE void sync(const Group &group, EMU_LINE) { group.sync(line); }

}  // namespace cooperative_groups

}  // extern "C++"
