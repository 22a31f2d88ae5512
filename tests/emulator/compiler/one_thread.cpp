// A device of one CUDA thread, for the compiler's tests: the seam of emulator/abi.h without scheduler or checks.
#include "emulator/abi.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

extern "C" {
static unsigned position[12];  // thread, block, block size, grid size
static char dynamic_shared[4096] __attribute__((aligned(16)));
static char printed[4096];
static int touched;
void one_thread_at(const unsigned *where) { memcpy(position, where, sizeof position); }
const char *one_thread_printed() { return printed; }
int one_thread_touched() { return touched; }

unsigned emu_thread_x() { return position[0]; }
unsigned emu_thread_y() { return position[1]; }
unsigned emu_thread_z() { return position[2]; }
unsigned emu_block_x() { return position[3]; }
unsigned emu_block_y() { return position[4]; }
unsigned emu_block_z() { return position[5]; }
unsigned emu_block_dim_x() { return position[6]; }
unsigned emu_block_dim_y() { return position[7]; }
unsigned emu_block_dim_z() { return position[8]; }
unsigned emu_grid_dim_x() { return position[9]; }
unsigned emu_grid_dim_y() { return position[10]; }
unsigned emu_grid_dim_z() { return position[11]; }
void emu_barrier(int) {}
int emu_barrier_reduce(int, int predicate, int) { return predicate != 0; }
uint64_t emu_warp(int, unsigned, uint64_t value, int, int, int) { return value; }
unsigned emu_active_mask() { return 1; }
void emu_fence(int) {}
void emu_atomic(const void *, unsigned, const void *) { touched++; }
void emu_yield() {}
void *emu_dynamic_shared() { return dynamic_shared; }
int emu_printf(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(printed, sizeof printed, format, arguments);
  va_end(arguments);
  return count;
}
void emu_assert_failed(const char *condition, const char *, int line, const char *) {
  snprintf(printed, sizeof printed, "assert %s line %d", condition, line);
}
void emu_trap(int line) { snprintf(printed, sizeof printed, "trap line %d", line); }
long long emu_clock() { return 1; }

#define CALLBACKS(n) \
  void __tsan_read##n(void *) {} \
  void __tsan_write##n(void *) {} \
  void __tsan_unaligned_read##n(void *) {} \
  void __tsan_unaligned_write##n(void *) {} \
  void __tsan_read_write##n(void *) {} \
  void __tsan_unaligned_read_write##n(void *) {} \
  void __tsan_volatile_read##n(void *) { touched++; } \
  void __tsan_volatile_write##n(void *) { touched++; } \
  void __tsan_unaligned_volatile_read##n(void *) {} \
  void __tsan_unaligned_volatile_write##n(void *) {}
CALLBACKS(1)
CALLBACKS(2)
CALLBACKS(4)
CALLBACKS(8)
CALLBACKS(16)
void __tsan_read_range(void *, size_t) {}
void __tsan_write_range(void *, size_t) {}
void *__tsan_memcpy(void *to, const void *from, size_t n) { return memcpy(to, from, n); }
void *__tsan_memmove(void *to, const void *from, size_t n) { return memmove(to, from, n); }
void *__tsan_memset(void *to, int value, size_t n) { return memset(to, value, n); }
void __tsan_init() {}
void __tsan_vptr_update(void **, void *) {}
void __ubsan_handle_out_of_bounds(void *, void *) { touched += 1000; }
void __ubsan_handle_type_mismatch_v1(void *, void *) { touched += 10000; }
void __ubsan_handle_divrem_overflow(void *, void *, void *) { touched += 100000; }
}
