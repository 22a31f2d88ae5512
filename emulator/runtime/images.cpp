// Images as they are made known: which of their kernels may run in parallel, and where their variables lie.
#include "images.h"

#include <link.h>

struct emurt_variable {
  uint64_t address, size;
  int kind;
};

EMU_API void emurt_register_variable(uint64_t address, uint64_t size);

namespace emu {

enum : int { kDevice, kConstantVariable, kGuard };  // emurt_variable::kind

static HashMap<ImageFacts> images;

// Kernels whose result may depend on the order of blocks run on one OS thread: those that use atomics (a float sum, or
// the value that an atomic returns), fences, printf, or volatile memory.
static bool imports(const emu_image &image, const char *name) {
#ifdef __linux__
  Dl_info info;
  link_map *map = nullptr;
  if (!dladdr1((void *)image.kernels, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return true;
  const char *strings = nullptr;
  size_t bytes = 0;
  for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
    if (d->d_tag == DT_STRTAB) strings = (const char *)d->d_un.d_ptr;
    if (d->d_tag == DT_STRSZ) bytes = d->d_un.d_val;
  }
  return !strings || memmem(strings, bytes, name, strlen(name) + 1) != nullptr;
#else
  (void)image;
  (void)name;
  return true;
#endif
}

ImageFacts &facts_of(const emu_image &image) {
  ImageFacts &facts = images[(uint64_t)&image];
  if (facts.known) return facts;
  facts.known = true;
  const char *order_dependent[] = {"emu_atomic", "emu_fence", "emu_yield", "emu_printf", "emu_active_mask",
                                   "emu_malloc", "emu_free", "emu_delete"};
  for (const char *name : order_dependent) facts.serial = facts.serial || imports(image, name);
  const char *volatile_accesses[] = {"__tsan_volatile_read4", "__tsan_volatile_write4", "__tsan_read4", "__tsan_write4"};
  for (const char *name : volatile_accesses) facts.serial = facts.serial || imports(image, name);
  facts.variables.space = Space::Variable;
  return facts;
}

// What lies between variables, and is no guard, is the compiler's own: existing and written. So are variables, which the
// loader has initialised.
static void lay_out(Region &region, const emurt_variable *variables, uint64_t count) {
  set_state(region, 0, (region.size + 3) & ~(size_t)3, kAll);
  for (uint64_t i = 0; i < count; i++) {
    if (variables[i].kind != kGuard) continue;
    size_t low = variables[i].address - region.base, high = low + variables[i].size;
    if (unsigned before = low % 4) {
      region.state[low / 4] = (uint8_t)(before << 4 | ((1u << before) - 1));
      low += 4 - before;
    }
    if (high > low) set_state(region, low, (high - low) & ~(size_t)3, 0);
  }
  for (uint64_t i = 0; i < count; i++) {
    if (variables[i].kind != kConstantVariable) continue;
    size_t low = variables[i].address - region.base, high = low + variables[i].size;
    for (size_t k = low; k < high; k++) {
      uint8_t &state = region.state[k / 4];
      state = (uint8_t)((is_constant(state) ? state : kConstant) | 1u << k % 4);
    }
  }
}

}  // namespace emu

using namespace emu;

// Makes the image's variables known: in a checked one they get a shadow of their own.
EMU_API int emurt_register_image(const emu_image *image, const emurt_variable *variables, uint64_t count) {
  if (image->abi != EMU_ABI) return 1;
  images[(uint64_t)image].known = false;
  ImageFacts &facts = facts_of(*image);
  Address low = ~(Address)0, high = 0;
  for (uint64_t i = 0; i < count; i++) {
    const emurt_variable &v = variables[i];
    if (v.kind != kGuard) emurt_register_variable(v.address, v.size);
    if (v.address < low) low = v.address;
    if (v.address + v.size > high) high = v.address + v.size;
  }
  facts.variables.size = 0;
  if (!image->checked || high <= low) return 0;
  facts.variables.base = low & ~(Address)15;
  facts.variables.size = high - facts.variables.base;
  if (!make_shadow(facts.variables)) return 2;
  lay_out(facts.variables, variables, count);
  return 0;
}

EMU_API void emurt_forget_image(const emu_image *image) { images[(uint64_t)image] = ImageFacts{}; }
