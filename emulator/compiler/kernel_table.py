"""The kernels of a loaded image: their names, parameters and memory."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import limits
from .elf import FUNCTION, THREAD_LOCAL, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence


class KernelTable(dict[str, "Kernel"]):
    """Kernels by name; a missing name is a KeyError that lists the names there are."""

    def __missing__(self, name: str) -> Kernel:
        """Say which kernels there are.

        Raises:
            KeyError: always.
        """
        mangled = [known for known in self if known.startswith("_Z")]
        hint = ""
        if any(f"{len(name)}{name}" in known for known in mangled):
            hint = (
                " The names are mangled because of no_extern_c=True: ask for the mangled name, "
                "or write "
                f'extern "C" before `__global__ void {name}`.'
            )
        names = ", ".join(self) or "none (is there a __global__ function, not a template?)"
        raise KeyError(f'no kernel named "{name}"; this module has: {names}.{hint}')


@dataclass(frozen=True)
class Parameter:
    """A kernel's parameter.

    Attributes:
        kind: "p" pointer, "i" integer, "f" floating point, "s" structure.
        size: bytes.
        alignment: bytes.
        offset: where it lies in the argument block, bytes.
        name: as written; "" where it has none.
        type: as written, e.g. "const float *".
    """

    kind: str
    size: int
    alignment: int
    offset: int
    name: str = ""
    type: str = ""


@dataclass(frozen=True)
class Kernel:
    """A kernel of a loaded image.

    Attributes:
        name: as cuModuleGetFunction knows it (mangled without extern "C").
        run: address of `void run(void **arguments)`, which runs one CUDA thread.
        parameters: in order.
        parameter_bytes: size of the argument block.
        static_shared_bytes: its static shared memory.
        constant_bytes: __constant__ memory of the module.
        index: its place in the image's table of kernels.
        most_threads: of a block, by its __launch_bounds__; 0: not said.
    """

    name: str
    run: int
    parameters: tuple[Parameter, ...]
    parameter_bytes: int
    static_shared_bytes: int
    constant_bytes: int
    index: int
    most_threads: int = 0


class Entry(ctypes.Structure):
    """`struct emu_kernel` of emulator/abi.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("run", ctypes.c_void_p),
        ("parameter_count", ctypes.c_uint),
        ("parameters", ctypes.c_void_p),
    )


class _ParameterEntry(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("alignment", ctypes.c_uint), ("kind", ctypes.c_char))


def kernels(
    library: ctypes.CDLL,
    entries: Sequence[Entry],
    symbols: list[Symbol],
    base: int,
    record: dict[str, Any],
    constant_bytes: int,
    keep: list[Any],
) -> KernelTable:
    """The table of kernels under the names of their symbols.

    Which it also writes into the image's own table.

    Args:
        library: the loaded image.
        entries: its own table.
        symbols: of its file.
        base: where it lies in memory.
        record: what the compiler noted beside it: of each kernel its parameters as written in the
            source ("parameters"), and the largest block that it allows ("most_threads").
        constant_bytes: __constant__ memory of the module.
        keep: what the image's table points to is put there, and must live as long as the image.
    """
    count = len(entries)
    points = list((ctypes.c_void_p * count).in_dll(library, "emu_entry_points")) if count else []
    names = {s.value: s.name for s in symbols if s.kind == FUNCTION}
    shared_elsewhere = sum(
        s.size for s in symbols if s.kind == THREAD_LOCAL and not s.name.startswith("_ZZ")
    )
    table = KernelTable()
    noted = zip(record["parameters"].values(), record["most_threads"], strict=True)
    for index, (entry, (texts, most_threads)) in enumerate(zip(entries, noted, strict=True)):
        name = names[(points[index] or 0) - base]
        encoded = name.encode()
        keep.append(encoded)
        entry.name = encoded
        parameters = _parameters(entry, texts)
        last = parameters[-1] if parameters else None
        table[name] = Kernel(
            name=name,
            run=entry.run,
            parameters=parameters,
            parameter_bytes=last.offset + last.size if last else 0,
            static_shared_bytes=limits.static_shared(symbols, name) + max(0, shared_elsewhere - 1),
            constant_bytes=constant_bytes,
            index=index,
            most_threads=most_threads,
        )
    return table


def _parameters(entry: Entry, texts: tuple[str, ...]) -> tuple[Parameter, ...]:
    raw = (
        ctypes.cast(entry.parameters, ctypes.POINTER(_ParameterEntry)) if entry.parameters else None
    )
    found: list[Parameter] = []
    offset = 0
    for index in range(entry.parameter_count):
        assert raw is not None  # noqa: S101 - a kernel with parameters has a table of them
        item = raw[index]
        offset = -(-offset // item.alignment) * item.alignment
        name, kind = _name_and_type(texts[index] if index < len(texts) else "")
        found.append(Parameter(item.kind.decode(), item.size, item.alignment, offset, name, kind))
        offset += item.size
    return tuple(found)


def _name_and_type(written: str) -> tuple[str, str]:
    """A parameter as written, divided: "const float *x" → ("x", "const float *")."""
    text = written.rstrip()
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    name, kind = text[start:], text[:start].strip()
    return (name, kind) if kind else ("", text)
