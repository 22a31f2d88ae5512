// Cost counters of a profiled launch: what a profiler would count, derived from the accesses of each lane.
//
// Lanes run one after another, so a warp's instruction is put together afterwards: the n-th access of each lane at one
// place, counted since the warp last stood together (block barrier, full __syncwarp, start), belongs to one request.
#pragma once
#include "containers.h"

namespace emu {

struct Worker;

// Per place (return address); emulator/runtime/report.py has the same fields.
struct PlaceCounters {
  uint64_t pc;
  uint64_t global_requests, global_sectors, global_bytes, global_ideal_sectors;
  uint64_t shared_requests, shared_wavefronts, shared_ideal_wavefronts;
  uint64_t atomic_requests, atomic_operations, atomic_conflicts;
  uint64_t barriers;
  uint64_t active_lanes, idle_lanes;
  uint64_t busiest_thread;  // accesses to global memory of the thread of a block that makes most
};

class Counters {
 public:
  void begin();
  void access(Worker &w, uintptr_t address, unsigned size, bool atomic, bool shared, uintptr_t pc);
  void barrier(Worker &w, uintptr_t pc);
  void flush_warp(Worker &w, unsigned warp);
  void flush_block(Worker &w);
  void end_block(Worker &w);
  void finish(Vector<PlaceCounters> &into);
  bool on = false;

 private:
  struct Request {  // one instruction of one warp
    uintptr_t pc;
    uintptr_t address[32];
    unsigned lanes;
    uint8_t size;
    bool atomic, shared;
  };
  PlaceCounters &place(uintptr_t pc);
  void count(Worker &w, unsigned warp, const Request &request);
  void count_global(PlaceCounters &p, const Request &request);
  static unsigned atomic_sectors(const Request &request);
  static bool halves_merge(const Request &request, unsigned first, unsigned lanes);
  void count_shared(PlaceCounters &p, const Request &request);
  void count_atomic(PlaceCounters &p, const Request &request);
  Vector<Request> requests_[32];              // of each warp, in the order of their first lane
  HashMap<uint32_t> request_of_[32];          // (place, occurrence) -> index in requests_ plus one
  HashMap<uint32_t> occurrences_[1024];       // of each thread: place -> how often so far
  HashMap<uint32_t> of_thread_[1024];         // of each thread: place -> its accesses to global memory in this block
  HashMap<PlaceCounters> places_;
};

}  // namespace emu
