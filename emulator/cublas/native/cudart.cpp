// What scikit-cuda's skcuda.cudart names of the CUDA runtime: memory, and questions about the one device.
#include <cstring>

#include "device.hpp"

namespace {

constexpr int CUDA_VERSION = 12080;  // the toolkit that the emulated nvcc says it is
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_DEVICE_POINTER = 17, INVALID_DEVICE = 101 };
enum CopyKind { HOST_TO_HOST, HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE, DEFAULT };
constexpr size_t PITCH = 512;  // textureAlignment of devices since compute capability 3.0

bool on_device(const void *pointer) { return emu::device.range_ok(emu::address_of(pointer), 1); }

bool copy_side_ok(const char *name, const void *pointer, size_t bytes, bool must_be_device) {
  if (!must_be_device || emu::device.range_ok(emu::address_of(pointer), bytes)) return true;
  emu::device.report(emu::BAD_ADDRESS, "cudaMemcpy", name, emu::address_of(pointer), bytes, "");
  return false;
}

}  // namespace

using emu::address_of;

EXPORT const char *cudaGetErrorString(int error) {
  switch (error) {
    case SUCCESS: return "no error";
    case INVALID_VALUE: return "invalid argument";
    case OUT_OF_MEMORY: return "out of memory";
    case INVALID_DEVICE_POINTER: return "invalid device pointer";
    case INVALID_DEVICE: return "invalid device ordinal";
    default: return "unrecognized error code";
  }
}

EXPORT int cudaMalloc(void **pointer, size_t bytes) {
  if (!pointer) return INVALID_VALUE;
  *pointer = bytes ? reinterpret_cast<void *>(emu::device.allocate(bytes)) : nullptr;
  return bytes && !*pointer ? OUT_OF_MEMORY : SUCCESS;
}

EXPORT int cudaMallocPitch(void **pointer, size_t *pitch, size_t width, size_t height) {
  if (!pitch) return INVALID_VALUE;
  *pitch = (width + PITCH - 1) / PITCH * PITCH;
  return cudaMalloc(pointer, *pitch * height);
}

EXPORT int cudaFree(void *pointer) {
  if (!pointer || emu::device.release(address_of(pointer)) == 0) return SUCCESS;
  return INVALID_DEVICE_POINTER;
}

EXPORT int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  if (kind < HOST_TO_HOST || kind > DEFAULT) return INVALID_VALUE;
  if (bytes == 0) return SUCCESS;
  const bool to_device = kind == HOST_TO_DEVICE || kind == DEVICE_TO_DEVICE || (kind == DEFAULT && on_device(to));
  const bool from_device = kind == DEVICE_TO_HOST || kind == DEVICE_TO_DEVICE || (kind == DEFAULT && on_device(from));
  if (!copy_side_ok("dst", to, bytes, to_device) || !copy_side_ok("src", from, bytes, from_device)) {
    return INVALID_VALUE;
  }
  std::memmove(to, from, bytes);
  if (to_device) emu::device.mark_written(address_of(to), bytes);
  return SUCCESS;
}

EXPORT int cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
  if (!free_bytes || !total_bytes) return INVALID_VALUE;
  *total_bytes = emu::device.total_bytes;
  *free_bytes = emu::device.total_bytes - emu::device.bytes_in_use();
  return SUCCESS;
}

EXPORT int cudaSetDevice(int device) { return device == 0 ? SUCCESS : INVALID_DEVICE; }
EXPORT int cudaGetDevice(int *device) { return device ? (*device = 0, SUCCESS) : INVALID_VALUE; }
EXPORT int cudaDriverGetVersion(int *version) { return version ? (*version = CUDA_VERSION, SUCCESS) : INVALID_VALUE; }
EXPORT int cudaRuntimeGetVersion(int *version) { return version ? (*version = CUDA_VERSION, SUCCESS) : INVALID_VALUE; }

struct cudaPointerAttributes {
  int type, device;  // type: 0 unregistered, 2 device
  void *device_pointer, *host_pointer;
};
EXPORT int cudaPointerGetAttributes(cudaPointerAttributes *attributes, void *pointer) {
  if (!attributes) return INVALID_VALUE;
  *attributes = on_device(pointer) ? cudaPointerAttributes{2, 0, pointer, nullptr}
                                   : cudaPointerAttributes{0, -1, nullptr, pointer};
  return SUCCESS;
}

EXPORT void emu_connect(const emu::Device *device) { emu::device = *device; }
