// The check of one access: the part that every load and store of a checked kernel goes through.
#pragma once
#include "order.h"

namespace emu {

inline bool is_shared(const Region &g) { return g.space == Space::Shared || g.space == Space::Dynamic; }
inline Record floor_for(const Region &g) { return is_shared(g) ? check.epoch_floor : check.launch_floor; }

// ---- callbacks.cpp
void range(Address address, size_t size, Touch touch, Address pc);
Region *region_of(Address address);  // null: none that has a shadow

// ---- shadow.cpp
void describe(RawFinding &f, Touch touch, Space space, Address address, uint64_t size);
[[noreturn]] void fatal(Kind kind, Touch touch, Space space, Address address, unsigned size, Address pc,
                        Address allocation = 0, uint64_t allocation_size = 0, int64_t detail = 0);
void misaligned(Address address, unsigned size, Touch touch, Address pc);
bool access_elsewhere(Address address, unsigned size, Touch touch, Address pc);
void access_bytes(Region &region, size_t offset, unsigned size, Touch touch, Address pc);
bool read_odd_state(Region &region, size_t cell, Touch touch, Address pc);
bool write_odd_state(Region &region, size_t cell, Touch touch, Address pc);

// ---- races.cpp
void check_against_write(Region &region, size_t cell, Record write, Touch touch, Address pc, Address address, unsigned size);
bool check_against_readers(Region &region, Record read, Record second, Touch touch, Address pc, Address address, unsigned size);
Record another_reader(Record &second, Record read, Record me);

// ---- unwritten.cpp
void access_local(Address address, size_t size, Touch touch, Address pc);
void unwritten(Region &g, Address address, unsigned size, Touch touch, Address pc);
bool has_holes(Address address, size_t size);
void note_target(Address to, size_t size, Address pc);
void copy_holes(Address from, size_t size, Address pc);

inline bool must_look(Record write, Record me) { return !same_segment(write, me) || flavour_of(write) == kAtomicShared; }

inline __attribute__((always_inline)) void touch_cell(Region &g, size_t i, Record me, Record floor, Touch touch, Address pc) {
  Cell &c = g.cells[i];
  if (touch.access == Access::Read) {
    if (EMU_UNLIKELY(g.state[i] != kAll) && (g.state[i] == (kConstant | 15) || read_odd_state(g, i, touch, pc))) return;
    if (EMU_UNLIKELY(c.write >= floor) && must_look(c.write, me)) check_against_write(g, i, c.write, touch, pc, 0, 4);
    Record read = c.read;
    if (read < floor) c.read = me;
    else if (EMU_UNLIKELY(!same_segment(read, me))) c.read = another_reader(g.second[i], read, me);
    return;
  }
  if (EMU_UNLIKELY(g.state[i] != kAll) && write_odd_state(g, i, touch, pc)) return;
  Record write = c.write, read = c.read;
  Record second = EMU_UNLIKELY(read & kSecondReader) ? g.second[i] : 0;
  if (EMU_UNLIKELY(write >= floor) && must_look(write, me)) {
    check_against_write(g, i, write, touch, pc, 0, 4);
    if (touch.access == Access::Atomic && write >= check.epoch_floor && flavour_of(write) >= kAtomic) {
      me |= (Record)kAtomicShared << kFlavourShift;
      if (!same_segment(write, me)) {
        g.second[i] = write;  // in place of a second reader
        c.read &= ~kSecondReader;
      }
    }
  } else if (touch.access == Access::Atomic && write >= floor) {
    me |= write & (Record)kAtomicShared << kFlavourShift;
    if (flavour_of(write) == kPlain) me = write;  // this thread's plain write conflicts with more than its atomic
  }
  if (EMU_UNLIKELY(read >= floor) && (!same_segment(read, me) || (read & kSecondReader)))
    if (check_against_readers(g, read, second, touch, pc, g.base + i * 4, 4)) {
      c.write = me;
      return;
    }
  c.write = me;
  c.read = 0;
}

template <unsigned size>
inline __attribute__((always_inline)) void touch_region(Region &g, size_t offset, Record floor, Touch touch, Address pc, bool aligned) {
  if (size > 1 && aligned && EMU_UNLIKELY(offset & (size - 1))) misaligned(g.base + offset, size, touch, pc);
  if (size < 4 || EMU_UNLIKELY(offset & 3)) {
    access_bytes(g, offset, size, touch, pc);
    return;
  }
  Record me = check.me | (Record)touch.flavour << kFlavourShift | ((pc - check.image) & kPlaceMask);
#ifdef __clang__  // it copies a structure of 8 bytes as a number, holes and all
  if (size == 8 && touch.access == Access::Read && has_holes(g.base + offset, size)) {
    for (size_t i = offset >> 2; i < (offset >> 2) + 2; i++)
      if (g.state[i] == kAll) touch_cell(g, i, me, floor, touch, pc);
    return;
  }
#endif
  for (unsigned k = 0; k < size / 4; k++) touch_cell(g, (offset >> 2) + k, me, floor, touch, pc);
}

template <unsigned size>
inline __attribute__((always_inline)) void access(Address address, Touch touch, Address pc, bool aligned = true) {
  if (EMU_UNLIKELY(--check.fuel < 0) && !out_of_fuel(address, size, touch, pc)) return;
  if (address - arena.base < arena.size)
    touch_region<size>(arena, address - arena.base, check.launch_floor, touch, pc, aligned);
  else if (address - check.stack < kStackBytes) {
    if (EMU_UNLIKELY(check.locals != nullptr)) access_local(address, size, touch, pc);
  } else if (address - check.statics.base < check.statics.size)
    touch_region<size>(check.statics, address - check.statics.base, check.epoch_floor, touch, pc, aligned);
  else if (address - check.dynamic.base < check.dynamic.size)
    touch_region<size>(check.dynamic, address - check.dynamic.base, check.epoch_floor, touch, pc, aligned);
  else if (address - check.variables.base < check.variables.size)
    touch_region<size>(check.variables, address - check.variables.base, check.launch_floor, touch, pc, aligned);
  else
    access_elsewhere(address, size, touch, pc);
}

}  // namespace emu
