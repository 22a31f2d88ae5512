// Cooperative groups: blocks, tiles of a warp, the lanes that run together, and reductions and scans over them. Grids and
// clusters are not emulated.
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
  thread_block_tile() = default;
  // A tile of any parent is one of no parent in particular: thread_block_tile<32> tile = tiled_partition<32>(block).
  template <class Other, class = std::enable_if_t<std::is_void<Parent>::value && !std::is_void<Other>::value>>
  thread_block_tile(const thread_block_tile<Size, Other> &) {}
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

// Some lanes of a warp, counted from the lowest: those that came here together, or a part of another group.
class coalesced_group {
  unsigned mask_, rank_ = 0, groups_ = 1;

 public:
  explicit coalesced_group(unsigned mask, unsigned rank = 0, unsigned groups = 1)
      : mask_(mask), rank_(rank), groups_(groups) {}
  static unsigned lane() { return thread_block::thread_rank() & 31; }
  unsigned mask() const { return mask_; }
  unsigned num_threads() const { return (unsigned)__popc(mask_); }
  unsigned size() const { return num_threads(); }
  unsigned thread_rank() const { return (unsigned)__popc(mask_ & ((1u << lane()) - 1)); }
  unsigned meta_group_rank() const { return rank_; }
  unsigned meta_group_size() const { return groups_; }
  void sync(EMU_LINE) const { __syncwarp(mask_, line); }
  // The lane of a rank; the caller's own where the group has no such rank.
  unsigned lane_of(unsigned rank) const {
    unsigned rest = mask_;
    for (unsigned r = 0; r < rank && rest; r++) rest &= rest - 1;
    return rest ? (unsigned)__ffs((int)rest) - 1 : lane();
  }
  // A mask of lanes as a mask of ranks.
  unsigned ranks_of(unsigned lanes) const {
    unsigned packed = 0, rank = 0;
    for (unsigned rest = mask_; rest; rest &= rest - 1) packed |= (lanes & rest & -rest ? 1u : 0u) << rank++;
    return packed;
  }
  template <class T>
  T shfl(T value, int rank, EMU_LINE) const { return __shfl_sync(mask_, value, (int)lane_of((unsigned)rank), 32, line); }
  template <class T>
  T shfl_up(T value, unsigned delta, EMU_LINE) const {
    unsigned rank = thread_rank();
    return __shfl_sync(mask_, value, (int)(delta <= rank ? lane_of(rank - delta) : lane()), 32, line);
  }
  template <class T>
  T shfl_down(T value, unsigned delta, EMU_LINE) const {
    return __shfl_sync(mask_, value, (int)lane_of(thread_rank() + delta), 32, line);
  }
  int any(int predicate, EMU_LINE) const { return __any_sync(mask_, predicate, line); }
  int all(int predicate, EMU_LINE) const { return __all_sync(mask_, predicate, line); }
  unsigned ballot(int predicate, EMU_LINE) const { return ranks_of(__ballot_sync(mask_, predicate, line)); }
  template <class T>
  unsigned match_any(T value, EMU_LINE) const { return ranks_of(__match_any_sync(mask_, value, line)); }
  template <class T>
  unsigned match_all(T value, int &all, EMU_LINE) const { return ranks_of(__match_all_sync(mask_, value, &all, line)); }
};
// Lanes of a warp stand together when all that can run have come as far as they can: then those at one place are a group.
EMU_INLINE coalesced_group coalesced_threads() { return coalesced_group(emu_active_mask()); }

