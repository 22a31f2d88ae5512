"""What is appended to every translated source: the tables by which the runtime knows the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .functions import Kernel

_HIDDEN = '__attribute__((visibility("hidden")))'
# g++ compiles with -fwhole-program (unused functions of PyCUDA's headers cost nothing): what stays
# visible says so
_EXPORTED = '__attribute__((used, visibility("default")))'
_WHOLE_PROGRAM = '__attribute__((used, externally_visible, visibility("default")))'
_SIZES = (1, 2, 4, 8, 16)


# clang before 16 calls these by their own names, where later ones call the sanitizer's
_COPIES = """#if EMU_CHECKED
asm(".set memcpy, __tsan_memcpy\\n.set memmove, __tsan_memmove\\n.set memset, __tsan_memset");
#endif"""


_OPERATOR = (
    '__attribute__((noinline, used, visibility("hidden"), no_sanitize("thread", "undefined")))'
)
_DELETE = "noexcept { emu_delete(pointer, __builtin_return_address(0)); }"
_HEAP = f"""
{_OPERATOR} void *operator new(size_t bytes) {{ return emu_malloc(bytes); }}
{_OPERATOR} void *operator new[](size_t bytes) {{ return emu_malloc(bytes); }}
{_OPERATOR} void operator delete(void *pointer) {_DELETE}
{_OPERATOR} void operator delete[](void *pointer) {_DELETE}
{_OPERATOR} void operator delete(void *pointer, size_t) {_DELETE}
{_OPERATOR} void operator delete[](void *pointer, size_t) {_DELETE}
"""
# clang's own declarations are visible to all, so that other libraries' definitions would come first
_HEAP_OF_CLANG = """
asm(".set _Znwm, emu_malloc\\n.set _Znam, emu_malloc");
asm(".set _ZdlPv, emu_free\\n.set _ZdaPv, emu_free");
asm(".set _ZdlPvm, emu_free\\n.set _ZdaPvm, emu_free");
"""


def epilogue(kernels: list[Kernel], *, memory_stubs: bool, gcc: bool, heap: bool) -> str:
    """C++ for the end of a source.

    `memory_stubs`: define the callbacks of plain accesses as nothing, for an unchecked
    image whose volatile accesses
    alone are to reach the runtime. `heap`: the source has `new` or `delete`.
    """
    exported = _WHOLE_PROGRAM if gcc else _EXPORTED
    addresses = [_address(kernel) for kernel in kernels]
    points = ", ".join(f"(const void *)({address})" for address in addresses)
    entries = ", ".join(
        f'::emu::kernel<{address}>::entry("{kernel.expression}")'
        for kernel, address in zip(kernels, addresses, strict=True)
    )
    return f"""
# 1 "<emulator>"
extern "C++" {{
{exported} extern const void *const emu_entry_points[] = {{{points or "nullptr"}}};
static emu_kernel emu_kernels[] = {{{entries or '{"", nullptr, 0, nullptr}'}}};
extern "C" {{
extern const char __ehdr_start[] {_HIDDEN}, _end[] {_HIDDEN};
// where the anchor is in the block, and the bytes of the block: written by the loader
{exported} size_t emu_shared_layout[2] = {{0, 0}};
}}
extern "C" __attribute__((used, visibility("hidden"))) void __cxa_pure_virtual() {{ emu_trap(0); }}
static thread_local char emu_shared_anchor __attribute__((used));
__attribute__((no_sanitize("thread"))) static char *emu_shared_block(size_t *bytes) {{
  *bytes = emu_shared_layout[1];
  return &emu_shared_anchor - emu_shared_layout[0];
}}
extern "C" {exported} struct emu_image emu_image = {{
  ::emu::abi, ::emu::checked, {len(kernels)}, emu_kernels, __ehdr_start, _end, emu_shared_block}};
{_memory_stubs() if memory_stubs else ""}
{"" if gcc else _COPIES}
{(_HEAP if gcc else _HEAP_OF_CLANG) if heap else ""}
}}
"""


def _address(kernel: Kernel) -> str:
    if kernel.signature is None:
        return f"&::{kernel.expression}"
    return f"static_cast<void (*){kernel.signature}>(&::{kernel.expression})"


def _memory_stubs() -> str:
    attributes = '__attribute__((used, visibility("hidden")))'
    plain = [
        f"{attributes} void __tsan_{kind}{size}(void *) {{}}"
        for kind in ("read", "write", "unaligned_read", "unaligned_write", "read_write")
        for size in _SIZES
    ]
    ranges = [
        f"{attributes} void __tsan_{kind}_range(void *, size_t) {{}}" for kind in ("read", "write")
    ]
    others = [f"{attributes} void __tsan_{kind}(void) {{}}" for kind in ("init", "func_exit")]
    return 'extern "C" {\n' + "\n".join([*plain, *ranges, *others]) + "\n}"
