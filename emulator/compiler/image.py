"""Loads what the nvcc stand-in made.

Kernels, global variables, and which source line an instruction belongs to.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.findings import Place

from . import host, limits, seal
from .dwarf import Debug
from .elf import FUNCTION, OBJECT, THREAD_LOCAL, UNDEFINED, Elf, Symbol
from .lines import source_lines
from .variables import CONSTANT_SECTION, READ_ONLY_SECTION

_ABI = 5  # EMU_ABI in emulator/abi.h
_RTLD_NOW = 2


class ImageError(ValueError):
    """The bytes are not an image of this emulator; the message says what to do."""


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
    """

    name: str
    run: int
    parameters: tuple[Parameter, ...]
    parameter_bytes: int
    static_shared_bytes: int
    constant_bytes: int
    index: int


@dataclass(frozen=True)
class GlobalVariable:
    """A __device__ or __constant__ variable: its address in this process and its size."""

    address: int
    size_bytes: int
    constant: bool


class _KernelEntry(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("run", ctypes.c_void_p),
        ("parameter_count", ctypes.c_uint),
        ("parameters", ctypes.c_void_p),
    )


class _ParameterEntry(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("alignment", ctypes.c_uint), ("kind", ctypes.c_char))


class _ImageHeader(ctypes.Structure):
    _fields_ = (
        ("abi", ctypes.c_uint),
        ("checked", ctypes.c_uint),
        ("kernel_count", ctypes.c_uint),
        ("kernels", ctypes.POINTER(_KernelEntry)),
        ("base", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        ("constant_begin", ctypes.c_void_p),
        ("constant_end", ctypes.c_void_p),
        ("shared", ctypes.c_void_p),
    )


@dataclass(eq=False)
class Image:
    """A loaded image.

    Attributes:
        kernels: by name.
        globals: __device__ and __constant__ variables by name.
        checked: its memory accesses reach the runtime.
        library: one of PyCUDA's own generated sources.
        header: address of its `struct emu_image`.
        base: where it lies in memory.
    """

    kernels: KernelTable
    globals: dict[str, GlobalVariable]
    checked: bool
    library: bool
    header: int
    base: int
    _debug: Debug
    _source: str
    _name: str
    _keep: list[Any] = field(default_factory=list)
    _places: dict[int, Place | None] = field(default_factory=dict)
    _texts: dict[tuple[str, int], str] | None = None

    def locate(self, pc: int) -> Place | None:
        """The student's own line of a return address.

        The innermost frame that is not in the device headers.
        """
        if pc not in self._places:
            self._places[pc] = self._place(pc)
        return self._places[pc]

    def _place(self, pc: int) -> Place | None:
        for frame in self._debug.frames(
            pc - 1 - self.base
        ):  # a return address is one past its call
            if frame.line and not frame.file.startswith((host.HEADERS, "<", "/usr/include")):
                return Place(frame.file, frame.line, self._text(frame.file, frame.line))
        return None

    def _text(self, file: str, line: int) -> str:
        if self._texts is None:
            self._texts = source_lines(self._source, self._name)
        known = self._texts.get((file, line))
        if known is None:  # an included header of the student's
            with contextlib.suppress(OSError, IndexError, UnicodeDecodeError):
                known = Path(file).read_text(encoding="utf-8").splitlines()[line - 1].rstrip()
        return (known or "").strip()


def load(source: str | os.PathLike[str] | bytes) -> Image:
    """Load an image from its file or its bytes.

    The runtime library must have been loaded (RTLD_GLOBAL) before.

    Raises:
        ImageError: not an image, or of another version of the emulator.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        code, record = seal.detached(data)
    except ValueError as error:
        raise ImageError(f"not an image that the emulator's nvcc made: {error}") from error
    elf = Elf(code)
    library = _open(code)
    header = _ImageHeader.in_dll(library, "emu_image")
    if header.abi != _ABI:
        raise ImageError(
            f"the image was compiled for another version of the emulator "
            f"(interface {header.abi}, this one is {_ABI}); "
            "compile it again (cache_dir=False, or empty PyCUDA's compiler cache)"
        )
    symbols = elf.symbols()
    base = ctypes.addressof(header) - _value(symbols, "emu_image")
    keep: list[Any] = [library]
    constant_bytes = sum(
        s.size for n in (CONSTANT_SECTION, READ_ONLY_SECTION) if (s := elf.section(n))
    )
    _lay_out_shared(library, symbols)
    kernels = _kernels(library, header, symbols, base, record["parameters"], constant_bytes, keep)
    return Image(
        kernels=kernels,
        globals=_globals(elf, symbols, base),
        checked=bool(header.checked),
        library=record["library"],
        header=ctypes.addressof(header),
        base=base,
        _debug=Debug(elf),
        _source=record["source"],
        _name=record["name"],
        _keep=keep,
    )


def _open(data: bytes) -> ctypes.CDLL:
    """Load from a file of its own.

    So that two loads of the same bytes have variables of their own.
    """
    handle, path = tempfile.mkstemp(suffix=".cubin", prefix="emulator-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return ctypes.CDLL(path, mode=_RTLD_NOW)
    except OSError as error:
        raise ImageError(f"the image can't be loaded: {error}") from error
    finally:
        os.unlink(path)


def _value(symbols: list[Symbol], name: str) -> int:
    return next(s.value for s in symbols if s.name == name and s.section != UNDEFINED)


def _lay_out_shared(library: ctypes.CDLL, symbols: list[Symbol]) -> None:
    """Tell the image where its shared variables lie in its thread-local block."""
    variables = [s for s in symbols if s.kind == THREAD_LOCAL and s.section != UNDEFINED]
    anchor = next((s.value for s in variables if "emu_shared_anchor" in s.name), 0)
    size = max(
        (s.value + s.size for s in variables if "emu_shared_anchor" not in s.name), default=0
    )
    layout = (ctypes.c_size_t * 2).in_dll(library, "emu_shared_layout")
    layout[0], layout[1] = anchor, size


def _kernels(
    library: ctypes.CDLL,
    header: _ImageHeader,
    symbols: list[Symbol],
    base: int,
    written: dict[str, tuple[str, ...]],
    constant_bytes: int,
    keep: list[Any],
) -> KernelTable:
    """The table of kernels under the names of their symbols.

    Which it also writes into the image's own table.
    """
    count = header.kernel_count
    points = (ctypes.c_void_p * count).in_dll(library, "emu_entry_points") if count else []
    names = {s.value: s.name for s in symbols if s.kind == FUNCTION}
    shared_elsewhere = sum(
        s.size for s in symbols if s.kind == THREAD_LOCAL and not s.name.startswith("_ZZ")
    )
    table = KernelTable()
    for index, texts in zip(range(count), written.values(), strict=True):
        entry = header.kernels[index]
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
        )
    return table


def _parameters(entry: _KernelEntry, texts: tuple[str, ...]) -> tuple[Parameter, ...]:
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


def _globals(elf: Elf, symbols: list[Symbol], base: int) -> dict[str, GlobalVariable]:
    """Variables of the source: every data symbol that is not one of the image's own tables."""
    constants = {
        i for i, s in enumerate(elf.sections) if s.name in {CONSTANT_SECTION, READ_ONLY_SECTION}
    }
    found = {}
    for symbol in symbols:
        own = symbol.name.startswith(
            ("emu_", "_ZN3emu", "_ZL3emu", "_ZL11emu_kernels", ".L", "__", "_ZZ", "_ZGV")
        )
        if symbol.kind == OBJECT and symbol.size and symbol.section != UNDEFINED and not own:
            found[symbol.name] = GlobalVariable(
                base + symbol.value, symbol.size, symbol.section in constants
            )
    return found
