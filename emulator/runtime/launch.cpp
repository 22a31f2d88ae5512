// A launch: its blocks on the OS threads, and the results.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <new>

#include "images.h"
#include "signals.h"
#include "trial.h"

namespace emu {

constexpr size_t kDynamicBytes = 256 << 10;  // no device gives a block more (228 KiB on the H100)
constexpr size_t kStaticShadowBytes = 1 << 20;
constexpr int kMaxWorkers = 64;

struct Job {
  Launch launch;
  uint64_t next, chunk;  // the next block that nobody has taken
  int stop;
};
static Job job;
static Worker *workers[kMaxWorkers];  // of the current launch
static pthread_t worker_threads[kMaxWorkers];
static int worker_count;

Worker &this_worker() {
  static __thread Worker *mine = nullptr;
  if (mine) return *mine;
  void *memory = nullptr;
  if (posix_memalign(&memory, alignof(Worker), sizeof(Worker))) out_of_host_memory(sizeof(Worker));
  mine = new (memory) Worker;
  mine->dynamic = (char *)mmap(nullptr, kDynamicBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mine->dynamic == (char *)MAP_FAILED) out_of_host_memory(kDynamicBytes);
  give_signal_stack();
  return *mine;
}

void interrupt_workers(int number) {
  for (int i = 0; i < worker_count; i++) pthread_kill(worker_threads[i], number);
}

// ---- blocks on OS threads

static void run_blocks(Worker &w) {
  w.launch = &job.launch;
  w.findings.clear();
  w.output.clear();
  w.clock = 0;
  size_t bytes = 0;
  w.shared = job.launch.image->shared ? job.launch.image->shared(&bytes) : nullptr;
  w.shared_bytes = bytes;
  for (unsigned t = 0; t < job.launch.threads; t++) w.threads[t].index = unflatten(t, job.launch.block);
  self = &w;
  if (sigsetjmp(w.escape, 0) == 0) {
    if (job.launch.checked) check.begin_launch(w);
    for (;;) {
      uint64_t first = __atomic_fetch_add(&job.next, job.chunk, __ATOMIC_RELAXED);
      if (first >= job.launch.blocks || __atomic_load_n(&job.stop, __ATOMIC_RELAXED)) break;
      uint64_t last = first + job.chunk < job.launch.blocks ? first + job.chunk : job.launch.blocks;
      for (uint64_t i = first; i < last;) {
        w.others = job.chunk == job.launch.blocks && i + 1 < last;
        if (!run_block(w, i++)) i = run_together(w, i, last);
      }
    }
  } else {  // aborted: the fibers that were at work start anew
    __atomic_store_n(&job.stop, 1, __ATOMIC_RELAXED);
    w.fibers.rebuild();
  }
  self = nullptr;
}

// A pool of OS threads that live as long as the process. They are woken for large unchecked launches only.
struct Pool {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake = PTHREAD_COND_INITIALIZER, rest = PTHREAD_COND_INITIALIZER;
  int threads = 0, wanted = 0, busy = 0;
  uint64_t round = 0;
};
static Pool pool;

static void *pool_thread(void *argument) {
  int number = (int)(intptr_t)argument;
  uint64_t seen = 0;
  leave_signals_to_python();
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (pool.round == seen || number > pool.wanted) {
      if (number > pool.wanted) seen = pool.round;
      pthread_cond_wait(&pool.wake, &pool.lock);
    }
    seen = pool.round;
    pthread_mutex_unlock(&pool.lock);
    run_blocks(*workers[number]);
    pthread_mutex_lock(&pool.lock);
    if (--pool.busy == 0) pthread_cond_signal(&pool.rest);
  }
}

static void *start_pool_thread(void *argument) {
  int number = (int)(intptr_t)argument;
  Worker &w = this_worker();
  pthread_mutex_lock(&pool.lock);
  workers[number] = &w;
  worker_threads[number] = pthread_self();
  if (--pool.busy == 0) pthread_cond_signal(&pool.rest);
  pthread_mutex_unlock(&pool.lock);
  return pool_thread(argument);
}

static pthread_mutex_t launch_lock = PTHREAD_MUTEX_INITIALIZER;

static void after_fork() {  // a child has none of its parent's threads
  new (&pool) Pool;
  launch_lock = PTHREAD_MUTEX_INITIALIZER;
}

static void run_parallel(int count) {
  if (!pool.threads) pthread_atfork(nullptr, nullptr, after_fork);
  pthread_mutex_lock(&pool.lock);
  for (; pool.threads < count - 1; pool.threads++) {
    pthread_t thread;
    pool.busy = 1;
    if (pthread_create(&thread, nullptr, start_pool_thread, (void *)(intptr_t)(pool.threads + 1))) break;
    pthread_detach(thread);
    while (pool.busy) pthread_cond_wait(&pool.rest, &pool.lock);
  }
  pool.wanted = pool.busy = pool.threads < count - 1 ? pool.threads : count - 1;
  worker_count = pool.wanted + 1;
  ++pool.round;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  run_blocks(*workers[0]);
  pthread_mutex_lock(&pool.lock);
  while (pool.busy) pthread_cond_wait(&pool.rest, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
}

}  // namespace emu

using namespace emu;

struct emurt_request {
  const emu_image *image;
  void (*run)(void **);
  const char *arguments;
  const uint32_t *offsets;
  uint32_t parameter_count, argument_bytes;
  uint32_t grid[3], block[3];
  uint64_t dynamic_bytes, heap_bytes;
  double time_limit_s;
  int32_t profile, most_threads;
};
struct emurt_result {
  const RawFinding *findings;
  uint64_t finding_count;
  const char *output;
  uint64_t output_bytes;
  const PlaceCounters *counters;
  uint64_t counter_count;
};

