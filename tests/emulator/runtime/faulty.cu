// Kernels with one mistake each. "== name kind grid block [shared]" begins a case, "//!" marks the line of the finding.
// A body sees: float *a (n written values), float *b (n unwritten), int *k (64 zeros), int n = 256; t = threadIdx.x, i.
== reduction_without_barrier race 1 128
__shared__ float s[128];
s[t] = a[i];
for (int h = 64; h > 0; h /= 2)
  if (t < h) s[t] += s[t + h];  //!
if (t == 0) b[0] = s[0];
== barrier_missing_between_levels race 1 128
__shared__ float s[128];
s[t] = a[i];
__syncthreads();
for (int h = 64; h > 0; h /= 2)
  if (t < h) s[t] += s[t + h];  //!
__syncthreads();
if (t == 0) b[0] = s[0];
== barrier_missing_before_result race 1 64
__shared__ float s[64];
if (t == 63) s[0] = 1;
b[i] = s[0];  //!
== barrier_missing_after_load race 1 64
__shared__ float s[64];
s[t] = a[i];
b[i] = s[63 - t];  //!
== tile_reused_without_second_barrier race 1 64
__shared__ float s[64];
float sum = 0;
for (int r = 0; r < 4; r++) {
  s[t] = a[r * 64 + t];  //!
  __syncthreads();
  for (int q = 0; q < 64; q++) sum += s[q];
}
b[i] = sum;
== neighbour_exchange race 1 64
__shared__ float s[65];
s[t] = a[i];
if (t == 0) s[64] = 0;
__syncthreads();
s[t] = s[t + 1];  //!
__syncthreads();
b[i] = s[t];
== in_place_scan race 1 128
__shared__ float s[128];
s[t] = a[i];
__syncthreads();
for (int d = 1; d < 128; d *= 2) {
  if (t >= d) s[t] += s[t - d];  //!
  __syncthreads();
}
b[i] = s[t];
== double_buffer_with_one_barrier_too_few race 1 64
__shared__ float s[2][64];
s[0][t] = a[i];
for (int r = 0; r < 3; r++) {
  s[(r + 1) % 2][t] = s[r % 2][(t + 33) % 64];  //!
}
b[i] = s[1][t];
== histogram_without_atomics race 1 64
__shared__ int bins[4];
if (t < 4) bins[t] = 0;
__syncthreads();
bins[t % 4]++;  //!
__syncthreads();
if (t < 4) k[t] = bins[t];
== histogram_zeroed_without_barrier race 1 64
__shared__ int bins[64];
bins[63 - t] = 0;  //!
atomicAdd(&bins[t], 1);
__syncthreads();
k[t] = bins[t];
== atomic_result_read_without_barrier race 1 64
__shared__ int sum;
if (t == 0) sum = 0;
__syncthreads();
atomicAdd(&sum, 1);
if (t == 0) k[0] = sum;  //!
== atomic_result_read_by_last_thread race 1 64
__shared__ int sum;
if (t == 0) sum = 0;
__syncthreads();
atomicAdd(&sum, 1);
if (t == 63) k[0] = sum;  //!
== global_sum_without_atomics race 4 32
k[0] += t;  //!
== all_blocks_write_one_cell race 2 1
a[0] = 1 + blockIdx.x;  //!
== all_threads_write_one_cell race 1 64
a[0] = t;  //!
== in_place_stencil_across_blocks race 2 64
float left = i > 0 ? a[i - 1] : 0;
a[i] = 0.5f * (left + a[i]);  //!
== halo_written_by_another_block race 2 64
float x = i + 64 < 128 ? a[i + 64] : 0;
__syncthreads();
a[i] = x + 1;  //!
== both_warps_read_then_other_block_writes race 2 64
float x = a[64 + (t + 1) % 64];
__syncthreads();
if (blockIdx.x == 1) a[64 + t] = x;  //!
== last_block_without_fence race 4 32
__shared__ int last;
a[blockIdx.x] = 1;
if (t == 0) last = atomicAdd(&k[0], 1) == gridDim.x - 1;
__syncthreads();
if (last && t < 4) b[t] = a[t];  //!
== last_block_with_fence_after_ticket race 4 32
__shared__ int last;
if (t == 0) {
  a[blockIdx.x] = blockIdx.x;
  last = atomicAdd(&k[0], 1) == gridDim.x - 1;
  __threadfence();
}
__syncthreads();
if (last && t < 4) b[t] = a[t];  //!
== last_block_with_fence_of_block_only race 4 32
__shared__ int last;
if (t == 0) {
  a[blockIdx.x] = blockIdx.x;
  __threadfence_block();
  last = atomicAdd(&k[0], 1) == gridDim.x - 1;
}
__syncthreads();
if (last && t < 4) b[t] = a[t];  //!
== last_block_fence_by_one_thread_before_barrier race 4 64
__shared__ int last;
a[i] = t;
if (t == 0) __threadfence();
__syncthreads();
if (t == 0) last = atomicAdd(&k[0], 1) == gridDim.x - 1;
__syncthreads();
if (last) b[t] = a[t + 1];  //!
== flag_without_fence race 2 32
if (blockIdx.x == 0) { if (t == 0) { a[0] = 3; atomicExch(&k[0], 1); } }
else if (t == 0) { while (atomicAdd(&k[0], 0) == 0); b[0] = a[0]; }  //!
== plain_flag race 2 32
if (blockIdx.x == 0) { if (t == 0) { a[0] = 3; __threadfence(); k[0] = 1; } }
else if (t == 0) { if (k[0]) b[0] = a[0]; }  //!
== volatile_flag_without_fence race 2 32
volatile int *flag = k;
if (blockIdx.x == 0) { if (t == 0) { a[0] = 3; *flag = 1; } }
else if (t == 0) { while (*flag == 0); b[0] = a[0]; }  //!
== lock_without_fence race 4 1
while (atomicCAS(&k[0], 0, 1) != 0);
a[0] += 1;  //!
atomicExch(&k[0], 0);
== counter_outside_lock race 4 1
while (atomicCAS(&k[0], 0, 1) != 0);
__threadfence();
a[0] += 1;
__threadfence();
atomicExch(&k[0], 0);
a[1] += 1;  //!
== grid_barrier_expected_between_blocks race 2 64
a[i] = i;
__syncthreads();
b[i] = a[127 - i];  //!
== bytes_of_neighbours race 1 64
__shared__ unsigned char s[64];
s[t] = t;
__syncthreads();
s[t] = s[(t + 33) % 64];  //!
== byte_written_by_two race 1 64
__shared__ unsigned char s[64];
s[t] = 0;
__syncthreads();
s[t / 2 * 2] = t;  //!
__syncthreads();
b[i] = s[t];
== shared_pointers_overlap race 1 64 512
extern __shared__ float d[];
float *x = d, *y = d + 32;
x[t] = 1;
y[t] = 2;  //!
__syncthreads();
b[i] = x[t] + y[t];
== device_variable_counter race 2 32
@__device__ int counter;
counter++;  //!
== half_the_block_writes_other_reads race 1 256
__shared__ float s[128];
if (t < 128) s[t] = a[i];
else b[i] = s[t - 128];  //!
== double_written_as_two race 1 64
__shared__ double s[64];
s[t] = t;
b[i] = ((float *)s)[127 - t];  //!
== float4_overlap race 1 64
__shared__ __align__(16) float s[260];
*(float4 *)&s[4 * t] = make_float4(1, 2, 3, 4);
b[i] = s[4 * (63 - t)];  //!
== transpose_without_barrier race 1 (16,16)
__shared__ float s[16][17];
s[threadIdx.y][t] = a[threadIdx.y * 16 + t];
b[threadIdx.y * 16 + t] = s[t][threadIdx.y];  //!
== warp_tree_without_syncwarp missing-syncwarp 1 32
__shared__ float s[32];
s[t] = a[i];
__syncwarp();
for (int h = 16; h > 0; h /= 2)
  if (t < h) s[t] += s[t + h];  //!
