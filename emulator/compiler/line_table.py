"""Line tables of DWARF 4: which line each instruction came from.

Source: DWARF Debugging Information Format, Version 4 (section numbers below are its, mostly 6.2).
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """From `address` on, instructions are of this line; `ends`: there are no more."""

    address: int
    file: int
    line: int
    ends: bool


class Reader:
    """Numbers and strings from a byte string, one after the other."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data, self.position = data, position

    def number(self, size: int, *, signed: bool = False) -> int:
        """A number of so many bytes."""
        piece = self.data[self.position : self.position + size]
        self.position += size
        return int.from_bytes(piece, "little", signed=signed)

    def string(self) -> str:
        """A text that ends with a zero byte."""
        end = self.data.index(b"\0", self.position)
        text = self.data[self.position : end].decode("utf-8", "replace")
        self.position = end + 1
        return text

    def unsigned(self) -> int:
        """An unsigned LEB128 number (7.6)."""
        result = shift = 0
        while True:
            byte = self.data[self.position]
            self.position += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result

    def signed(self) -> int:
        """A signed LEB128 number (7.6)."""
        start = self.position
        value = self.unsigned()
        bits = 7 * (self.position - start)
        return value - (1 << bits) if value >> (bits - 1) else value


def line_program(data: bytes, offset: int) -> tuple[list[Row], list[str]]:
    """The rows of the line table at `offset` of .debug_line, and its file names, from index 1."""
    reader = Reader(data, offset)
    end = offset + 4 + reader.number(4)
    reader.number(2)  # version
    program = reader.number(4) + reader.position
    minimum_length = reader.number(1)
    reader.number(1)  # operations an instruction: 1 on these machines
    reader.number(1)  # is_stmt at the start: not needed
    line_base, line_range = reader.number(1, signed=True), reader.number(1)
    opcode_base = reader.number(1)
    lengths = [reader.number(1) for _ in range(opcode_base - 1)]
    folders = [""]
    while folder := reader.string():
        folders.append(folder)
    files = [""]
    while name := reader.string():
        index = reader.unsigned()
        reader.unsigned(), reader.unsigned()
        files.append(f"{folders[index]}/{name}" if index else name)
    reader.position = program
    rows = _run(reader, end, minimum_length, line_base, line_range, lengths)
    return rows, files


def _run(  # noqa: C901, PLR0912 - one branch for each opcode of 6.2.5
    reader: Reader,
    end: int,
    minimum_length: int,
    line_base: int,
    line_range: int,
    lengths: list[int],
) -> list[Row]:
    rows: list[Row] = []
    address, file, line = 0, 1, 1
    opcode_base = len(lengths) + 1
    while reader.position < end:
        opcode = reader.number(1)
        if opcode >= opcode_base:  # a special opcode moves both and emits a row
            adjusted = opcode - opcode_base
            address += adjusted // line_range * minimum_length
            line += line_base + adjusted % line_range
            rows.append(Row(address, file, line, False))
        elif opcode == 0:
            length = reader.unsigned()
            following = reader.position + length
            extended = reader.number(1)
            if extended == 1:  # end of sequence
                rows.append(Row(address, file, line, True))
                address, file, line = 0, 1, 1
            elif extended == 2:
                address = reader.number(8)
            reader.position = following
        elif opcode == 1:
            rows.append(Row(address, file, line, False))
        elif opcode == 2:
            address += reader.unsigned() * minimum_length
        elif opcode == 3:
            line += reader.signed()
        elif opcode == 4:
            file = reader.unsigned()
        elif opcode == 8:  # as special opcode 255, without a row
            address += (255 - opcode_base) // line_range * minimum_length
        elif opcode == 9:
            address += reader.number(2)
        else:
            for _ in range(lengths[opcode - 1]):
                reader.unsigned()
    return rows
