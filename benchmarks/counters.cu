// Kernels whose memory traffic is known by heart. Every pointer is __restrict__ and no index is clever, so that nvcc and
// the emulator's host compiler make the same loads and stores of them.
#define TILE 32

__global__ void copy_coalesced(const float *__restrict__ x, float *__restrict__ y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

__global__ void copy_stride_2(const float *__restrict__ x, float *__restrict__ y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[2 * i];
}

__global__ void copy_stride_32(const float *__restrict__ x, float *__restrict__ y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[32 * i];
}

__global__ void copy_misaligned(const float *__restrict__ x, float *__restrict__ y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i + 1];
}

__global__ void copy_float4(const float4 *__restrict__ x, float4 *__restrict__ y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

__global__ void transpose_naive(const float *__restrict__ x, float *__restrict__ y) {
  int n = gridDim.x * TILE, column = blockIdx.x * TILE + threadIdx.x, row = blockIdx.y * TILE + threadIdx.y;
  for (int k = 0; k < TILE; k += 8) y[column * n + row + k] = x[(row + k) * n + column];
}

__device__ void transpose(const float *__restrict__ x, float *__restrict__ y, float *tile, int width) {
  int n = gridDim.x * TILE, column = blockIdx.x * TILE + threadIdx.x, row = blockIdx.y * TILE + threadIdx.y;
  for (int k = 0; k < TILE; k += 8) tile[(threadIdx.y + k) * width + threadIdx.x] = x[(row + k) * n + column];
  __syncthreads();
  column = blockIdx.y * TILE + threadIdx.x;
  row = blockIdx.x * TILE + threadIdx.y;
  for (int k = 0; k < TILE; k += 8) y[(row + k) * n + column] = tile[threadIdx.x * width + threadIdx.y + k];
}

__global__ void transpose_tiled(const float *x, float *y) {
  __shared__ float tile[TILE * TILE];
  transpose(x, y, tile, TILE);
}

__global__ void transpose_padded(const float *x, float *y) {
  __shared__ float tile[TILE * (TILE + 1)];
  transpose(x, y, tile, TILE + 1);
}

__global__ void reduce_divergent(const float *__restrict__ x, float *__restrict__ y) {
  __shared__ float s[256];
  int t = threadIdx.x;
  s[t] = x[blockIdx.x * 256 + t];
  __syncthreads();
#pragma unroll 1
  for (int step = 1; step < 256; step *= 2) {
    if (t % (2 * step) == 0) s[t] += s[t + step];
    __syncthreads();
  }
  if (t == 0) y[blockIdx.x] = s[0];
}

__global__ void reduce_interleaved(const float *__restrict__ x, float *__restrict__ y) {
  __shared__ float s[256];
  int t = threadIdx.x;
  s[t] = x[blockIdx.x * 256 + t];
  __syncthreads();
#pragma unroll 1
  for (int step = 1; step < 256; step *= 2) {
    int i = 2 * step * t;
    if (i < 256) s[i] += s[i + step];
    __syncthreads();
  }
  if (t == 0) y[blockIdx.x] = s[0];
}

__global__ void reduce_sequential(const float *__restrict__ x, float *__restrict__ y) {
  __shared__ float s[256];
  int t = threadIdx.x;
  s[t] = x[blockIdx.x * 256 + t];
  __syncthreads();
#pragma unroll 1
  for (int step = 128; step > 0; step /= 2) {
    if (t < step) s[t] += s[t + step];
    __syncthreads();
  }
  if (t == 0) y[blockIdx.x] = s[0];
}

// `weight` is an argument: nvcc turns the addition of a constant into an instruction that counts lanes.
__global__ void histogram_shared(const int *__restrict__ bin, int *__restrict__ counts, int weight) {
  __shared__ int local[64];
  int t = threadIdx.x;
  if (t < 64) local[t] = 0;
  __syncthreads();
  atomicAdd(&local[bin[blockIdx.x * blockDim.x + t]], weight);
  __syncthreads();
  if (t < 64) atomicAdd(&counts[t], local[t]);
}

__global__ void histogram_global(const int *__restrict__ bin, int *__restrict__ counts, int weight) {
  atomicAdd(&counts[bin[blockIdx.x * blockDim.x + threadIdx.x]], weight);
}

__global__ void column_sums(const float *__restrict__ x, float *__restrict__ y, int rows) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
  float sum = 0;
#pragma unroll 1
  for (int i = 0; i < rows; ++i) sum += x[i * columns + column];
  y[column] = sum;
}

__global__ void row_sums(const float *__restrict__ x, float *__restrict__ y, int columns) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
#pragma unroll 1
  for (int j = 0; j < columns; ++j) sum += x[row * columns + j];
  y[row] = sum;
}

__global__ void shared_stride_2(const float *__restrict__ x, float *__restrict__ y) {
  __shared__ float s[512];
  int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  s[2 * t] = x[i];
  __syncthreads();
  y[i] = s[2 * (t ^ 1)];
}

__global__ void shared_float4(const float4 *__restrict__ x, float4 *__restrict__ y) {
  __shared__ float4 s[256];
  int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  s[t] = x[i];
  __syncthreads();
  y[i] = s[t ^ 1];
}

__global__ void shared_double_stride_2(const double *__restrict__ x, double *__restrict__ y) {
  __shared__ double s[512];
  int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  s[2 * t] = x[i];
  __syncthreads();
  y[i] = s[2 * (t ^ 1)];
}

#define READ_SHARED(name, type, index)                                                    \
  __global__ void name(const type *__restrict__ x, type *__restrict__ y) {               \
    __shared__ type s[256];                                                              \
    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;                                \
    s[t] = x[i];                                                                         \
    __syncthreads();                                                                     \
    y[i] = s[index];                                                                     \
  }
// Lanes that read the same wide elements: all of them one, neighbours one, every eighth one.
READ_SHARED(shared_broadcast, float4, t / 32 * 32)
READ_SHARED(shared_float4_pairs, float4, t / 2)
READ_SHARED(shared_float4_eights, float4, t % 8)
READ_SHARED(shared_double_pairs, double, t / 2)
READ_SHARED(shared_double_conflict, double, t % 32 / 3 * 4)

__global__ void atomics_returned(const int *__restrict__ bin, int *__restrict__ counts, int weight) {
  __shared__ int next[64];
  int t = threadIdx.x;
  if (t < 64) next[t] = 0;
  __syncthreads();
  int b = bin[blockIdx.x * blockDim.x + t];
  int place = atomicAdd(&next[b], weight);
  atomicMax(&counts[b], place + atomicAdd(&counts[64 + b], weight));
}
