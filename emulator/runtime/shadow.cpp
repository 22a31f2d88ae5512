// The shadow of memory, and the accesses that the short way through shadow.h is not enough for.
#include "shadow.h"

#include <sys/mman.h>

namespace emu {

static void *reserve(size_t bytes) {
  void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

bool make_shadow(Region &region) {
  size_t cells = region.size / 4 + 8;
  region.state = (uint8_t *)reserve(cells);
  region.cells = (Cell *)reserve(cells * sizeof(Cell));
  region.second = (Record *)reserve(cells * sizeof(Record));
  region.bytes = (Cell **)reserve((cells / kCellsOfPage + 1) * sizeof(Cell *));
  return region.state && region.cells && region.second && region.bytes;
}

// `full`: the state of four whole bytes; offset is a multiple of four.
void set_state(Region &region, size_t offset, size_t bytes, uint8_t full) {
  memset(region.state + offset / 4, full, bytes / 4);
  if (unsigned rest = bytes % 4) {
    uint8_t written = full & ((1u << rest) - 1);
    region.state[(offset + bytes) / 4] = full ? (uint8_t)(rest << 4 | written) : 0;
  }
}


// ---- what is wrong with an address

void describe(RawFinding &f, Touch touch, Space space, Address address, uint64_t size) {
  f.access = (int)touch.access;
  f.space = (int)space;
  f.address = address;
  f.size = size;
}

EMU_COLD void fatal(Kind kind, Touch touch, Space space, Address address, unsigned size, Address pc, Address allocation,
                    uint64_t allocation_size, int64_t detail) {
  Worker &w = *self;
  if (RawFinding *f = report_fatal(w, kind, pc, 0)) {
    describe(*f, touch, space, address, size);
    f->allocation = allocation;
    f->allocation_size = allocation_size;
    f->detail = detail;
  }
  abort_launch(w);
}

[[noreturn]] static EMU_COLD void out_of_bounds(Region &g, Address address, unsigned size, Touch touch, Address pc) {
  Worker &w = *self;
  check.settle(w);
  if (g.space == Space::Dynamic)
    fatal(Kind::SharedTooSmall, touch, g.space, address, size, pc, g.base, w.launch->dynamic_bytes,
          (int64_t)(address + size - g.base));
  if (g.space == Space::Shared) fatal(Kind::OutOfBounds, touch, g.space, address, size, pc, g.base, w.shared_bytes);
  if (g.space == Space::Variable) fatal(Kind::OutOfBounds, touch, g.space, address, size, pc);
  Allocation near{};
  if (!nearest_allocation(address, near)) fatal(Kind::OutOfBounds, touch, g.space, address, size, pc);
  bool inside = address >= near.address && address < near.address + near.size;
  fatal(inside && !near.live ? Kind::UseAfterFree : Kind::OutOfBounds, touch, g.space, address, size, pc, near.address,
        near.size);
}

void misaligned(Address address, unsigned size, Touch touch, Address pc) {
  fatal(Kind::Misaligned, touch, Space::Unknown, address, size, pc, 0, 0, size);
}

// An address in none of the regions. True when there is nothing to check.
EMU_COLD bool access_elsewhere(Address address, unsigned size, Touch touch, Address pc) {
  if (!self) return true;  // the image's own code, outside a launch
  Worker &w = *self;
  const emu_image &image = *w.launch->image;
  if (address >= (Address)image.base && address < (Address)image.end) return true;
  if (address >= w.launch->arguments_begin && address < w.launch->arguments_end) return true;
  if (is_host_range(address, size)) return true;
  if (in_margin(address)) out_of_bounds(arena, address, size, touch, pc);
  if (w.fibers.owner(address)) fatal(Kind::LocalPointer, touch, Space::Local, address, size, pc);
  constexpr Address kNear = 64 << 10;  // what a wrong index into shared or constant memory reaches: 48 and 64 KiB
  if (check.variables.size && address - ((Address)image.base - kNear) < (Address)image.end - (Address)image.base + 2 * kNear)
    out_of_bounds(check.variables, address, size, touch, pc);
  if (w.shared_bytes && address - (Address)w.shared < w.shared_bytes + kNear)
    fatal(Kind::OutOfBounds, touch, Space::Shared, address, size, pc, (Address)w.shared, w.shared_bytes);
  if (w.shared_bytes && (Address)w.shared - address < kNear)
    fatal(Kind::OutOfBounds, touch, Space::Shared, address, size, pc, (Address)w.shared, w.shared_bytes);
  constexpr Address kLowest = 4 << 20;  // programs are loaded above; an index times its size may follow the null
  bool null = address < kLowest || address >= ~kLowest;
  fatal(null ? Kind::NullPointer : Kind::HostPointer, touch, Space::Unknown, address, size, pc);
}

// ---- odd states: unwritten, outside, or split into bytes

bool read_odd_state(Region &g, size_t i, Touch touch, Address pc) {
  uint8_t state = g.state[i];
  if (state != kFresh) {
    access_bytes(g, i * 4, 4, touch, pc);
    return true;
  }
  unwritten(g, g.base + i * 4, 4, touch, pc);
  g.state[i] = kAll;  // once is enough
  return false;
}

bool write_odd_state(Region &g, size_t i, Touch touch, Address pc) {
  uint8_t state = g.state[i];
  if (state & kSplit || (state >> 4 & 7) != 4) {
    access_bytes(g, i * 4, 4, touch, pc);
    return true;
  }
  if (touch.access == Access::Atomic) unwritten(g, g.base + i * 4, 4, touch, pc);
  g.state[i] = kAll;
  return false;
}

static Cell *byte_cells(Region &g, size_t i) {
  Cell *&page = g.bytes[i / kCellsOfPage];
  if (!page) {
    page = (Cell *)reserve(4 * kCellsOfPage * sizeof(Cell));
    if (!page) out_of_host_memory(4 * kCellsOfPage * sizeof(Cell));
  }
  Cell *cells = page + i % kCellsOfPage * 4;
  if (!(g.state[i] & kSplit)) {
    for (int b = 0; b < 4; b++) {
      cells[b] = g.cells[i];
      cells[b].read &= ~kSecondReader;
    }
    g.state[i] |= kSplit;
  }
  return cells;
}

void free_byte_cells(Cell *page) { munmap(page, 4 * kCellsOfPage * sizeof(Cell)); }

// Accesses of single bytes, or across four-byte borders: each byte has a cell of its own from now on.
void access_bytes(Region &g, size_t offset, unsigned size, Touch touch, Address pc) {
  Record me = check.me | (Record)touch.flavour << kFlavourShift | ((pc - check.image) & kPlaceMask);
  Record floor = floor_for(g);
  for (unsigned k = 0; k < size; k++)
    if (!exists(g.state[(offset + k) >> 2], (offset + k) & 3)) out_of_bounds(g, g.base + offset, size, touch, pc);
  if (is_constant(g.state[offset >> 2])) {
    if (touch.access == Access::Read) return;
    fatal(Kind::ConstantWrite, touch, g.space, g.base + offset, size, pc);
  }
  unsigned missing = 0;
  for (unsigned k = 0; k < size; k++) missing += !(g.state[(offset + k) >> 2] >> ((offset + k) & 3) & 1);
#ifdef __clang__  // it copies a structure of up to 8 bytes as a number, holes and all
  if (touch.access == Access::Read && size == 4 && missing < size) missing = 0;
#endif
  if (missing && touch.access != Access::Write) unwritten(g, g.base + offset, size, touch, pc);
  for (unsigned k = 0; k < size; k++) {
    size_t i = (offset + k) >> 2;
    Cell &c = byte_cells(g, i)[(offset + k) & 3];
    g.state[i] |= (uint8_t)(1u << ((offset + k) & 3));
    Address address = g.base + offset + k;
    if (c.write >= floor && !same_segment(c.write, me)) check_against_write(g, i, c.write, touch, pc, address, 1);
    if (touch.access == Access::Read) {
      Record none = 0;
      c.read = c.read < floor || same_segment(c.read, me) ? me : another_reader(none, c.read, me) & ~kSecondReader;
    } else {
      if (c.read >= floor && !same_segment(c.read, me)) check_against_readers(g, c.read, 0, touch, pc, address, 1);
      c.write = me;
      c.read = 0;
    }
  }
}

}  // namespace emu
