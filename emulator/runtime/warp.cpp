// Operations in which the lanes of a warp take part together.
#include "order.h"
#include "trial.h"

namespace emu {

static bool is_shuffle(int operation) { return operation >= EMU_SHFL && operation <= EMU_SHFL_XOR; }

// The lane that a shuffle reads, as in the PTX ISA ("shfl.sync"): out of the segment means the lane's own value.
static unsigned source_lane(const Thread &thread, unsigned lane) {
  unsigned width = thread.width > 0 && thread.width <= (int)kWarpLanes ? (unsigned)thread.width : kWarpLanes;
  unsigned first = lane & ~(width - 1), last = first + width - 1, a = (unsigned)thread.argument & (kWarpLanes - 1);
  switch (thread.operation) {
    case EMU_SHFL: return first + ((unsigned)thread.argument & (width - 1));
    case EMU_SHFL_UP: return lane - first >= (unsigned)thread.argument ? lane - (unsigned)thread.argument : lane;
    case EMU_SHFL_DOWN: return (unsigned)thread.argument <= last - lane ? lane + (unsigned)thread.argument : lane;
    default: return (lane ^ a) <= last ? lane ^ a : lane;
  }
}

void report_undefined(Worker &w, const Undefined &from) {
  RawFinding *f = report(w, Kind::WarpDivergence, from.pc, 0, from.line, 0);
  if (!f) return;
  f->thread = from.thread;
  const char *why = !(from.exists >> from.source & 1) ? "the block has no such lane"
                    : from.done >> from.source & 1    ? "it has returned"
                                                      : "it is not in the mask";
  set_text(*f, "the shuffle gives lane %u a value that comes from lane %u, whose value is undefined: %s", from.lane,
           from.source, why);
}

// A lane outside the mask gives an undefined value: all ones, a NaN, seen in every result that it enters. Whether it is
// used shows in what the thread does with another value (trial.cpp), and so does a value that was made of one.
static void shuffle(Worker &w, const Warp &warp, unsigned number, unsigned mask) {
  constexpr uint64_t kUndefined = ~0ull, kOther = 0x4b5f3c714b5f3c71ull;  // a large number as int and as float
  Thread *lanes = w.threads + number * kWarpLanes;
  for (unsigned m = mask; m; m &= m - 1) {
    unsigned lane = (unsigned)__builtin_ctz(m), source = source_lane(lanes[lane], lane);
    Thread &thread = lanes[lane];
    const bool outside = !(mask >> source & 1);
    thread.result = outside ? kUndefined : lanes[source].value;
    if (!w.launch->checked) continue;
    uint64_t other = outside ? kOther : ghost_value(lanes[source]);
    if (thread.ghost) ghost_result(thread, other);
    if (other == thread.result) continue;
    Undefined origin{thread.pc, thread.line, lane, source, mask, warp.exists, warp.done, thread.index};
    if (!outside) origin = origin_of(lanes[source]);
    if (!thread.ghost) fork_ghost(thread, other, origin);
    else if (ghost_value(thread) == thread.value) set_origin(thread, origin);
  }
}

static uint64_t reduce(int operation, const Thread *lanes, unsigned mask) {
  uint32_t result = (uint32_t)lanes[__builtin_ctz(mask)].value;
  for (unsigned m = mask & (mask - 1); m; m &= m - 1) {
    uint32_t v = (uint32_t)lanes[__builtin_ctz(m)].value;
    switch (operation) {
      case EMU_REDUCE_ADD: result += v; break;
      case EMU_REDUCE_MIN: result = (int32_t)v < (int32_t)result ? v : result; break;
      case EMU_REDUCE_MAX: result = (int32_t)v > (int32_t)result ? v : result; break;
      case EMU_REDUCE_UMIN: result = v < result ? v : result; break;
      case EMU_REDUCE_UMAX: result = v > result ? v : result; break;
      case EMU_REDUCE_AND: result &= v; break;
      case EMU_REDUCE_OR: result |= v; break;
      default: result ^= v;
    }
  }
  return result;
}

static void vote_or_match(int operation, Thread *lanes, unsigned mask) {
  unsigned ballot = 0;
  bool equal = true;
  uint64_t first = lanes[__builtin_ctz(mask)].value;
  for (unsigned m = mask; m; m &= m - 1) {
    unsigned lane = (unsigned)__builtin_ctz(m);
    ballot |= (unsigned)(lanes[lane].value != 0) << lane;
    equal &= lanes[lane].value == first;
  }
  uint64_t reduced = operation >= EMU_REDUCE_ADD ? reduce(operation, lanes, mask) : 0;
  for (unsigned m = mask; m; m &= m - 1) {
    Thread &lane = lanes[__builtin_ctz(m)];
    switch (operation) {
      case EMU_SYNCWARP: lane.result = 0; break;
      case EMU_BALLOT: lane.result = ballot; break;
      case EMU_ANY: lane.result = ballot != 0; break;
      case EMU_ALL: lane.result = ballot == mask; break;
      case EMU_MATCH_ALL: lane.result = equal ? mask : 0; break;
      case EMU_MATCH_ANY: {
        unsigned same = 0;
        for (unsigned q = mask; q; q &= q - 1)
          same |= (unsigned)(lanes[__builtin_ctz(q)].value == lane.value) << __builtin_ctz(q);
        lane.result = same;
        break;
      }
      default: lane.result = reduced;
    }
  }
}

static EMU_COLD void disagreement(Worker &w, const Thread &a, const Thread &b) {
  RawFinding *f = report(w, Kind::WarpDivergence, a.pc, b.pc, a.line, b.line);
  if (!f) return;
  f->thread = a.index;
  f->has_other = 1;
  f->other_block = w.block;
  f->other_thread = b.index;
  if (a.mask != b.mask) set_text(*f, "lanes of one warp meet with different masks, 0x%08x and 0x%08x", a.mask, b.mask);
  else set_text(*f, "lanes of one warp meet in different warp operations");
}

static EMU_COLD void lanes_left(Worker &w, const Warp &warp, unsigned number, unsigned lane) {
  Thread &thread = w.threads[number * kWarpLanes + lane];
  RawFinding *f = report(w, Kind::WarpDivergence, thread.pc, 0, thread.line, 0);
  if (!f) return;
  f->thread = thread.index;
  unsigned gone = (unsigned)__builtin_ctz(thread.mask & warp.done);
  set_text(*f, "mask 0x%08x names lane %u, which has already returned", thread.mask, gone);
}

// All lanes of `mask` that live have come.
static void complete(Worker &w, unsigned number, unsigned mask) {
  Warp &warp = w.warps[number];
  Thread *lanes = w.threads + number * kWarpLanes;
  unsigned leader = (unsigned)__builtin_ctz(mask);
  if (EMU_UNLIKELY(lanes[leader].mask & warp.done)) lanes_left(w, warp, number, leader);
  for (unsigned m = mask & (mask - 1); m; m &= m - 1) {
    Thread &a = lanes[leader], &b = lanes[__builtin_ctz(m)];
    bool apart = a.line != b.line && a.operation != EMU_SYNCWARP;
    if (EMU_UNLIKELY(a.operation != b.operation || a.mask != b.mask || apart)) {
      disagreement(w, a, b);
      break;
    }
  }
  int operation = lanes[leader].operation;
  if (is_shuffle(operation)) shuffle(w, warp, number, mask);
  else vote_or_match(operation, lanes, mask);
  for (unsigned m = mask; m && !is_shuffle(operation); m &= m - 1) {
    Thread &thread = lanes[__builtin_ctz(m)];
    if (!thread.ghost) continue;
    ghost_result(thread, thread.result);
    if (operation != EMU_SYNCWARP && ghost_value(thread) != thread.value) report_use(w, thread);
  }
  if (operation == EMU_SYNCWARP) check.sync_warp(w, number, mask);
  warp.waiting &= ~mask;
  for (unsigned m = mask; m; m &= m - 1) w.make_ready(number * kWarpLanes + (unsigned)__builtin_ctz(m));
}

void warp_lane_left(Worker &w, unsigned number) {
  Warp &warp = w.warps[number];
  for (unsigned m = warp.waiting; m; m &= m - 1) {
    unsigned need = w.threads[number * kWarpLanes + (unsigned)__builtin_ctz(m)].mask & warp.exists & ~warp.done;
    if ((warp.waiting & need) != need) continue;
    complete(w, number, need);
    return;
  }
}

}  // namespace emu

