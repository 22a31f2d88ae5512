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
== producer_and_consumer_warp 1 64
__shared__ volatile int ready;
__shared__ float x[32];
if (t == 0) ready = 0;
__syncthreads();
if (t >= 32) {
  x[t - 32] = a[i];
  __threadfence_block();
  __syncwarp();
  if (t == 32) { __threadfence_block(); ready = 1; }
} else {
  while (ready == 0);
  __threadfence_block();
  b[t] = x[t];
}
== broadcast_then_reuse 1 128
__shared__ float s[128];
for (int r = 0; r < 2; r++) {
  s[t] = a[i + r];
  __syncthreads();
  for (int h = 64; h > 0; h /= 2) {
    if (t < h) s[t] = fmaxf(s[t], s[t + h]);
    __syncthreads();
  }
  b[i] = s[0];
  __syncthreads();
}
== scan_with_two_barriers 1 128
__shared__ float s[128];
s[t] = a[i];
__syncthreads();
for (int d = 1; d < 128; d *= 2) {
  float x = t >= d ? s[t - d] : 0;
  __syncthreads();
  s[t] += x;
  __syncthreads();
}
b[i] = s[t];
== bitonic_sort 1 64
__shared__ float s[64];
s[t] = a[63 - t];
__syncthreads();
for (int w = 2; w <= 64; w *= 2)
  for (int d = w / 2; d > 0; d /= 2) {
    int p = t ^ d;
    if (p > t && (s[t] > s[p]) == ((t & w) == 0)) { float x = s[t]; s[t] = s[p]; s[p] = x; }
    __syncthreads();
  }
b[i] = s[t];
== stencil_with_halo 2 64
__shared__ float s[66];
s[t + 1] = a[i];
if (t == 0) s[0] = i > 0 ? a[i - 1] : 0;
if (t == 63) s[65] = i + 1 < n ? a[i + 1] : 0;
__syncthreads();
b[i] = s[t] + s[t + 1] + s[t + 2];
== tiled_product_of_ragged_matrices (2,2) (8,8)
__shared__ float x[8][8];
__shared__ float y[8][9];
const int M = 13, K = 11, N = 15;
int row = blockIdx.y * 8 + threadIdx.y, column = blockIdx.x * 8 + t;
float sum = 0;
for (int q = 0; q < K; q += 8) {
  x[threadIdx.y][t] = row < M && q + t < K ? a[row * K + q + t] : 0;
  y[threadIdx.y][t] = column < N && q + threadIdx.y < K ? a[(q + threadIdx.y) * N + column] : 0;
  __syncthreads();
  for (int r = 0; r < 8; r++) sum += x[threadIdx.y][r] * y[r][t];
  __syncthreads();
}
if (row < M && column < N) b[row * N + column] = sum;
== warp_aggregated_atomics 2 64
if (t % 3 == 0) {
  unsigned m = __activemask();
  int leader = __ffs(m) - 1, lane = t % 32, base = 0;
  if (lane == leader) base = atomicAdd(&k[0], 5);
  base = __shfl_sync(m, base, leader);
  k[1 + lane % 5] = base >= 0;
}
== ballot_compaction 1 64
unsigned m = __ballot_sync(0xffffffffu, t % 3 == 0);
unsigned below = m & ((1u << t % 32) - 1);
int at = 0;
while (below) { at++; below &= below - 1; }
if (t % 3 == 0) b[t / 32 * 32 + at] = a[i];
== atomic_store_and_load 1 64
__shared__ int x;
if (t == 5) atomicExch(&x, 7);
__syncthreads();
k[t] = atomicAdd(&x, 0);
== bits_by_atomic_or 2 64
atomicOr(&k[i / 32], 1 << i % 32);
== volatile_early_exit 4 32
volatile int *found = k;
if (*found) return;
if (a[i] == 40) *found = 1;
== wide_atomics 2 64
unsigned long long *sum = (unsigned long long *)k;
atomicAdd(sum, (unsigned long long)t);
atomicMax(sum + 1, (unsigned long long)i);
== last_block_with_volatile_partials 4 32
__shared__ bool last;
volatile float *partial = b;
if (t == 0) {
  partial[blockIdx.x] = a[i];
  __threadfence();
  last = atomicInc((unsigned *)k, gridDim.x) == gridDim.x - 1;
}
__syncthreads();
if (last && t == 0) {
  float sum = 0;
  for (int q = 0; q < 4; q++) sum += partial[q];
  a[0] = sum;
}
== lock_released_by_volatile_store 4 1
while (atomicCAS(&k[0], 0, 1) != 0);
__threadfence();
a[0] += 1;
__threadfence();
*(volatile int *)&k[0] = 0;
== lock_of_each_bin 2 64
int bin = t % 4;
for (bool done = false; !done;)
  if (atomicCAS(&k[bin], 0, 1) == 0) {
    __threadfence();
    a[bin] += 1;
    __threadfence();
    atomicExch(&k[bin], 0);
    done = true;
  }
