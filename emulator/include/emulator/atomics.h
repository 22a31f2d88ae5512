// Atomic functions. Blocks may run on several OS threads, so they are true atomics of the host, behind one call that
// lets the runtime check and count the access.
#pragma once

#if EMU_CHECKED
// Out of line, so that the return address is the student's line.
#define EMU_ATOMIC_FUNCTION static __attribute__((noinline, unused, no_sanitize("thread", "undefined")))
#else
#define EMU_ATOMIC_FUNCTION EMU_INLINE
#endif
// Without checks, too: a thread that spins on an atomic lets others run.
#define EMU_TOUCH(address) emu_atomic(address, sizeof(*(address)), __builtin_return_address(0))
// A compare-and-swap vouches for the plain read that its expected value came from.
#define EMU_TOUCH_SWAP(address) emu_atomic(address, sizeof(*(address)) | EMU_ATOMIC_SWAP, __builtin_return_address(0))
// An exchange may be meant as a mere store, so the old value need not have been written.
#define EMU_TOUCH_STORE(address) emu_atomic(address, sizeof(*(address)) | EMU_ATOMIC_EXCHANGE, __builtin_return_address(0))

namespace emu {
// The new value of an atomic read-modify-write as a function of the old one, by compare and swap of the bits.
template <class T, class Bits, class F>
EMU_INLINE __attribute__((no_sanitize("thread", "undefined"))) T update(T *address, F next) {
  static_assert(sizeof(T) == sizeof(Bits), "an atomic swaps as many bits as its type has");
  Bits *word = reinterpret_cast<Bits *>(address);
  Bits old = __atomic_load_n(word, __ATOMIC_RELAXED);
  for (;;) {
    T value = from_bits<T>(old);
    T wanted = next(value);
    Bits replacement = (Bits)to_bits(wanted);
    if (__atomic_compare_exchange_n(word, &old, replacement, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) return value;
  }
}
}  // namespace emu

#define EMU_ATOMIC_NAMED(name, touch, T, Bits, expression) \
  EMU_ATOMIC_FUNCTION T name(T *address, T value) { \
    touch(address); \
    return emu::update<T, Bits>(address, [=](T old) -> T { (void)old; return (T)(expression); }); \
  }
// Every atomic exists for the scope of a block, the device and the system; here they are the same.
#define EMU_ATOMIC_SCOPES(name, touch, T, Bits, expression) \
  EMU_ATOMIC_NAMED(name, touch, T, Bits, expression) \
  EMU_ATOMIC_NAMED(name##_block, touch, T, Bits, expression) \
  EMU_ATOMIC_NAMED(name##_system, touch, T, Bits, expression)
#define EMU_ATOMIC(name, T, Bits, expression) EMU_ATOMIC_SCOPES(name, EMU_TOUCH, T, Bits, expression)

#define EMU_ATOMIC_INTEGER(T, Bits) \
  EMU_ATOMIC_SCOPES(atomicExch, EMU_TOUCH_STORE, T, Bits, value) \
  EMU_ATOMIC(atomicMin, T, Bits, value < old ? value : old) \
  EMU_ATOMIC(atomicMax, T, Bits, value > old ? value : old) \
  EMU_ATOMIC(atomicAnd, T, Bits, old & value) \
  EMU_ATOMIC(atomicOr, T, Bits, old | value) \
  EMU_ATOMIC(atomicXor, T, Bits, old ^ value)
EMU_ATOMIC_INTEGER(int, uint32_t)
EMU_ATOMIC_INTEGER(unsigned, uint32_t)
EMU_ATOMIC_INTEGER(unsigned long long, uint64_t)
EMU_ATOMIC(atomicMin, long long, uint64_t, value < old ? value : old)
EMU_ATOMIC(atomicMax, long long, uint64_t, value > old ? value : old)
EMU_ATOMIC(atomicAnd, long long, uint64_t, old & value)
EMU_ATOMIC(atomicOr, long long, uint64_t, old | value)
EMU_ATOMIC(atomicXor, long long, uint64_t, old ^ value)
EMU_ATOMIC(atomicAdd, int, uint32_t, (unsigned)old + (unsigned)value)
EMU_ATOMIC(atomicAdd, unsigned, uint32_t, old + value)
EMU_ATOMIC(atomicAdd, unsigned long long, uint64_t, old + value)
EMU_ATOMIC(atomicAdd, float, uint32_t, old + value)
EMU_ATOMIC(atomicAdd, double, uint64_t, old + value)
EMU_ATOMIC_SCOPES(atomicExch, EMU_TOUCH_STORE, float, uint32_t, value)
EMU_ATOMIC(atomicSub, int, uint32_t, (unsigned)old - (unsigned)value)
EMU_ATOMIC(atomicSub, unsigned, uint32_t, old - value)
EMU_ATOMIC(atomicInc, unsigned, uint32_t, old >= value ? 0 : old + 1)
EMU_ATOMIC(atomicDec, unsigned, uint32_t, old == 0 || old > value ? value : old - 1)

#define EMU_ATOMIC_CAS_NAMED(name, T) \
  EMU_ATOMIC_FUNCTION T name(T *address, T expected, T value) { \
    EMU_TOUCH_SWAP(address); \
    if (!__atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) emu_yield(); \
    return expected; \
  }
#define EMU_ATOMIC_CAS(T) \
  EMU_ATOMIC_CAS_NAMED(atomicCAS, T) \
  EMU_ATOMIC_CAS_NAMED(atomicCAS_block, T) \
  EMU_ATOMIC_CAS_NAMED(atomicCAS_system, T)
EMU_ATOMIC_CAS(int)
EMU_ATOMIC_CAS(unsigned)
EMU_ATOMIC_CAS(unsigned long long)
EMU_ATOMIC_CAS(unsigned short)

#undef EMU_ATOMIC
#undef EMU_ATOMIC_SCOPES
#undef EMU_ATOMIC_NAMED
#undef EMU_ATOMIC_INTEGER
#undef EMU_ATOMIC_CAS
#undef EMU_ATOMIC_CAS_NAMED

// Loads and stores with a cache hint are plain ones.
#define EMU_LOAD(name) \
  template <class T> \
  EMU_INLINE T name(const T *address) { return *address; }
EMU_LOAD(__ldg)
EMU_LOAD(__ldca)
EMU_LOAD(__ldcs)
EMU_LOAD(__ldlu)
// These two pass by the caches that other blocks don't write to, so that a loop may wait for a value by them.
#define EMU_LOAD_AGAIN(name) \
  template <class T> \
  EMU_INLINE T name(const T *address) { \
    if constexpr (std::is_arithmetic<T>::value) return *(const volatile T *)address; \
    else return *address; \
  }
EMU_LOAD_AGAIN(__ldcg)
EMU_LOAD_AGAIN(__ldcv)
#undef EMU_LOAD_AGAIN
#define EMU_STORE(name) \
  template <class T> \
  EMU_INLINE void name(T *address, T value) { *address = value; }
EMU_STORE(__stwb)
EMU_STORE(__stcg)
EMU_STORE(__stcs)
EMU_STORE(__stwt)
#undef EMU_LOAD
#undef EMU_STORE