== warp_exchange_without_syncwarp missing-syncwarp 1 32
__shared__ float s[32];
s[t] = a[i];
b[i] = s[31 - t];  //!
== shuffle_is_no_memory_barrier missing-syncwarp 1 32
__shared__ float s[32];
s[t] = a[i];
float x = __shfl_down_sync(0xffffffffu, 1.0f, 1);
b[i] = s[31 - t] + x;  //!
== syncwarp_of_half_a_warp missing-syncwarp 1 32
__shared__ float s[32];
s[t] = a[i];
__syncwarp(t < 16 ? 0xffffu : 0xffff0000u);
b[i] = s[31 - t];  //!
== volatile_warp_reduction missing-syncwarp 1 32
__shared__ volatile float s[64];
s[t] = a[i]; s[t + 32] = 0;
s[t] = s[t] + s[t + 16];  //!
s[t] = s[t] + s[t + 8];
b[t] = s[t];
== barrier_in_if barrier-divergence 1 64
if (t < 32)
  __syncthreads();  //!
== barrier_in_two_branches barrier-divergence 1 64
if (t < 16)
  __syncthreads();  //!
else
  __syncthreads();
== early_return_before_barrier barrier-divergence 1 64
if (t >= 40) return;
__syncthreads();  //!
b[i] = 1;
== ragged_grid_returns_before_barrier barrier-divergence 5 64
__shared__ float s[64];
if (i >= n - 6) return;
s[t] = a[i];
__syncthreads();  //!
== barrier_in_uneven_loop barrier-divergence 1 64
for (int q = 0; q < 1 + t % 2; q++)
  __syncthreads();  //!
