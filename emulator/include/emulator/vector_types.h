// CUDA's vector types: char1 … double4, dim3. Sizes and alignments are those of nvcc (tested against it).
#pragma once

#define EMU_VECTOR_TYPES(T, name, alignment2, alignment4) \
  struct name##1 { T x; }; \
  struct __align__(alignment2) name##2 { T x, y; }; \
  struct name##3 { T x, y, z; }; \
  struct __align__(alignment4) name##4 { T x, y, z, w; }; \
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

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

// Where the calling thread is. Values, not objects: threadIdx.x is an unsigned int everywhere, printf included.
namespace emu {
EMU_INLINE uint3 thread_index() { return {emu_thread_x(), emu_thread_y(), emu_thread_z()}; }
EMU_INLINE uint3 block_index() { return {emu_block_x(), emu_block_y(), emu_block_z()}; }
EMU_INLINE dim3 block_shape() { return {emu_block_dim_x(), emu_block_dim_y(), emu_block_dim_z()}; }
EMU_INLINE dim3 grid_shape() { return {emu_grid_dim_x(), emu_grid_dim_y(), emu_grid_dim_z()}; }
}  // namespace emu
#define threadIdx (::emu::thread_index())
#define blockIdx (::emu::block_index())
#define blockDim (::emu::block_shape())
#define gridDim (::emu::grid_shape())
static constexpr int warpSize = 32;
