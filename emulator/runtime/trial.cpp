// Is an undefined value used? A shuffle from a lane outside the mask gives one, which is wrong only if it ends up in
// memory: many reductions read such lanes and take no notice of what they got. So the thread that got it goes on twice,
// with two different values. Its ghost runs first, up to the next place where the thread meets others; what it wrote is
// noted and taken back; then the thread itself runs the same way, and its writes are compared. The ghost waits at that
// place and goes on whenever the thread does. Values that it passes on by shuffles make ghosts of the lanes that get them.
#include "shadow.h"
#include "trial.h"

namespace emu {

Trial trial;

#ifdef EMU_UCONTEXT  // stack pointers are not at hand: nothing is reported
void fork_ghost(Thread &, uint64_t, const Undefined &) {}
void resume_with_ghost(Worker &) {}
bool trial_stops(Worker &, const Stop &) { return false; }
void trial_access(Worker &, Address, size_t, bool, Address) {}
void forget_ghosts() {}
void ghost_faults(Worker &) {}
void ghost_result(Thread &, uint64_t) {}
void set_origin(Thread &, const Undefined &) {}
void report_use(Worker &, Thread &) {}
uint64_t ghost_value(const Thread &thread) { return thread.value; }
const Undefined &origin_of(const Thread &) {
  static Undefined none;
  return none;
}
#else

struct Ghost {
  void *stack_pointer;
  Vector<char> stack;
  emu_local *locals;
  Stop stop;
  bool ended;
  uint64_t result;  // of the operation at which it waits
  Undefined origin;
};
static Vector<Ghost *> idle_ghosts, all_ghosts;

struct Image {
  void *stack_pointer;
  Vector<char> stack;
};
static Image real;

struct Write {
  Address address, pc;
  unsigned size;
  uint8_t before[16], after[16];
};
static struct Log {
  Vector<Write> writes;
  size_t settled;  // so many writes have happened: their values are known
} ghost_log, real_log;
static emu_local *real_locals;
static long long real_clock;
constexpr size_t kMostAccesses = 16384;  // then it is not worth going on

static Log &log_now() { return trial.phase == Phase::Ghost ? ghost_log : real_log; }

static void settle(Log &log) {
  for (; log.settled < log.writes.size(); log.settled++) {
    Write &write = log.writes[log.settled];
    memcpy(write.after, (const void *)write.address, write.size);
  }
}

static void save(Worker &w, void *&stack_pointer, Vector<char> &stack) {
  stack_pointer = w.fiber->context.stack_pointer;
  size_t bytes = w.fiber->stack + kStackBytes - (Address)stack_pointer;
  stack.clear();
  stack.append((const char *)stack_pointer, bytes);
}

static void load(Worker &w, void *stack_pointer, const Vector<char> &stack) {
  w.fiber->context.stack_pointer = stack_pointer;
  memcpy(stack_pointer, stack.begin(), stack.size());
}

// ---- tasks, on the scheduler's stack

static void begin_log(Log &log) {
  log.writes.clear();
  log.settled = 0;
  trial.accesses = 0;
}

static void copy_to_ghost(Worker &w) {
  Ghost &ghost = *w.me().ghost;
  save(w, ghost.stack_pointer, ghost.stack);
}

static void enter_ghost(Worker &w) {
  Thread &thread = w.me();
  Ghost &ghost = *thread.ghost;
  save(w, real.stack_pointer, real.stack);
  load(w, ghost.stack_pointer, ghost.stack);
  real_locals = thread.locals;
  real_clock = w.clock;
  check.locals = thread.locals = ghost.locals;
  check.begin_trial();
  check.on = false;
  trial.phase = Phase::Ghost;
  trial.result = ghost.result;
  begin_log(ghost_log);
}

static void leave_ghost(Worker &w) {
  Thread &thread = w.me();
  Ghost &ghost = *thread.ghost;
  if (!ghost.ended) save(w, ghost.stack_pointer, ghost.stack);
  ghost.locals = thread.locals;
  settle(ghost_log);
  for (size_t i = ghost_log.writes.size(); i-- > 0;)
    memcpy((void *)ghost_log.writes[i].address, ghost_log.writes[i].before, ghost_log.writes[i].size);
  load(w, real.stack_pointer, real.stack);
  check.locals = thread.locals = real_locals;
  w.clock = real_clock;
  check.on = true;
  trial.phase = Phase::Real;
  begin_log(real_log);
}

static void run_task(Worker &w, void (*task)(Worker &)) {
  w.task = task;
  switch_context(w.fiber->context, w.main);
}

// ---- the thread

static void drop(Thread &thread) {
  if (thread.ghost) idle_ghosts.push(thread.ghost);
  thread.ghost = nullptr;
}

void forget_ghosts() {
  trial.phase = Phase::None;
  trial.in_range = false;
  idle_ghosts.clear();
  idle_ghosts.append(all_ghosts.begin(), all_ghosts.size());
}

void ghost_result(Thread &thread, uint64_t result) { thread.ghost->result = result; }
uint64_t ghost_value(const Thread &thread) { return thread.ghost ? thread.ghost->stop.value : thread.value; }
void set_origin(Thread &thread, const Undefined &origin) { thread.ghost->origin = origin; }
const Undefined &origin_of(const Thread &thread) { return thread.ghost->origin; }

// From here on the thread's operation has two results. Its stack is copied when it goes on.
void fork_ghost(Thread &thread, uint64_t other_result, const Undefined &origin) {
  if (idle_ghosts.empty()) {
    Ghost *fresh = (Ghost *)calloc(1, sizeof(Ghost));  // all zeros are empty vectors
    if (!fresh) out_of_host_memory(sizeof(Ghost));
    all_ghosts.push(fresh);
    idle_ghosts.push(fresh);
  }
  thread.ghost = idle_ghosts.back();
  idle_ghosts.pop();
  thread.ghost->origin = origin;
  thread.ghost->result = other_result;
  thread.ghost->ended = false;
  thread.ghost->stop.value = thread.value;
  thread.ghost->stack_pointer = nullptr;
}

// Called by a thread that may go on, where it waited. The ghost goes on first, then the thread.
void resume_with_ghost(Worker &w) {
  Thread &thread = w.me();
  if (!thread.ghost->stack_pointer) {
    thread.ghost->locals = thread.locals;
    run_task(w, copy_to_ghost);
    if (trial.phase == Phase::Ghost) return;  // the ghost wakes up here
  }
  run_task(w, enter_ghost);
}

void report_use(Worker &w, Thread &thread) {
  report_undefined(w, thread.ghost->origin);
  drop(thread);
}

static bool same_writes() {
  settle(real_log);
  if (ghost_log.writes.size() != real_log.writes.size()) return false;
  for (size_t i = 0; i < real_log.writes.size(); i++) {
    const Write &a = ghost_log.writes[i], &b = real_log.writes[i];
    if (a.address != b.address || a.pc != b.pc || a.size != b.size || memcmp(a.after, b.after, a.size)) return false;
  }
  return true;
}

// Called where a thread meets others, or ends. True for a ghost that has waited there and goes on.
EMU_COLD bool trial_stops(Worker &w, const Stop &stop) {
  Thread &thread = w.me();
  Ghost &ghost = *thread.ghost;
  if (trial.phase == Phase::Ghost) {
    settle(ghost_log);
    ghost.stop = stop;
    ghost.ended = stop.kind >= StopKind::End;
    run_task(w, leave_ghost);
    return true;
  }
  trial.phase = Phase::None;
  check.end_trial();
  if (ghost.stop.kind == StopKind::Lost || stop.kind == StopKind::Lost) {
    drop(thread);
    return false;
  }
  const Stop &other = ghost.stop;
  bool apart = other.kind != stop.kind || other.pc != stop.pc || other.operation != stop.operation ||
               other.mask != stop.mask || other.argument != stop.argument;
  if (apart || !same_writes()) report_use(w, thread);
  else if (stop.kind >= StopKind::End) drop(thread);
  return false;
}

void trial_access(Worker &w, Address address, size_t size, bool writes, Address pc) {
  if (address - w.fiber->stack < kStackBytes) return;  // belongs to the state; an atomic is not yet done when it reads there
  Log &log = log_now();
  settle(log);
  constexpr size_t kPiece = sizeof Write::before;
  trial.accesses += size / kPiece + 1;
  if (size / kPiece > kMostAccesses || trial.accesses > kMostAccesses) {
    trial_stops(w, {StopKind::Lost, 0, 0, 0, 0, 0});
    return;
  }
  if (!writes) return;
  for (; size; address += kPiece) {
    Write write{};
    write.address = address;
    write.pc = pc;
    write.size = (unsigned)(size < kPiece ? size : kPiece);
    if (trial.phase == Phase::Ghost) memcpy(write.before, (const void *)address, write.size);
    log.writes.push(write);
    size -= write.size;
  }
}

// In a signal handler: the ghost has done what no memory or processor allows.
void ghost_faults(Worker &w) {
  Ghost &ghost = *w.me().ghost;
  ghost.stop = {StopKind::Fault, 0, 0, 0, 0, 0};
  ghost.ended = true;
  Context abandoned;
  w.task = leave_ghost;
  switch_context(abandoned, w.main);
}

#endif

}  // namespace emu
