// Runs the threads of one block. A thread keeps its OS thread until it must wait; a kernel without barriers is
// therefore a plain loop over threads on a single fiber.
#include "order.h"
#include "trial.h"

extern "C" {
__attribute__((visibility("default"))) __thread unsigned emu_place[12];
}

namespace emu {

__thread Worker *self = nullptr;
enum { kThread = 0, kBlock = 3, kBlockShape = 6, kGridShape = 9 };  // in emu_place
static void place(int first, const Index3 &index) { memcpy(emu_place + first, &index, sizeof index); }

static void fiber_main();

static const struct InOrder {
  uint16_t number[kMaxThreads];
  InOrder() {
    for (unsigned t = 0; t < kMaxThreads; t++) number[t] = (uint16_t)t;
  }
} in_order;

Worker::Worker() : fibers(fiber_main) {}

static inline __attribute__((always_inline)) void enter(Worker &w, unsigned t) {
  w.current = t;
  Thread &thread = w.threads[t];
  thread.state = State::Running;
  w.thread = thread.index;
  place(kThread, thread.index);
  if (w.launch->checked) check.enter_thread(t, thread.stamp, w.fiber->stack, thread.locals);
}

static unsigned next_ready(Worker &w) {
  unsigned t = w.ready[w.ready_first];
  w.ready_first = (w.ready_first + 1) % kMaxThreads;
  --w.ready_count;
  return t;
}

// Leaves the current fiber for whatever can run; returns when this fiber is chosen again.
static inline __attribute__((always_inline)) void leave(Worker &w, Context &from) {
  Context *to = &w.main;
  if (w.ready_count) {
    unsigned t = next_ready(w);
    w.fiber = w.threads[t].fiber;
    enter(w, t);
    to = &w.fiber->context;
  } else if (w.started < w.launch->threads) {
    w.fiber = w.fibers.take();
    to = &w.fiber->context;
  }
  if (to == &from) return;
  ++w.switches;
  switch_context(from, *to);
}

void block_here(Worker &w) { leave(w, w.fiber->context); }

static EMU_COLD void report_divergence(Worker &w) {
  unsigned n = w.launch->threads, first = n, returned = n, elsewhere = n;
  for (unsigned t = 0; t < n; t++) {
    Thread &thread = w.threads[t];
    if (thread.state == State::Done) {
      if (returned == n) returned = t;
    } else if (first == n) {
      first = t;
    } else if (elsewhere == n && thread.line != w.threads[first].line) {
      elsewhere = t;
    }
  }
  Thread &leader = w.threads[first];
  if (elsewhere < n) {
    Thread &other = w.threads[elsewhere];
    RawFinding *f = report(w, Kind::BarrierDivergence, leader.pc, other.pc, leader.line, other.line);
    if (!f) return;
    f->thread = leader.index;
    f->has_other = 1;
    f->other_block = w.block;
    f->other_thread = other.index;
    set_text(*f, "threads of one block wait at different __syncthreads()");
    return;
  }
  RawFinding *f = report(w, Kind::BarrierDivergence, leader.pc, 0, leader.line, 0);
  if (!f) return;
  f->thread = leader.index;
  Index3 i = w.threads[returned].index;
  set_text(*f, "only %u of %u threads of the block reach this barrier; %u have already returned, thread (%u, %u, %u) first",
           w.at_barrier, n, w.done, i.x, i.y, i.z);
}

// All threads that have not returned stand at the barrier.
static void release_barrier(Worker &w) {
  unsigned n = w.launch->threads;
  if (EMU_UNLIKELY(w.done || w.barrier_mixed)) report_divergence(w);
  w.at_barrier = 0;
  w.barrier_mixed = false;
  ++w.barrier_phase;
  if (w.launch->checked) {
    check.new_epoch(w);
    note_meeting(w, kWholeBlock);
  }
  if (!w.done) {
    w.ready_first = 0;
    w.ready_count = n;
    memcpy(w.ready, in_order.number, n * sizeof *w.ready);
    return;
  }
  for (unsigned t = 0; t < n; t++)
    if (w.threads[t].state == State::Barrier) w.make_ready(t);
}

static inline __attribute__((always_inline)) void finish_thread(Worker &w) {
  unsigned t = w.current;
  w.threads[t].state = State::Done;
  w.has_moved();
  ++w.done;
  Warp &warp = w.warps[t / kWarpLanes];
  warp.done |= 1u << t % kWarpLanes;
  if (EMU_UNLIKELY(warp.waiting)) warp_lane_left(w, t / kWarpLanes);
  if (EMU_UNLIKELY(w.at_barrier) && w.at_barrier + w.done == w.launch->threads) release_barrier(w);
}

static void fiber_main() {
  for (;;) {
    Worker &w = *self;
    const Launch &launch = *w.launch;
    Fiber *mine = w.fiber;
    while (w.started < launch.threads && !w.ready_count) {
      unsigned t = w.started++;
      Thread &thread = w.threads[t];
      thread.fiber = mine;
      thread.line = 0;
      thread.frame = 0;
      thread.ghost = nullptr;
      thread.locals = nullptr;
      thread.copies = nullptr;
      thread.batch = 0;
      thread.wrote_volatile = thread.has_yielded = false;
      thread.poll_count = 0;
      enter(w, t);
      launch.run(launch.arguments);
      if (EMU_UNLIKELY(trial.phase != Phase::None)) trial_stops(w, {StopKind::End, 0, 0, 0, 0, 0});
      w.fiber = mine;
      if (EMU_UNLIKELY(w.me().copies != nullptr)) drop_copies(w.me());
      finish_thread(w);
    }
    w.fibers.give_back(mine);
    leave(w, mine->context);
  }
}

static EMU_COLD void deadlock(Worker &w) {
  for (unsigned t = 0; t < w.launch->threads; t++) {
    Thread &thread = w.threads[t];
    if (thread.state != State::Warp) continue;
    Warp &warp = w.warps[t / kWarpLanes];
    unsigned missing = thread.mask & warp.exists & ~warp.done & ~warp.waiting;
    if (!missing) missing = thread.mask & warp.exists & ~(1u << t % kWarpLanes);
    if (!missing) continue;
    unsigned lane = (unsigned)__builtin_ctz(missing);
    Thread &other = w.threads[t / kWarpLanes * kWarpLanes + lane];
    w.current = t;
    w.thread = thread.index;
    if (RawFinding *f = report_fatal(w, Kind::WarpDivergence, thread.pc, thread.line)) {
      f->has_other = 1;
      f->other_pc = other.pc;
      f->other_line = other.line;
      f->other_block = w.block;
      f->other_thread = other.index;
      set_text(*f, "mask 0x%08x names lane %u, which never comes: it waits %s", thread.mask, lane,
               other.state == State::Barrier ? "at __syncthreads()" : "in another warp operation");
    }
    abort_launch(w);
  }
  if (RawFinding *f = report_fatal(w, Kind::BarrierDivergence, w.me().pc, w.me().line))
    set_text(*f, "the threads of the block wait for each other");
  abort_launch(w);
}

static void release_waiting(Worker &w) {
  // Lanes at __activemask() that stand at the same place are the converged ones.
  for (unsigned t = 0; t < w.launch->threads; t++) {
    Thread &thread = w.threads[t];
    if (thread.state != State::Lockstep && thread.state != State::Spinning) continue;
    if (thread.state == State::Lockstep && thread.line < 0) {
      unsigned mask = 0, base = t / kWarpLanes * kWarpLanes;
      for (unsigned l = 0; l < kWarpLanes && base + l < w.launch->threads; l++) {
        Thread &lane = w.threads[base + l];
        bool here = lane.state == State::Lockstep || lane.state == State::Ready;
        if (here && lane.line < 0 && lane.pc == thread.pc) mask |= 1u << l;
      }
      thread.result = mask;
    }
    w.make_ready(t);
  }
  for (unsigned t = 0; t < w.launch->threads; t++)
    if (w.threads[t].line < 0) w.threads[t].line = 0;
  w.in_lockstep = w.spinning = 0;
}

void place_block(Worker &w) {
  place(kBlock, w.block);
  place(kBlockShape, w.launch->block);
  place(kGridShape, w.launch->grid);
}

static void prepare(Worker &w, uint64_t number) {
  const Launch &launch = *w.launch;
  w.block_number = number;
  w.block = unflatten(number, launch.grid);
  w.quiet = 0;
  w.meetings = w.next_look = 0;
  w.interrupted = false;
  place_block(w);
  w.started = w.done = w.at_barrier = w.in_lockstep = w.spinning = w.ready_first = w.ready_count = 0;
  w.barrier_mixed = false;
  if (w.shared_bytes) memset(w.shared, 0xFF, w.shared_bytes);
  if (launch.dynamic_bytes) memset(w.dynamic, 0xFF, launch.dynamic_bytes);
  for (unsigned i = 0; i * kWarpLanes < launch.threads; i++) {
    Warp &warp = w.warps[i];
    unsigned lanes = launch.threads - i * kWarpLanes;
    warp.exists = lanes >= kWarpLanes ? ~0u : (1u << lanes) - 1;
    warp.done = warp.waiting = 0;
    warp.partial = false;
  }
  if (launch.checked) check.begin_block(w);
}

bool run_block(Worker &w, uint64_t number) {
  prepare(w, number);
  return go_on(w);
}

static void choose_next(Worker &w) {
  if (w.interrupted) {
    w.interrupted = false;
    w.fiber = w.threads[w.current].fiber;
    enter(w, w.current);
    switch_context(w.main, w.fiber->context);
    return;
  }
  if (!w.ready_count && w.started == w.launch->threads) {
    if (!w.in_lockstep && !w.spinning) deadlock(w);
    release_waiting(w);
  }
  leave(w, w.main);
}

bool go_on(Worker &w) {
  while (w.interrupted || w.done < w.launch->threads) {
    choose_next(w);
    while (w.task && !w.set_aside) {
      void (*task)(Worker &) = w.task;
      w.task = nullptr;
      task(w);
      w.interrupted = w.set_aside;
      if (!w.set_aside) switch_context(w.main, w.fiber->context);
    }
    if (w.set_aside) return w.set_aside = false;
  }
  if (w.launch->checked) check.end_block(w);
  return true;
}

static inline __attribute__((always_inline)) int barrier(int operation, int predicate, int line, Address pc) {
  Worker &w = *self;
  Thread &thread = w.me();
  EMU_SAVE_STATE(thread);
  if (EMU_UNLIKELY(trial.phase != Phase::None) && trial_stops(w, {StopKind::Barrier, operation, 0, predicate, 0, pc}))
    return (int)trial.result;
  w.has_moved();
  check.work(w, pc);
  check.counters.barrier(w, pc);
  // Two results: a thread may reach the next barrier before all have left this one.
  unsigned phase = w.barrier_phase & 1;
  int &result = w.barrier_result[phase];
  if (!w.at_barrier) {
    result = operation == EMU_BARRIER_AND;
    w.barrier_line = line;
  }
  w.barrier_mixed |= line != w.barrier_line;
  switch (operation) {
    case EMU_BARRIER_COUNT: result += !!predicate; break;
    case EMU_BARRIER_AND: result &= !!predicate; break;
    default: result |= !!predicate;
  }
  thread.line = line;
  thread.pc = pc;
  thread.state = State::Barrier;
  if (++w.at_barrier + w.done == w.launch->threads) release_barrier(w);
  leave(w, w.fiber->context);
  thread.frame = 0;
  if (EMU_UNLIKELY(thread.ghost != nullptr)) {
    ghost_result(thread, (uint64_t)result);
    resume_with_ghost(w);
  }
  return result;
}

}  // namespace emu

