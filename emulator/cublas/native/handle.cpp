// Handles, and what is set on them.
#include <atomic>
#include <new>

#include "call.hpp"

namespace emu {
namespace {

// CUDA 12.8's cuBLAS, as cublasGetVersion gives it (major, minor, patch as 12 08 03).
constexpr int CUBLAS_VERSION = 120803;

Handle *first_handle = nullptr;
std::atomic_flag busy = ATOMIC_FLAG_INIT;

class Lock {
 public:
  Lock() {
    while (busy.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Lock() { busy.clear(std::memory_order_release); }
};

}  // namespace

Handle *find_handle(void *handle) {
  Lock lock;
  Handle *live = first_handle;
  while (live && live != handle) live = live->next;
  return live;
}

static int create(void **handle) {
  if (!handle) return INVALID_VALUE;
  void *memory = std::malloc(sizeof(Handle));
  if (!memory) return 3;  // CUBLAS_STATUS_ALLOC_FAILED
  Handle *made = new (memory) Handle;
  Lock lock;
  made->next = first_handle;
  first_handle = made;
  *handle = made;
  return SUCCESS;
}

static int destroy(void *handle) {
  Lock lock;
  Handle **link = &first_handle;
  while (*link && *link != handle) link = &(*link)->next;
  if (!*link) return NOT_INITIALIZED;
  Handle *dead = *link;
  *link = dead->next;
  std::free(dead);
  return SUCCESS;
}

template <class V>
int set(const char *routine, void *handle, V Handle::*field, V value) {
  Call call(routine, handle);
  if (!call.failed()) call.handle().*field = value;
  return call.status();
}

template <class V>
int get(const char *routine, void *handle, V Handle::*field, V *value) {
  Call call(routine, handle);
  call.require(value != nullptr, "result", "it is a null pointer");
  if (!call.failed()) *value = call.handle().*field;
  return call.status();
}

}  // namespace emu

using emu::Handle;

EXPORT void emu_connect(const emu::Device *device) { emu::device = *device; }

EXPORT int cublasCreate_v2(void **handle) { return emu::create(handle); }
EXPORT int cublasDestroy_v2(void *handle) { return emu::destroy(handle); }
EXPORT int cublasGetVersion_v2(void *, int *version) {  // works without a handle, as cuBLAS's own does
  if (!version) return emu::INVALID_VALUE;
  *version = emu::CUBLAS_VERSION;
  return emu::SUCCESS;
}
EXPORT int cublasSetStream_v2(void *handle, void *stream) {
  return emu::set("cublasSetStream", handle, &Handle::stream, stream);
}
EXPORT int cublasGetStream_v2(void *handle, void **stream) {
  return emu::get("cublasGetStream", handle, &Handle::stream, stream);
}

#define MODE(name, field, greatest)                                   \
  EXPORT int cublasSet##name(void *handle, int mode) {                \
    emu::Call call("cublasSet" #name, handle);                        \
    call.option("mode", mode, greatest);                              \
    if (!call.failed()) call.handle().field = mode;                   \
    return call.status();                                             \
  }                                                                   \
  EXPORT int cublasGet##name(void *handle, int *mode) {               \
    return emu::get("cublasGet" #name, handle, &Handle::field, mode); \
  }
MODE(PointerMode_v2, pointer_mode, 1)
MODE(AtomicsMode, atomics_mode, 1)
MODE(MathMode, math_mode, 0x1ff)  // a value of the low bits, and flags above them

// ---- named by scikit-cuda, of cuBLAS's first interface, and not emulated
static int not_emulated(const char *routine) {
  emu::device.report(emu::NOT_EMULATED, routine, "", 0, 0, "");
  return emu::NOT_SUPPORTED;
}
EXPORT int cublasChpr2() { return not_emulated("cublasChpr2"); }
EXPORT int cublasGetCurrentCtx() { return not_emulated("cublasGetCurrentCtx"); }
