// Device memory: one reserved arena, an allocator with red zones, poison, and what of it has been written.
#include <sys/mman.h>

#include "order.h"

namespace emu {

Region arena;

static bool checked_memory;
static size_t limit_bytes, used_bytes, top_bytes, quarantine_bytes;
static Vector<Allocation> allocations;  // by address; freed ones stay until their memory is given out again
struct Gap {
  size_t offset, size;
};
static Vector<Gap> gaps;        // by offset, never adjacent
static Vector<Gap> quarantine;  // oldest first
struct HostRange {
  Address address;
  size_t size;
};
static Vector<HostRange> host_ranges, variable_ranges;

constexpr size_t kAlignment = 256;              // of cudaMalloc
constexpr size_t kRedZone = 256;                // between allocations: no index lands in a neighbour by a few
// Freed memory that is not given out again, to find late uses. Not more: each byte costs five of shadow.
constexpr size_t kQuarantineBytes = 16 << 20;

// On both sides of the arena, never accessible: what any 32-bit index into an array of floats or doubles can reach.
constexpr size_t kMargin = (size_t)16 << 30;

bool in_margin(Address address) { return arena.size && address - (arena.base - kMargin) < arena.size + 2 * kMargin; }

static size_t footprint(size_t bytes) { return ((bytes + kAlignment - 1) & ~(kAlignment - 1)) + kRedZone; }

static size_t find_allocation(Address address) {  // the last one that begins at or before the address, plus one
  size_t low = 0, high = allocations.size();
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (allocations[middle].address <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

bool start_memory(size_t bytes, bool checked) {
  if (arena.size) return checked == checked_memory;
  limit_bytes = bytes;
  checked_memory = checked;
  arena.size = (2 * bytes + 2 * kQuarantineBytes + 4095) & ~(size_t)4095;  // room for fragments and the quarantine
  char *whole = (char *)mmap(nullptr, arena.size + 2 * kMargin, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (whole == MAP_FAILED || mprotect(whole + kMargin, arena.size, PROT_READ | PROT_WRITE) || (checked && !make_shadow(arena))) {
    arena.size = 0;
    return false;
  }
  arena.base = (Address)whole + kMargin;
  top_bytes = kRedZone;
  return true;
}

static void add_gap(Gap gap) {
  size_t i = 0;
  while (i < gaps.size() && gaps[i].offset < gap.offset) i++;
  gaps.insert(i, gap);
  if (i + 1 < gaps.size() && gaps[i].offset + gaps[i].size == gaps[i + 1].offset) {
    gaps[i].size += gaps[i + 1].size;
    gaps.erase(i + 1);
  }
  if (i && gaps[i - 1].offset + gaps[i - 1].size == gaps[i].offset) {
    gaps[i - 1].size += gaps[i].size;
    gaps.erase(i);
  }
}

static size_t take_space(size_t bytes) {
  size_t best = gaps.size();
  for (size_t i = 0; i < gaps.size(); i++)
    if (gaps[i].size >= bytes && (best == gaps.size() || gaps[i].size < gaps[best].size)) best = i;
  if (best < gaps.size()) {
    size_t offset = gaps[best].offset;
    gaps[best].offset += bytes;
    gaps[best].size -= bytes;
    if (!gaps[best].size) gaps.erase(best);
    return offset;
  }
  if (top_bytes + bytes > arena.size) return 0;
  size_t offset = top_bytes;
  top_bytes += bytes;
  return offset;
}

static void forget_freed(size_t offset, size_t bytes) {
  Address first = arena.base + offset;
  size_t i = find_allocation(first);
  if (i && allocations[i - 1].address == first) --i;
  while (i < allocations.size() && allocations[i].address < first + bytes) allocations.erase(i);
}

static void poison(Address address, size_t bytes) {
  memset((void *)address, 0xFF, bytes);  // a NaN in every floating-point format
  if (checked_memory) set_state(arena, address - arena.base, bytes, kFresh);
}

static void release_quarantine(size_t most) {
  size_t n = 0;
  while (quarantine_bytes > most && n < quarantine.size()) {
    quarantine_bytes -= quarantine[n].size;
    add_gap(quarantine[n++]);
  }
  for (size_t i = n; i < quarantine.size(); i++) quarantine[i - n] = quarantine[i];
  while (n--) quarantine.pop();
}

bool nearest_allocation(Address address, Allocation &found) {
  size_t i = find_allocation(address), best = allocations.size();
  Address distance = ~(Address)0;
  for (size_t k = i > 2 ? i - 2 : 0; k < i + 2 && k < allocations.size(); k++) {
    const Allocation &a = allocations[k];
    Address d = address < a.address ? a.address - address : address >= a.address + a.size ? address - a.address - a.size + 1 : 0;
    if (d < distance || (d == distance && a.live)) {
      distance = d;
      best = k;
    }
  }
  if (best == allocations.size()) return false;
  found = allocations[best];
  return true;
}

static bool inside(const Vector<HostRange> &ranges, Address address, size_t size) {
  for (const HostRange &r : ranges)
    if (address >= r.address && size <= r.size && address - r.address <= r.size - size) return true;
  return false;
}

bool is_host_range(Address address, size_t size) { return inside(host_ranges, address, size); }

}  // namespace emu

using namespace emu;

// ---- the face for the driver and for cuBLAS (names begin with emurt_, for "runtime")

EMU_API int emurt_start(uint64_t bytes, int checked) { return start_memory(bytes, checked != 0); }
EMU_API int emurt_is_checked(void) { return checked_memory; }

static uint64_t allocate(uint64_t bytes, bool of_kernel) {
  if (!bytes || bytes > limit_bytes - used_bytes) return 0;
  size_t space = footprint(bytes), offset = take_space(space);
  if (!offset) {
    release_quarantine(0);
    offset = take_space(space);
    if (!offset) return 0;
  }
  forget_freed(offset, space);
  Address address = arena.base + offset;
  size_t i = find_allocation(address);
  allocations.insert(i, {address, bytes, true, of_kernel});
  used_bytes += bytes;
  poison(address, bytes);
  return address;
}

EMU_API uint64_t emurt_malloc(uint64_t bytes) { return allocate(bytes, false); }

// 0: done. 1: not a live allocation.
EMU_API int emurt_free(uint64_t address) {
  size_t i = find_allocation(address);
  if (!i || allocations[i - 1].address != address || !allocations[i - 1].live) return 1;
  Allocation &a = allocations[i - 1];
  a.live = false;
  used_bytes -= a.size;
  Gap gap{address - arena.base, footprint(a.size)};
  if (!checked_memory) {
    add_gap(gap);
  } else {
    set_state(arena, gap.offset, (a.size + 3) & ~(size_t)3, 0);
    quarantine.push(gap);
    quarantine_bytes += gap.size;
    release_quarantine(kQuarantineBytes);
  }
  constexpr size_t kLarge = 1 << 20;  // give the host its pages back
  if (a.size >= kLarge) {
    Address first = (address + 4095) & ~(Address)4095, last = (address + a.size) & ~(Address)4095;
    madvise((void *)first, last - first, MADV_DONTNEED);
  }
  return 0;
}

namespace emu {

static size_t kernel_heap_bytes;

Address kernel_malloc(size_t bytes, size_t heap_bytes) {
  if (kernel_heap_bytes > heap_bytes || bytes > heap_bytes - kernel_heap_bytes) return 0;
  Address address = allocate(bytes, true);
  if (!address) return 0;
  kernel_heap_bytes += bytes;
  if (checked_memory) {  // who held this memory earlier in the launch does not matter any more
    size_t first = (address - arena.base) / 4;
    memset((void *)(arena.cells + first), 0, (bytes + 3) / 4 * sizeof(Cell));
  }
  return address;
}

bool kernel_free(Address address) {
  size_t i = find_allocation(address);
  if (!i || allocations[i - 1].address != address || !allocations[i - 1].live || !allocations[i - 1].of_kernel) return false;
  kernel_heap_bytes -= allocations[i - 1].size;
  emurt_free(address);
  return true;
}

}  // namespace emu

EMU_API uint64_t emurt_memory_bytes(void) { return limit_bytes; }
EMU_API uint64_t emurt_bytes_in_use(void) { return used_bytes; }
EMU_API int emurt_in_device_memory(uint64_t address) { return address - arena.base < arena.size; }

EMU_API int emurt_range_ok(uint64_t address, uint64_t size) {
  if (address - arena.base >= arena.size) return inside(host_ranges, address, size) || inside(variable_ranges, address, size);
  size_t i = find_allocation(address);
  if (!i) return 0;
  const Allocation &a = allocations[i - 1];
  return a.live && size <= a.size && address - a.address <= a.size - size;
}

EMU_API int emurt_allocation_near(uint64_t address, uint64_t *base, uint64_t *size) {  // 0: none, 1: freed, 2: live
  Allocation found{};
  if (!nearest_allocation(address, found)) return 0;
  *base = found.address;
  *size = found.size;
  return found.live ? 2 : 1;
}

// Makes memory of a pool fresh again: poisoned, and unwritten.
EMU_API void emurt_poison(uint64_t address, uint64_t size) {
  if (!emurt_range_ok(address, size) || address - arena.base >= arena.size || address % 4) return;
  memset((void *)address, 0xFF, size);
  if (!checked_memory) return;
  size_t k = address - arena.base, end = k + size;
  for (; end - k >= 4; k += 4) arena.state[k / 4] &= 0xF0;
  for (; k < end; k++) arena.state[k / 4] &= (uint8_t)~(1u << k % 4);
}

constexpr uint64_t kAllWritten = 0x0F0F0F0F0F0F0F0Full;  // in the states of 32 bytes

EMU_API void emurt_mark_written(uint64_t address, uint64_t size) {
  if (!checked_memory || !size || !emurt_range_ok(address, size) || address - arena.base >= arena.size) return;
  size_t k = address - arena.base, end = k + size;
  for (; k < end && k % 4; k++) arena.state[k / 4] |= (uint8_t)(1u << k % 4);
  for (; end - k >= 32; k += 32) {
    uint64_t states;
    memcpy(&states, arena.state + k / 4, sizeof states);
    states |= kAllWritten;
    memcpy(arena.state + k / 4, &states, sizeof states);
  }
  for (; end - k >= 4; k += 4) arena.state[k / 4] |= 15;
  for (; k < end; k++) arena.state[k / 4] |= (uint8_t)(1u << k % 4);
}

// A copy on the device takes along which bytes are written.
EMU_API void emurt_copy_written(uint64_t to, uint64_t from, uint64_t size) {
  if (!checked_memory || !emurt_range_ok(to, size) || to - arena.base >= arena.size) return;
  if (!emurt_range_ok(from, size) || from - arena.base >= arena.size) {
    emurt_mark_written(to, size);
    return;
  }
  size_t a = from - arena.base, b = to - arena.base;
  bool backwards = b > a;  // as memmove: the ranges may overlap
  for (size_t n = 0; n < size; n++) {
    size_t k = backwards ? size - 1 - n : n;
    uint8_t bit = (uint8_t)(1u << (b + k) % 4);
    uint8_t &state = arena.state[(b + k) / 4];
    state = (arena.state[(a + k) / 4] >> (a + k) % 4 & 1) ? state | bit : state & (uint8_t)~bit;
  }
}

EMU_API int64_t emurt_first_unwritten(uint64_t address, uint64_t size) {
  if (!checked_memory || address - arena.base >= arena.size || !emurt_range_ok(address, size)) return -1;
  size_t offset = address - arena.base;
  for (size_t k = offset; k < offset + size;) {
    if (k % 4 == 0 && offset + size - k >= 32) {
      uint64_t states;
      memcpy(&states, arena.state + k / 4, sizeof states);
      if ((states & kAllWritten) == kAllWritten) {
        k += 32;
        continue;
      }
    }
    if (k % 4 == 0 && offset + size - k >= 4 && (arena.state[k / 4] & 15) == 15) {
      k += 4;
      continue;
    }
    if (!(arena.state[k / 4] >> k % 4 & 1)) return (int64_t)(k - offset);
    k++;
  }
  return -1;
}

EMU_API void emurt_register_host_range(uint64_t address, uint64_t size) { host_ranges.push({address, size}); }
EMU_API int emurt_unregister_host_range(uint64_t address) {
  for (size_t i = 0; i < host_ranges.size(); i++)
    if (host_ranges[i].address == address) {
      host_ranges.erase(i);
      return 0;
    }
  return 1;
}
EMU_API void emurt_register_variable(uint64_t address, uint64_t size) {
  if (!inside(variable_ranges, address, size)) variable_ranges.push({address, size});
}
