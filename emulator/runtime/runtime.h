// The state of the emulated device: who runs (Worker), what memory there is (Region), what was seen (RawFinding).
#pragma once
#include <setjmp.h>
#include <stdarg.h>

#include "containers.h"
#include "emulator/abi.h"
#include "fiber.h"

#define EMU_API extern "C" __attribute__((visibility("default")))
#define EMU_LIKELY(x) __builtin_expect(!!(x), 1)
#define EMU_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define EMU_COLD __attribute__((noinline, cold))
#define EMU_CALLER ((Address)__builtin_return_address(0))

namespace emu {

using Address = uintptr_t;

constexpr unsigned kWarpLanes = 32;
constexpr unsigned kMaxThreads = 1024;  // of a block, on every device of the last ten years
constexpr unsigned kMaxWarps = kMaxThreads / kWarpLanes;

struct Index3 {
  unsigned x, y, z;
};
inline Index3 unflatten(uint64_t i, const Index3 &dim) {
  return {(unsigned)(i % dim.x), (unsigned)(i / dim.x % dim.y), (unsigned)(i / dim.x / dim.y)};
}

// ---- findings. The numbers are those of emulator/runtime/report.py.
enum class Kind : int {
  OutOfBounds, UseAfterFree, NullPointer, HostPointer, LocalPointer, UnwrittenRead, Race, MissingSyncwarp,
  BarrierDivergence, WarpDivergence, Misaligned, ConstantWrite, IndexOutOfRange, SharedTooSmall, DivisionByZero,
  StackOverflow, TimeLimit, Assert, Trap
};
enum Endless : int64_t { kTooLong, kNobodyAnswers, kNotResident, kGoesRound, kRecurs };  // RawFinding::detail of TimeLimit
enum class Access : int { Read, Write, Atomic };
enum class Space : int { Global, Shared, Dynamic, Variable, Local, Unknown };

struct RawFinding {
  int kind, access, space, fatal;
  int line, other_line;        // of barriers and warp operations
  int has_other, other_access;
  uint64_t address, size;
  uint64_t pc, other_pc;
  uint64_t allocation, allocation_size;
  Index3 block, thread, other_block, other_thread;
  int64_t detail;              // meaning depends on the kind
  int64_t explained;           // by another finding: not reported
  int64_t count;
  char text[192];
};

// ---- one launch, as asked for
struct Launch {
  const emu_image *image;
  void (*run)(void **);
  void **arguments;
  Address arguments_begin, arguments_end;
  Index3 grid, block;
  uint64_t blocks;
  unsigned threads;
  size_t dynamic_bytes;
  size_t heap_bytes;  // for malloc in kernels
  bool checked, profile;
};

// ---- one CUDA thread
enum class State : uint8_t { Ready, Running, Barrier, Warp, Lockstep, Spinning, Done };

struct Ghost;      // trial.cpp
struct AsyncCopy;  // copies.cpp

// Where a thread asks for a value that another one may change, and what it found there.
struct Poll {
  Address address, pc;
  uint64_t value;
  unsigned size;
  bool known;
};
constexpr unsigned kPolls = 4;  // a loop that waits asks for no more

// The first line of the cache is what a start or a barrier touches.
struct alignas(64) Thread {
  Fiber *fiber;
  Address pc;
  Address frame;                  // where the state of the kernel's own code begins on the stack; 0: not known
  Ghost *ghost;                   // that runs with another value than this thread got
  emu_local *locals;              // the innermost first
  AsyncCopy *copies;              // on their way (copies.cpp), the oldest first
  size_t batch;                   // of the copies that are not committed yet
  Index3 index;
  int line;
  uint32_t stamp;                 // of its last synchronisation (order.h); older than the block's epoch: that counts
  State state;
  bool wrote_volatile;
  bool has_yielded;               // since it began to work alone (Checker::refuel)
  uint8_t poll_count;             // how many of `polls` there are
  int operation, argument, width;
  unsigned mask;
  uint64_t value, result;
  Address last_pc;                // of the last volatile or atomic access
  uint32_t repeats;               // of the last few such accesses: a repetition is a spinning thread
  unsigned next_poll;             // to be replaced when `polls` is full
  uint64_t switches;              // Worker::switches when the values of `polls` were taken
  Poll polls[kPolls];
};

struct Warp {
  unsigned exists, done, waiting;
  uint32_t synced;                // stamp of the last synchronisation of the whole warp
  bool partial;                   // known[][] holds something later than `synced`
  uint32_t known[kWarpLanes][kWarpLanes];
};

// How far a block has come, beside its threads, warps and shared memory.
struct Progress {
  Index3 block{};
  uint64_t block_number = 0;
  unsigned current = 0, started = 0, done = 0, at_barrier = 0, in_lockstep = 0, spinning = 0;
  unsigned barrier_phase = 0;
  int barrier_result[2]{}, barrier_line = 0;
  bool barrier_mixed = false;     // threads wait at different lines
  uint16_t ready[kMaxThreads]{};  // a ring: no thread is in it twice
  unsigned ready_first = 0, ready_count = 0;
  int64_t quiet = 0;              // polls since anything but polling was seen in the block
  bool moved = false;             // anything but polling was seen since the block was taken up
  bool interrupted = false;       // set aside while `current` was running
  uint64_t meetings = 0, next_look = 0;  // at barriers and in warp operations (recurrence.cpp)
};

// ---- one block at work, on one OS thread
struct Worker : Progress {
  Worker();
  const Launch *launch = nullptr;
  Index3 thread{};
  char *shared = nullptr, *dynamic = nullptr;
  size_t shared_bytes = 0;
  Context main{};
  Fiber *fiber = nullptr;
  FiberPool fibers;
  Thread threads[kMaxThreads]{};
  Warp warps[kMaxWarps]{};
  uint64_t switches = 0;          // between threads
  int64_t polls = 0;              // in all
  bool others = false;            // blocks that have not ended: what this one waits for may come from them
  bool set_aside = false;         // the block waits for another one
  void (*task)(Worker &) = nullptr;  // to be done while no thread runs
  Vector<RawFinding> findings;
  Vector<char> output;
  long long clock = 0;
  sigjmp_buf escape;

