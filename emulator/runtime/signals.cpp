// The signals of a launch: those that a faulty kernel raises, and those of the timer that ends an endless one.
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include "order.h"
#include "trial.h"

namespace emu {

static Address interrupted_pc(void *context) {
#if defined(__x86_64__) && defined(__linux__)
  return (Address)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__) && defined(__linux__)
  return (Address)((ucontext_t *)context)->uc_mcontext.pc;
#elif defined(__x86_64__) && defined(__APPLE__)
  return (Address)((ucontext_t *)context)->uc_mcontext->__ss.__rip;
#elif defined(__aarch64__) && defined(__APPLE__)
  return (Address)((ucontext_t *)context)->uc_mcontext->__ss.__pc;
#else
  (void)context;
  return 0;
#endif
}

static Address interrupted_stack(void *context) {
#if defined(__x86_64__) && defined(__linux__)
  return (Address)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__) && defined(__linux__)
  return (Address)((ucontext_t *)context)->uc_mcontext.sp;
#elif defined(__x86_64__) && defined(__APPLE__)
  return (Address)((ucontext_t *)context)->uc_mcontext->__ss.__rsp;
#elif defined(__aarch64__) && defined(__APPLE__)
  return (Address)((ucontext_t *)context)->uc_mcontext->__ss.__sp;
#else
  (void)context;
  return 0;
#endif
}

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM};
static struct sigaction previous[4];
static struct {
  bool checked;
  double seconds_left;  // CPU time until the launch is stopped
  int64_t work_seen;    // what was left of the work at the last tick of the timer
  int idle_ticks;       // of a checked kernel that accessed nothing since
  int expired;
} limit;

