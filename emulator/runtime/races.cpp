// Conflicting accesses that nothing orders: what is a race, and which readers to remember for it.
#include "shadow.h"

namespace emu {

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

}  // namespace emu