== barrier_in_one_block_only barrier-divergence 2 64
if (i < 96)
  __syncthreads();  //!
== reduce_barrier_and_plain_barrier barrier-divergence 1 64
if (t == 5) k[0] = __syncthreads_count(1);  //!
else __syncthreads();  //!
== mask_without_caller warp-divergence 1 32
b[i] = __shfl_sync(0x0000ffffu, a[i], 0);  //!
== shuffle_in_branch warp-divergence 1 32
if (t < 16) b[i] = __shfl_down_sync(0xffffffffu, a[i], 1);  //!
== shuffle_in_two_branches warp-divergence 1 32
float x;
if (t < 16) x = __shfl_xor_sync(0xffffffffu, a[i], 1);  //!
else x = __shfl_xor_sync(0xffffffffu, a[i], 1);  //!
b[i] = x;
== shuffle_after_return warp-divergence 1 32
if (t == 31) return;
b[i] = __shfl_xor_sync(0xffffffffu, a[i], 2);  //!
== shuffle_beside_barrier warp-divergence 1 64
if (t < 16) b[i] = __shfl_sync(0xffffffffu, a[i], 0);  //!
__syncthreads();
== reduction_of_ragged_warp warp-divergence 1 24
float x = a[i];
for (int d = 16; d > 0; d /= 2) x += __shfl_down_sync(0xffffffffu, x, d);  //!
if (t == 0) b[0] = x;
== butterfly_of_ragged_warp warp-divergence 1 24
float x = a[i];
for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(0xffffffffu, x, d);  //!
b[i] = x;
== broadcast_from_lane_outside_mask warp-divergence 1 32
if (t < 8) b[i] = __shfl_sync(0xffu, a[i], 8);  //!
== masks_differ warp-divergence 1 32
if (t < 16) { int v = __ballot_sync(t < 8 ? 0xffffu : 0xff00u, 1); k[t] = v; }  //!
== vote_in_branch warp-divergence 1 64
if (t % 2) k[t / 2] = __any_sync(0xffffffffu, t);  //!
__syncthreads();
== off_by_one_grid out-of-bounds 5 64
a[i] = 1;  //!
== off_by_one_read out-of-bounds 4 64
b[i] = a[i + 1];  //!
== negative_index out-of-bounds 1 64
b[t] = a[t - 1];  //!
== condition_with_less_or_equal out-of-bounds 5 64
if (i <= n) a[i] = 0;  //!
== row_and_column_swapped out-of-bounds 1 (8,32)
a[t * 64 + threadIdx.y] = 1;  //!
== atomic_out_of_bounds out-of-bounds 1 64
atomicAdd(&k[t + 1], 1);  //!
== vector_across_the_end out-of-bounds 1 1
((float4 *)b)[0] = *(float4 *)&a[256];  //!
== byte_out_of_bounds out-of-bounds 1 1
((char *)a)[1024] = 1;  //!
== far_out_of_bounds out-of-bounds 1 1
a[1 << 20] = 1;  //!
== copy_across_the_end out-of-bounds 1 1
memcpy(b, a + 254, 16);  //!
== unwritten_global unwritten-read 1 64
a[i] = b[i];  //!
== unwritten_shared unwritten-read 1 64
__shared__ float s[64];
if (t != 7) s[t] = 1;
__syncthreads();
a[i] = s[t];  //!
== unwritten_shared_accumulator unwritten-read 1 64
__shared__ float s[64];
s[t] += a[i];  //!
== unwritten_atomic unwritten-read 1 64
__shared__ int sum;
atomicAdd(&sum, 1);  //!
== unwritten_dynamic unwritten-read 1 64 256
extern __shared__ float d[];
a[i] = d[t];  //!
== unwritten_by_previous_block unwritten-read 2 64
__shared__ float s[64];
if (blockIdx.x == 0) s[t] = 1;
__syncthreads();
a[i] = s[t];  //!
== unwritten_byte unwritten-read 1 1
((char *)b)[0] = 1;
k[0] = ((char *)b)[1];  //!
== unwritten_copied unwritten-read 1 1
memcpy(a, b, 16);  //!
== null_pointer null-pointer 1 32
float *p = nullptr;
p[t] = 1;  //!
== null_with_index null-pointer 1 32
float *p = (float *)((size_t)k[1]);
a[t] = p[t + 100];  //!
== host_pointer host-pointer 1 32
float *p = (float *)0x100000000;  // 4 GiB: below what the system maps
a[t] = p[t];  //!
== others_local local-pointer 1 64
__shared__ float *p;
float mine = a[i];
if (t == 0) p = &mine;
__syncthreads();
*p += 1;  //!
__syncthreads();
b[i] = mine;
== misaligned_float4 misaligned 1 1
float4 x = *(float4 *)(a + 1);  //!
b[0] = x.x;
== misaligned_double misaligned 1 1
*(double *)(a + 1) = 1;  //!
== misaligned_int misaligned 1 1
k[0] = *(int *)((char *)a + 2);  //!
== write_to_constant constant-write 1 1
@__constant__ float coefficients[4] = {1, 2, 3, 4};
float *p = (float *)coefficients;
p[t] = 5;  //!
== index_of_local_array index-out-of-range 1 32
float r[4] = {0, 1, 2, 3};
r[t] = 1;  //!
b[t] = r[t % 4];
== index_of_shared_array index-out-of-range 1 64
__shared__ float s[32];
s[t] = 1;  //!
== shared_column_too_far index-out-of-range 1 (16,16)
__shared__ float s[16][16];
s[threadIdx.y][t + 1] = 1;  //!
== dynamic_shared_too_small shared-too-small 1 64 128
extern __shared__ float d[];
d[t] = 1;  //!
== dynamic_shared_not_given shared-too-small 1 64
extern __shared__ float d[];
d[t] = 1;  //!
== division_by_zero division-by-zero 1 32
k[t] = n / (int)(t - 3);  //!
== remainder_of_zero division-by-zero 1 32
k[t] = n % k[5];  //!
== endless_loop_with_access time-limit 1 32
while (a[t] >= 0) a[t] += 1;  //!
== endless_wait_for_lane time-limit 1 32
while (atomicAdd(&k[0], 0) == 0);  //!
== lock_never_released time-limit 1 2
while (atomicCAS(&k[0], 0, 1) != 0);  //!
== barrier_in_endless_loop time-limit 1 32
while (n) __syncthreads();  //!
== failing_assert assert 1 32
assert(t < 31);  //!
== trap trap 1 32
if (t == 3) __trap();  //!
== deep_recursion stack-overflow 1 1
@__device__ __noinline__ int deep(int d, int *k) { volatile int x[64]; x[d % 64] = d; return d == 0 ? 0 : x[d % 64] + deep(d - 1, k) + k[0]; }
k[0] = deep(1 << 20, k);
== barrier_inside_condition_of_tree barrier-divergence 1 64
__shared__ float s[64];
s[t] = a[i];
__syncthreads();
for (int h = 32; h > 0; h /= 2)
  if (t < h) {
    s[t] += s[t + h];
    __syncthreads();  //!
  }
