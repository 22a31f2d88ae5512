#include "order.h"
#include "trial.h"

namespace emu {

// More different findings than a person reads; a kernel with more stays faulty without them.
constexpr size_t kMaxFindings = 64;

void set_text(RawFinding &finding, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(finding.text, sizeof finding.text, format, arguments);
  va_end(arguments);
}

// The finding to fill in, or null when the same was seen before and has been counted. Races between warps and within one
// warp at the same two places are one finding: then it is the barrier that is missing.
RawFinding *report(Worker &w, Kind kind, Address pc, Address other_pc, int line, int other_line) {
  auto race = [](int k) { return k == (int)Kind::Race || k == (int)Kind::MissingSyncwarp; };
  for (RawFinding &f : w.findings) {
    bool same = f.kind == (int)kind || (race(f.kind) && race((int)kind));
    if (!same || f.pc != pc || f.other_pc != other_pc || f.line != line || f.other_line != other_line) continue;
    f.count++;
    return kind == Kind::Race && f.kind == (int)Kind::MissingSyncwarp ? &f : nullptr;
  }
  if (w.findings.size() >= kMaxFindings) return nullptr;
  RawFinding f{};
  f.kind = (int)kind;
  f.pc = pc;
  f.other_pc = other_pc;
  f.line = line;
  f.other_line = other_line;
  f.block = w.block;
  f.thread = w.thread;
  f.count = 1;
  w.findings.push(f);
  return &w.findings.back();
}

RawFinding *report_fatal(Worker &w, Kind kind, Address pc, int line) {
  RawFinding *f = report(w, kind, pc, 0, line, 0);
  if (f) f->fatal = 1;
  return f;
}

void abort_launch(Worker &w) {
  siglongjmp(w.escape, 1);
}

}  // namespace emu

using namespace emu;

// ---- services that end a launch or say something

// A device's printf has no %n, which would have the host write through a pointer of the kernel's.
static bool writes_through(const char *format) {
  while ((format = strchr(format, '%'))) {
    format += 1 + strspn(format + 1, "-+ #0123456789.*'$hljztLqI");
    if (*format == 'n') return true;
    if (*format) format++;
  }
  return false;
}

EMU_API int emu_printf(const char *format, ...) {
  constexpr size_t kMostBytes = 1 << 20;  // the default size of a device's printf buffer
  Worker &w = *self;
  if (writes_through(format)) {
    if (trial.phase == Phase::Ghost) trial_stops(w, {StopKind::Fault, 0, 0, 0, 0, 0});
    if (RawFinding *f = report_fatal(w, Kind::Trap, EMU_CALLER, 0))
      set_text(*f, "printf: a device has no %%n: write a number that you have counted");
    abort_launch(w);
  }
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  size_t kept = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
  if (trial.phase != Phase::Ghost && w.output.size() + kept <= kMostBytes) w.output.append(text, kept);
  return length;
}

EMU_API void emu_assert_failed(const char *condition, const char *file, int line, const char *function) {
  Worker &w = *self;
  (void)file;
  (void)function;
  if (trial.phase == Phase::Ghost) trial_stops(w, {StopKind::Fault, 0, 0, 0, 0, 0});
  if (RawFinding *f = report_fatal(w, Kind::Assert, EMU_CALLER, line)) set_text(*f, "%s", condition);
  abort_launch(w);
}

EMU_API void emu_trap(int line) {
  Worker &w = *self;
  if (trial.phase == Phase::Ghost) trial_stops(w, {StopKind::Fault, 0, 0, 0, 0, 0});
  report_fatal(w, Kind::Trap, EMU_CALLER, line);
  abort_launch(w);
}

// A device's clock, but the same in each run: it goes on by what has been executed.
EMU_API long long emu_clock(void) {
  Worker &w = *self;
  check.work(w, EMU_CALLER);
  check.watch.changed = true;
  return w.clock += 32;
}
