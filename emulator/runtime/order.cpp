#include "order.h"

#include <new>

namespace emu {

Checker check;

// ---- epochs

void Checker::begin_launch(Worker &w) {
  on = w.launch->checked;
  profile = on && w.launch->profile;
  launch_floor = block_floor = epoch_floor = floor_of(++now);
  image = (Address)w.launch->image->base;
  runs_.clear();
  fences_.clear();
  passed_on_.clear();
  vouched_.clear();
  variables_.clear();
  for (uint32_t i = 0; i < logs_used_; i++) logs_[i]->releases.clear();
  logs_used_ = 0;
  pending.on = interleaved_ = has_fenced_ = tracing = watch.on = false;
  forget_acquired();
}

void Checker::forget_acquired() {
  if (!acquired_any_) return;
  block_acquired_.clear();
  for (Vector<Acquired> &own : thread_acquired_) own.clear();
  acquired_any_ = false;
}

void Checker::vouch(Record place) {
  if (!vouched(place)) vouched_.push(place);
}

bool Checker::vouched(Record place) const {
  for (Record known : vouched_)
    if (known == place) return true;
  return false;
}

// Races between a plain read and atomics wait for the end of the launch: only then is it known whether the read was made
// good by a compare-and-swap.
void Checker::end_launch(Worker &w) {
  for (RawFinding &f : w.findings) {
    if (f.kind != (int)Kind::Race || !vouched_.size()) continue;
    bool now = f.access == (int)Access::Read && f.other_access == (int)Access::Atomic;
    bool before = f.access == (int)Access::Atomic && f.other_access == (int)Access::Read;
    if ((now && vouched((f.pc - image) & kPlaceMask)) || (before && vouched((f.other_pc - image) & kPlaceMask)))
      f.explained = 1;
  }
  on = profile = false;
  fuel = 0;
  ++now;
}

void Checker::begin_block(Worker &w) {
  block_floor = epoch_floor = floor_of(++now);
  runs_.push({now, w.block_number, (uint32_t)fences_.size()});
  has_fenced_ = false;
  forget_acquired();
  for (unsigned i = 0; i * kWarpLanes < w.launch->threads; i++) w.warps[i].synced = now;
  if (statics.size) set_state(statics, 0, w.shared_bytes, kFresh);
  if (w.launch->dynamic_bytes) set_state(dynamic, 0, w.launch->dynamic_bytes, kFresh);
}

void Checker::end_block(Worker &w) {
  settle(w);
  counters.end_block(w);
}

// The shadow of shared memory goes with its block.
static void save_shadow(Region &region, size_t bytes, CheckedBlock::Shadow &into) {
  size_t cells = bytes ? bytes / 4 + 8 : 0;
  into.state.clear(), into.cells.clear(), into.second.clear(), into.bytes.clear();
  into.state.append(region.state, cells);
  into.cells.append(region.cells, cells);
  into.second.append(region.second, cells);
  into.bytes.append(region.bytes, (cells + kCellsOfPage - 1) / kCellsOfPage);
  memset((void *)region.bytes, 0, into.bytes.size() * sizeof(Cell *));
}

static void restore_shadow(Region &region, const CheckedBlock::Shadow &from) {
  memcpy(region.state, from.state.begin(), from.state.size());
  memcpy((void *)region.cells, (const void *)from.cells.begin(), from.cells.size() * sizeof(Cell));
  memcpy(region.second, from.second.begin(), from.second.size() * sizeof(Record));
  for (size_t i = 0; i < from.bytes.size(); i++) {
    if (!from.bytes[i]) continue;
    if (region.bytes[i]) free_byte_cells(region.bytes[i]);  // of a block that has ended
    region.bytes[i] = from.bytes[i];
  }
}

void Checker::set_aside(Worker &w, CheckedBlock &into) {
  settle(w);
  stop_watch();
  counters.flush_block(w);
  interleaved_ = true;
  save_shadow(statics, w.shared_bytes, into.statics);
  save_shadow(dynamic, w.launch->dynamic_bytes, into.dynamic);
  into.epoch_floor = epoch_floor;
  into.has_fenced = has_fenced_;
  into.acquired_any = acquired_any_;
  if (!acquired_any_) return;
  block_acquired_.swap(into.block_acquired);
  for (unsigned t = 0; t < w.launch->threads; t++) thread_acquired_[t].swap(into.thread_acquired[t]);
  acquired_any_ = false;
}

void Checker::take_up(Worker &w, CheckedBlock &from) {
  block_floor = floor_of(++now);
  epoch_floor = from.epoch_floor;
  runs_.push({now, w.block_number, (uint32_t)fences_.size()});
  restore_shadow(statics, from.statics);
  restore_shadow(dynamic, from.dynamic);
  forget_acquired();
  has_fenced_ = from.has_fenced;
  acquired_any_ = from.acquired_any;
  if (!acquired_any_) return;
  block_acquired_.swap(from.block_acquired);
  for (unsigned t = 0; t < w.launch->threads; t++) thread_acquired_[t].swap(from.thread_acquired[t]);
}

void Checker::new_epoch(Worker &w) {
  settle(w);
  counters.flush_block(w);
  epoch_floor = floor_of(++now);
  for (unsigned i = 0; i * kWarpLanes < w.launch->threads; i++) {
    w.warps[i].synced = now;
    w.warps[i].partial = false;
  }
  if (!acquired_any_) return;
  for (unsigned t = 0; t < w.launch->threads; t++) {
    merge(block_acquired_, thread_acquired_[t].begin(), thread_acquired_[t].size());
    thread_acquired_[t].clear();
  }
}

void Checker::new_segment(Worker &w, unsigned t) {
  w.threads[t].stamp = ++now;
  if (t == w.current) me = (Record)now << kStampShift | (Record)t << kThreadShift;
}

void Checker::sync_warp(Worker &w, unsigned number, unsigned mask) {
  if (!on) return;
  settle(w);
  Warp &warp = w.warps[number];
  unsigned base = number * kWarpLanes;
  ++now;
  if ((mask & warp.exists) == warp.exists) {
    counters.flush_warp(w, number);
    warp.synced = now;
    warp.partial = false;
  } else {
    if (!warp.partial) {
      memset(warp.known, 0, sizeof warp.known);
      warp.partial = true;
    }
    uint32_t joined[kWarpLanes] = {};
    for (unsigned m = mask; m; m &= m - 1) {
      unsigned lane = (unsigned)__builtin_ctz(m);
      for (unsigned l = 0; l < kWarpLanes; l++)
        if (warp.known[lane][l] > joined[l]) joined[l] = warp.known[lane][l];
      joined[lane] = now;
    }
    for (unsigned m = mask; m; m &= m - 1) memcpy(warp.known[__builtin_ctz(m)], joined, sizeof joined);
  }
  if (acquired_any_) {
    Vector<Acquired> all;
    for (unsigned m = mask; m; m &= m - 1) {
      Vector<Acquired> &own = thread_acquired_[base + (unsigned)__builtin_ctz(m)];
      merge(all, own.begin(), own.size());
    }
    for (unsigned m = mask; m; m &= m - 1) merge(thread_acquired_[base + (unsigned)__builtin_ctz(m)], all.begin(), all.size());
  }
  for (unsigned m = mask; m; m &= m - 1) {
    unsigned t = base + (unsigned)__builtin_ctz(m);
    w.threads[t].stamp = now;
    if (t == w.current) me = (Record)now << kStampShift | (Record)t << kThreadShift;
  }
}

uint64_t Checker::block_of(Record r) const {
  uint32_t stamp = stamp_of(r);
  size_t low = 0, high = runs_.size();
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    (runs_[middle].stamp <= stamp ? low : high) = middle;
  }
  return runs_[low].block;
}

