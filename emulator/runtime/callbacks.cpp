// What the host compiler's sanitizers call: -fsanitize=thread before each load and store, -fsanitize=bounds,alignment
// when a check has failed. The names and signatures are those of compiler-rt.
#include "shadow.h"
#include "trial.h"

using namespace emu;

namespace {

constexpr Touch kRead{Access::Read, kPlain}, kWrite{Access::Write, kPlain};
constexpr Touch kVolatileRead{Access::Read, kVolatile}, kVolatileWrite{Access::Write, kVolatile};
constexpr Touch kAtomicAccess{Access::Atomic, kAtomic};

template <unsigned size>
void volatile_access(Address address, Touch touch, Address pc) {
  if (!self) return;
  if (address - self->fiber->stack < kStackBytes) {
    if (check.on && check.locals) access_local(address, size, touch, pc);
    return;
  }
  if (EMU_UNLIKELY(trial.phase == Phase::Ghost)) return trial_access(*self, address, size, touch.access == Access::Write, pc);
  if (trial.phase == Phase::None) lockstep(*self, touch.access == Access::Write, address, size, pc);
  if (!check.on) return;
  if (touch.access == Access::Write) check.release(*self, address);
  access<size>(address, touch, pc);
  if (touch.access == Access::Read) check.acquire(*self, address);
}

inline __attribute__((always_inline)) void one_access(Address address, unsigned size, Touch touch, Address pc, bool aligned) {
  switch (size) {
    case 1: access<1>(address, touch, pc, aligned); break;
    case 2: access<2>(address, touch, pc, aligned); break;
    case 4: access<4>(address, touch, pc, aligned); break;
    case 8: access<8>(address, touch, pc, aligned); break;
    default: access<16>(address, touch, pc, aligned);
  }
}

bool half_written(const Region &g, size_t offset) {
  for (int k = 0; k < 4; k++)
    if ((g.state[offset / 4 + k] & 15) != 15) return true;
  return false;
}

// clang copies a float4 by memcpy, which a device does in one instruction.
#ifdef __clang__
constexpr bool kCopiesAreWhole = true;
#else
constexpr bool kCopiesAreWhole = false;
#endif

}  // namespace

void emu::range(Address address, size_t size, Touch touch, Address pc) {
  if (EMU_UNLIKELY(trial.phase != Phase::None)) {
    bool ghost = trial.phase == Phase::Ghost;
    trial_access(*self, address, size, touch.access == Access::Write, pc);
    if (ghost) return;
  }
  if (!check.on || !size) return;
  if (address - check.stack < kStackBytes) {
    if (touch.access == Access::Read && has_holes(address, size)) copy_holes(address, size, pc);
    else if (check.locals) access_local(address, size, touch, pc);
    if (touch.access == Access::Write) note_target(address, size, pc);
    return;
  }
  check.watch.changed |= touch.access != Access::Read;  // the bytes come later
  Region *g = region_of(address);
  bool holes = g && touch.access == Access::Read && has_holes(address, size);
  trial.in_range = trial.phase != Phase::None;  // else threads may take turns between two parts
  for (Address at = address, end = address + size; at < end;) {
    unsigned part = at & 3 ? 1 : end - at >= 4 ? 4 : 1;
    size_t offset = holes ? at - g->base : 0;
    if (kCopiesAreWhole && end - at >= 16 && !(at & 15) && !(holes && half_written(*g, offset))) part = 16;
    bool hole = holes && (g->state[offset / 4] & 15) != 15 && (g->state[offset / 4] >> 4 & 7) == 4;
    if (!hole) one_access(at, part, touch, pc, false);
    at += part;
  }
  trial.in_range = false;
  if (holes) copy_holes(address, size, pc);
  if (touch.access == Access::Write) note_target(address, size, pc);
}

