// Which accesses are ordered: the happens-before relation of one checked launch.
//
// Checked blocks run one after another on one OS thread, so a single counter (`now`, the stamp) orders everything that
// was executed; what matters is which of it would be ordered on a device as well:
//   - the same thread, and everything before the launch;
//   - threads of a block across __syncthreads(): stamps below the block's current epoch;
//   - lanes of a warp across __syncwarp(): stamps below Warp::synced, or Warp::known[lane][other] for partial masks.
//     Shuffles and votes do not order memory (CUDA C++ Programming Guide, "Warp Shuffle Functions");
//   - a release (fence, then an atomic or volatile write) and the acquire that reads it (an atomic or volatile access of
//     the same variable). The fence is cumulative: it covers what the fencing thread knew. An acquire needs no fence here,
//     as in NVIDIA's own threadFenceReduction sample.
// Each access leaves a Record in the shadow of the memory it touched; a conflicting Record that is not ordered is a race.
#pragma once
#include "counters.h"
#include "runtime.h"

namespace emu {

// stamp:28 | thread:10 | flavour:2 | place:24, so that records compare by stamp.
using Record = uint64_t;
constexpr int kFlavourShift = 24, kThreadShift = 26, kStampShift = 36;
constexpr Record kPlaceMask = (1u << 24) - 1;     // return address relative to the image
constexpr uint32_t kLastStamp = (1u << 28) - 2;
enum Flavour : unsigned { kPlain = 0, kVolatile = 1, kAtomic = 2, kAtomicShared = 3 };  // Shared: by several threads of an epoch
constexpr Record kSecondReader = 2ull << kFlavourShift;  // in a reader's record: Region::second holds another one

inline uint32_t stamp_of(Record r) { return (uint32_t)(r >> kStampShift); }
inline unsigned thread_of(Record r) { return (unsigned)(r >> kThreadShift) & (kMaxThreads - 1); }
inline Flavour flavour_of(Record r) { return (Flavour)(r >> kFlavourShift & 3); }
inline Record floor_of(uint32_t stamp) { return (Record)stamp << kStampShift; }
inline bool same_segment(Record a, Record b) { return !((a ^ b) >> kThreadShift); }

// Shadow of four bytes: the last write and the last read. A read by another warp or block is kept in Region::second.
struct Cell {
  Record write, read;
};
// State of four bytes: bits 0-3 written, bits 4-6 how many of them (from the first) exist, bit 7: bytes have their own cells.
// In place of their number, 5: constant memory, of which the bytes 0-3 exist.
constexpr uint8_t kAll = 0x4F, kFresh = 0x40, kSplit = 0x80, kConstant = 0x50;
inline bool is_constant(uint8_t state) { return (state & 0x70) == kConstant; }
inline bool exists(uint8_t state, size_t byte) {
  return is_constant(state) ? state >> byte & 1 : byte < (state >> 4 & 7u);
}

struct Region {
  Address base = 0;
  size_t size = 0;
  uint8_t *state = nullptr;
  Cell *cells = nullptr;
  Record *second = nullptr;
  Cell **bytes = nullptr;  // for each kCellsOfPage cells: four times as many, one a byte, made when first needed
  Space space = Space::Global;
};
constexpr size_t kCellsOfPage = 1024;
bool make_shadow(Region &region);
void free_byte_cells(Cell *page);
void set_state(Region &region, size_t offset, size_t bytes, uint8_t full);

// What a releasing thread published: what it and, below `epoch`, its whole block had done.
struct Fence {
  uint32_t stamp, epoch, synced;  // synced: the last __syncwarp() of the thread's whole warp
  uint16_t thread;
  bool device;  // __threadfence() or wider, not __threadfence_block()
};
struct Acquired {  // the first `length` releases of a variable
  uint32_t variable, length;
};
struct Release {
  uint32_t stamp, epoch, synced;
  uint64_t block;
  uint16_t thread;
  uint32_t acquired_first, acquired_count;  // what the releasing thread itself had acquired: Checker::passed_on[...]
  uint32_t fences;                          // that there were
};
struct BlockRun {  // a block at work, until it ends or is set aside
  uint32_t stamp;
  uint64_t block;
  uint32_t first_fence;  // in Checker::fences
};
// What a block set aside takes along of the checker.
struct CheckedBlock {
  struct Shadow {
    Vector<uint8_t> state;
    Vector<Cell> cells;
    Vector<Record> second;
    Vector<Cell *> bytes;
  } statics, dynamic;
  Record epoch_floor;
  bool has_fenced, acquired_any;
  Vector<Acquired> block_acquired, thread_acquired[kMaxThreads];
};

struct Checker {
  // hot: read at each access
  int64_t fuel = 0;  // accesses until refuel() must look at something; 0 when it must at each
  Record me = 0;
  Record launch_floor = 0, block_floor = 0, epoch_floor = 0;
  Address stack = 0, image = 0;
  Region statics, dynamic, variables;
  emu_local *locals = nullptr;  // of the current thread
  bool on = false, profile = false;