== flag_of_thread_0_read_without_barrier race 1 64
__shared__ int flag;
if (t == 0) flag = a[0] > 0;
if (flag) b[i] = 1;  //!
== broadcast_overwritten race 1 64
__shared__ float s[64];
s[t] = a[i];
__syncthreads();
float x = s[0];
if (t == 40) s[0] = 7;  //!
b[i] = x;
== second_reduction_without_barrier race 1 128
__shared__ float s[128];
float result = 0;
for (int r = 0; r < 2; r++) {
  s[t] = a[i + r];  //!
  __syncthreads();
  for (int h = 64; h > 0; h /= 2) {
    if (t < h) s[t] += s[t + h];
    __syncthreads();
  }
  result += s[0];
}
b[i] = result;
== partials_read_without_barrier race 1 128
__shared__ float s[4];
if (t % 32 == 0) s[t / 32] = a[i];
if (t < 4) b[t] = s[t];  //!
== lock_released_without_fence race 4 1
while (atomicCAS(&k[0], 0, 1) != 0);
__threadfence();
a[0] += 1;  //!
atomicExch(&k[0], 0);
== chained_scan_without_fence race 3 32
volatile int *status = k;
if (t == 0) {
  float before = 0;
  if (blockIdx.x > 0) { while (status[blockIdx.x - 1] == 0); before = b[blockIdx.x - 1]; }  //!
  b[blockIdx.x] = before + a[i];
  status[blockIdx.x] = 1;
}
== plain_sum_beside_atomics race 2 64
if (blockIdx.x == 0) atomicAdd(&a[0], 1.0f);
else if (t == 0) a[0] += 1;  //!
== counter_reset_by_first_thread race 2 64
if (t == 0) k[0] = 0;
atomicAdd(&k[0], 1);  //!
== volatile_is_no_barrier race 1 64
volatile __shared__ float s[64];
s[t] = a[i];
b[i] = s[63 - t];  //!
== row_sum_into_one_cell race (4,4) (8,8)
b[blockIdx.y] = 0;
b[blockIdx.y] += a[t];  //!
== neighbours_block_read_after_barrier race 4 64
a[i] = i;
__syncthreads();
if (i + 64 < n) b[i] = a[i + 64];
if (i >= 64) b[i] = a[i - 64];  //!
== stencil_reads_before_row_0 out-of-bounds 1 (16,16)
int p = threadIdx.y * 16 + t;
b[p] = a[p - 16] + a[p + 16 < n ? p + 16 : p];  //!
== int_overflow_of_index out-of-bounds 1 1
int rows = n * 256, columns = n * 130;
a[rows * columns / 8] = 1;  //!
== shared_bytes_given_in_elements shared-too-small 1 64 64
extern __shared__ float d[];
d[t] = a[i];  //!
__syncthreads();
b[i] = d[63 - t];
== constant_table_too_short index-out-of-range 1 32
@__constant__ float weights[16] = {1, 2, 3};
b[t] = weights[t];  //!
== barrier_in_function_called_by_some barrier-divergence 1 64
@__device__ __noinline__ void meet(float *x) { *x += 1; __syncthreads(); }
if (t < 48) meet(&a[i]);
== warp_sum_with_lane_missing warp-divergence 1 64
float x = a[i];
if (t % 32 < 31) x += __shfl_down_sync(0xffffffffu, x, 1);  //!
__syncthreads();
b[i] = x;
== own_lane_forgotten_in_mask warp-divergence 1 32
unsigned m = __ballot_sync(0xffffffffu, t > 3);
b[i] = __shfl_sync(m, a[i], 5);  //!
== transpose_of_rectangle out-of-bounds 1 (32,16)
b[t * 16 + threadIdx.y] = a[threadIdx.y * 32 + t];  //!
== unwritten_tail unwritten-read 1 64
if (t < 60) b[t] = a[t];
__syncthreads();
a[t] = b[63 - t];  //!
== fence_scope_of_block_between_blocks race 2 1
if (blockIdx.x == 0) { a[0] = 5; __threadfence_block(); atomicExch(&k[0], 1); }
else { while (atomicAdd(&k[0], 0) == 0); b[0] = a[0]; }  //!
== written_after_the_release race 2 1
if (blockIdx.x == 0) { __threadfence(); atomicExch(&k[0], 1); a[0] = 5; }
else { while (atomicAdd(&k[0], 0) == 0); __threadfence(); b[0] = a[0]; }  //!
== read_before_the_acquire race 2 1
if (blockIdx.x == 0) { a[0] = 5; __threadfence(); atomicExch(&k[0], 1); }
else { b[0] = a[0]; while (atomicAdd(&k[0], 0) == 0); __threadfence(); }  //!
== memcpy_too_far out-of-bounds 1 1
memcpy(b + n - 8, a, 9 * sizeof(float));  //!
== memcpy_of_24_bytes_too_far out-of-bounds 1 1
memcpy(b + n - 4, a, 24);  //!
== memmove_too_far out-of-bounds 1 1
memmove(b, a + 1, n * sizeof(float));  //!
== memset_too_far out-of-bounds 1 1
memset(b + 1, 0, n * sizeof(float));  //!
== structure_copied_too_far out-of-bounds 1 1
struct Row { float v[12]; };
((Row *)b)[n / 12] = ((const Row *)a)[0];  //!
== structure_zeroed_too_far out-of-bounds 1 1
struct Row { float v[12]; };
((Row *)b)[n / 12] = Row{};  //!
== memcpy_of_unwritten unwritten-read 1 1
float row[16];
memcpy(row, b, sizeof row);  //!
a[0] = row[1];
== memcpy_to_shared_without_barrier race 1 64
__shared__ float s[64][8];
memcpy(s[t], a, sizeof s[t]);
b[i] = s[63 - t][1];  //!
== first_write_hidden_by_own_atomic race 1 64
__shared__ int h[16];
if (t < 16) h[t] = 0;  //!
atomicAdd(&h[t % 16], 1);
__syncthreads();
if (t < 16) k[t] = h[t];
== locks_in_opposite_order time-limit 1 64
int mine = t / 32;
if (t % 32 == 0) {
  while (atomicCAS(k + mine, 0, 1)) {}
  atomicAdd(k + 2, 1);
  while (atomicAdd(k + 2, 0) < 2) {}
  while (atomicCAS(k + 1 - mine, 0, 1)) {}  //!
}
== too_large_local_array stack-overflow 1 1
float large[1 << 20];
for (int q = 0; q < 1 << 20; q++) large[q] = q + n;
b[0] = large[n];
== local_scalar_never_written unwritten-read 1 1
float x;
b[0] = x;  //!
== local_accumulator_not_zeroed unwritten-read 1 1
float sum;
if (n > 3) {
  for (int q = 0; q < n; q++) sum += a[q];  //!
  b[0] = sum;
}
== local_array_one_short unwritten-read 1 1
float row[4], sum = 0;
for (int q = 0; q < 3; q++) row[q] = a[q];
for (int q = 0; q < 4; q++) sum += row[q];  //!
b[0] = sum;
== local_array_of_last_iteration unwritten-read 1 1
for (int r = 0; r < 2; r++) {
  float row[2];
  if (r == 0) row[0] = 1;
  b[r] = row[0];  //!
}
== local_member_never_written unwritten-read 1 1
float2 p;
p.x = a[0];
b[0] = p.x + p.y;  //!
== local_written_by_some_threads_only unwritten-read 1 64
float x;
if (t < 32) x = a[t];
b[t] = x;  //!
== local_set_under_a_condition unwritten-read 1 4
float v;
if (a[t] > 1) v = 1;
b[t] = v;  //!
== loop_with_step_zero time-limit 2 64
for (int j = i; j < n; j += k[0]) b[j] = a[j];  //!
== loop_that_counts_in_memory time-limit 2 64
int j = 0;
while (j < 10) k[t % 64] += 1;  //!
== loop_of_atomics time-limit 2 64
for (int j = 0; j < 10; j *= 2) atomicAdd(&k[t % 8], 1);  //!
== loop_over_a_cyclic_list time-limit 1 32
if (t == 0) k[0] = 1, k[1] = 2, k[2] = 1;
__syncwarp();
int node = 0;
while (node != 5) node = k[node];  //!
== tree_that_halves_for_ever time-limit 2 64
__shared__ float s[64];
s[t] = a[t];
__syncthreads();
for (int h = 32; h >= 0; h /= 2) {
  if (t < h) s[t] += s[t + h];
  __syncthreads();  //!
}
== shuffles_that_halve_for_ever time-limit 2 64
float v = a[t];
for (int h = 16; h >= 0; h /= 2) v += __shfl_down_sync(~0u, v, h);  //!
b[i] = v;
== iteration_that_never_converges time-limit 1 64
__shared__ int changed;
int x = 0;
do {
  __syncthreads();  //!
  if (t == 0) changed = 0;
  __syncthreads();  //!
  k[t] = 1 - x;
  if (k[t] != x) changed = 1;
  __syncthreads();  //!
  x = k[t];
} while (changed);
== table_without_a_free_slot time-limit 1 64
for (int slot = t % 16;; slot = (slot + 1) % 16)
  if (atomicCAS(&k[slot], 0, t + 1) == 0) break;  //!
