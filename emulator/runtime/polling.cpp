// Threads that ask again and again for a value that another one may change, and lanes that count on going step by step.
#include "order.h"

namespace emu {

void yield_here(Worker &w) {
  if (!w.ready_count && w.started == w.launch->threads && w.done + 1 == w.launch->threads) return;
  w.me().state = State::Spinning;
  ++w.spinning;
  block_here(w);
}

static uint64_t value_at(Address address, unsigned size) {
  uint64_t value = 0;
  memcpy(&value, (const void *)address, size < sizeof value ? size : sizeof value);
  return value;
}

// Is this the same question as one of the last few?
bool polls_again(Worker &w, Address address, unsigned size, Address pc) {
  Thread &thread = w.me();
  thread.last_pc = pc;
  for (unsigned i = 0; i < thread.poll_count; i++)
    if (thread.polls[i].address == address && thread.polls[i].pc == pc) {
      ++thread.repeats;
      return true;
    }
  unsigned slot = thread.poll_count < kPolls ? thread.poll_count++ : thread.next_poll++ % kPolls;
  thread.polls[slot] = {address, pc, 0, size, false};
  thread.repeats = 0;
  w.has_moved();
  return false;
}

// Takes the values that a polling thread finds; true if one has changed.
static bool polls_differ(Worker &w, Thread &thread) {
  bool differ = false;
  for (unsigned i = 0; i < thread.poll_count; i++) {
    Poll &poll = thread.polls[i];
    uint64_t value = value_at(poll.address, poll.size);
    differ |= poll.known && value != poll.value;
    poll.value = value;
    poll.known = true;
  }
  thread.switches = w.switches;
  return differ;
}

// Every thread of the block that could run has asked often enough for what no one changed.
static bool waits_for_another_block(const Worker &w) {
  constexpr unsigned kOften = 256;
  return w.others && w.started == w.launch->threads &&
         w.quiet > (int64_t)kOften * (1 + w.spinning + w.ready_count + w.in_lockstep);
}

// A thread that asks again and again for the same variables waits for another thread. Where all threads of the block do so
// and no value changes, another block must answer, and where there is none, no one ever will: that ends the launch long
// before its limit does.
void yield_polling(Worker &w, unsigned polls) {
  constexpr int64_t kHopeless = 16 << 20;  // polls, a second's worth
  Thread &thread = w.me();
  bool alone = thread.switches == w.switches;
  w.polls += polls;
  if (polls_differ(w, thread)) {
    w.has_moved();
    if (alone) return;  // it changes them itself: that is work
  } else {
    w.quiet += polls;
  }
  if (!w.others && w.quiet > kHopeless) {
    if (RawFinding *f = report_fatal(w, Kind::TimeLimit, thread.last_pc, 0)) f->detail = kNobodyAnswers;
    abort_launch(w);
  }
  if (waits_for_another_block(w)) {
    thread.state = State::Spinning;
    ++w.spinning;
    w.set_aside = true;
    switch_context(w.fiber->context, w.main);
  } else {
    yield_here(w);
  }
  polls_differ(w, thread);
}

// Warp-synchronous code without __syncwarp counts on lanes going step by step. A thread waits before each volatile
// write, and before a volatile read that follows its own volatile write, until no thread can run; then all go on.
void lockstep(Worker &w, bool writes, Address address, unsigned size, Address pc) {
  Thread &thread = w.me();
  bool wrote = thread.wrote_volatile;
  thread.wrote_volatile = writes;
  if (writes) {
    w.has_moved();
    thread.poll_count = 0;
    thread.last_pc = pc;
    if (w.launch->checked) {
      thread.pc = pc;
      note_meeting(w, kThreadMeets + w.current);
    }
  } else if (polls_again(w, address, size, pc)) {
    check.work(w, pc);
    yield_polling(w, 1);
    return;
  }
  if (!writes && !wrote) return;
  thread.state = State::Lockstep;
  ++w.in_lockstep;
  block_here(w);
}

}  // namespace emu
