// What a compiled kernel and the runtime know of each other.
//
// The first half is called by compiled kernels and defined by the runtime. The second half is exported by every
// compiled image and read when the image is loaded. Loads and stores of checked code reach the runtime through
// the __tsan_* callbacks that the host compiler's -fsanitize=thread inserts.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define EMU_ABI 7  // raised with every change: an image of another number is refused

extern "C" {

// ---- where the calling CUDA thread is. Constant while a thread lives, so the compiler may keep them in registers.
#define EMU_CONST __attribute__((const, nothrow))
unsigned emu_thread_x(void) EMU_CONST;
unsigned emu_thread_y(void) EMU_CONST;
unsigned emu_thread_z(void) EMU_CONST;
unsigned emu_block_x(void) EMU_CONST;
unsigned emu_block_y(void) EMU_CONST;
unsigned emu_block_z(void) EMU_CONST;
unsigned emu_block_dim_x(void) EMU_CONST;
unsigned emu_block_dim_y(void) EMU_CONST;
unsigned emu_block_dim_z(void) EMU_CONST;
unsigned emu_grid_dim_x(void) EMU_CONST;
unsigned emu_grid_dim_y(void) EMU_CONST;
unsigned emu_grid_dim_z(void) EMU_CONST;
// The same numbers in the order above, in thread-local storage of the runtime (initial-exec: a fixed distance from the
// thread pointer), for images that read them without a call.
extern __thread unsigned emu_place[12];

// Calls from different places stay different calls.
#ifdef __clang__
#define EMU_APART __attribute__((nomerge))
#else
#define EMU_APART
#endif

// ---- barriers of a block. `line` tells barriers apart; the caller's address gives the place in a report.
enum { EMU_BARRIER_COUNT, EMU_BARRIER_AND, EMU_BARRIER_OR };
EMU_APART void emu_barrier(int line);
EMU_APART int emu_barrier_reduce(int operation, int predicate, int line);

// ---- operations of a warp: every lane of `mask` meets here. Values travel as the low bytes of 64 bits.
enum {
  EMU_SYNCWARP, EMU_SHFL, EMU_SHFL_UP, EMU_SHFL_DOWN, EMU_SHFL_XOR, EMU_BALLOT, EMU_ANY, EMU_ALL,
  EMU_MATCH_ANY, EMU_MATCH_ALL,
  EMU_REDUCE_ADD, EMU_REDUCE_MIN, EMU_REDUCE_MAX, EMU_REDUCE_UMIN, EMU_REDUCE_UMAX,
  EMU_REDUCE_AND, EMU_REDUCE_OR, EMU_REDUCE_XOR
};
EMU_APART uint64_t emu_warp(int operation, unsigned mask, uint64_t value, int argument, int width, int line);
unsigned emu_active_mask(void);

// ---- memory
enum { EMU_FENCE_BLOCK, EMU_FENCE_DEVICE, EMU_FENCE_SYSTEM };
void emu_fence(int scope);
// An atomic access of `size` bytes is about to be made by the caller's caller (at `pc`): checks and counts it.
// EMU_ATOMIC_EXCHANGE in `size`: the old value may be of no interest, so memory that was never written will do.
// EMU_ATOMIC_SWAP: a compare-and-swap, which fails where the value that it expects is out of date.
// EMU_ATOMIC_LOAD: it only reads.
enum { EMU_ATOMIC_EXCHANGE = 0x100, EMU_ATOMIC_SWAP = 0x200, EMU_ATOMIC_LOAD = 0x400 };
void emu_atomic(const void *address, unsigned size, const void *pc);
// A local variable to be watched, as long as it lives. Behind it lies a bit for each of its bytes: written?
// EMU_LOCAL_GUARDED: it lies between guards, EMU_GUARD_BEFORE and EMU_GUARD_AFTER bytes that nobody may touch.
// EMU_LOCAL_WRITTEN: it starts with a value.
enum { EMU_LOCAL_GUARDED = 1, EMU_LOCAL_WRITTEN = 2, EMU_GUARD_BEFORE = 16, EMU_GUARD_AFTER = 64 };
struct emu_local {
  emu_local *next;
  const char *address;
  size_t size;
  size_t flags;
};
void emu_local_begin(emu_local *local, const volatile void *address, size_t size, size_t flags);
void emu_local_end(emu_local *local);
void emu_yield(void);                      // a failed compare-and-swap lets other threads run
// The heap of kernels: malloc, free and new go there, and delete (by its caller, at `pc`).
void *emu_malloc(size_t bytes);
void emu_free(void *pointer);
void emu_delete(void *pointer, const void *pc);
// Copies that a thread starts and waits for: of `size` bytes, the last `zeros` of them zero. A wait leaves the last
// `batches` that were committed on their way.
void emu_copy_later(void *to, const void *from, size_t size, size_t zeros);
void emu_copies_commit(void);
void emu_copies_wait(size_t batches);
void *emu_dynamic_shared(void) EMU_CONST;  // the block's dynamic shared memory, 16-byte aligned

// ---- services
int emu_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void emu_assert_failed(const char *condition, const char *file, int line, const char *function);
void emu_trap(int line);
long long emu_clock(void);

// ---- exported by an image under the name `emu_image`
struct emu_parameter {
  unsigned size, alignment;
  char kind;  // 'p' pointer, 'i' integer, 'f' floating point, 's' structure
};
struct emu_kernel {
  const char *name;           // as the driver's cuModuleGetFunction knows it
  void (*run)(void **arguments);  // runs one CUDA thread; arguments[i] points at parameter i
  unsigned parameter_count;
  const emu_parameter *parameters;
};
struct emu_image {
  unsigned abi;               // EMU_ABI
  unsigned checked;           // compiled with the memory callbacks
  unsigned kernel_count;
  const emu_kernel *kernels;
  const char *base, *end;     // the image in memory
  // Static shared memory of the calling OS thread's block: returns its address, stores its size.
  char *(*shared)(size_t *bytes);
};
}