  Thread &me() { return threads[current]; }
  void has_moved() {
    quiet = 0;
    moved = true;
  }
  void make_ready(unsigned t) {
    threads[t].state = State::Ready;
    ready[(ready_first + ready_count++) % kMaxThreads] = (uint16_t)t;
  }
};
extern __thread Worker *self;  // null outside a launch
Worker &this_worker();         // made on the OS thread's first use

// ---- scheduler.cpp
bool run_block(Worker &w, uint64_t number);  // false: it was set aside, and waits for another block
bool go_on(Worker &w);                       // with the block that was taken up
void place_block(Worker &w);
void block_here(Worker &w);  // the current thread waits: run others

// ---- polling.cpp
void yield_here(Worker &w);
bool polls_again(Worker &w, Address address, unsigned size, Address pc);
void yield_polling(Worker &w, unsigned polls);
void lockstep(Worker &w, bool writes, Address address, unsigned size, Address pc);

// ---- residents.cpp
uint64_t run_together(Worker &w, uint64_t next, uint64_t last);

// ---- copies.cpp
void drop_copies(Thread &thread);

// ---- recurrence.cpp
// Who has met: the whole block, a warp (its number), or a thread that let others run.
constexpr unsigned kWholeBlock = ~0u, kThreadMeets = 1u << 16;
void look_for_recurrence(Worker &w, unsigned who);
inline void note_meeting(Worker &w, unsigned who) {
  if (EMU_UNLIKELY(++w.meetings >= w.next_look)) look_for_recurrence(w, who);
}
void begin_recurrence();
// At the start of a function that the kernel calls: all registers that the kernel's code may hold values in are saved
// first of all, so that the stack from here on is the thread's state, without what the runtime leaves below.
#if defined(__x86_64__)
#define EMU_SAVE_STATE(thread)                             \
  asm volatile("" ::: "rbx", "r12", "r13", "r14", "r15"); \
  (thread).frame = (Address)__builtin_frame_address(0) - 5 * sizeof(Address)
#else
#define EMU_SAVE_STATE(thread) (thread).frame = 0
#endif
[[noreturn]] void report_recurrence(Worker &w);

// ---- findings.cpp
RawFinding *report(Worker &w, Kind kind, Address pc, Address other_pc, int line, int other_line);
RawFinding *report_fatal(Worker &w, Kind kind, Address pc, int line);
[[noreturn]] void abort_launch(Worker &w);
void set_text(RawFinding &finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- memory.cpp
struct Allocation {
  Address address;
  size_t size;
  bool live;
  bool of_kernel;  // made by malloc in a kernel
};
bool start_memory(size_t bytes, bool checked);
bool nearest_allocation(Address address, Allocation &found);
Address kernel_malloc(size_t bytes, size_t heap_bytes);  // 0: no memory
bool kernel_free(Address address);    // false: not from there
bool is_host_range(Address address, size_t size);
bool in_margin(Address address);  // in the arena or so near that a wrong index must have led there

}  // namespace emu
