// How the runtime enters a kernel, and where its shared memory is.
#pragma once

namespace emu {

constexpr unsigned abi = EMU_ABI, checked = EMU_CHECKED;

template <class T>
struct parameter_kind {
  static constexpr char value = __is_enum(T) || std::is_integral<T>::value ? 'i' : std::is_floating_point<T>::value ? 'f' : 's';
};
template <class T>
struct parameter_kind<T *> {
  static constexpr char value = 'p';
};

template <auto F>
struct kernel;
// C++ deduces the parameter list: no parsing of it is needed.
template <class R, class... A, R (*F)(A...)>
struct kernel<F> {
  static_assert(std::is_void<R>::value, "a __global__ function must have a void return type");
  template <size_t... I>
  static inline __attribute__((always_inline, no_sanitize("thread", "undefined"))) void call(void **a,
                                                                                           std::index_sequence<I...>) {
    F(*(std::remove_cv_t<A> *)a[I]...);
  }
  static __attribute__((no_sanitize("thread", "undefined"))) void run(void **arguments) {
    call(arguments, std::index_sequence_for<A...>{});
  }
  static constexpr emu_parameter parameters[] = {{sizeof(A), alignof(A), parameter_kind<A>::value}..., {0, 0, 0}};
  static constexpr emu_kernel entry(const char *name) { return {name, run, (unsigned)sizeof...(A), parameters}; }
};

// A __shared__ variable is thread-local, so that blocks can run on several OS threads. Its address is looked up once,
// where it is declared: the empty asm hides from the compiler that it could be looked up again at every use.
template <class T>
EMU_INLINE T &once(T &variable) {
  T *address = &variable;
  asm("" : "+r"(address));
  return *address;
}

// Room for a __shared__ variable, whose constructor, empty as CUDA demands, is not run: a thread-local variable with one
// would carry a flag that says whether it has run.
template <class T>
union shared_storage {
  char none;
  T value;
  constexpr shared_storage() : none() {}
};

// Announces a local variable to the runtime until the end of its block, unless its constructor has initialised it.
template <class T, bool = std::is_trivially_default_constructible<std::remove_all_extents_t<T>>::value>
struct announced {
  __attribute__((always_inline)) announced(const volatile void *, size_t = 0) {}
};
template <class T>
struct announced<T, true> {
  emu_local local;
  unsigned char written[(sizeof(T) + 7) / 8];
  __attribute__((always_inline)) announced(const volatile void *address, size_t flags = 0) {
    emu_local_begin(&local, address, sizeof(T), flags);
  }
  __attribute__((always_inline)) ~announced() { emu_local_end(&local); }
};

// A local array whose elements are reached through pointers, between bytes that belong to nobody.
template <class T>
struct guarded {
  char before[EMU_GUARD_BEFORE];
  T value;
  char after[EMU_GUARD_AFTER];
};

template <class T>
EMU_INLINE T &dynamic_shared() {
  return *reinterpret_cast<T *>(emu_dynamic_shared());
}

}  // namespace emu