using namespace emu;

EMU_API void emu_barrier(int line) { barrier(EMU_BARRIER_OR, 0, line, EMU_CALLER); }
EMU_API int emu_barrier_reduce(int operation, int predicate, int line) {
  return barrier(operation, predicate, line, EMU_CALLER);
}
EMU_API void emu_yield(void) {
  Worker &w = *self;
  Thread &thread = w.me();
  EMU_SAVE_STATE(thread);
  if (EMU_UNLIKELY(trial.phase != Phase::None) && trial_stops(w, {StopKind::Yield, 0, 0, 0, 0, EMU_CALLER})) return;
  check.work(w, thread.poll_count ? thread.last_pc : EMU_CALLER);  // of the failed compare-and-swap
  if (w.launch->checked) {
    thread.pc = thread.last_pc;
    note_meeting(w, kThreadMeets + w.current);
  }
  if (thread.poll_count && thread.repeats) yield_polling(w, 1);
  else yield_here(w);
  thread.frame = 0;
  if (EMU_UNLIKELY(thread.ghost != nullptr)) resume_with_ghost(w);
}
EMU_API unsigned emu_active_mask(void) {
  Worker &w = *self;
  Thread &thread = w.me();
  if (EMU_UNLIKELY(trial.phase != Phase::None) && trial_stops(w, {StopKind::Lockstep, 0, 0, 0, 0, EMU_CALLER}))
    return (unsigned)trial.result;
  thread.pc = EMU_CALLER;
  thread.line = -1;
  thread.state = State::Lockstep;
  ++w.in_lockstep;
  block_here(w);
  if (EMU_UNLIKELY(thread.ghost != nullptr)) {
    ghost_result(thread, thread.result);
    resume_with_ghost(w);
  }
  return (unsigned)thread.result;
}

EMU_API unsigned emu_thread_x(void) { return emu_place[0]; }
EMU_API unsigned emu_thread_y(void) { return emu_place[1]; }
EMU_API unsigned emu_thread_z(void) { return emu_place[2]; }
EMU_API unsigned emu_block_x(void) { return emu_place[3]; }
EMU_API unsigned emu_block_y(void) { return emu_place[4]; }
EMU_API unsigned emu_block_z(void) { return emu_place[5]; }
EMU_API unsigned emu_block_dim_x(void) { return emu_place[6]; }
EMU_API unsigned emu_block_dim_y(void) { return emu_place[7]; }
EMU_API unsigned emu_block_dim_z(void) { return emu_place[8]; }
EMU_API unsigned emu_grid_dim_x(void) { return emu_place[9]; }
EMU_API unsigned emu_grid_dim_y(void) { return emu_place[10]; }
EMU_API unsigned emu_grid_dim_z(void) { return emu_place[11]; }
EMU_API void *emu_dynamic_shared(void) { return self->dynamic; }
