// What every CUDA C source sees without asking: the precompiled header of the nvcc stand-in.
#pragma once
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>

#if EMU_CHECKED && !defined(__clang__)
// g++ would expand these after it has put in the checks (clang knows better). With -fno-builtin-memcpy and so on, all
// calls go to the runtime, which looks at both ranges.
extern "C" {
void *memcpy(void *, const void *, size_t) noexcept __asm__("__tsan_memcpy");
void *memmove(void *, const void *, size_t) noexcept __asm__("__tsan_memmove");
void *memset(void *, int, size_t) noexcept __asm__("__tsan_memset");
}
#endif
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <type_traits>
#include <utility>

#include "emulator/abi.h"
#include "emulator/markers.h"
// keep this order: later files use earlier ones
#include "emulator/vector_types.h"
#include "emulator/synchronization.h"
#include "emulator/atomics.h"
#include "emulator/arithmetic.h"
#include "emulator/simd.h"
#include "emulator/entry.h"

#if EMU_CHECKED && !defined(__clang__)
// Written by hand, too, these are calls that the runtime sees.
#define __builtin_memcpy(to, from, size) memcpy(to, from, size)
#define __builtin_memmove(to, from, size) memmove(to, from, size)
#define __builtin_memset(to, value, size) memset(to, value, size)
#endif
#define printf emu_printf
// A kernel's heap is the device's. Its own names: of malloc() the compiler knows that nobody else sees the memory, and it
// would leave out accesses that are worth a finding.
extern "C++" {
namespace std {
using ::emu_free;
using ::emu_malloc;
}  // namespace std
}
#define malloc emu_malloc
#define free emu_free
#include "cuda/assert.h"
EMU_INLINE void __trap(EMU_LINE) { emu_trap(line); }
EMU_INLINE void __brkpt(EMU_LINE) { emu_trap(line); }
EMU_INLINE void __nanosleep(unsigned) { emu_yield(); }
EMU_INLINE long long clock64() { return emu_clock(); }
EMU_INLINE int clock() { return (int)emu_clock(); }
EMU_INLINE unsigned long long __globaltimer() { return (unsigned long long)emu_clock(); }