static void start_check(const emurt_request &request, Worker &w, ImageFacts &facts) {
  static size_t dynamic_high = 0;
  if (!check.statics.state) {
    check.statics.size = kStaticShadowBytes;
    check.dynamic.size = kDynamicBytes;
    make_shadow(check.statics);
    make_shadow(check.dynamic);
    check.statics.space = Space::Shared;
    check.dynamic.space = Space::Dynamic;
  }
  size_t bytes = 0;
  check.statics.base = request.image->shared ? (Address)request.image->shared(&bytes) : 0;
  check.statics.size = bytes;
  set_state(check.statics, (bytes + 3) & ~(size_t)3, 32, 0);
  check.dynamic.base = (Address)w.dynamic;
  if (dynamic_high) set_state(check.dynamic, 0, dynamic_high, 0);
  dynamic_high = (request.dynamic_bytes + 3) & ~(size_t)3;
  check.variables = facts.variables;
  // So many accesses take about a second (measured: 6 to 25 ns each).
  constexpr double kAccessesPerSecond = 100e6;
  check.slice = 1 << 16;
  // A single thread is looked at more closely when it has made a ninetieth of all accesses that a launch may make: with
  // the default limit of 60 s after 67 million.
  check.suspicious = (int64_t)(request.time_limit_s * kAccessesPerSecond / 90 / (double)check.slice);
  check.polls_seen = w.polls;
  begin_recurrence();
  forget_ghosts();
  check.slices_left = (int64_t)(request.time_limit_s * kAccessesPerSecond / (double)check.slice);
  check.fuel = request.profile ? 0 : check.slice;
  check.held = check.slice;
  if (request.profile) check.counters.begin();
}

static int sort_key(const void *a, const void *b) {
  const RawFinding &x = *(const RawFinding *)a, &y = *(const RawFinding *)b;
  if (x.fatal != y.fatal) return x.fatal - y.fatal;
  const Index3 &i = x.block, &j = y.block;
  if (i.z != j.z) return i.z < j.z ? -1 : 1;
  if (i.y != j.y) return i.y < j.y ? -1 : 1;
  return i.x < j.x ? -1 : i.x > j.x;
}

EMU_API int emurt_launch(const emurt_request *request, emurt_result *result) {
  constexpr size_t kMostArguments = 4096, kMostParameters = 1024;  // CUDA allows 4 KiB of parameters
  alignas(16) static char arguments[kMostArguments];
  static void *pointers[kMostParameters];
  static Vector<PlaceCounters> counters;
  static Vector<RawFinding> findings;
  if (request->argument_bytes > kMostArguments || request->parameter_count > kMostParameters) return 1;
  if (request->dynamic_bytes > kDynamicBytes) return 2;
  pthread_mutex_lock(&launch_lock);
  memcpy(arguments, request->arguments, request->argument_bytes);
  for (uint32_t i = 0; i < request->parameter_count; i++) pointers[i] = arguments + request->offsets[i];
  Worker &w = this_worker();
  Launch &launch = job.launch;
  launch.image = request->image;
  launch.run = request->run;
  launch.arguments = pointers;
  launch.arguments_begin = (Address)arguments;
  launch.arguments_end = (Address)arguments + request->argument_bytes;
  launch.grid = {request->grid[0], request->grid[1], request->grid[2]};
  launch.block = {request->block[0], request->block[1], request->block[2]};
  launch.blocks = (uint64_t)launch.grid.x * launch.grid.y * launch.grid.z;
  launch.threads = launch.block.x * launch.block.y * launch.block.z;
  launch.dynamic_bytes = request->dynamic_bytes;
  launch.heap_bytes = request->heap_bytes;
  launch.checked = request->image->checked && arena.state;
  launch.profile = request->profile;
  ImageFacts &facts = facts_of(*request->image);
  if (launch.checked) start_check(*request, w, facts);

  constexpr uint64_t kWorthwhile = 8192;  // CUDA threads: less than waking an OS thread takes (some 10 us) is not worth it
  int count = request->most_threads < kMaxWorkers ? request->most_threads : kMaxWorkers;
  if (launch.checked || facts.serial || launch.blocks * launch.threads < kWorthwhile || launch.blocks < 2) count = 1;
  job.next = 0;
  job.stop = 0;
  job.chunk = count > 1 ? (launch.blocks + 8u * (unsigned)count - 1) / (8u * (unsigned)count) : launch.blocks;
  workers[0] = &w;
  worker_threads[0] = pthread_self();
  worker_count = 1;
  // The backstop for loops that access nothing: CPU time, so that a busy machine changes nothing. Checked kernels are
  // limited by their work; they get time enough for it.
  catch_signals(launch.checked, request->time_limit_s * (launch.checked ? 4 : count));
  if (count > 1) run_parallel(count);
  else run_blocks(w);
  restore_signals();

  counters.clear();
  if (launch.checked) {
    if (launch.profile) check.counters.finish(counters);
    check.end_launch(w);
  }
  findings.clear();
  for (int i = 0; i < worker_count; i++)
    for (const RawFinding &f : workers[i]->findings)
      if (!f.explained) findings.push(f);
  if (worker_count > 1) qsort(findings.begin(), findings.size(), sizeof(RawFinding), sort_key);
  result->findings = findings.begin();
  result->finding_count = findings.size();
  result->output = w.output.begin();
  result->output_bytes = w.output.size();
  result->counters = counters.begin();
  result->counter_count = counters.size();
  pthread_mutex_unlock(&launch_lock);
  return 0;
}
