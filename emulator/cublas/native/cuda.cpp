// What scikit-cuda's skcuda.cudadrv names of the CUDA driver: one question about a pointer.
#include "device.hpp"

namespace {
enum { SUCCESS = 0, INVALID_VALUE = 1, NOT_SUPPORTED = 801 };
enum { MEMORY_TYPE = 2, DEVICE_POINTER = 3 };  // CUpointer_attribute
constexpr unsigned MEMORY_TYPE_DEVICE = 2;     // CUmemorytype
}  // namespace

EXPORT int cuPointerGetAttribute(void *data, int attribute, uint64_t pointer) {
  if (!data || !emu::device.range_ok(pointer, 1)) return INVALID_VALUE;
  if (attribute == MEMORY_TYPE) return *static_cast<unsigned *>(data) = MEMORY_TYPE_DEVICE, SUCCESS;
  if (attribute == DEVICE_POINTER) return *static_cast<uint64_t *>(data) = pointer, SUCCESS;
  emu::device.report(emu::NOT_EMULATED, "cuPointerGetAttribute", "attribute", 0, 0, "");
  return NOT_SUPPORTED;
}

EXPORT void emu_connect(const emu::Device *device) { emu::device = *device; }