== grid_barrier_that_one_block_misses time-limit 8 32
if (t == 0) {
  if (blockIdx.x != 3) atomicAdd(k, 1);
  while (atomicAdd(k, 0) < (int)gridDim.x) {}  //!
}
== grid_barrier_of_more_blocks_than_fit time-limit 200 1024
if (t == 0) {
  atomicAdd(k, 1);
  while (atomicAdd(k, 0) < (int)gridDim.x) {}  //!
}
== grid_barrier_without_fence race 8 32
if (t == 0) {
  b[blockIdx.x] = 1;
  atomicAdd(k, 1);
  while (atomicAdd(k, 0) < (int)gridDim.x) {}
  a[blockIdx.x] = b[(blockIdx.x + 1) % gridDim.x];  //!
}
== second_grid_barrier_forgotten race 8 32
if (t == 0) {
  b[blockIdx.x] = 1;
  __threadfence();
  atomicAdd(k, 1);
  while (atomicAdd(k, 0) < (int)gridDim.x) {}
  __threadfence();
  b[(blockIdx.x + 1) % gridDim.x] += 1;  //!
}
__syncthreads();
if (t == 1) b[blockIdx.x] += 2;  //!
== recursion_after_a_volatile_write stack-overflow 1 1
@__device__ int fib(volatile int *k, int n) {
@  k[0] = n;
@  return fib(k, n - 1) + fib(k, n - 2);
@}
b[0] = fib(k, n);
== local_array_read_through_pointer out-of-bounds 1 1
float row[2][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
float sum = 0;
const float *p = row[1];
for (int j = 0; j <= 4 * n / 256; j++) sum += p[j];  //!
b[0] = sum;
== local_array_filled_by_function out-of-bounds 1 1
@__device__ void fill(int *v, int n) { for (int j = 0; j <= n; j++) v[j] = j; }
int v[6], w[3];
w[0] = 1;
fill(v, 6);
b[0] = v[2] + w[0];
== local_array_before_its_start out-of-bounds 1 1
volatile float v[4];
volatile float *p = &v[0];
p[-n / 256] = 1;  //!
b[0] = 1;
== local_array_overrun_by_memcpy out-of-bounds 1 1
float v[4];
__builtin_memcpy(v, a, 5 * sizeof(float));  //!
b[0] = v[0];
== reduction_over_part_of_a_warp_not_guarded warp-divergence 1 24
const unsigned mask = (1u << 24) - 1;
int v = (int)a[t];
for (int d = 16; d; d /= 2) v = max(v, __shfl_down_sync(mask, v, d));  //!
if (t == 0) k[0] = v;
== undefined_value_used_after_a_barrier warp-divergence 1 32
__shared__ float s[32];
if (t < 12) {
  float u = __shfl_down_sync(0xfff, a[t], 4);  //!
  __syncwarp(0xfff);
  s[t] = t + 4 <= 12 ? u : 0;
}
__syncwarp();
if (t < 12) b[t] = s[t];
== undefined_value_copied_among_others warp-divergence 1 12
float v[8] = {};
v[1] = __shfl_down_sync(0xfff, a[t], 4);  //!
memcpy(&b[8 * t], v, 32);
== undefined_value_set_to_all_bytes warp-divergence 1 12
int v = __shfl_down_sync(0xfff, t, 4);  //!
memset(&b[8 * t], v, 32);
== undefined_value_as_an_index warp-divergence 1 12
int j = __shfl_down_sync(0xfff, t, 1) & 63;  //!
if (j > 0 && j < n) b[j] = 1;
== undefined_value_in_an_atomic warp-divergence 1 12
int v = __shfl_xor_sync(0xfff, t, 8);  //!
atomicAdd(&k[1], v);
== undefined_value_decides_a_loop warp-divergence 1 12
int rounds = __shfl_down_sync(0xfff, 3, 1) & 7;  //!
for (int j = 0; j < rounds; j++) atomicAdd(&k[2], 1);
