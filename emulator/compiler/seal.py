"""What an image may be: code that runs when a kernel is launched, and calls only the runtime.

Looked at when an image is made, and again when one is loaded, as caches and files may hold others.
"""

from __future__ import annotations

import ast
import hashlib
import struct
from typing import TYPE_CHECKING, Any

from . import limits
from .dwarf import Debug
from .elf import FUNCTION, UNDEFINED, Elf

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOOTER = b"EMUIMAGE"  # the last bytes of an image, after the length of the record before them
_ENTRY = struct.Struct("<qQ")
_RELOCATION = struct.Struct("<QQq")
# Tags of the dynamic section, and flags (System V ABI, "Dynamic Section", "Program Header").
_NEEDED, _INIT, _FINI, _RPATH, _RUNPATH = 1, 12, 13, 15, 29
_INIT_ARRAY_BYTES, _FINI_ARRAY_BYTES, _PREINIT_ARRAY_BYTES = 27, 28, 33
_AUXILIARY, _FILTER = 0x7FFFFFFD, 0x7FFFFFFF
_ARRAYS = {_INIT_ARRAY_BYTES, _FINI_ARRAY_BYTES, _PREINIT_ARRAY_BYTES}
_AT_LOADING = {_NEEDED, _INIT, _FINI, _RPATH, _RUNPATH, _AUXILIARY, _FILTER}
_WRITABLE, _EXECUTABLE = 1, 4
_INDIRECT_FUNCTION = 10  # STT_GNU_IFUNC
_INDIRECT_RELOCATIONS = {37, 1032}  # R_X86_64_IRELATIVE, R_AARCH64_IRELATIVE
_CONSTRUCTORS = ("_GLOBAL__sub_I_", "_GLOBAL__I_", "__cxx_global_var_init")


def sealed(image: bytes) -> bytes:
    """The image without the functions that would run when it is loaded: a device has none."""
    elf = Elf(image)
    section = elf.section(".dynamic")
    result = bytearray(image)
    for position, tag, _value in _dynamic(elf):
        if tag in _ARRAYS and section:
            _ENTRY.pack_into(result, section.offset + position, tag, 0)
    return bytes(result)


def attached(image: bytes, record: dict[str, Any]) -> bytes:
    """An image with what is known of it behind it, and a checksum of both."""
    tail = repr({**record, "digest": hashlib.sha256(image).hexdigest()}).encode()
    return image + tail + len(tail).to_bytes(8, "little") + _FOOTER


def detached(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """The image and what was attached to it.

    Raises:
        ValueError: nothing was, or something was changed; or the image wants more than the runtime.
    """
    if data[-len(_FOOTER) :] != _FOOTER:
        raise ValueError(
            "it looks like a real cubin or PTX, which needs a GPU; "
            "give SourceModule the CUDA C source instead"
        )
    end = len(data) - len(_FOOTER) - 8
    start = end - int.from_bytes(data[end : end + 8], "little")
    record: dict[str, Any] = ast.literal_eval(data[start:end].decode())
    image = data[:start]
    reason = problem(image)
    if not reason and record.get("digest") != hashlib.sha256(image).hexdigest():
        reason = "it was changed afterwards"
    if reason:
        again = "compile it again (cache_dir=False, or empty PyCUDA's compiler cache)"
        raise ValueError(f"{reason}; {again}")
    return image, record


def initialised_at_loading(image: bytes) -> list[tuple[str, int]]:
    """Where variables are that want a function to run when the image is loaded (file, line)."""
    elf = Elf(image)
    debug = Debug(elf)
    found = []
    for symbol in elf.symbols():
        if symbol.kind == FUNCTION and symbol.name.startswith(_CONSTRUCTORS):
            lines = [
                f for a in range(symbol.size) for f in reversed(debug.frames(symbol.value + a))
            ]
            own = ((f.file, f.line) for f in lines if f.line and not f.file.startswith(("/", "<")))
            found.append(next(own, ("", 0)))
    return found


def problem(image: bytes) -> str:
    """Why an image is none that this compiler made; empty for one that may be loaded."""
    elf = Elf(image)
    foreign = limits.foreign(elf)
    if foreign:
        return f"it uses {foreign[0]} of the host"
    for _position, tag, value in _dynamic(elf):
        if tag in _AT_LOADING or (tag in _ARRAYS and value):
            return "it wants code of its own or of others to run when it is loaded"
    if any(symbol.kind == _INDIRECT_FUNCTION for symbol in elf.symbols(".dynsym")):
        return "it has functions that are chosen when it is loaded"
    for section in elf.sections:
        if section.name.startswith(".rela"):
            data = elf.data[section.offset : section.offset + section.size]
            kinds = {info & 0xFFFFFFFF for _at, info, _add in _RELOCATION.iter_unpack(data)}
            if kinds & _INDIRECT_RELOCATIONS:
                return "it has functions that are chosen when it is loaded"
        if section.flags & _WRITABLE and section.flags & _EXECUTABLE:
            return "it has code that can be written"
    return ""


def _dynamic(elf: Elf) -> Iterator[tuple[int, int, int]]:
    for number, (tag, value) in enumerate(_ENTRY.iter_unpack(elf.contents(".dynamic"))):
        if tag == UNDEFINED:
            return
        yield number * _ENTRY.size, tag, value