static void set_timer(double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = (time_t)seconds;
  timer.it_value.tv_usec = (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
  setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

// The timer ticks each second of CPU time. Checked kernels are limited by their work, which counts accesses: one that has
// made none for some seconds is in a loop that has none.
constexpr double kTick = 1;

static bool time_is_up() {
  constexpr int kIdleTicks = 2;
  int64_t work = check.slices_left * check.slice + check.fuel;
  limit.idle_ticks = limit.checked && work == limit.work_seen ? limit.idle_ticks + 1 : 0;
  limit.work_seen = work;
  limit.seconds_left -= kTick;
  if (limit.seconds_left <= 0 || limit.idle_ticks >= kIdleTicks) return true;
  set_timer(limit.seconds_left < kTick ? limit.seconds_left : kTick);
  return false;
}

static bool in_image(const Worker &w, Address pc) {
  return pc >= (Address)w.launch->image->base && pc < (Address)w.launch->image->end;
}

// Does a return address follow a call of the image's own code, not of the runtime through the procedure linkage table?
static bool returns_from_own_code(const Worker &w, Address word) {
#ifdef __x86_64__
  constexpr unsigned char kCall = 0xE8, kEndbr[] = {0xF3, 0x0F, 0x1E, 0xFA}, kJump[] = {0xFF, 0x25}, kBound = 0xF2;
  const unsigned char *call = (const unsigned char *)word - 5;
  int32_t distance;
  if (!in_image(w, (Address)call) || *call != kCall) return false;
  memcpy(&distance, call + 1, sizeof distance);
  Address target = word + (Address)(intptr_t)distance;
  if (!in_image(w, target)) return false;
  const unsigned char *code = (const unsigned char *)target;
  if (!memcmp(code, kEndbr, sizeof kEndbr)) code += sizeof kEndbr;
  code += *code == kBound;
  return memcmp(code, kJump, sizeof kJump) != 0;
#else
  (void)w;
  (void)word;
  return true;
#endif
}

// What filled the stack: the return address that is found most often there is the call that recurs. Without recursion, the
// first one: of the function with the large variables. Sets `recurs`.
static Address filled_by(const Worker &w, Address top, bool &recurs) {
  constexpr int kMost = 64, kRecursion = 8;
  struct {
    Address address;
    int count;
  } found[kMost];
  int distinct = 0, best = 0;
  Address low = w.fiber->stack + kGuardBytes, high = w.fiber->stack + kStackBytes;
  if (top < low) top = low;
  for (Address p = (top + 7) & ~(Address)7; p + 8 <= high; p += 8) {
    Address word = *(Address *)p;
    if (!in_image(w, word) || !returns_from_own_code(w, word)) continue;
    int i = 0;
    while (i < distinct && found[i].address != word) i++;
    if (i == kMost) continue;
    if (i == distinct) found[distinct++] = {word, 0};
    if (++found[i].count > found[best].count) best = i;
  }
  recurs = distinct && found[best].count >= kRecursion;
  return distinct ? found[recurs ? best : 0].address : 0;
}

static void on_signal(int number, siginfo_t *info, void *context) {
  Worker *w = self;
  if (number == SIGVTALRM && !limit.expired && !time_is_up()) return;
  if (number == SIGVTALRM) {
    limit.expired++;
    if (!w) {  // another thread of the process was hit: pass it on
      interrupt_workers(SIGVTALRM);
      return;
    }
  } else if (!w) {
    for (int i = 0; i < 4; i++)
      if (kSignals[i] == number) sigaction(number, &previous[i], nullptr);
    return;  // happens again, for those who were here before
  }
  Address pc = interrupted_pc(context), address = (Address)info->si_addr;
  constexpr int kPatience = 500;  // milliseconds until the thread is seen in the kernel itself, not in a callback
  if (number == SIGVTALRM && !in_image(*w, pc) && limit.expired < kPatience) {
    set_timer(0.001);
    return;
  }
  if (trial.phase == Phase::Ghost) {
    if (number == SIGVTALRM) {
      limit.expired = limit.idle_ticks = 0;
      set_timer(1);
    }
    ghost_faults(*w);
  }
  Kind kind = Kind::TimeLimit;
  if (number == SIGFPE) kind = Kind::DivisionByZero;
  if (number == SIGSEGV || number == SIGBUS) {
    constexpr Address kLowest = 4 << 20;
    kind = w->fiber && address - w->fiber->stack < kGuardBytes ? Kind::StackOverflow
           : address < kLowest                                 ? Kind::NullPointer
                                                               : Kind::OutOfBounds;
  }
  bool recurs = false;
  Address culprit = kind == Kind::StackOverflow ? filled_by(*w, interrupted_stack(context), recurs) : 0;
  if (!recurs && in_image(*w, pc)) culprit = pc + 1;
  if (RawFinding *f = report_fatal(*w, kind, culprit ? culprit : pc + 1, 0)) {
    if (kind == Kind::StackOverflow) f->other_pc = pc + 1;
    f->detail = recurs;
    f->address = kind == Kind::NullPointer || kind == Kind::OutOfBounds ? address : 0;
    f->space = (int)Space::Unknown;
    if (kind == Kind::TimeLimit) f->other_pc = w->me().last_pc;  // the atomic that it repeats, should pc be inside of it
  }
  abort_launch(*w);
}

void catch_signals(bool checked, double seconds) {
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int i = 0; i < 4; i++) sigaction(kSignals[i], &action, &previous[i]);
  limit = {checked, seconds, -1, 0, 0};
  set_timer(seconds < kTick ? seconds : kTick);
}

void restore_signals() {
  set_timer(0);
  for (int i = 0; i < 4; i++) sigaction(kSignals[i], &previous[i], nullptr);
}

void leave_signals_to_python() {
  sigset_t all;
  sigfillset(&all);
  for (int s : kSignals) sigdelset(&all, s);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

void give_signal_stack() {
  constexpr size_t kSignalStack = 64 << 10;
  stack_t stack{};
  stack.ss_sp = malloc(kSignalStack);
  stack.ss_size = kSignalStack;
  sigaltstack(&stack, nullptr);
}

}  // namespace emu