== block_number_by_ticket 4 32
__shared__ int number;
if (t == 0) number = atomicAdd(&k[0], 1);
__syncthreads();
b[number * 32 + t] = a[number * 32 + t];
== chained_scan 4 64
__shared__ float before;
volatile int *status = k;
float x = a[i];
if (t == 0) {
  if (blockIdx.x > 0) {
    while (status[blockIdx.x - 1] == 0);
    __threadfence();
  }
  before = blockIdx.x > 0 ? ((volatile float *)b)[blockIdx.x - 1] : 0;
  ((volatile float *)b)[blockIdx.x] = before + x;
  __threadfence();
  status[blockIdx.x] = 1;
}
__syncthreads();
a[i] = x + before;
== structure_in_shared 1 32
@struct Particle { float position[3]; int kind; double mass; };
__shared__ Particle p[32];
p[t].position[0] = p[t].position[1] = p[t].position[2] = a[i];
p[t].kind = t;
p[t].mass = 2;
__syncthreads();
Particle other = p[31 - t];
b[i] = other.position[1] + other.kind + (float)other.mass;
== uniform_break_before_barrier 1 64
__shared__ float s[64];
for (int q = 0; q < 10; q++) {
  if (q == n / 64) break;
  s[t] = a[i] + q;
  __syncthreads();
  b[i] = s[63 - t];
  __syncthreads();
}
== iterate_until_nothing_changes 1 64
__shared__ int level[64];
level[t] = t == 0 ? 0 : 99;
__syncthreads();
int changed;
do {
  int left = t > 0 ? level[t - 1] + 1 : 99;
  __syncthreads();
  changed = left < level[t];
  if (changed) level[t] = left;
} while (__syncthreads_or(changed));
k[t] = level[t];
== whole_warps_return 1 128
if (t >= 64) return;
float x = __shfl_xor_sync(0xffffffffu, a[i], 16);
b[i] = x;
== read_modify_write_of_own_cell_across_barriers 2 64
for (int q = 0; q < 3; q++) {
  a[i] += 1;
  __syncthreads();
}
== rows_of_a_matrix_by_blocks (1,4) (32,2)
int row = blockIdx.y * 2 + threadIdx.y;
for (int c = t; c < 32; c += 32) b[row * 32 + c] = a[row * 32 + c] + a[c];
== integers_and_floats_in_dynamic_shared 1 32 256
extern __shared__ char raw[];
float *x = (float *)raw;
int *y = (int *)(x + 32);
x[t] = a[i];
y[t] = t;
__syncthreads();
b[y[31 - t]] = x[t];
== two_dimensional_transpose_of_tiles (2,2) (8,8)
__shared__ float s[8][9];
s[threadIdx.y][t] = a[(blockIdx.y * 8 + threadIdx.y) * 16 + blockIdx.x * 8 + t];
__syncthreads();
b[(blockIdx.x * 8 + threadIdx.y) * 16 + blockIdx.y * 8 + t] = s[t][threadIdx.y];
== warp_reduction_by_volatile_and_syncwarp 1 32
__shared__ volatile float s[64];
s[t] = a[i];
s[t + 32] = 0;
__syncwarp();
float x = s[t];
for (int h = 16; h > 0; h /= 2) {
  x += s[t + h]; __syncwarp();
  s[t] = x; __syncwarp();
}
if (t == 0) b[0] = x;
== one_thread_works 1 64
if (t == 0)
  for (int q = 1; q < 64; q++) a[q] += a[q - 1];
== barrier_after_loop_with_break 1 64
for (int q = 0; q < 64; q++)
  if (q == t) break;
