// What the libraries know of the emulated device: functions of the runtime, handed over once by Python.
#pragma once
#include <cstdint>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace emu {

// Mirrored by emulator.cublas.report.Fault.
enum Fault { BAD_ADDRESS, UNWRITTEN, INVALID_ARGUMENT, NOT_EMULATED, IN_PLACE, DEVICE_SCALAR, LOST_FLAG };

// Mirrored by emulator.cublas.library.Device.
struct Device {
  int (*is_checked)();
  int (*range_ok)(uint64_t address, uint64_t bytes);
  int (*in_device_memory)(uint64_t address);  // false for page-locked host memory
  int64_t (*first_unwritten)(uint64_t address, uint64_t bytes);  // offset of the first such byte; -1: all written
  void (*mark_written)(uint64_t address, uint64_t bytes);
  uint64_t (*allocate)(uint64_t bytes);  // 0: out of memory
  int (*release)(uint64_t address);      // 0: done
  uint64_t (*bytes_in_use)();
  uint64_t total_bytes;
  // `first`, `bytes`: the range that the routine needs. `detail`: more words, or the empty string.
  void (*report)(int fault, const char *routine, const char *argument, uint64_t first, uint64_t bytes,
                 const char *detail);
};

inline Device device{};  // one in each library: symbols are hidden

template <class P>
uint64_t address_of(P *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

}  // namespace emu
