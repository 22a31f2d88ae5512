"""The variables of an image: __device__, __constant__ and static ones, and the guards around them.

A guard is memory that belongs to nobody: variables.py declares one beside each variable, and an
access that lands there has left its variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from .elf import OBJECT, UNDEFINED, Elf, Symbol
from .variables import CONSTANT_SECTION, GUARD, READ_ONLY_SECTION

_OWN = ("emu_", "_ZN3emu", "_ZL3emu", "_ZL11emu_kernels", ".L", "__", "_ZGV")
_LOCAL = "_ZZ"  # a static variable of a function: cuModuleGetGlobal does not know it
_APART = 64  # bytes: what alignment may leave between a variable and its guard, and a little more


@dataclass(frozen=True)
class GlobalVariable:
    """A __device__ or __constant__ variable: its address in this process and its size."""

    address: int
    size_bytes: int
    constant: bool


class Guard(NamedTuple):
    """Memory beside a variable that nobody may touch; address and size are multiples of four."""

    address: int
    size_bytes: int


class VariableTable:
    """All variables of a loaded image, by where they lie.

    Attributes:
        globals: those that a program can ask for, by the names of their symbols.
        all: these and the static ones of functions, by address.
        guards: by address.
        constant_bytes: __constant__ memory of the module.
    """

    def __init__(self, elf: Elf, base: int) -> None:
        sections = {CONSTANT_SECTION, READ_ONLY_SECTION}
        constants = {i for i, section in enumerate(elf.sections) if section.name in sections}
        symbols = sorted(elf.symbols(), key=lambda symbol: symbol.value)
        symbols = [s for s in symbols if s.kind == OBJECT and s.size and s.section != UNDEFINED]
        self._names: dict[int, str] = {}
        self.globals: dict[str, GlobalVariable] = {}
        self.all: list[GlobalVariable] = []
        for symbol in symbols:
            if symbol.name.startswith(_OWN) or GUARD in symbol.name:
                continue
            address, constant = base + symbol.value, symbol.section in constants
            variable = GlobalVariable(address, symbol.size, constant)
            self._names[address] = plain_name(symbol.name)
            self.all.append(variable)
            if not symbol.name.startswith(_LOCAL):
                self.globals[symbol.name] = variable
        self.guards = _guards(symbols, base)
        self.constant_bytes = sum(v.size_bytes for v in self.all if v.constant)

    def near(self, address: int) -> GlobalVariable | None:
        """The variable that an address belongs to, or the nearest one."""

        def distance(variable: GlobalVariable) -> int:
            behind = address - (variable.address + variable.size_bytes - 1)
            return max(variable.address - address, behind, 0)

        return min(self.all, key=distance, default=None)

    def name(self, variable: GlobalVariable) -> str:
        """A variable's name in the source."""
        return self._names[variable.address]


def constant_bytes(elf: Elf) -> int:
    """The __constant__ memory of an image that is not loaded."""
    return VariableTable(elf, 0).constant_bytes


def _guards(symbols: list[Symbol], base: int) -> list[Guard]:
    """The guards, each with what alignment has left between it and its neighbours."""
    found = []
    end = 0  # of what lies before
    for symbol, following in zip(symbols, [*symbols[1:], None], strict=True):
        low, high = symbol.value, symbol.value + symbol.size
        if GUARD in symbol.name:
            if low - end < _APART:
                low = end
            if following and following.value - high < _APART:
                high = following.value & ~3
            if high > low:
                found.append(Guard(base + low, high - low))
        end = max(end, high)
    return found


def plain_name(symbol: str) -> str:
    """A variable's name in the source, of its symbol.

    "_ZZ1kPfE5table_0" and "_ZN4here5tableIfE" → "table" (Itanium C++ ABI, "External Names").
    """
    if not symbol.startswith("_Z"):
        return symbol
    rest = symbol[symbol.rindex("E", 0, -1) + 1 :] if symbol.startswith("_ZZ") else symbol[2:]
    rest = re.sub(r"^[NLK]+", "", rest)
    name = ""
    while found := re.match(r"L?(\d+)", rest):
        start, length = found.end(), int(found[1])
        name, rest = rest[start : start + length], rest[start + length :]
    return name or symbol
