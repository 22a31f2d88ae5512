// One call of a cuBLAS routine: its handle, its arguments' checks, its status.
#pragma once
#include <cstdio>

#include "device.hpp"
#include "matrix.hpp"

namespace emu {

// Numbers of cublasStatus_t.
enum Status {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  INVALID_VALUE = 7,
  EXECUTION_FAILED = 13,
  NOT_SUPPORTED = 15
};

struct Handle {
  void *stream = nullptr;
  int pointer_mode = 0, atomics_mode = 0, math_mode = 0;
  Handle *next = nullptr;
};
Handle *find_handle(void *handle);  // null: not a live handle

// Checks note the first failure; a routine looks at failed() before it touches memory.
class Call {
 public:
  Call(const char *routine, void *handle) : routine_(routine), handle_(find_handle(handle)) {
    if (!handle_) {
      status_ = NOT_INITIALIZED;
      device.report(INVALID_ARGUMENT, routine, "handle", address_of(handle), 0,
                    "it is not a live handle: cublasCreate makes one, cublasDestroy ends it");
    }
  }

  bool failed() const { return status_ != SUCCESS; }
  int status() const { return status_; }
  Handle &handle() { return *handle_; }

  void size(const char *name, long value) {
    if (value < 0) invalid(name, "it is %ld, and a size is at least 0", value);
  }
  void increment(const char *name, long value) {
    if (value == 0) invalid(name, "it is 0, and elements of a vector are at least 1 apart (or -1)", value);
  }
  // Rows of one column in memory; `rows` is what the matrix has.
  void leading(const char *name, long value, long rows) {
    const long least = rows > 1 ? rows : 1;
    if (value < least) {
      invalid(name, "it is %ld, and the matrix, column-major, has %ld rows: at least %ld", value, rows, least);
    }
  }
  void operation(const char *name, long value) { option(name, value, HERMITIAN); }
  void option(const char *name, long value, long greatest = 1) {
    if (value < 0 || value > greatest) invalid(name, "it is %ld, and must be 0 to %ld", value, greatest);
  }
  void require(bool condition, const char *name, const char *why) {
    if (!condition) invalid(name, why, 0);
  }

  // A scalar argument, in host or in device memory as the handle says.
  template <class T>
  T scalar(const char *name, const T *pointer) {
    if (failed() || !scalar_place(name, pointer)) return T(0);
    if (on_device()) reads(name, Vector<T>(pointer, 1, 1));
    return failed() ? T(0) : *pointer;
  }
  template <class T>
  void result(const char *name, T *pointer, T value) {
    if (failed() || !scalar_place(name, pointer)) return;
    if (on_device()) writes(name, Vector<T>(pointer, 1, 1));
    if (!failed()) *pointer = value;
  }
  // An array of parameters, in host or in device memory as the handle says.
  template <class T>
  void parameters(const char *name, T *pointer, long count, bool written) {
    if (failed() || !scalar_place(name, pointer) || !on_device()) return;
    if (written) {
      writes(name, Vector<T>(pointer, count, 1));
    } else {
      reads(name, Vector<T>(pointer, count, 1));
    }
  }

  template <class Stored>
  void reads(const char *name, const Stored &stored) {
    if (!in_bounds(name, stored) || !device.is_checked()) return;
    bool reported = false;
    each_run(stored, [&](long offset, long length) {
      using Value = typename Stored::Value;
      if (reported) return;
      const uint64_t first = address_of(stored.data + offset);
      const int64_t unwritten = device.first_unwritten(first, length * sizeof(Value));
      if (unwritten < 0) return;
      reported = true;
      char element[64];
      std::snprintf(element, sizeof element, "element %lld",
                    static_cast<long long>((first + unwritten - address_of(stored.data)) / sizeof(Value)));
      device.report(UNWRITTEN, routine_, name, first + unwritten, sizeof(Value), element);
    });
  }
  template <class Stored>
  void writes(const char *name, const Stored &stored) {
    if (!in_bounds(name, stored)) return;
    each_run(stored, [&](long offset, long length) {
      device.mark_written(address_of(stored.data + offset), length * sizeof(typename Stored::Value));
    });
  }
  template <class Stored>
  void updates(const char *name, const Stored &stored, bool also_reads = true) {
    if (also_reads) reads(name, stored);
    writes(name, stored);
  }
  // The same for matrix `index` of a batch.
  template <class Stored>
  void reads(const char *name, long index, const Stored &stored) {
    reads(Indexed(name, index).text, stored);
  }
  template <class Stored>
  void writes(const char *name, long index, const Stored &stored) {
    writes(Indexed(name, index).text, stored);
  }
  template <class Stored>
  void updates(const char *name, long index, const Stored &stored, bool also_reads = true) {
    updates(Indexed(name, index).text, stored, also_reads);
  }
  // One flag of an array that some programs (scikit-cuda's tests among them) make too short: on a device that goes
  // unnoticed. Here it is reported, nothing is stored, and the routine goes on.
  void flag(const char *name, long index, int *flags, int value) {
    if (failed()) return;
    if (device.range_ok(address_of(flags + index), sizeof(int))) {
      device.mark_written(address_of(flags + index), sizeof(int));
      flags[index] = value;
    } else if (!flag_reported_) {
      flag_reported_ = true;
      device.report(LOST_FLAG, routine_, Indexed(name, index).text, address_of(flags + index), sizeof(int), "");
    }
  }
  // The output and an input start at the same address: defined for few routines, and not for this one.
  template <class T>
  void not_in_place(const char *name, const T *output, const T *input) {
    if (!failed() && output == input) {
      device.report(IN_PLACE, routine_, name, address_of(input), 0, "");
    }
  }

 private:
  struct Indexed {
    char text[48];
    Indexed(const char *name, long index) { std::snprintf(text, sizeof text, "%s[%ld]", name, index); }
  };

  bool on_device() const { return handle_->pointer_mode == 1; }

  bool scalar_place(const char *name, const void *pointer) {
    if (!pointer) {
      invalid(name, "it is a null pointer", 0);
    } else if (!on_device() && device.in_device_memory(address_of(pointer))) {
      status_ = INVALID_VALUE;
      device.report(DEVICE_SCALAR, routine_, name, address_of(pointer), 1, "");
    }
    return !failed();
  }

  template <class Stored>
  bool in_bounds(const char *name, const Stored &stored) {
    long begin = 0, end = 0;
    each_run(stored, [&](long offset, long length) {
      if (begin == end || offset < begin) begin = offset;
      if (offset + length > end) end = offset + length;
    });
    if (failed() || begin == end) return false;
    const uint64_t first = address_of(stored.data + begin);
    const uint64_t bytes = (end - begin) * sizeof(typename Stored::Value);
    if (device.range_ok(first, bytes)) return true;
    status_ = EXECUTION_FAILED;
    device.report(BAD_ADDRESS, routine_, name, first, bytes, "");
    return false;
  }

  template <class... Values>
  void invalid(const char *name, const char *format, Values... values) {
    if (failed()) return;
    status_ = INVALID_VALUE;
    char detail[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    std::snprintf(detail, sizeof detail, format, values...);
#pragma GCC diagnostic pop
    device.report(INVALID_ARGUMENT, routine_, name, 0, 0, detail);
  }

  const char *routine_;
  Handle *handle_;
  int status_ = SUCCESS;
  bool flag_reported_ = false;
};

}  // namespace emu
