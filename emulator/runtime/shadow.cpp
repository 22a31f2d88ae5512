#include "shadow.h"

#include "trial.h"

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

static Record floor_for(const Region &g) { return is_shared(g) ? check.epoch_floor : check.launch_floor; }

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

bool read_odd_state(Region &g, size_t i, Record, Touch touch, Address pc) {
  uint8_t state = g.state[i];
  if (state != kFresh) {
    access_bytes(g, i * 4, 4, touch, pc);
    return true;
  }
  unwritten(g, g.base + i * 4, 4, touch, pc);
  g.state[i] = kAll;  // once is enough
  return false;
}

bool write_odd_state(Region &g, size_t i, Record, Touch touch, Address pc) {
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

// ---- races

// Keeps two readers such that a later writer conflicts with one of them if it conflicts with any: one of another block
// before all, else one of another warp, else one of another lane.
Record another_reader(Record &second, Record read, Record me) {
  bool other_block = read < check.block_floor;
  bool other_warp = thread_of(read) / kWarpLanes != thread_of(me) / kWarpLanes;
  bool have = (read & kSecondReader) && second >= check.launch_floor;
  bool keep = have && (second < check.block_floor || (second >= check.epoch_floor && !other_warp)) && !other_block;
  if (!keep) second = read & ~kSecondReader;
  return me | kSecondReader;
}

static bool compatible(const Region &g, Record before, bool before_is_write, Touch touch) {
  Flavour flavour = flavour_of(before);
  bool old_atomic = before_is_write && flavour >= kAtomic, old_volatile = flavour & kVolatile && !old_atomic;
  bool new_atomic = touch.flavour == kAtomic, new_volatile = touch.flavour == kVolatile;
  if (!(old_atomic || old_volatile) || !(new_atomic || new_volatile)) return false;
  if (old_atomic || new_atomic) return true;
  // Volatile accesses are relaxed atomics to the hardware, so that a flag may be polled. In shared memory, where no fence
  // was used, they are almost always a forgotten barrier.
  return !is_shared(g) || check.block_has_fenced();
}

static bool same_warp(Record r) {
  return check.in_this_block(r) && thread_of(r) / kWarpLanes == self->current / kWarpLanes;
}

static void report_race(Worker &w, const RawFinding &f) {
  RawFinding *known = report(w, (Kind)f.kind, f.pc, f.other_pc, 0, 0);
  if (!known) return;
  int64_t count = known->count;
  *known = f;
  known->count = count;
}

static EMU_COLD void race(Region &g, Record before, Access earlier, Touch touch, Address pc, Address address, unsigned size) {
  Worker &w = *self;
  Address other_pc = check.image + (before & kPlaceMask);
  RawFinding f{};
  bool atomics = touch.access == Access::Atomic || earlier == Access::Atomic;
  f.kind = (int)(same_warp(before) && !atomics ? Kind::MissingSyncwarp : Kind::Race);
  describe(f, touch, g.space, address, size);
  f.pc = pc;
  f.other_pc = other_pc;
  f.block = w.block;
  f.thread = w.thread;
  f.has_other = 1;
  f.other_access = (int)earlier;
  f.other_block = unflatten(check.block_of(before), w.launch->grid);
  f.other_thread = unflatten(thread_of(before), w.launch->block);
  if (earlier != Access::Write)  // then reading too early was the mistake, not a forgotten initialisation
    for (RawFinding &known : w.findings)
      if (known.kind == (int)Kind::UnwrittenRead && known.pc == other_pc) known.explained = 1;
  bool two_writes = touch.access == Access::Write && earlier == Access::Write;
  if (two_writes) {
    check.pending.on = true;
    check.pending.finding = f;
    check.pending.address = address;
    check.pending.size = size;
    memcpy(check.pending.before, (void *)address, size);
    if (!check.profile) {
      check.held = check.fuel;
      check.fuel = 0;
    }
    return;
  }
  report_race(w, f);
}

// Two writes of the same value are a race by the letter, but every order gives the same memory: programs that set a flag
// from many threads are right on every device. They are reported only when the values differ.
void Checker::settle(Worker &w) {
  if (!pending.on) return;
  pending.on = false;
  if (!profile) fuel += held;
  if (!memcmp(pending.before, (void *)pending.address, pending.size)) return;
  report_race(w, pending.finding);
}

EMU_COLD void check_against_write(Region &g, size_t i, Record before, Touch touch, Address pc, Address address, unsigned size) {
  Worker &w = *self;
  if (same_segment(before, check.me)) {  // kAtomicShared: others' atomics lie before this thread's own
    if (touch.flavour == kPlain) race(g, g.second[i], Access::Atomic, touch, pc, g.base + i * 4, size);
    return;
  }
  if (check.ordered(w, before)) return;
  Flavour flavour = flavour_of(before);
  if (compatible(g, before, true, touch)) return;
  race(g, before, flavour >= kAtomic ? Access::Atomic : Access::Write, touch, pc, address ? address : g.base + i * 4, size);
}

// True when there is a race: the readers stay on record, as later writers may be further from them.
EMU_COLD bool check_against_readers(Region &g, Record read, Record second, Touch touch, Address pc, Address address, unsigned size) {
  Worker &w = *self;
  Record floor = floor_for(g);
  const Record readers[] = {second, read};
  for (Record r : readers) {
    if (r < floor || (r == second && !(read & kSecondReader))) continue;
    if (check.ordered(w, r)) continue;
    if (compatible(g, r, false, touch)) continue;
    race(g, r, Access::Read, touch, pc, address, size);
    return true;
  }
  return false;
}

// ---- limits

// Called when the fuel is used up: to settle a pending conflict, to look at the work more closely, to count for the
// profile, or to let others run. False when the access needs no check.
bool out_of_fuel(Address address, unsigned size, Touch touch, Address pc) {
  Worker *w = self;
  if (trial.phase != Phase::None && !trial.in_range) trial_access(*w, address, size, touch.access != Access::Read, pc);
  if (!check.on || !w) {
    check.fuel = 0;
    return false;
  }
  if (check.tracing) check.trace(*w, address, pc);
  check.refuel(*w, pc);
  if (check.watch.on && touch.access != Access::Read) check.watch_write(address, size);
  if (check.profile) {
    bool shared = address - check.statics.base < check.statics.size || address - check.dynamic.base < check.dynamic.size;
    Address variable = address - check.variables.base;
    bool global = address - arena.base < arena.size ||
                  (variable < check.variables.size && !is_constant(check.variables.state[variable / 4]));
    if (shared || global) check.counters.access(*w, address, size, touch.access == Access::Atomic, shared, pc);
  }
  return true;
}

void Checker::refuel(Worker &w, Address pc) {
  settle(w);
  if (profile) {  // fuel stays at zero, so that each access comes here
    held += fuel;
    fuel = 0;
  }
  if (tracing || watch.on || trial.phase != Phase::None) {
    if (!profile) fuel = 0;
    return;
  }
  int64_t &left = profile ? held : fuel;
  if (left >= 0) return;
  if (--slices_left < 0) stop_endless(w, pc, kTooLong);
  left += slice;
  if (w.polls - polls_seen < slice / 16) w.has_moved();  // most of it was work
  polls_seen = w.polls;
  Thread &thread = w.me();
  if (++alone > suspicious) {
    trace_.clear();
    tracing = true;
    if (!profile) fuel = 0;
  } else if (!thread.has_yielded) {
    thread.has_yielded = true;
    yield_here(w);  // a thread that spins on plain loads lets the others run
  }
}

void Checker::stop_endless(Worker &w, Address pc, Endless why) {
  if (RawFinding *f = report_fatal(w, Kind::TimeLimit, pc, 0)) {
    f->other_pc = w.me().last_pc;  // the atomic that it repeats, should pc be inside of it
    f->detail = why;
  }
  abort_launch(w);
}

// The length of the shortest sequence that `trace` repeats from its start to its end (Knuth, Morris and Pratt).
static size_t period_of(const Vector<uint64_t> &trace) {
  Vector<uint32_t> border;
  border.reserve(trace.size());
  border.push(0);
  for (size_t i = 1, k = 0; i < trace.size(); i++) {
    while (k && trace[i] != trace[k]) k = border[k - 1];
    k += trace[i] == trace[k];
    border.push((uint32_t)k);
  }
  return trace.size() - border.back();
}

// A thread that has worked alone for very long, and touches the same addresses at the same lines in the same order all
// the time, goes round in a loop. One that works through an array, sorts or searches does not.
void Checker::trace(Worker &w, Address address, Address pc) {
  constexpr size_t kTraced = 1 << 16, kRounds = 4;
  bool whole = trace_.size() == kTraced;
  if (alone && !whole) {
    trace_.push(address * 0x9E3779B97F4A7C15ull ^ pc);
    return;
  }
  tracing = false;
  if (!profile) fuel = slice;
  if (whole && period_of(trace_) <= kTraced / kRounds) stop_endless(w, pc, kGoesRound);
  alone = 0;
  w.me().has_yielded = false;
}

// Each access is to be seen while a trial lasts.
void Checker::begin_trial() {
  settle(*self);
  if (profile) return;
  held_by_trial = fuel;
  fuel = 0;
}

void Checker::end_trial() {
  if (!profile && !tracing && !watch.on) fuel = held_by_trial;
}

// ---- changes of memory, for recurrence.cpp

void Checker::start_watch() {
  watch.words.clear();
  watch.on = true;
  watch.changed = false;
  if (profile) return;
  held_by_watch = fuel;
  fuel = 0;
}

void Checker::stop_watch() {
  if (!watch.on) return;
  watch.on = false;
  if (!profile) fuel = held_by_watch;
}

void Checker::watch_write(Address address, unsigned size) {
  constexpr size_t kMost = 1 << 20;
  if (address - stack < kStackBytes) return;
  bool mapped = address - arena.base < arena.size || address - statics.base < statics.size ||
                address - dynamic.base < dynamic.size || address - variables.base < variables.size;
  if (!mapped || watch.words.size() > kMost) {
    watch.changed = true;
    return;
  }
  for (Address word = address & ~(Address)3; word < address + size; word += 4) {
    Watch::Word &before = watch.words[word];
    if (before.known) continue;
    before.known = true;
    memcpy(&before.value, (const void *)word, sizeof before.value);
  }
}

// Does memory differ from what it was when the watch began?
bool Checker::memory_differs() {
  bool differs = watch.changed;
  watch.words.each([&](uint64_t word, Watch::Word &before) {
    differs = differs || memcmp(&before.value, (const void *)word, sizeof before.value);
  });
  return differs;
}

}  // namespace emu