#define EMU_CALLBACKS(n)                                                                                             \
  EMU_API void __tsan_read##n(void *p) { access<n>((Address)p, kRead, EMU_CALLER); }                                  \
  EMU_API void __tsan_write##n(void *p) { access<n>((Address)p, kWrite, EMU_CALLER); }                                \
  EMU_API void __tsan_unaligned_read##n(void *p) { access<n>((Address)p, kRead, EMU_CALLER, false); }                 \
  EMU_API void __tsan_unaligned_write##n(void *p) { access<n>((Address)p, kWrite, EMU_CALLER, false); }               \
  EMU_API void __tsan_read_write##n(void *p) {                                                                        \
    access<n>((Address)p, kRead, EMU_CALLER);                                                                         \
    access<n>((Address)p, kWrite, EMU_CALLER);                                                                        \
  }                                                                                                                   \
  EMU_API void __tsan_unaligned_read_write##n(void *p) {                                                              \
    access<n>((Address)p, kRead, EMU_CALLER, false);                                                                  \
    access<n>((Address)p, kWrite, EMU_CALLER, false);                                                                 \
  }                                                                                                                   \
  EMU_API void __tsan_volatile_read##n(void *p) { volatile_access<n>((Address)p, kVolatileRead, EMU_CALLER); }        \
  EMU_API void __tsan_volatile_write##n(void *p) {                                                                    \
    if (!self) return;                                                                                                \
    EMU_SAVE_STATE(self->me());                                                                                       \
    volatile_access<n>((Address)p, kVolatileWrite, EMU_CALLER);                                                       \
    self->me().frame = 0;                                                                                             \
  }                                                                                                                   \
  EMU_API void __tsan_unaligned_volatile_read##n(void *p) {                                                           \
    volatile_access<n>((Address)p, kVolatileRead, EMU_CALLER);                                                        \
  }                                                                                                                   \
  EMU_API void __tsan_unaligned_volatile_write##n(void *p) {                                                          \
    volatile_access<n>((Address)p, kVolatileWrite, EMU_CALLER);                                                       \
  }
EMU_CALLBACKS(1)
EMU_CALLBACKS(2)
EMU_CALLBACKS(4)
EMU_CALLBACKS(8)
EMU_CALLBACKS(16)

EMU_API void __tsan_read_range(void *p, size_t size) { range((Address)p, size, kRead, EMU_CALLER); }
EMU_API void __tsan_write_range(void *p, size_t size) { range((Address)p, size, kWrite, EMU_CALLER); }
EMU_API void *__tsan_memmove(void *to, const void *from, size_t size) {
  range((Address)to, size, kWrite, EMU_CALLER);
  range((Address)from, size, kRead, EMU_CALLER);
  return memmove(to, from, size);
}
EMU_API void *__tsan_memcpy(void *to, const void *from, size_t size) __attribute__((alias("__tsan_memmove")));
EMU_API void *__tsan_memset(void *to, int value, size_t size) {
  range((Address)to, size, kWrite, EMU_CALLER);
  return memset(to, value, size);
}
EMU_API void __tsan_init(void) {}
EMU_API void __tsan_func_entry(void *) {}
EMU_API void __tsan_func_exit(void) {}
EMU_API void __tsan_vptr_read(void **) {}
EMU_API void __tsan_vptr_update(void **, void *) {}

Region *emu::region_of(Address address) {
  Region *regions[] = {&arena, &check.statics, &check.dynamic, &check.variables};
  for (Region *g : regions)
    if (address - g->base < g->size) return g;
  return nullptr;
}

namespace {

// An exchange writes without looking at what was there.
void mark_exchanged(Address address, unsigned size) {
  Region *g = region_of(address);
  if (!g) return;
  uint8_t *state = g->state + (address - g->base) / 4;
  for (unsigned k = 0; k < size; k += 4)
    if (state[k / 4] == kFresh) state[k / 4] = kAll;
}

// `old = *p; do { seen = old; old = atomicCAS(p, seen, f(seen)); } while (old != seen);` starts with a plain read, as the
// CUDA C++ Programming Guide writes it ("Atomic Functions"). Whatever it reads, the swap corrects it.
void vouch_for_read(Address address) {
  Region *g = region_of(address);
  if (!g) return;
  size_t i = (address - g->base) / 4;
  Record read = g->cells[i].read;
  if (read & kSecondReader && thread_of(read) != thread_of(check.me)) read = g->second[i];
  if (read >= check.block_floor && thread_of(read) == thread_of(check.me)) check.vouch(read & kPlaceMask);
}

}  // namespace

EMU_API void emu_atomic(const void *address, unsigned size, const void *place) {
  Worker *w = self;
  if (!w) return;
  Address pc = (Address)place, variable = (Address)address;
  bool exchange = size & EMU_ATOMIC_EXCHANGE, swap = size & EMU_ATOMIC_SWAP, load = size & EMU_ATOMIC_LOAD;
  size &= EMU_ATOMIC_EXCHANGE - 1;
  if (EMU_UNLIKELY(trial.phase == Phase::Ghost)) return trial_access(*w, variable, size, !load, pc);
  constexpr uint32_t kPatience = 64;  // a thread that asks so often for the same waits for another one
  if (trial.phase == Phase::None && polls_again(*w, variable, size, pc) && w->me().repeats % kPatience == 0)
    yield_polling(*w, kPatience);
  if (!check.on) return;
  check.acquire(*w, variable);
  if (exchange) mark_exchanged(variable, size);
  if (swap) vouch_for_read(variable);
  if (load) return one_access(variable, size, kVolatileRead, pc, true);
  one_access(variable, size, kAtomicAccess, pc, true);
  check.release(*w, variable);
}