using namespace emu;

EMU_API uint64_t emu_warp(int operation, unsigned mask, uint64_t value, int argument, int width, int line) {
  Worker &w = *self;
  unsigned number = w.current / kWarpLanes, lane = w.current % kWarpLanes;
  Warp &warp = w.warps[number];
  Thread &thread = w.me();
  EMU_SAVE_STATE(thread);
  Address pc = EMU_CALLER;
  if (EMU_UNLIKELY(trial.phase != Phase::None) && trial_stops(w, {StopKind::Warp, operation, mask, argument, value, pc}))
    return trial.result;
  check.work(w, pc);
  if (EMU_UNLIKELY(!(mask >> lane & 1))) {
    if (RawFinding *f = report(w, Kind::WarpDivergence, pc, 0, line, 0))
      set_text(*f, "mask 0x%08x does not name lane %u, which calls", mask, lane);
    mask |= 1u << lane;
  }
  thread.operation = operation;
  thread.mask = mask;
  thread.value = value;
  thread.argument = argument;
  thread.width = width;
  thread.line = line;
  thread.pc = pc;
  thread.state = State::Warp;
  warp.waiting |= 1u << lane;
  unsigned need = mask & warp.exists & ~warp.done;
  if ((warp.waiting & need) == need) {
    complete(w, number, need);
    if (w.launch->checked) note_meeting(w, number);
  }
  block_here(w);
  thread.frame = 0;
  if (EMU_UNLIKELY(thread.ghost != nullptr)) {
    resume_with_ghost(w);
    if (trial.phase == Phase::Ghost) return trial.result;
  }
  return thread.result;
}
