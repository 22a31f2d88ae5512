"""As much of ELF (64-bit, little-endian) as the tools need.

Sections, symbols, thread-local storage.

Source: Tool Interface Standard, ELF Specification 1.2, and the System V ABI's 64-bit extension.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
OBJECT, FUNCTION, THREAD_LOCAL = 1, 2, 6  # the low four bits of st_info
UNDEFINED = 0


class Section(NamedTuple):
    """A section: where it is in the file and in memory (relative to the image's base)."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


class Symbol(NamedTuple):
    """A symbol.

    `value` is an address relative to the base (an offset in the TLS block for THREAD_LOCAL).
    """

    name: str
    kind: int
    section: int
    value: int
    size: int
    weak: bool


class Elf:
    """An ELF file in memory.

    Raises:
        ValueError: not a 64-bit little-endian ELF file.
    """

    def __init__(self, data: bytes) -> None:
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not an image that the emulator's nvcc made (no 64-bit ELF header)")
        self.data = data
        header = _HEADER.unpack_from(data)
        table, count, names_index = header[6], header[12], header[13]
        raw = [_SECTION.unpack_from(data, table + i * _SECTION.size) for i in range(count)]
        names = raw[names_index][4]
        self.sections = [
            Section(self._string(names + s[0]), s[1], s[2], s[3], s[4], s[5], s[6]) for s in raw
        ]

    def _string(self, offset: int) -> str:
        return self.data[offset : self.data.index(b"\0", offset)].decode()

    def section(self, name: str) -> Section | None:
        """The section of a name, or None."""
        return next((s for s in self.sections if s.name == name), None)

    def contents(self, name: str) -> bytes:
        """A section's bytes; empty where there is no such section."""
        section = self.section(name)
        return self.data[section.offset : section.offset + section.size] if section else b""

    def symbols(self, table: str = ".symtab") -> list[Symbol]:
        """All named symbols of a table."""
        section = self.section(table)
        if section is None:
            return []
        strings = self.sections[section.link].offset
        raw = self.data[section.offset : section.offset + section.size]
        return [
            Symbol(self._string(strings + name), info & 15, index, value, size, info >> 4 == 2)
            for name, info, _other, index, value, size in _SYMBOL.iter_unpack(raw)
            if name
        ]
