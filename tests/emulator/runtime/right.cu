// Kernels that are right, and look as if they were not. The format is that of faulty.cu, without the kind.
== tree_reduction 2 128
__shared__ float s[128];
s[t] = a[i];
__syncthreads();
for (int h = 64; h > 0; h /= 2) {
  if (t < h) s[t] += s[t + h];
  __syncthreads();
}
if (t == 0) b[blockIdx.x] = s[0];
== tree_reduction_of_ragged_block 1 100
__shared__ float s[128];
s[t] = a[i];
if (t < 28) s[t + 100] = 0;
__syncthreads();
for (int h = 64; h > 0; h /= 2) {
  if (t < h) s[t] += s[t + h];
  __syncthreads();
}
if (t == 0) b[0] = s[0];
== last_warp_with_syncwarp 1 128
__shared__ float s[128];
s[t] = a[i];
__syncthreads();
for (int h = 64; h >= 32; h /= 2) {
  if (t < h) s[t] += s[t + h];
  __syncthreads();
}
if (t < 32) {
  for (int h = 16; h > 0; h /= 2) {
    float x = s[t] + s[t + h];
    __syncwarp();
    s[t] = x;
    __syncwarp();
  }
  if (t == 0) b[0] = s[0];
}
== warp_shuffles 1 64
float x = a[i];
for (int d = 16; d > 0; d /= 2) x += __shfl_down_sync(0xffffffffu, x, d);
if (t % 32 == 0) b[t / 32] = x;
== shuffle_over_first_lanes 1 32
if (t < 8) {
  float x = a[i];
  for (int d = 4; d > 0; d /= 2) x += __shfl_down_sync(0xffu, x, d);
  if (t == 0) b[0] = x;
}
== shuffle_twice_over_first_lanes 1 16
for (int r = 0; r < 2; r++) {
  float x = a[i + 16 * r];
  for (int d = 8; d > 0; d /= 2) x += __shfl_down_sync(0xffffu, x, d);
  if (t == 0) b[r] = x;
}
== shuffle_with_width 1 64
float x = a[i];
for (int d = 4; d > 0; d /= 2) x += __shfl_down_sync(0xffffffffu, x, d, 8);
if (t % 8 == 0) b[t / 8] = x;
== shuffle_scan 1 32
float x = a[i];
for (int d = 1; d < 32; d *= 2) {
  float y = __shfl_up_sync(0xffffffffu, x, d);
  if (t >= d) x += y;
}
b[i] = x;
== shuffles_in_halves 1 32
float x = a[i];
if (t < 16) x += __shfl_xor_sync(0x0000ffffu, x, 1);
else x += __shfl_xor_sync(0xffff0000u, x, 2);
b[i] = x;
== block_reduction_by_shuffles 2 128
__shared__ float s[4];
float x = a[i];
for (int d = 16; d > 0; d /= 2) x += __shfl_down_sync(0xffffffffu, x, d);
if (t % 32 == 0) s[t / 32] = x;
__syncthreads();
if (t < 32) {
  x = t < 4 ? s[t] : 0;
  for (int d = 2; d > 0; d /= 2) x += __shfl_down_sync(0xffffffffu, x, d);
  if (t == 0) b[blockIdx.x] = x;
}
== active_mask_reduction 1 32
if (t < 20) {
  unsigned m = __activemask();
  int leader = __ffs(m) - 1;
  float x = __shfl_sync(m, a[i], leader);
  b[i] = x;
}
== votes 1 64
unsigned m = __ballot_sync(0xffffffffu, t % 2);
int any = __any_sync(0xffffffffu, t == 0), all = __all_sync(0xffffffffu, 1);
k[t] = (m != 0) + any + all;
== double_buffering 1 64
__shared__ float s[2][64];
s[0][t] = a[i];
__syncthreads();
for (int r = 0; r < 4; r++) {
  s[(r + 1) % 2][t] = s[r % 2][(t + 33) % 64];
  __syncthreads();
}
b[i] = s[0][t];
== tiles_with_two_barriers 1 64
__shared__ float s[64];
float sum = 0;
for (int r = 0; r < 4; r++) {
  s[t] = a[r * 64 + t];
  __syncthreads();
  for (int q = 0; q < 64; q++) sum += s[q];
  __syncthreads();
}
b[i] = sum;
== early_return_without_barrier 5 64
if (i >= n) return;
b[i] = a[i];
== barrier_in_uniform_branch 2 64
__shared__ float s[64];
if (blockIdx.x == 0) {
  s[t] = a[i];
  __syncthreads();
  b[i] = s[63 - t];
}
== barrier_in_uniform_loop 1 64
__shared__ float s[64];
for (int q = 0; q < n / 64; q++) {
  __syncthreads();
  s[t] = q;
  __syncthreads();
  b[i] = s[63 - t];
}
== return_after_last_barrier 1 64
__shared__ float s[64];
s[t] = a[i];
__syncthreads();
if (t >= 10) return;
b[i] = s[63 - t];
== last_block_with_fence 8 32
__shared__ int last;
if (t == 0) {
  a[blockIdx.x] = blockIdx.x;
  __threadfence();
  last = atomicAdd(&k[0], 1) == gridDim.x - 1;
}
__syncthreads();
if (last) {
  if (t < 8) b[t] = a[t];
  if (t == 0) k[0] = 0;
}
== last_block_every_thread_fences 4 64
__shared__ int last;
a[i] = i;
__threadfence();
__syncthreads();
if (t == 0) last = atomicAdd(&k[0], 1) == gridDim.x - 1;
__syncthreads();
if (last) for (int q = 0; q < 4; q++) b[q * 64 + t] = a[q * 64 + 63 - t];
== last_block_fence_after_barrier 4 64
__shared__ int last;
a[i] = i;
__syncthreads();
if (t == 0) {
  __threadfence();
  last = atomicInc((unsigned *)&k[0], gridDim.x) == gridDim.x - 1;
  __threadfence();
}
__syncthreads();
if (last) for (int q = 0; q < 4; q++) b[q * 64 + t] = a[q * 64 + 63 - t];
== chained_blocks 4 32
if (t == 0) {
  while (atomicAdd(&k[0], 0) != (int)blockIdx.x);
  __threadfence();
  a[0] += blockIdx.x;
  __threadfence();
  atomicAdd(&k[0], 1);
}
== mutex 4 1
while (atomicCAS(&k[0], 0, 1) != 0);
__threadfence();
a[0] += 1;
__threadfence();
atomicExch(&k[0], 0);
== mutex_between_threads 2 64
bool done = false;
while (!done) {
  if (atomicCAS(&k[0], 0, 1) == 0) {
    __threadfence();
    a[0] += 1;
    __threadfence();
    atomicExch(&k[0], 0);
    done = true;
  }
}
== two_locks_handed_on 3 1
while (atomicCAS(&k[0], 0, 1) != 0);
__threadfence(); a[0] += 1; __threadfence();
atomicExch(&k[0], 0);
while (atomicCAS(&k[1], 0, 1) != 0);
__threadfence(); a[1] += 1; __threadfence();
atomicExch(&k[1], 0);
== compare_and_swap_loop 2 64
int old = atomicAdd(&k[0], 0), assumed;
do {
  assumed = old;
  old = atomicCAS(&k[0], assumed, assumed + 2);
} while (old != assumed);
== compare_and_swap_float_maximum 2 64
int *word = (int *)&a[0], old = atomicCAS(word, 0, 0), assumed;
do {
  assumed = old;
  old = atomicCAS(word, assumed, __float_as_int(fmaxf(__int_as_float(assumed), (float)i)));
} while (old != assumed);
== volatile_flag_with_fence 2 32
volatile int *flag = k;
if (blockIdx.x == 0) {
  if (t == 0) { a[0] = 3; __threadfence(); *flag = 1; }
} else if (t == 0) {
  while (*flag == 0);
  __threadfence();
  b[0] = a[0];
}
== flag_between_warps 1 64
__shared__ int flag;
__shared__ float x;
if (t == 0) flag = 0;
__syncthreads();
if (t == 32) { x = 5; __threadfence_block(); atomicExch(&flag, 1); }
if (t == 0) { while (atomicAdd(&flag, 0) == 0); __threadfence_block(); b[0] = x; }
== histogram_in_shared 2 64
__shared__ int bins[8];
if (t < 8) bins[t] = 0;
__syncthreads();
atomicAdd(&bins[(int)a[i] % 8], 1);
__syncthreads();
if (t < 8) atomicAdd(&k[t], bins[t]);
== append_with_counter 2 64
if (t % 3 == 0) {
  int at = atomicAdd(&k[0], 1);
  b[at] = a[i];
}
== all_set_a_flag 4 64
k[3] = 1;
== all_set_a_shared_flag 1 64
__shared__ int found;
if (t == 0) found = 0;
__syncthreads();
if (t % 5 == 0) found = 1;
__syncthreads();
k[t] = found;
== read_by_all 4 64
b[i] = a[0] + a[255 - i];
== transpose 1 (16,16)
__shared__ float s[16][17];
s[threadIdx.y][t] = a[threadIdx.y * 16 + t];
__syncthreads();
b[threadIdx.y * 16 + t] = s[t][threadIdx.y];
== bytes_side_by_side 1 64
__shared__ unsigned char s[64];
s[t] = t;
__syncthreads();
unsigned char x = s[(t + 33) % 64];
__syncthreads();
s[t] = x;
== halves_side_by_side 1 64
unsigned short *h = (unsigned short *)b;
h[i] = i;
h[i] += 1;
== vectors 1 64
((float4 *)b)[t] = ((float4 *)a)[63 - t];
== structure_with_a_hole 1 32
@struct Pair { char tag; float value; };
Pair *p = (Pair *)b;
p[t].tag = 1;
p[t].value = 2;
Pair copy = p[t];
p[t + 32] = copy;
== local_array 1 32
float r[8];
for (int q = 0; q < 8; q++) r[q] = a[(t + q) % 256];
float sum = 0;
for (int q = 0; q < 8; q++) sum += r[(q + t) % 8];
b[t] = sum;
== pointer_to_local 1 64
@__device__ __noinline__ void add_to(float *x, float y) { *x += y; }
float mine = 0;
for (int q = 0; q < 4; q++) add_to(&mine, a[i]);
__syncthreads();
b[i] = mine;
== constant_table 1 32
@__constant__ float table[4] = {1, 2, 3, 4};
b[t] = table[t % 4];
== device_table_written_first 1 64
@__device__ float scratch[64];
scratch[t] = a[i];
__syncthreads();
b[i] = scratch[63 - t];
== dynamic_shared_in_two_parts 1 64 512
extern __shared__ float d[];
float *x = d, *y = d + 64;
x[t] = a[i];
y[63 - t] = a[i];
__syncthreads();
b[i] = x[63 - t] + y[t];
== grid_stride 2 32
for (int q = i; q < n; q += 64) b[q] = a[q];
== warps_work_alone 1 128
__shared__ float s[4][32];
int w = t / 32, l = t % 32;
s[w][l] = a[i];
__syncwarp();
float x = s[w][31 - l];
__syncwarp();
s[w][l] = x;
__syncwarp();
b[i] = s[w][l ^ 1];
== partial_syncwarp 1 32
__shared__ float s[32];
s[t] = a[i];
__syncwarp(t < 16 ? 0xffffu : 0xffff0000u);
b[i] = s[t ^ 15];
== barrier_counts 1 64
k[t] = __syncthreads_count(t % 2) + __syncthreads_and(1) + __syncthreads_or(t == 3);
== lane_leaves_between_shuffles 1 32
float x = __shfl_xor_sync(0xffffffffu, a[i], 1);
if (t == 0) b[0] = x;
else return;
b[1] = x;
== integer_division 1 32
k[t] = n / (int)(t + 1) + n % (int)(t + 1);
== same_thread_writes_twice 2 64
b[i] = 1;
b[i] = 2;
b[i] += 3;