// ---- releases and acquires

void Checker::fence(Worker &w, bool device) {
  if (!on) return;
  settle(w);
  has_fenced_ = true;
  fences_.push({now + 1, stamp_of(epoch_floor), w.warps[w.current / kWarpLanes].synced, (uint16_t)w.current, device});
  new_segment(w, w.current);
}

void Checker::release(Worker &w, Address variable) {
  if (fences_.empty()) return;
  uint32_t first = (uint32_t)passed_on_.size();
  if (acquired_any_) {
    passed_on_.append(block_acquired_.begin(), block_acquired_.size());
    Vector<Acquired> &own = thread_acquired_[w.current];
    passed_on_.append(own.begin(), own.size());
  }
  uint32_t &slot = variables_[variable & ~(Address)3];
  if (!slot) {
    if (logs_used_ == logs_.size()) logs_.push(new (calloc(1, sizeof(Log))) Log);
    slot = ++logs_used_;
  }
  Release next{now + 1, stamp_of(epoch_floor), w.warps[w.current / kWarpLanes].synced, w.block_number, (uint16_t)w.current, first,
               (uint32_t)passed_on_.size() - first, (uint32_t)fences_.size()};
  Vector<Release> &log = logs_[slot - 1]->releases;
  if (!log.empty() && adds_nothing(log.back(), next, slot - 1)) {
    passed_on_.shrink(first);
    return;
  }
  ++now;
  log.push(next);
  new_segment(w, w.current);
}

// A thread that polls by an atomic releases again and again what it has released already.
bool Checker::adds_nothing(const Release &last, const Release &next, uint32_t variable) const {
  if (last.thread != next.thread || last.block != next.block || last.epoch != next.epoch || last.synced != next.synced ||
      last.fences != next.fences || last.acquired_count != next.acquired_count)
    return false;
  for (uint32_t i = 0; i < next.acquired_count; i++) {
    const Acquired &a = passed_on_[last.acquired_first + i], &b = passed_on_[next.acquired_first + i];
    if (a.variable != b.variable || (a.variable != variable && a.length != b.length)) return false;
  }
  return true;
}

