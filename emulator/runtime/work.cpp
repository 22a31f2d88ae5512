// The work of a launch: how much of it there may be, and when a thread must be looked at more closely.
#include "shadow.h"
#include "trial.h"

namespace emu {

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
