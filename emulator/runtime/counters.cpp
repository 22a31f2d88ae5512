#include "counters.h"

#include "runtime.h"

namespace emu {

constexpr unsigned kSectorBytes = 32;  // the unit of DRAM and L2 traffic, as Nsight Compute counts it
constexpr unsigned kBanks = 32;        // of shared memory, four bytes wide

void Counters::begin() {
  places_.clear();
  for (auto &requests : requests_) requests.clear();  // an aborted launch has left some
  for (auto &known : request_of_) known.clear();
  for (auto &counts : occurrences_) counts.clear();
  for (auto &counts : of_thread_) counts.clear();
  on = true;
}

PlaceCounters &Counters::place(uintptr_t pc) {
  PlaceCounters &p = places_[pc];
  p.pc = pc;
  return p;
}

void Counters::access(Worker &w, uintptr_t address, unsigned size, bool atomic, bool shared, uintptr_t pc) {
  unsigned warp = w.current / kWarpLanes, lane = w.current % kWarpLanes;
  uint32_t n = occurrences_[w.current][pc]++;
  if (!shared) {
    PlaceCounters &p = place(pc);
    uint32_t made = ++of_thread_[w.current][pc];
    if (made > p.busiest_thread) p.busiest_thread = made;
  }
  uint32_t &slot = request_of_[warp][(uint64_t)pc * 0x9E3779B97F4A7C15ull + n];
  if (!slot) {
    Request fresh{};
    fresh.pc = pc;
    fresh.size = (uint8_t)size;
    fresh.atomic = atomic;
    fresh.shared = shared;
    requests_[warp].push(fresh);
    slot = (uint32_t)requests_[warp].size();
  }
  Request &request = requests_[warp][slot - 1];
  request.address[lane] = address;
  request.lanes |= 1u << lane;
}

void Counters::barrier(Worker &w, uintptr_t pc) {
  if (on && w.current % kWarpLanes == 0) place(pc).barriers++;  // a barrier is an instruction of a warp
}

void Counters::flush_warp(Worker &w, unsigned warp) {
  if (!on) return;
  for (const Request &request : requests_[warp]) count(w, warp, request);
  requests_[warp].clear();
  request_of_[warp].clear();
  for (unsigned l = 0; l < kWarpLanes; l++) occurrences_[warp * kWarpLanes + l].clear();
}

void Counters::flush_block(Worker &w) {
  if (!on) return;
  for (unsigned i = 0; i * kWarpLanes < w.launch->threads; i++) flush_warp(w, i);
}

void Counters::end_block(Worker &w) {
  flush_block(w);
  for (unsigned i = 0; i < w.launch->threads; i++) of_thread_[i].clear();
}

void Counters::count(Worker &w, unsigned warp, const Request &request) {
  PlaceCounters &p = place(request.pc);
  unsigned active = (unsigned)__builtin_popcount(request.lanes);
  p.active_lanes += active;
  p.idle_lanes += (unsigned)__builtin_popcount(w.warps[warp].exists) - active;
  if (request.atomic) count_atomic(p, request);
  if (request.shared) count_shared(p, request);
  else count_global(p, request);
}

// Puts `value` into a sorted set; false if it was there.
static bool add(uintptr_t *set, unsigned &count, uintptr_t value) {
  unsigned i = count;
  while (i && set[i - 1] > value) --i;
  if (i && set[i - 1] == value) return false;
  memmove(set + i + 1, set + i, (count - i) * sizeof *set);
  set[i] = value;
  ++count;
  return true;
}

// A sector is sent once for each lane that changes its most wanted element.
unsigned Counters::atomic_sectors(const Request &request) {
  unsigned sum = 0;
  for (unsigned left = request.lanes; left;) {
    uintptr_t sector = request.address[__builtin_ctz(left)] / kSectorBytes;
    unsigned inside = 0, worst = 0;
    for (unsigned m = left; m; m &= m - 1)
      if (request.address[__builtin_ctz(m)] / kSectorBytes == sector) inside |= m & -m;
    left &= ~inside;
    for (unsigned m = inside; m; m &= m - 1) {
      unsigned same = 0;
      for (unsigned q = inside; q; q &= q - 1) same += request.address[__builtin_ctz(q)] == request.address[__builtin_ctz(m)];
      if (same > worst) worst = same;
    }
    sum += worst;
  }
  return sum;
}

void Counters::count_global(PlaceCounters &p, const Request &request) {
  uintptr_t sectors[2 * kWarpLanes], addresses[kWarpLanes];
  unsigned sector_count = 0, distinct = 0;
  for (unsigned m = request.lanes; m; m &= m - 1) {
    uintptr_t address = request.address[__builtin_ctz(m)];
    add(addresses, distinct, address);
    add(sectors, sector_count, address / kSectorBytes);
    add(sectors, sector_count, (address + request.size - 1) / kSectorBytes);
  }
  p.global_requests++;
  p.global_sectors += request.atomic ? atomic_sectors(request) : sector_count;
  p.global_bytes += (uint64_t)distinct * request.size;
  p.global_ideal_sectors += ((uint64_t)distinct * request.size + kSectorBytes - 1) / kSectorBytes;
}

// Two halves of a vector access are served as one where each lane agrees with its neighbour, or with the next but one.
// (Found by measuring an H100; NVIDIA documents no rule.)
bool Counters::halves_merge(const Request &request, unsigned first, unsigned lanes) {
  for (unsigned distance = 1; distance <= 2; distance++) {
    bool agree = true;
    for (unsigned lane = first; lane < first + lanes; lane++) {
      bool both = request.lanes >> lane & request.lanes >> (lane ^ distance) & 1;
      agree = agree && (!both || request.address[lane] == request.address[lane ^ distance]);
    }
    if (agree) return true;
  }
  return false;
}

// In a pass each bank gives one word, to as many lanes as want it; an atomic is one lane's. Lanes that ask for eight bytes
// are served half a warp after the other, for sixteen a quarter.
void Counters::count_shared(PlaceCounters &p, const Request &request) {
  unsigned words = request.size > 4 ? request.size / 4 : 1, part = kWarpLanes / words, group = part;
  p.shared_requests++;
  for (unsigned first = 0; first < kWarpLanes; first += group) {
    bool whole = words == 1 || first % (2 * part);  // nothing to merge, or already looked at
    group = !whole && halves_merge(request, first, 2 * part) ? 2 * part : part;
    uintptr_t bank[kBanks][kWarpLanes + 1];
    unsigned count[kBanks] = {}, lanes[kBanks] = {}, worst = 0, distinct = 0;
    for (unsigned lane = first; lane < first + group; lane++) {
      if (!(request.lanes >> lane & 1)) continue;
      for (unsigned i = 0; i < words; i++) {
        uintptr_t word = request.address[lane] / 4 + i;
        unsigned b = word % kBanks;
        distinct += add(bank[b], count[b], word);
        unsigned passes = request.atomic ? ++lanes[b] : count[b];
        if (passes > worst) worst = passes;
      }
    }
    p.shared_wavefronts += worst;
    p.shared_ideal_wavefronts += (distinct + kBanks - 1) / kBanks;
  }
}

void Counters::count_atomic(PlaceCounters &p, const Request &request) {
  uintptr_t addresses[kWarpLanes];
  unsigned distinct = 0, active = (unsigned)__builtin_popcount(request.lanes);
  for (unsigned m = request.lanes; m; m &= m - 1) add(addresses, distinct, request.address[__builtin_ctz(m)]);
  p.atomic_requests++;
  p.atomic_operations += active;
  p.atomic_conflicts += active - distinct;
}

void Counters::finish(Vector<PlaceCounters> &into) {
  into.clear();
  places_.each([&](uint64_t, PlaceCounters &p) { into.push(p); });
  for (size_t i = 1; i < into.size(); i++)  // by place, so that runs compare
    for (size_t k = i; k && into[k - 1].pc > into[k].pc; k--) {
      PlaceCounters swap = into[k];
      into[k] = into[k - 1];
      into[k - 1] = swap;
    }
  on = false;
}

}  // namespace emu