__syncthreads();
b[i] = 1;
== reversed_in_place_with_barrier 1 64
float x = a[63 - t];
__syncthreads();
a[t] = x;
== lanes_meet_again_after_branch 1 32
__shared__ float s[32];
if (t % 2) s[t] = 1;
else s[t] = 2;
__syncwarp();
b[i] = s[t ^ 1];
== fence_passed_on_by_second_block 3 1
if (blockIdx.x == 0) { a[0] = 5; __threadfence(); atomicExch(&k[0], 1); }
else if (blockIdx.x == 1) { while (atomicAdd(&k[0], 0) == 0); __threadfence(); a[1] = a[0]; __threadfence(); atomicExch(&k[1], 1); }
else { while (atomicAdd(&k[1], 0) == 0); __threadfence(); b[0] = a[0] + a[1]; }
== memcpy_through_local_memory 1 16
float row[16];
memcpy(row, a + 16 * t, sizeof row);
unsigned bits;
memcpy(&bits, &row[3], sizeof bits);
row[0] = __uint_as_float(bits);
memcpy(b + 16 * t, row, sizeof row);
== memset_then_add 1 1
memset(b, 0, n * sizeof(float));
for (int q = 0; q < n; q++) b[q] += a[q];
== structures_with_holes 1 8
struct Pair { char c; double d; float v[6]; };
Pair mine;
mine.c = 1;
mine.d = 2;
for (int q = 0; q < 6; q++) mine.v[q] = q;
((Pair *)b)[t] = mine;
Pair copied = ((Pair *)b)[t];
b[t * 10] = copied.v[2];
== swap_loop_seeded_by_a_plain_read 2 64
int *word = k, old = *word, seen;
do {
  seen = old;
  old = atomicCAS(word, seen, __float_as_int(__int_as_float(seen) + 1.f));
} while (old != seen);
== maximum_by_swap_leaves_early 2 64
int old = *k, seen;
do {
  seen = old;
  if (seen >= i) break;
  old = atomicCAS(k, seen, i);
} while (old != seen);
== stack_of_nodes_by_swap 1 64
int old = k[0], seen;
do {
  seen = old;
  ((int *)b)[i] = seen;
  __threadfence();
  old = atomicCAS(k, seen, i);
} while (old != seen);
== vectors_in_shared_memory_of_scalars 1 16
__shared__ int first;
__shared__ float s[64];
if (t == 0) first = 1;
((float4 *)s)[t] = ((const float4 *)a)[t];
__syncthreads();
b[t] = s[63 - t] * first;
== positions_by_popc 1 32
unsigned kept = __ballot_sync(0xffffffffu, a[t] > 9);
if (kept >> t & 1) b[__popc(kept & ((1u << t) - 1))] = a[t];
== local_written_and_read_under_one_condition 1 64
float x;
if (t < 40) x = a[t];
__syncthreads();
if (t < 40) b[t] = x;
== local_arrays_as_registers 1 32
float rows[4][2], kept[2];
for (int q = 0; q < 8; q++) rows[q / 2][q % 2] = 0;
for (int r = 0; r < 3; r++) {
  float column[2];
  for (int q = 0; q < 2; q++) column[q] = a[r + q];
  __syncthreads();
  for (int q = 0; q < 8; q++) rows[q / 2][q % 2] += column[q % 2];
  if (r == 0) for (int q = 0; q < 2; q++) kept[q] = column[q];
}
b[t] = rows[3][1] + kept[0];
== local_results_by_pointer 1 1
float sine, cosine, whole, both[2];
int exponent;
sincosf(1.0f, &sine, &cosine);
b[0] = sine + cosine + frexpf(3.0f, &exponent) + modff(2.5f, &whole);
sincosf(2.0f, both, both + 1);
b[1] = exponent + whole + both[0] + both[1];
== local_jumped_over 1 1
switch (n & 1) {
  case 0: {
    float row[3];
    row[0] = a[0];
    b[0] = row[0];
    break;
  }
  case 1: int left;
    left = 1;
    b[0] = left;
  default: b[1] = 2;
}
== local_of_a_class 1 1
struct Zero { float v[2]; Zero() { v[0] = v[1] = 0; } };
Zero two[2], one;
b[0] = two[1].v[0] + one.v[1];
== local_structures_half_filled 1 1
struct Mixed { char c; int k; double d; };
Mixed first, second;
first.c = 1;
first.k = 2;
second = first;
b[0] = second.c + second.k;
== local_arrays_jumped_over 1 1
switch (n & 1) {
  case 0: b[0] = 1; float row[3];
    row[0] = a[0];
    b[1] = row[0];
    break;
  default: b[2] = 2;
}
== local_of_leader_shuffled 1 32
int base;
unsigned m = __ballot_sync(~0u, t & 1);
int leader = __ffs(m) - 1;
if (t & 1) {
  if (t == leader) base = atomicAdd(&k[0], __popc(m));
  base = __shfl_sync(m, base, leader);
  b[base + t / 2] = 1;
}
== local_set_in_all_branches 1 32
float w;
if (t < 8) w = 1;
else if (t < 16) w = a[t];
else w = 2;
b[t] = w;
== local_set_in_a_loop 1 32
float last, kept[2];
for (int q = 0; q <= t; q++) {
  if (q % 2 == 0) last = a[q];
  kept[q % 2] = last;
}
b[t] = last + kept[0];
== grid_barrier_by_atomics 8 32
@__device__ void grid_barrier(int *count, int round) {
@  __syncthreads();
@  if (threadIdx.x == 0) {
@    __threadfence();
@    atomicAdd(count, 1);
@    while (atomicAdd(count, 0) < round * (int)gridDim.x) {}
@    __threadfence();
@  }
@  __syncthreads();
@}
__shared__ float own[32];
own[t] = a[i];
b[i] = own[t];
for (int round = 1; round < 4; round++) {
  grid_barrier(k, 2 * round - 1);
  float next = b[(i + 1) % n];
  grid_barrier(k, 2 * round);
  b[i] = next;
}
assert(b[i] == (i + 3) % n);
assert(own[31 - t] == i - t + 31 - t);
== grid_barrier_of_generations 8 32
for (int round = 0; round < 4; round++) {
  __syncthreads();
  if (t == 0) {
    volatile int *generation = k + 1;
    int mine = *generation;
    __threadfence();
    if (atomicAdd(k, 1) == (int)gridDim.x - 1) {
      *k = 0;
      __threadfence();
      *generation = mine + 1;
    } else {
      while (*generation == mine) {}
    }
    __threadfence();
  }
  __syncthreads();
}
== wait_for_a_later_block 4 32
if (t == 0) {
  if (blockIdx.x + 1 < gridDim.x)
    while (((volatile int *)k)[blockIdx.x + 1] == 0) {}
  __threadfence();
  atomicExch(&k[blockIdx.x], 1);
}
== wait_for_a_later_block_through_barriers 4 32
__shared__ int ready;
do {
  if (t == 0) ready = blockIdx.x + 1 == gridDim.x || *(volatile int *)&k[blockIdx.x + 1];
  __syncthreads();
  bool leave = ready;
  __syncthreads();
  if (leave) break;
} while (true);
if (t == 0) atomicExch(&k[blockIdx.x], 1);
== long_single_thread_sort 1 1
for (int r = 0; r < 256; r++)
  for (int j = 0; j + 1 < n; j++)
    if (a[j] < a[j + 1]) {
      float x = a[j];
      a[j] = a[j + 1];
      a[j + 1] = x;
    }
