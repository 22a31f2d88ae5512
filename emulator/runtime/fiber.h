// Fibers: the stacks on which CUDA threads run, and the switch between them.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "containers.h"

#if !defined(EMU_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define EMU_UCONTEXT 1
#endif
#ifdef EMU_UCONTEXT
#include <ucontext.h>
#endif

namespace emu {

// A device thread has at most 512 KiB of local memory; kernels of a course use a few hundred bytes.
constexpr size_t kStackBytes = 256 << 10;
constexpr size_t kGuardBytes = 16 << 10;  // a whole page on every system (Apple's have 16 KiB)

struct Context {
#ifdef EMU_UCONTEXT
  ucontext_t machine;
#else
  void *stack_pointer;
#endif
};

struct Fiber {
  Context context;
  uintptr_t stack;  // lowest address; the first kGuardBytes are not accessible
};

#ifdef EMU_UCONTEXT
inline void switch_context(Context &from, Context &to) { swapcontext(&from.machine, &to.machine); }
#else
extern "C" void emu_switch_stack(void **save, void *to) __attribute__((visibility("hidden")));
inline void switch_context(Context &from, Context &to) { emu_switch_stack(&from.stack_pointer, to.stack_pointer); }
#endif

// Stacks live in slabs so that one range test tells whether an address is any thread's local memory.
class FiberPool {
 public:
  explicit FiberPool(void (*entry)()) : entry_(entry) {}
  Fiber *take();
  void give_back(Fiber *fiber) { idle_.push(fiber); }
  void rebuild();  // after an aborted launch: all fibers are idle and start anew
  Fiber *owner(uintptr_t address);

 private:
  void prepare(Fiber *fiber, size_t number);
  void (*entry_)();
  Vector<Fiber *> idle_, all_;
};

}  // namespace emu
