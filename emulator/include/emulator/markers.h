// CUDA's declaration keywords. Those that C++ has no word for become markers, which survive preprocessing (so that
// kernels hidden behind macros are found) and are rewritten by emulator/compiler/translate.py.
#pragma once

#define __global__ __emu_global__
#define __device__ __emu_device__
#define __shared__ __emu_shared__
#define __constant__ __emu_constant__
#define __managed__ __emu_managed__
#define __noinline__ __emu_noinline__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __inline_hint__
#define __launch_bounds__(...) __emu_launch_bounds__(__VA_ARGS__)
#define __maxnreg__(...)
#define __grid_constant__
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __align__(n)
#define __device_builtin__
#define __cudart_builtin__
#define __nv_pure__
#define __CUDACC__ 1
#define __NVCC__ 1
// CUDA 12.8: the last release whose headers PyCUDA's helpers know and that still supports compute capability 7.5.
#define __CUDACC_VER_MAJOR__ 12
#define __CUDACC_VER_MINOR__ 8
#define __CUDACC_VER_BUILD__ 0
#define CUDA_VERSION 12080
#define CUDART_VERSION 12080
#define __CUDA_EMULATOR__ 1

// Functions of these headers: part of the calling line, never a frame of their own, never instrumented by themselves.
#define EMU_INLINE static inline __attribute__((always_inline, unused))
