// Reads of memory that was never written. To copy a structure that is written in part is right, and its copy is written as
// far as it is.
#include "shadow.h"

namespace emu {

EMU_COLD void unwritten(Region &g, Address address, unsigned size, Touch touch, Address pc) {
  Worker &w = *self;
  RawFinding *f = report(w, Kind::UnwrittenRead, pc, 0, 0, 0);
  if (!f) return;
  describe(*f, touch, g.space, address, size);
  Allocation near{};
  if (g.space == Space::Global && nearest_allocation(address, near)) {
    f->allocation = near.address;
    f->allocation_size = near.size;
  } else if (is_shared(g)) {
    f->allocation = g.base;
    f->allocation_size = g.space == Space::Shared ? w.shared_bytes : w.launch->dynamic_bytes;
  }
}

// A variable that was announced as having no value. A structure may have holes, and be copied half filled: wrong is only
// to read what was not written at all.
void access_local(Address address, size_t size, Touch touch, Address pc) {
  emu_local *local = check.locals;
  while (local && address - (Address)local->address >= local->size) {
    Address base = (Address)local->address;
    if (local->flags & EMU_LOCAL_GUARDED && address - (base - EMU_GUARD_BEFORE) < EMU_GUARD_BEFORE + local->size + EMU_GUARD_AFTER)
      fatal(Kind::OutOfBounds, touch, Space::Local, address, (unsigned)size, pc, base, local->size);
    local = local->next;
  }
  if (!local) return;
  bool across = address + size > (Address)local->address + local->size;
  if (across && local->flags & EMU_LOCAL_GUARDED)
    fatal(Kind::OutOfBounds, touch, Space::Local, address, (unsigned)size, pc, (Address)local->address, local->size);
  size_t first = address - (Address)local->address, last = first + size < local->size ? first + size : local->size;
  uint8_t *written = (uint8_t *)(local + 1);
  bool any = false;
  for (size_t k = first; k < last; k++) {
    any |= written[k / 8] >> k % 8 & 1;
    written[k / 8] |= (uint8_t)(1u << k % 8);  // a read counts, too: once is enough
  }
  if (any || touch.access == Access::Write) return;
  Worker &w = *self;
  if (RawFinding *f = report(w, Kind::UnwrittenRead, pc, 0, 0, 0)) describe(*f, touch, Space::Local, address, size);
}

// ---- copies of structures

namespace {

// Which bytes of a region's memory or of a watched local variable are written.
struct Written {
  Region *region = nullptr;
  uint8_t *local = nullptr;  // a bit for each of its bytes
  size_t first = 0;          // byte of it

  Written(Address address, size_t size) {
    region = region_of(address);
    if (region) {
      first = address - region->base;
      if (size > region->size - first) region = nullptr;
      return;
    }
    for (emu_local *l = check.locals; l; l = l->next) {
      first = address - (Address)l->address;
      if (first >= l->size || size > l->size - first) continue;
      local = (uint8_t *)(l + 1);
      return;
    }
  }
  bool known() const { return region || local; }
  bool operator[](size_t k) const {
    size_t i = first + k;
    return region ? region->state[i / 4] >> i % 4 & 1 : local[i / 8] >> i % 8 & 1;
  }
  void unwrite(size_t k) {
    size_t i = first + k;
    if (region && is_constant(region->state[i / 4])) return;
    if (region) region->state[i / 4] &= (uint8_t)~(1u << i % 4);
    else local[i / 8] &= (uint8_t)~(1u << i % 8);
  }
};

// The last range that was written: g++ announces a copy by its target and, in the next call, its source.
struct {
  Address address, pc;
  size_t size;
  unsigned thread;
} target;

}  // namespace

// Is a range written in part?
bool has_holes(Address address, size_t size) {
  Written written(address, size);
  if (!written.known()) return false;
  bool any = false, all = true;
  for (size_t k = 0; k < size && (all || !any); k++) {
    any |= written[k];
    all &= written[k];
  }
  return any && !all;
}

void note_target(Address to, size_t size, Address pc) { target = {to, pc, size, self->current}; }

// The bytes of `from` that are not written are not written in its copy either.
void copy_holes(Address from, size_t size, Address pc) {
  constexpr Address kNextCall = 64;  // bytes of code
  if (target.size != size || target.thread != self->current || pc - target.pc >= kNextCall) return;
  Written source(from, size), copy(target.address, size);
  if (!source.known() || !copy.known()) return;
  for (size_t k = 0; k < size; k++)
    if (!source[k]) copy.unwrite(k);
}

}  // namespace emu
