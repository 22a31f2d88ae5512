// Copies that the threads of a group share out among themselves, and wait for together.
#pragma once
#include "../cooperative_groups.h"

extern "C++" {  // PyCUDA puts extern "C" around a source

namespace cooperative_groups {

// Each call is a batch of its own.
template <class Group, class To, class From>
EMU_INLINE void memcpy_async(const Group &group, To *to, const From *from, size_t bytes) {
  size_t mixed = (size_t)to | (size_t)from | bytes, part = mixed % 4 ? 1 : mixed % 8 ? 4 : mixed % 16 ? 8 : 16;
  for (size_t at = group.thread_rank() * part; at < bytes; at += group.size() * part)
    emu_copy_later((char *)to + at, (const char *)from + at, part, 0);
  emu_copies_commit();
}
// By numbers of elements: as many as both sides have.
template <class Group, class To, class From>
EMU_INLINE void memcpy_async(const Group &group, To *to, size_t room, const From *from, size_t count) {
  memcpy_async(group, to, from, (room < count ? room : count) * sizeof(To));
}
template <unsigned Batches, class Group>
EMU_INLINE void wait_prior(const Group &group, EMU_LINE) {
  emu_copies_wait(Batches);
  group.sync(line);
}
template <class Group>
EMU_INLINE void wait(const Group &group, EMU_LINE) { wait_prior<0>(group, line); }

}  // namespace cooperative_groups

}  // extern "C++"
