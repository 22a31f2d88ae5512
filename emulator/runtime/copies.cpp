// Memory that a kernel asks for itself, and copies that go on while it works.
#include "shadow.h"
#include "trial.h"

using namespace emu;

namespace emu {

// On its way until its thread waits for it: then the bytes move. Until then, they are not there.
struct AsyncCopy {
  AsyncCopy *next;
  Address to, from, pc;
  size_t size, zeros, batch;
};

void drop_copies(Thread &thread) {
  while (AsyncCopy *copy = thread.copies) {
    thread.copies = copy->next;
    free(copy);
  }
}

}  // namespace emu

namespace {

constexpr Touch kRead{Access::Read, kPlain}, kWrite{Access::Write, kPlain};

// What changes more than memory and registers is no part of a trial.
void ends_trial(Worker &w) {
  if (EMU_UNLIKELY(trial.phase != Phase::None)) trial_stops(w, {StopKind::Lost, 0, 0, 0, 0, 0});
  check.watch.changed = true;
}

void give_back(Address address, Address pc) {
  if (!address) return;
  Worker &w = *self;
  ends_trial(w);
  Allocation near{};
  if (check.on) {  // nobody may use it at this time: a write to all of it
    bool known = nearest_allocation(address, near) && near.live && near.of_kernel && near.address == address;
    range(address, known ? near.size : 1, kWrite, pc);
  }
  if (kernel_free(address)) return;
  if (RawFinding *f = report_fatal(w, Kind::Trap, pc, 0))
    set_text(*f, "free() of a pointer that no malloc() or new of a kernel gave, or that was freed before");
  abort_launch(w);
}

void mark_unwritten(Address address, size_t size) {
  Region *g = region_of(address);
  if (!g) return;
  for (size_t k = address - g->base, end = k + size; k < end; k++) g->state[k / 4] &= (uint8_t)~(1u << k % 4);
}

void finish(const AsyncCopy &copy) {
  if (check.on) range(copy.to, copy.size, kWrite, copy.pc);
  memmove((void *)copy.to, (const void *)copy.from, copy.size - copy.zeros);
  memset((void *)(copy.to + copy.size - copy.zeros), 0, copy.zeros);
}

}  // namespace

EMU_API void *emu_malloc(size_t bytes) {
  ends_trial(*self);
  return (void *)kernel_malloc(bytes, self->launch->heap_bytes);
}
EMU_API void emu_free(void *pointer) { give_back((Address)pointer, EMU_CALLER); }
EMU_API void emu_delete(void *pointer, const void *pc) { give_back((Address)pointer, (Address)pc); }

EMU_API void emu_copy_later(void *to, const void *from, size_t size, size_t zeros) {
  Worker &w = *self;
  ends_trial(w);
  if (zeros > size) zeros = size;
  AsyncCopy *copy = (AsyncCopy *)malloc(sizeof(AsyncCopy));
  if (!copy) out_of_host_memory(sizeof(AsyncCopy));
  *copy = {nullptr, (Address)to, (Address)from, EMU_CALLER, size, zeros, w.me().batch};
  AsyncCopy **end = &w.me().copies;
  while (*end) end = &(*end)->next;
  *end = copy;
  if (!check.on) return;
  range(copy->from, size - zeros, kRead, copy->pc);
  range(copy->to, size, kWrite, copy->pc);
  mark_unwritten(copy->to, size);
}

EMU_API void emu_copies_commit(void) {
  ends_trial(*self);
  self->me().batch++;
}

EMU_API void emu_copies_wait(size_t batches) {
  Worker &w = *self;
  ends_trial(w);
  AsyncCopy **at = &w.me().copies;
  while (AsyncCopy *copy = *at) {
    if (copy->batch + batches >= w.me().batch) {
      at = &copy->next;
      continue;
    }
    *at = copy->next;
    finish(*copy);
    free(copy);
  }
}
