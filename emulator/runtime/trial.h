// A thread that got an undefined value goes on twice, with two values, to see whether it is used (trial.cpp).
#pragma once
#include "runtime.h"

namespace emu {

enum class Phase : uint8_t { None, Ghost, Real };
enum class StopKind : int { Warp, Barrier, Yield, Lockstep, End, Fault, Lost };
struct Stop {
  StopKind kind;
  int operation;
  unsigned mask;
  int argument;
  uint64_t value;
  Address pc;
};
// Where an undefined value came from.
struct Undefined {
  Address pc;
  int line;
  unsigned lane, source;
  unsigned mask, exists, done;
  Index3 thread;
};
struct Trial {
  Phase phase;
  bool in_range;  // a copy of many bytes is checked part by part: it has been noted as a whole
  uint64_t result;  // of the operation, for the ghost
  size_t accesses;
};
extern Trial trial;

void forget_ghosts();
void fork_ghost(Thread &thread, uint64_t other_result, const Undefined &origin);
void resume_with_ghost(Worker &w);
void ghost_result(Thread &thread, uint64_t result);
void set_origin(Thread &thread, const Undefined &origin);
void report_use(Worker &w, Thread &thread);  // and drops the ghost
uint64_t ghost_value(const Thread &thread);
const Undefined &origin_of(const Thread &thread);
bool trial_stops(Worker &w, const Stop &stop);
void trial_access(Worker &w, Address address, size_t size, bool writes, Address pc);
void ghost_faults(Worker &w);
void report_undefined(Worker &w, const Undefined &origin);  // warp.cpp

}  // namespace emu
