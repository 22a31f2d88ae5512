"""Which source line an instruction belongs to, and through which inlined calls: DWARF 4.

Source: DWARF Debugging Information Format, Version 4 (section numbers below are its).
"""

from __future__ import annotations

import bisect
import struct
from typing import TYPE_CHECKING, NamedTuple

from .line_table import Reader, Row, line_program

if TYPE_CHECKING:
    from .elf import Elf

_COMPILE_UNIT, _SUBPROGRAM, _INLINED_SUBROUTINE = 0x11, 0x2E, 0x1D
_AT_LOW_PC, _AT_HIGH_PC, _AT_RANGES, _AT_STATEMENTS = 0x11, 0x12, 0x55, 0x10
_AT_CALL_FILE, _AT_CALL_LINE = 0x58, 0x59
_FORM_ADDRESS = 0x01
# What an attribute of a form takes; the others' size depends on their value.
_FIXED_BYTES = {
    0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x0E: 4, 0x10: 4, 0x11: 1, 0x12: 2,
    0x13: 4, 0x14: 8, 0x17: 4, 0x20: 8,
}  # fmt: skip


class Line(NamedTuple):
    """A line of a source file; the file is named as in the line table."""

    file: str
    line: int


class _Inlined(NamedTuple):
    """A call that was inlined: the instructions it became, and where it was written."""

    low: int
    high: int
    depth: int
    file: int
    line: int


class Debug:
    """The debug information of an image; read at the first question."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._units: list[_Unit] | None = None

    def frames(self, address: int) -> list[Line]:
        """Where the instruction at `address` (relative to the base) was written.

        Innermost inlined frame first.
        """
        if self._units is None:
            self._units = _read_units(self._elf)
        for unit in self._units:
            frames = unit.frames(address)
            if frames:
                return frames
        return []


class _Unit:
    def __init__(self, rows: list[Row], files: list[str], inlined: list[_Inlined]) -> None:
        self.rows = sorted(rows, key=lambda row: (row.address, not row.ends))
        self.addresses = [row.address for row in self.rows]
        self.files = files
        self.inlined = inlined

    def frames(self, address: int) -> list[Line]:
        index = bisect.bisect_right(self.addresses, address) - 1
        if index < 0 or self.rows[index].ends:
            return []
        row = self.rows[index]
        calls = [call for call in self.inlined if call.low <= address < call.high]
        calls.sort(key=lambda call: -call.depth)
        places = [(row.file, row.line), *((call.file, call.line) for call in calls)]
        return [
            Line(self.files[file] if file < len(self.files) else "", line) for file, line in places
        ]


def _read_units(elf: Elf) -> list[_Unit]:
    info, abbreviations = elf.contents(".debug_info"), elf.contents(".debug_abbrev")
    lines, ranges = elf.contents(".debug_line"), elf.contents(".debug_ranges")
    units = []
    position = 0
    while position < len(info):
        reader = Reader(info, position)
        length = reader.number(4)
        end = position + 4 + length
        version = reader.number(2)
        if version != 4:
            raise ValueError(
                f"DWARF version {version} in an image; the emulator compiles with version 4"
            )
        table = _abbreviations(abbreviations, reader.number(4))
        reader.number(1)  # the size of an address: 8
        units.append(_read_unit(reader, end, table, lines, ranges))
        position = end
    return units


def _abbreviations(data: bytes, offset: int) -> dict[int, tuple[int, bool, list[tuple[int, int]]]]:
    """Abbreviation code → tag, has children, attributes as (name, form) (7.5.3)."""
    reader = Reader(data, offset)
    table = {}
    while code := reader.unsigned():
        tag, children = reader.unsigned(), bool(reader.number(1))
        attributes = []
        while True:
            pair = reader.unsigned(), reader.unsigned()
            if pair == (0, 0):
                break
            attributes.append(pair)
        table[code] = tag, children, attributes
    return table


def _value(reader: Reader, form: int) -> int:
    """The value of an attribute as a number (7.5.4); strings and blocks are skipped."""
    if form in _FIXED_BYTES:
        return reader.number(_FIXED_BYTES[form])
    if form == 0x0D:
        return reader.signed()
    if form in {0x0F, 0x15}:
        return reader.unsigned()
    if form == 0x08:
        reader.string()
    elif form == 0x19:
        return 1
    elif form in {0x18, 0x09}:
        length = reader.unsigned()
        reader.position += length
    elif form in {0x0A, 0x03, 0x04}:
        length = reader.number({0x0A: 1, 0x03: 2, 0x04: 4}[form])
        reader.position += length
    else:
        raise ValueError(f"unknown form {form:#x} in the debug information of an image")
    return 0


def _read_unit(
    reader: Reader,
    end: int,
    table: dict[int, tuple[int, bool, list[tuple[int, int]]]],
    lines: bytes,
    ranges: bytes,
) -> _Unit:
    rows: list[Row] = []
    files: list[str] = []
    inlined: list[_Inlined] = []
    depth = base = 0
    while reader.position < end:
        code = reader.unsigned()
        if not code:
            depth -= 1
            continue
        tag, children, attributes = table[code]
        values = {}
        for name, form in attributes:
            values[name] = _value(reader, form), form
        if tag == _COMPILE_UNIT:
            base = values.get(_AT_LOW_PC, (0, 0))[0]
            if _AT_STATEMENTS in values:
                rows, files = line_program(lines, values[_AT_STATEMENTS][0])
        elif tag == _INLINED_SUBROUTINE:
            place = values.get(_AT_CALL_FILE, (0, 0))[0], values.get(_AT_CALL_LINE, (0, 0))[0]
            inlined += [
                _Inlined(low, high, depth, *place) for low, high in _extent(values, ranges, base)
            ]
        depth += children
    return _Unit(rows, files, inlined)


def _extent(values: dict[int, tuple[int, int]], ranges: bytes, base: int) -> list[tuple[int, int]]:
    """The addresses that an entry covers (2.17)."""
    if _AT_RANGES in values:
        found: list[tuple[int, int]] = []
        offset = values[_AT_RANGES][0]
        while True:
            low, high = struct.unpack_from("<QQ", ranges, offset)
            offset += 16
            if low == high == 0:
                return found
            if low == 0xFFFFFFFFFFFFFFFF:
                base = high
            else:
                found.append((low + base, high + base))
    if _AT_LOW_PC not in values or _AT_HIGH_PC not in values:
        return []
    low = values[_AT_LOW_PC][0]
    high, form = values[_AT_HIGH_PC]
    return [(low, high if form == _FORM_ADDRESS else low + high)]