// The lanes of a group by a label that each of them gives.
template <class Group, class T>
EMU_INLINE coalesced_group labeled_partition(const Group &group, T label, EMU_LINE) {
  static_assert(std::is_integral<T>::value || std::is_pointer<T>::value, "a label is an integer or a pointer");
  unsigned mask = __match_any_sync(group.mask(), (long long)label, line);
  unsigned first = mask & -mask, firsts = __ballot_sync(group.mask(), first == 1u << coalesced_group::lane(), line);
  return coalesced_group(mask, (unsigned)__popc(firsts & (first - 1)), (unsigned)__popc(firsts));
}
template <class Group>
EMU_INLINE coalesced_group binary_partition(const Group &group, bool predicate, EMU_LINE) {
  unsigned all = group.mask(), set = __ballot_sync(all, predicate, line);
  if (set == all || !set) return coalesced_group(all);
  return coalesced_group(predicate ? set : all & ~set, predicate ? 1 : 0, 2);
}
EMU_INLINE coalesced_group tiled_partition(const coalesced_group &group, unsigned size) {
  unsigned tile = group.thread_rank() / size, mask = 0, rank = 0;
  for (unsigned rest = group.mask(); rest; rest &= rest - 1)
    if (rank++ / size == tile) mask |= rest & -rest;
  return coalesced_group(mask, tile, (group.size() + size - 1) / size);
}

// Any of them, as a parameter of a function.
class thread_group {
  unsigned mask_;  // 0: the block

 public:
  thread_group(const thread_block &) : mask_(0) {}
  thread_group(const coalesced_group &group) : mask_(group.mask()) {}
  template <unsigned Size, class Parent>
  thread_group(const thread_block_tile<Size, Parent> &tile) : mask_(tile.mask()) {}
  unsigned num_threads() const { return mask_ ? coalesced_group(mask_).size() : thread_block::size(); }
  unsigned size() const { return num_threads(); }
  unsigned thread_rank() const { return mask_ ? coalesced_group(mask_).thread_rank() : thread_block::thread_rank(); }
  void sync(EMU_LINE) const {
    if (mask_) __syncwarp(mask_, line);
    else emu_barrier(line);
  }
};
EMU_INLINE thread_group tiled_partition(const thread_block &block, unsigned size) {
  unsigned lane = block.thread_rank() & 31, lanes = size >= 32 ? 0xffffffffu : (1u << size) - 1;
  return coalesced_group(lanes << lane / size * size);
}

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

namespace details {
template <class Group, class T, class F>
EMU_INLINE T scan(const Group &group, T value, F combine, int line) {
  for (unsigned delta = 1; delta < group.size(); delta *= 2) {
    T before = group.shfl_up(value, delta, line);
    if (group.thread_rank() >= delta) value = combine(before, value);
  }
  return value;
}
template <class Group, class T, class F>
EMU_INLINE T scan_before(const Group &group, T value, F combine, int line) {
  T before = group.shfl_up(scan(group, value, combine, line), 1, line);
  return group.thread_rank() ? before : T();
}
}  // namespace details

// The result reaches every thread of the group.
template <unsigned Size, class Parent, class T, class F>
EMU_INLINE T reduce(const thread_block_tile<Size, Parent> &tile, T value, F combine, EMU_LINE) {
  for (unsigned lanes = Size / 2; lanes > 0; lanes /= 2) value = combine(value, tile.shfl_xor(value, (int)lanes, line));
  return value;
}
template <class T, class F>
EMU_INLINE T reduce(const coalesced_group &group, T value, F combine, EMU_LINE) {
  return group.shfl(details::scan(group, value, combine, line), (int)group.size() - 1, line);
}

// Each thread's result: over the ranks up to its own (inclusive), or below it (exclusive; rank 0 gets T()).
#define EMU_SCAN(name, function) \
  template <class Group, class T, class F> \
  EMU_INLINE T name(const Group &group, T value, F combine, EMU_LINE) { \
    return details::function(group, value, combine, line); \
  } \
  template <class Group, class T> \
  EMU_INLINE T name(const Group &group, T value, EMU_LINE) { \
    return details::function(group, value, plus<T>(), line); \
  }
EMU_SCAN(inclusive_scan, scan)
EMU_SCAN(exclusive_scan, scan_before)
#undef EMU_SCAN

template <class Group>
EMU_INLINE void sync(const Group &group, EMU_LINE) { group.sync(line); }

}  // namespace cooperative_groups

}  // extern "C++"