void Checker::acquire(Worker &w, Address variable) {
  if (fences_.empty()) return;
  uint32_t *slot = variables_.find(variable & ~(Address)3);
  if (!slot) return;
  Acquired got{*slot - 1, (uint32_t)logs_[*slot - 1]->releases.size()};
  merge(thread_acquired_[w.current], &got, 1);
  acquired_any_ = true;
}

void Checker::merge(Vector<Acquired> &into, const Acquired *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bool found = false;
    for (Acquired &known : into)
      if (known.variable == list[i].variable) {
        if (known.length < list[i].length) known.length = list[i].length;
        found = true;
      }
    if (!found) into.push(list[i]);
  }
}

bool Checker::covered_by_run(size_t run, const Release &release, Record r, bool to_this_block) {
  uint32_t stamp = stamp_of(r);
  size_t end = run + 1 < runs_.size() ? runs_[run + 1].first_fence : fences_.size();
  for (size_t i = runs_[run].first_fence; i < end; i++) {
    const Fence &f = fences_[i];
    if (f.stamp > release.stamp) break;
    if (!f.device && !to_this_block) continue;
    bool same_warp = f.thread / kWarpLanes == thread_of(r) / kWarpLanes;
    bool before_fence = f.epoch > stamp || (f.thread == thread_of(r) && f.stamp > stamp) || (same_warp && f.synced > stamp);
    bool one_warp = f.thread / kWarpLanes == release.thread / kWarpLanes;
    bool before_release = f.stamp < release.epoch || f.thread == release.thread || (one_warp && f.stamp < release.synced);
    if (before_fence && before_release) return true;
  }
  return false;
}

// Does this release publish the access r? Some fence must lie between them in the happens-before order.
bool Checker::covered(const Release &release, Record r, uint64_t block) {
  size_t low = 0, high = runs_.size();
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    (runs_[middle].stamp <= release.stamp ? low : high) = middle;
  }
  bool to_this_block = runs_.back().block == block;
  if (!interleaved_) return covered_by_run(low, release, r, to_this_block);
  for (size_t run = low + 1; run-- > 0 && (run + 1 >= runs_.size() || runs_[run + 1].stamp > stamp_of(r));)
    if (runs_[run].block == release.block && covered_by_run(run, release, r, to_this_block)) return true;
  return false;
}

bool Checker::knows_through(const Acquired *list, size_t count, Record r, uint64_t block, int depth) {
  for (size_t i = 0; i < count; i++) {
    Vector<Release> &log = logs_[list[i].variable]->releases;
    size_t low = 0, high = list[i].length;  // releases are sorted by stamp; only later ones can cover r
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (log[middle].stamp <= stamp_of(r)) low = middle + 1;
      else high = middle;
    }
    for (size_t k = low; k < list[i].length; k++) {
      if (log[k].block == block) {
        if (covered(log[k], r, block)) return true;
      } else if (!interleaved_) {
        break;
      }
    }
    // What the releasing threads had themselves acquired through other variables.
    if (!depth) continue;
    Vector<Acquired> through;
    for (size_t k = low; k < list[i].length; k++)
      for (uint32_t q = 0; q < log[k].acquired_count; q++) {
        const Acquired &other = passed_on_[log[k].acquired_first + q];
        if (other.variable != list[i].variable) merge(through, &other, 1);
      }
    if (knows_through(through.begin(), through.size(), r, block, depth - 1)) return true;
  }
  return false;
}

bool Checker::knows(Worker &w, Record r) {
  uint64_t block = block_of(r);
  Vector<Acquired> &own = thread_acquired_[w.current];
  constexpr int kDepth = 3;  // a chain over more than four variables has not been met
  return knows_through(own.begin(), own.size(), r, block, kDepth) ||
         knows_through(block_acquired_.begin(), block_acquired_.size(), r, block, kDepth);
}

bool Checker::ordered(Worker &w, Record r) {
  if (r < launch_floor) return true;
  if (in_this_block(r)) {
    if (r < epoch_floor) return true;
    unsigned other = thread_of(r), mine = w.current;
    if (other == mine) return true;
    if (other / kWarpLanes == mine / kWarpLanes) {
      Warp &warp = w.warps[mine / kWarpLanes];
      if (stamp_of(r) < warp.synced) return true;
      if (warp.partial && stamp_of(r) < warp.known[mine % kWarpLanes][other % kWarpLanes]) return true;
    }
  }
  return acquired_any_ && knows(w, r);
}

}  // namespace emu

using namespace emu;

EMU_API void emu_fence(int scope) { check.fence(*self, scope != EMU_FENCE_BLOCK); }
