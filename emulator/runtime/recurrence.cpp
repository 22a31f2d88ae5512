// Endless loops through barriers, warp operations and volatile stores. When the threads of a block meet again and the whole state of the
// block is what it was at an earlier meeting (every thread's stack with its saved registers, and the order in which they
// will run), and no memory was changed in between, then all that follows is a repetition: the block never ends. That is
// proof, not suspicion, so no kernel that ends is hit, however long it takes.
#include "order.h"

namespace emu {

constexpr uint64_t kFirstLook = 4096;  // meetings of a block: few kernels have so many
constexpr uint64_t kNextLook = 64;     // in blocks after one that was found to repeat itself

#ifdef EMU_UCONTEXT
void look_for_recurrence(Worker &w, unsigned) { w.next_look = ~0ull; }  // stack pointers are not at hand
void begin_recurrence() {}
#else

static struct Look {
  uint64_t first;
  bool on, watching;
  unsigned who;
  uint64_t block, until;       // until so many meetings; then from another state (Brent's algorithm)
  uint64_t since, period, rounds;  // meetings of `who` since then; how many until the threads are where they were; how often
  unsigned probe;              // a thread that tells at once that the state differs
  size_t probe_at, probe_bytes;
  Vector<char> state;
} look;

static void add(Vector<char> &into, const void *bytes, size_t size) { into.append((const char *)bytes, size); }

static Address lowest(const Thread &thread) {
  return thread.frame ? thread.frame : (Address)thread.fiber->context.stack_pointer;
}
static size_t stack_bytes(const Thread &thread) { return thread.fiber->stack + kStackBytes - lowest(thread); }

static void take_state(Worker &w, Vector<char> &into) {
  bool seek = &into == &look.state;
  into.clear();
  if (seek) look.probe = kMaxThreads;
  add(into, &w.current, sizeof w.current);
  for (unsigned t = 0; t < w.started; t++) {
    const Thread &thread = w.threads[t];
    if (thread.state == State::Done) continue;
    Address sp = lowest(thread);
    add(into, &t, sizeof t);
    add(into, &thread.state, sizeof thread.state);
    add(into, &thread.result, sizeof thread.result);
    add(into, &sp, sizeof sp);
    bool same_group = look.who >= kThreadMeets || t / kWarpLanes == look.who;
    if (seek && look.probe == kMaxThreads && same_group && t != w.current) {
      look.probe = t;
      look.probe_at = into.size();
      look.probe_bytes = stack_bytes(thread);
    }
    add(into, (const void *)sp, stack_bytes(thread));
  }
  for (unsigned i = 0; i < w.ready_count; i++) add(into, &w.ready[(w.ready_first + i) % kMaxThreads], sizeof *w.ready);
}

void report_recurrence(Worker &w) {
  Thread &thread = w.me();
  w.thread = thread.index;
  if (RawFinding *f = report_fatal(w, Kind::TimeLimit, thread.pc, 0)) f->detail = kRecurs;
  abort_launch(w);
}

static bool same_state(Worker &w) {
  static Vector<char> now;
  take_state(w, now);
  return now.size() == look.state.size() && !memcmp(now.begin(), look.state.begin(), now.size());
}

static void start_over(Worker &w) {
  check.stop_watch();
  look.on = look.watching = false;
  w.next_look = 2 * w.meetings;
}

static void take(Worker &w) { take_state(w, look.state); }

static void compare(Worker &w) {
  if (!same_state(w)) return;
  look.watching = true;
  look.period = look.since;
  look.since = look.rounds = 0;
  check.start_watch();
}

static void conclude(Worker &w) {
  constexpr uint64_t kRounds = 12;  // memory may need several rounds to be what it was
  check.settle(w);
  look.since = 0;
  if (!look.rounds++) {  // from here on: the watch itself has left traces in dead slots of the stacks
    take_state(w, look.state);
    check.stop_watch();
    check.start_watch();
    return;
  }
  if (!same_state(w) || look.rounds > kRounds) return start_over(w);
  if (check.memory_differs()) return;
  start_over(w);
  if (w.others) {  // they may change what it waits for
    look.first = w.next_look = kNextLook;
    w.meetings = 0;
    w.moved = false;
    w.set_aside = true;
    return;
  }
  report_recurrence(w);
}

static bool probe_differs(const Worker &w) {
  if (look.probe == kMaxThreads || look.probe == w.current) return false;
  const Thread &thread = w.threads[look.probe];
  return thread.state == State::Done || stack_bytes(thread) != look.probe_bytes ||
         memcmp((const void *)lowest(thread), look.state.begin() + look.probe_at, look.probe_bytes);
}

void begin_recurrence() {
  look.first = kFirstLook;
  look.on = look.watching = false;
}

using Task = void (*)(Worker &);

static __attribute__((noinline)) Task next_task(Worker &w, unsigned who) {
  if (w.meetings < look.first) {
    w.next_look = look.first;
    return nullptr;
  }
  if (look.on && look.block != w.block_number) look.on = look.watching = false;
  if (!look.on) {
    look.on = true;
    look.block = w.block_number;
    look.who = who;
    look.until = 2 * w.meetings;
    look.since = 0;
    w.next_look = 0;
    return take;
  }
  if (who != look.who) return nullptr;
  ++look.since;
  if (look.watching) return look.since == look.period ? conclude : nullptr;
  if (w.meetings > look.until) look.on = false;
  return look.on && !probe_differs(w) ? compare : nullptr;
}

EMU_COLD void look_for_recurrence(Worker &w, unsigned who) {
  w.task = next_task(w, who);
  // On the scheduler's stack, so that all threads' registers lie on their own; from one place, so that those are alike.
  if (w.task) switch_context(w.fiber->context, w.main);
}

#endif

}  // namespace emu