EMU_API void emu_local_begin(emu_local *local, const volatile void *address, size_t size, size_t flags) {
  if (!self) return;
  Thread &thread = self->me();
  *local = {thread.locals, (const char *)address, size, flags};
  memset(local + 1, flags & EMU_LOCAL_WRITTEN ? 0xFF : 0, (size + 7) / 8);
  check.locals = thread.locals = local;
}

EMU_API void emu_local_end(emu_local *local) {
  if (!self) return;
  check.locals = self->me().locals = local->next;
}

// ---- -fsanitize=bounds,alignment: static data carry file and line

namespace {

struct SourceLocation {
  const char *file;
  uint32_t line, column;
};
struct TypeDescriptor {
  uint16_t kind, info;  // of an integer: the lowest bit says signed, the others log2 of its bits
  char name[1];
};
struct OutOfBoundsData {
  SourceLocation location;
  TypeDescriptor *array, *index;
};
struct TypeMismatchData {
  SourceLocation location;
  TypeDescriptor *type;
  uint8_t log_alignment, check_kind;
};

int64_t index_value(const TypeDescriptor &type, uintptr_t index) {
  int bits = 1 << (type.info >> 1);
  if (bits >= 64) return (int64_t)index;
  uint64_t value = index & ((1ull << bits) - 1);
  bool negative = (type.info & 1) && value >> (bits - 1);
  return negative ? (int64_t)(value | ~0ull << bits) : (int64_t)value;
}

void out_of_range(OutOfBoundsData *data, uintptr_t index, Address pc) {
  Worker &w = *self;
  if (trial.phase == Phase::Ghost) trial_stops(w, {StopKind::Fault, 0, 0, 0, 0, 0});
  if (RawFinding *f = report_fatal(w, Kind::IndexOutOfRange, pc, (int)data->location.line)) {
    f->detail = index_value(*data->index, index);
    set_text(*f, "%s", data->array->name);
  }
  abort_launch(w);
}

void type_mismatch(TypeMismatchData *data, uintptr_t pointer, Address pc) {
  if (pointer < (1u << data->log_alignment)) return;  // null: the access itself is reported
  if (!self) return;
  Worker &w = *self;
  if (pointer >= w.launch->arguments_begin && pointer < w.launch->arguments_end) return;  // the launch's own
  if (trial.phase == Phase::Ghost) trial_stops(w, {StopKind::Fault, 0, 0, 0, 0, 0});
  if (RawFinding *f = report_fatal(w, Kind::Misaligned, pc, (int)data->location.line)) {
    f->access = data->check_kind == 1 ? (int)Access::Write : (int)Access::Read;
    f->address = pointer;
    f->detail = 1 << data->log_alignment;
    set_text(*f, "%s", data->type->name);
  }
  abort_launch(w);
}

}  // namespace

EMU_API void __ubsan_handle_out_of_bounds(OutOfBoundsData *data, uintptr_t index) { out_of_range(data, index, EMU_CALLER); }
EMU_API void __ubsan_handle_out_of_bounds_abort(OutOfBoundsData *data, uintptr_t index) {
  out_of_range(data, index, EMU_CALLER);
}
EMU_API void __ubsan_handle_type_mismatch_v1(TypeMismatchData *data, uintptr_t pointer) {
  type_mismatch(data, pointer, EMU_CALLER);
}
EMU_API void __ubsan_handle_type_mismatch_v1_abort(TypeMismatchData *data, uintptr_t pointer) {
  type_mismatch(data, pointer, EMU_CALLER);
}

EMU_API void __ubsan_handle_divrem_overflow(SourceLocation *location, uintptr_t, uintptr_t) {
  Worker &w = *self;
  if (trial.phase == Phase::Ghost) trial_stops(w, {StopKind::Fault, 0, 0, 0, 0, 0});
  report_fatal(w, Kind::DivisionByZero, EMU_CALLER, (int)location->line);
  abort_launch(w);
}
