// CUDA's vector types: char1 … double4, dim3. Sizes and alignments are those of nvcc (tested against it).
#pragma once

#ifndef EMU_COPY_CHECKS  // unions of such structures can't be copied with it: compiled again without
#define EMU_COPY_CHECKS 1
#endif
#if EMU_CHECKED && EMU_COPY_CHECKS && defined(__clang__)
// clang checks the alignment of what a number or a member is read from, and not that of a structure which is copied
// whole: this part of it does, when it is copied. It takes no room, and its address is the structure's.
extern "C" void __ubsan_handle_type_mismatch_v1(void *data, uintptr_t pointer);
namespace emu {
struct type_name {
  uint16_t kind, info;
  char text[16];
};
struct mismatch {  // as the compiler would write it
  const char *file;
  unsigned line, column;
  const type_name *type;
  unsigned char log_alignment, is_write;
};
template <class Type>
struct copy_check {
  copy_check() = default;
  __attribute__((always_inline)) constexpr copy_check(const copy_check &other) {
    if (!__builtin_is_constant_evaluated()) look(&other, false);
  }
  __attribute__((always_inline)) constexpr copy_check &operator=(const copy_check &other) {
    if (!__builtin_is_constant_evaluated()) {
      look(&other, false);
      look(this, true);
    }
    return *this;
  }
  static __attribute__((always_inline)) void look(const void *address, bool is_write) {
    static mismatch data[] = {{"", 0, 0, &Type::name, Type::log_alignment, 0}, {"", 0, 0, &Type::name, Type::log_alignment, 1}};
    asm("" : "+r"(address));  // else the compiler takes for granted what is to be checked
    if ((uintptr_t)address & ((1u << Type::log_alignment) - 1)) __ubsan_handle_type_mismatch_v1(&data[is_write], (uintptr_t)address);
  }
};
}  // namespace emu
#define EMU_COPIED(type, alignment) \
  namespace emu { \
  struct type##_copies { \
    static constexpr type_name name = {0xffff, 0, "'" #type "'"}; \
    static constexpr unsigned char log_alignment = __builtin_ctz(alignment); \
  }; \
  }
#define EMU_COPY_CHECK(type) [[no_unique_address]] ::emu::copy_check<::emu::type##_copies> emu_copies;
#else
#define EMU_COPIED(type, alignment)
#define EMU_COPY_CHECK(type)
#endif

#define EMU_VECTOR_TYPES(T, name, alignment2, alignment4) \
  EMU_COPIED(name##2, alignment2) \
  EMU_COPIED(name##4, alignment4) \
  struct name##1 { T x; }; \
  struct __align__(alignment2) name##2 { T x, y; EMU_COPY_CHECK(name##2) }; \
  struct name##3 { T x, y, z; }; \
  struct __align__(alignment4) name##4 { T x, y, z, w; EMU_COPY_CHECK(name##4) }; \
  EMU_INLINE constexpr name##1 make_##name##1(T x) { return {x}; } \
  EMU_INLINE constexpr name##2 make_##name##2(T x, T y) { return {x, y}; } \
  EMU_INLINE constexpr name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
  EMU_INLINE constexpr name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

EMU_VECTOR_TYPES(signed char, char, 2, 4)
EMU_VECTOR_TYPES(unsigned char, uchar, 2, 4)
EMU_VECTOR_TYPES(short, short, 4, 8)
EMU_VECTOR_TYPES(unsigned short, ushort, 4, 8)
EMU_VECTOR_TYPES(int, int, 8, 16)
EMU_VECTOR_TYPES(unsigned int, uint, 8, 16)
EMU_VECTOR_TYPES(long, long, 16, 16)
EMU_VECTOR_TYPES(unsigned long, ulong, 16, 16)
EMU_VECTOR_TYPES(long long, longlong, 16, 16)
EMU_VECTOR_TYPES(unsigned long long, ulonglong, 16, 16)
EMU_VECTOR_TYPES(float, float, 8, 16)
EMU_VECTOR_TYPES(double, double, 16, 16)
#undef EMU_VECTOR_TYPES
#undef EMU_COPIED
#undef EMU_COPY_CHECK

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

// Where the calling thread is. Values, not objects: threadIdx.x is an unsigned int everywhere, printf included.
namespace emu {
#if defined(__x86_64__) && defined(__linux__)
// By hand, as the compiler must neither instrument the load nor repeat it after a call.
#define EMU_PLACE(name, index)                                                                                  \
  ({                                                                                                            \
    unsigned long value;                                                                                        \
    asm("movq emu_place@gottpoff(%%rip), %0\n\tmovl %%fs:4*" #index "(%0), %k0" : "=r"(value));                 \
    (unsigned)value;                                                                                            \
  })
#else
#define EMU_PLACE(name, index) emu_##name()
#endif
EMU_INLINE uint3 thread_index() { return {EMU_PLACE(thread_x, 0), EMU_PLACE(thread_y, 1), EMU_PLACE(thread_z, 2)}; }
EMU_INLINE uint3 block_index() { return {EMU_PLACE(block_x, 3), EMU_PLACE(block_y, 4), EMU_PLACE(block_z, 5)}; }
EMU_INLINE dim3 block_shape() {
  return {EMU_PLACE(block_dim_x, 6), EMU_PLACE(block_dim_y, 7), EMU_PLACE(block_dim_z, 8)};
}
EMU_INLINE dim3 grid_shape() {
  return {EMU_PLACE(grid_dim_x, 9), EMU_PLACE(grid_dim_y, 10), EMU_PLACE(grid_dim_z, 11)};
}
#undef EMU_PLACE
}  // namespace emu
#define threadIdx (::emu::thread_index())
#define blockIdx (::emu::block_index())
#define blockDim (::emu::block_shape())
#define gridDim (::emu::grid_shape())
static constexpr int warpSize = 32;