== long_contention_of_atomics 2 32
for (int r = 0; r < 5000; r++) atomicAdd(k, 1);
== long_iteration_with_barriers 1 32
__shared__ int count;
if (t == 0) count = 0;
__syncthreads();
while (true) {
  int c = count;
  __syncthreads();
  if (c == 5000) break;
  if (t == 0) count = c + 1;
  __syncthreads();
}
== local_arrays_through_pointers 1 32
@struct Point { float x, y; };
@__device__ float sum_of(const float (&v)[4]) { float s = 0; for (float x : v) s += x; return s; }
@__device__ void exchange(float *x, float *y) { float z = *x; *x = *y; *y = z; }
@__device__ float first(const Point *p) { return p->x; }
float v[4] = {0, 1, 2, 3}, *q = v;
float w[4], u[4] = {};
Point ps[2] = {{1, 2}, {3, 4}};
const float c[3] = {1, 2, 3};
float e[] = {1, 2};
char text[8] = "abc";
for (int j = 0; j < 4; j++) w[j] = q[j];
exchange(w, w + 3);
exchange(&w[1], &w[2]);
float total = 0;
auto at = [&](int j) { return w[j]; };
for (int j = 0; j < (int)(sizeof(w) / sizeof(w[0])); j++) total += at(j);
const float *p = c, *o = e;
assert(total + sum_of(u) + first(ps) + first(&ps[1]) + p[2] + o[1] + (text[0] == 'a') == 6 + 0 + 1 + 3 + 3 + 2 + 1);
== local_arrays_through_pointers_jumped_over 1 1
@__device__ float two(float *v) { v[0] = 1; v[1] = 2; return v[0] + v[1]; }
switch (n & 1) {
  case 0: b[0] = 1; float row[3]; b[1] = two(row); break;
  default: b[2] = 1;
}
if (n == 7) goto end;
float z[2];
b[3] = two(z);
end:;
== wait_by_uncached_loads 2 32
if (t == 0) {
  if (blockIdx.x == 0) while (__ldcv(k) == 0) {}
  else {
    __threadfence();
    atomicExch(k, 1);
  }
}
== reduction_over_part_of_a_warp_guarded 1 24
const unsigned mask = (1u << 24) - 1;
float v = a[t];
for (int d = 16; d; d /= 2) {
  float u = __shfl_down_sync(mask, v, d);
  if (t + d < 24) v += u;
}
if (t == 0) assert(v == 276);
== reduction_over_lanes_that_have_data 1 64
const int count = 40;
const unsigned mask = __ballot_sync(~0u, t < count);
if (t < count) {
  float v = a[t];
  for (int d = 16; d; d /= 2) {
    float u = __shfl_down_sync(mask, v, d);
    v += t + d < min(count, (t / 32 + 1) * 32) ? u : 0;
  }
  if (t % 32 == 0) b[t / 32] = v;
}
== maximum_over_part_of_a_warp_guarded 1 20
int v = (int)a[t];
for (int d = 16; d; d /= 2) {
  int u = __shfl_down_sync(0xfffff, v, d);
  if (t + d < 20 && u > v) v = u;
}
__syncthreads();
if (t == 0) k[0] = v;
== butterfly_over_part_of_a_warp_guarded 1 32
if (t < 12) {
  float v = a[t];
  for (int d = 8; d; d /= 2) {
    float u = __shfl_xor_sync(0xfff, v, d);
    if ((t ^ d) < 12) v = fmaxf(v, u);
  }
  b[t] = v;
}
== copy_of_16_bytes_beside_an_undefined_value 1 32
if (t < 16) {
  float y = __shfl_down_sync(0xffff, a[t], 8);
  memcpy(&b[4 * t], &a[4 * t], 16);
  if (t < 8) b[64 + t] = y;
}
== copy_of_32_bytes_beside_an_undefined_value 1 32
if (t < 16) {
  float y = __shfl_down_sync(0xffff, a[t], 8);
  memcpy(&b[8 * t], &a[8 * t], 32);
  if (t < 8) b[128 + t] = y;
}
== copy_of_any_size_beside_an_undefined_value 1 32
if (t < 16) {
  float y = __shfl_down_sync(0xffff, a[t], 8);
  memcpy((char *)&b[8 * t] + 1, &a[8 * t], n / 9);
  if (t < 8) b[128 + t] = y;
}
== memset_beside_an_undefined_value 1 32
if (t < 16) {
  float y = __shfl_down_sync(0xffff, a[t], 8);
  memset(&b[8 * t], 0, 32);
  if (t < 8) b[128 + t] = y;
}
== undefined_value_kept_in_a_local_array 1 12
float kept[3];
for (int d = 1; d < 4; d++) kept[d - 1] = __shfl_down_sync(0xfff, a[t], d);
float sum = 0;
for (int d = 1; d < 4; d++)
  if (t + d < 12) sum += kept[d - 1];
b[t] = sum;
atomicAdd(&k[0], (int)sum);
== shared_objects_with_a_constructor 1 128
struct Pair { float x, y; __device__ Pair() {} };
__shared__ Pair s[128];
s[t].x = a[i];
__syncthreads();
b[i] = s[t ^ 1].x;
