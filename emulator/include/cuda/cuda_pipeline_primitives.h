// Copies to shared memory that go on while a thread works: they have arrived where it has waited for them.
#pragma once

extern "C++" {  // PyCUDA puts extern "C" around a source

EMU_INLINE void __pipeline_memcpy_async(void *to, const void *from, size_t size, size_t zeros = 0, EMU_LINE) {
  if ((size != 4 && size != 8 && size != 16) || zeros > size)
    emu_assert_failed("__pipeline_memcpy_async() copies 4, 8 or 16 bytes", "", line, "");
  if (((size_t)to | (size_t)from) % size)
    emu_assert_failed("both addresses of __pipeline_memcpy_async() are multiples of its size", "", line, "");
  emu_copy_later(to, from, size, zeros);
}
EMU_INLINE void __pipeline_commit() { emu_copies_commit(); }
EMU_INLINE void __pipeline_wait_prior(size_t batches) { emu_copies_wait(batches); }

}  // extern "C++"
