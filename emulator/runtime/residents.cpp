// Blocks that wait for each other. Blocks run one after another; one whose threads all wait for what nobody in it changes
// is set aside, and others take their turns, as many as a device holds at once. So a barrier of the whole grid works
// where it works on a device: when all blocks are resident.
#include "order.h"

namespace emu {

struct Resident {
  Progress progress;
  Vector<Thread> threads;
  Vector<Warp> warps;
  Vector<char> shared, dynamic;
  CheckedBlock checked;
};
static Vector<Resident *> waiting, idle;

// How many blocks of a launch an A30 holds at once: per multiprocessor 2048 threads, 32 blocks, and 164 KiB of shared
// memory, of which each block takes 1 KiB for itself (CUDA C++ Programming Guide, "Technical Specifications").
static size_t most_residents(const Worker &w) {
  constexpr size_t kMultiprocessors = 56, kThreads = 2048, kBlocks = 32, kSharedBytes = 164 << 10, kReserved = 1 << 10;
  size_t warps = (w.launch->threads + kWarpLanes - 1) / kWarpLanes;
  size_t by_threads = kThreads / (warps * kWarpLanes);
  size_t by_memory = kSharedBytes / (w.shared_bytes + w.launch->dynamic_bytes + kReserved);
  size_t most = by_threads < kBlocks ? by_threads : kBlocks;
  return kMultiprocessors * (most < by_memory ? most : by_memory);
}

template <class T>
static void copy(Vector<T> &into, const T *from, size_t count) {
  into.clear();
  into.append(from, count);
}

static void put_aside(Worker &w, Resident &r) {
  if (w.launch->checked) check.set_aside(w, r.checked);
  r.progress = w;
  copy(r.threads, w.threads, w.launch->threads);  // their copies on the way, too
  copy(r.warps, w.warps, (w.launch->threads + kWarpLanes - 1) / kWarpLanes);
  copy(r.shared, w.shared, w.shared_bytes);
  copy(r.dynamic, w.dynamic, w.launch->dynamic_bytes);
}

static void take_up(Worker &w, Resident &r) {
  static_cast<Progress &>(w) = r.progress;
  memcpy((void *)w.threads, (const void *)r.threads.begin(), r.threads.size() * sizeof(Thread));
  memcpy((void *)w.warps, (const void *)r.warps.begin(), r.warps.size() * sizeof(Warp));
  if (w.shared_bytes) memcpy(w.shared, r.shared.begin(), r.shared.size());
  if (w.launch->dynamic_bytes) memcpy(w.dynamic, r.dynamic.begin(), r.dynamic.size());
  place_block(w);
  if (w.launch->checked) check.take_up(w, r.checked);
  w.quiet = 0;
  w.moved = false;
}

static void add_resident(Worker &w) {
  if (idle.empty()) {
    void *memory = calloc(1, sizeof(Resident));
    if (!memory) out_of_host_memory(sizeof(Resident));
    idle.push((Resident *)memory);  // all zeros are empty vectors
  }
  Resident *r = idle.back();
  idle.pop();
  put_aside(w, *r);
  waiting.push(r);
}

[[noreturn]] static void nobody_answers(Worker &w, uint64_t not_started, size_t most) {
  take_up(w, *waiting[0]);
  Thread &thread = w.me();
  if (w.interrupted) report_recurrence(w);
  w.thread = thread.index;
  if (RawFinding *f = report_fatal(w, Kind::TimeLimit, thread.last_pc, 0)) {
    f->detail = not_started ? kNotResident : kNobodyAnswers;
    f->size = most;
    f->allocation_size = w.launch->blocks;
  }
  abort_launch(w);
}

// Continues a launch whose block before `next` was set aside, until no block waits. Returns the next block to start.
uint64_t run_together(Worker &w, uint64_t next, uint64_t last) {
  constexpr size_t kPatience = 2048;  // turns in which nothing but polling is seen, of all blocks
  const size_t most = most_residents(w);
  size_t idle_turns = 0;
  for (Resident *left : waiting) idle.push(left);  // by an aborted launch
  waiting.clear();
  add_resident(w);
  while (!waiting.empty()) {
    for (; waiting.size() < most && next < last; next++) {
      w.others = true;
      if (!run_block(w, next)) add_resident(w);
      idle_turns = 0;
    }
    for (size_t i = 0; i < waiting.size();) {
      take_up(w, *waiting[i]);
      w.others = waiting.size() > 1 || next < last;
      bool ended = go_on(w);
      idle_turns = ended || w.moved ? 0 : idle_turns + 1;
      if (ended) {
        idle.push(waiting[i]);
        waiting.erase(i);
      } else {
        put_aside(w, *waiting[i++]);
      }
    }
    if (idle_turns > kPatience && idle_turns > 16 * waiting.size()) nobody_answers(w, last - next, most);
  }
  return next;
}

}  // namespace emu