  void enter_thread(unsigned t, uint32_t stamp, Address stack_low, emu_local *thread_locals) {
    Record segment = (Record)stamp << kStampShift;
    me = (segment > epoch_floor ? segment : epoch_floor) | (Record)t << kThreadShift;
    stack = stack_low;
    locals = thread_locals;
    alone = 0;
  }
  void begin_launch(Worker &w);
  void end_launch(Worker &w);
  void begin_block(Worker &w);
  void end_block(Worker &w);
  void set_aside(Worker &w, CheckedBlock &into);
  void take_up(Worker &w, CheckedBlock &from);
  void new_epoch(Worker &w);
  void new_segment(Worker &w, unsigned t);
  void sync_warp(Worker &w, unsigned warp, unsigned mask);
  void fence(Worker &w, bool device);
  void release(Worker &w, Address variable);
  void acquire(Worker &w, Address variable);
  bool ordered(Worker &w, Record r);
  bool block_has_fenced() const { return has_fenced_; }
  bool in_this_block(Record r) const {  // of this launch
    return r >= block_floor || (interleaved_ && block_of(r) == runs_.back().block);
  }
  uint64_t block_of(Record r) const;

  // Work is counted in accesses, so that the limit strikes at the same place on every machine.
  void work(Worker &w, Address pc) {
    constexpr int kAccesses = 4;  // a barrier or a yield takes about as long as so many accesses
    if (on && (fuel -= kAccesses) < 0) refuel(w, pc);
  }
  void refuel(Worker &w, Address pc);
  void vouch(Record place);  // of a plain read that a compare-and-swap makes good
  bool vouched(Record place) const;
  void settle(Worker &w);  // a write/write conflict waits until the value written is seen

  // What memory held before it was written, while the recurrence of a block's state is looked into.
  struct Watch {
    struct Word {
      uint32_t value;
      bool known;
    };
    bool on, changed;
    HashMap<Word> words;
  } watch{};
  void watch_write(Address address, unsigned size);
  void start_watch();
  void stop_watch();
  bool memory_differs();

  Counters counters;
  uint32_t now = 1;
  int64_t slices_left = 0, slice = 0;
  int64_t alone = 0;      // slices that the current thread has used up, no other thread having run
  int64_t suspicious = 0;  // so many are
  bool tracing = false;
  void begin_trial();
  void end_trial();
  int64_t held_by_trial = 0;
  int64_t polls_seen = 0, held_by_watch = 0;
  [[noreturn]] void stop_endless(Worker &w, Address pc, Endless why);
  void trace(Worker &w, Address address, Address pc);
  int64_t held = 0;  // fuel put aside while every access must be looked at
  struct Pending {
    bool on;
    Address address;
    unsigned size;
    uint8_t before[16];
    RawFinding finding;
  } pending{};

 private:
  void forget_acquired();
  bool knows(Worker &w, Record r);
  bool adds_nothing(const Release &last, const Release &next, uint32_t variable) const;
  bool covered_by_run(size_t run, const Release &release, Record r, bool to_this_block);
  bool covered(const Release &release, Record r, uint64_t block);
  bool knows_through(const Acquired *list, size_t count, Record r, uint64_t block, int depth);
  void merge(Vector<Acquired> &into, const Acquired *list, size_t count);
  Vector<BlockRun> runs_;
  Vector<Fence> fences_;
  Vector<Acquired> passed_on_;
  Vector<Record> vouched_;
  struct Log {
    Vector<Release> releases;
  };
  HashMap<uint32_t> variables_;  // address -> index in logs_ plus one
  Vector<Log *> logs_;
  uint32_t logs_used_ = 0;
  bool acquired_any_ = false;
  bool has_fenced_ = false;    // the block at work
  bool interleaved_ = false;   // blocks have been set aside
  Vector<uint64_t> trace_;
  Vector<Acquired> block_acquired_;
  Vector<Acquired> thread_acquired_[kMaxThreads];
};

extern Checker check;
extern Region arena;

// ---- warp.cpp
void warp_lane_left(Worker &w, unsigned warp);

struct Touch {
  Access access;
  Flavour flavour;
};

// ---- work.cpp
bool out_of_fuel(Address address, unsigned size, Touch touch, Address pc);

}  // namespace emu
