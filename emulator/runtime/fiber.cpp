#include "fiber.h"

#include <sys/mman.h>

namespace emu {

#ifdef EMU_UCONTEXT

static void make_context(Context &context, uintptr_t stack, size_t bytes, void (*entry)()) {
  getcontext(&context.machine);
  context.machine.uc_stack.ss_sp = (void *)stack;
  context.machine.uc_stack.ss_size = bytes;
  context.machine.uc_link = nullptr;
  makecontext(&context.machine, entry, 0);
}

#else

// Saves the callee-saved registers on the old stack and takes those of the new one: 20 ns where swapcontext, which
// makes a system call, needs 400.
#ifdef __APPLE__
#define EMU_SYMBOL "_emu_switch_stack"
#define EMU_HIDDEN ".private_extern " EMU_SYMBOL "\n"
#else
#define EMU_SYMBOL "emu_switch_stack"
#define EMU_HIDDEN ".hidden " EMU_SYMBOL "\n"
#endif
#ifdef __x86_64__
asm(".text\n.globl " EMU_SYMBOL "\n" EMU_HIDDEN ".p2align 4\n" EMU_SYMBOL
    ":\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n");
constexpr int kSavedWords = 6;  // below the return address
#else
asm(".text\n.globl " EMU_SYMBOL "\n" EMU_HIDDEN ".p2align 4\n" EMU_SYMBOL
    ":\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x9, sp\n  str x9, [x0]\n"
    "  mov sp, x1\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n  ldp x25, x26, [sp, #48]\n"
    "  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n"
    "  ret\n");
#endif

static void make_context(Context &context, uintptr_t stack, size_t bytes, void (*entry)()) {
  uintptr_t *top = (uintptr_t *)((stack + bytes) & ~(uintptr_t)15);
#ifdef __x86_64__
  *--top = 0;  // the entry never returns; this keeps the stack aligned as after a call
  *--top = (uintptr_t)entry;
  for (int i = 0; i < kSavedWords; i++) *--top = 0;
#else
  for (int i = 0; i < 20; i++) *--top = 0;
  top[11] = (uintptr_t)entry;  // x30, the return address
#endif
  context.stack_pointer = top;
}

#endif

constexpr size_t kSlabFibers = 32;  // one warp's stacks at a time
// Each guard is a mapping of its own, of which Linux gives a process 65,530. Only grids whose blocks wait for each other
// need more stacks.
constexpr size_t kGuarded = 16384;

void FiberPool::prepare(Fiber *fiber, size_t number) {
  // Stacks start at different offsets: otherwise equal frames of all threads fall into the same cache sets.
  size_t stagger = number % 61 * 64;
  make_context(fiber->context, fiber->stack, kStackBytes - stagger, entry_);
}

Fiber *FiberPool::take() {
  if (idle_.empty()) {
    size_t bytes = kSlabFibers * kStackBytes;
    char *slab = (char *)mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab == MAP_FAILED) out_of_host_memory(bytes);
    for (size_t i = kSlabFibers; i-- > 0;) {
      Fiber *fiber = (Fiber *)calloc(1, sizeof(Fiber));
      if (!fiber) out_of_host_memory(sizeof(Fiber));
      fiber->stack = (uintptr_t)(slab + i * kStackBytes);
      if (all_.size() < kGuarded) mprotect((void *)fiber->stack, kGuardBytes, PROT_NONE);
      prepare(fiber, all_.size());
      all_.push(fiber);
      idle_.push(fiber);
    }
  }
  Fiber *fiber = idle_.back();
  idle_.pop();
  return fiber;
}

void FiberPool::rebuild() {
  idle_.clear();
  for (size_t i = all_.size(); i-- > 0;) {
    prepare(all_[i], i);
    idle_.push(all_[i]);
  }
}

Fiber *FiberPool::owner(uintptr_t address) {
  for (Fiber *fiber : all_)
    if (address - fiber->stack < kStackBytes) return fiber;
  return nullptr;
}

}  // namespace emu
