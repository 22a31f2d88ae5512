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

from . import host, seal
from .dwarf import Debug
from .elf import THREAD_LOCAL, UNDEFINED, Elf, Symbol
from .kernel_table import Entry, KernelTable, kernels
from .lines import source_lines
from .variable_table import VariableTable

_ABI = 7  # EMU_ABI in emulator/abi.h
_RTLD_NOW = 2


class ImageError(ValueError):
    """The bytes are not an image of this emulator; the message says what to do."""


class _ImageHeader(ctypes.Structure):
    _fields_ = (
        ("abi", ctypes.c_uint),
        ("checked", ctypes.c_uint),
        ("kernel_count", ctypes.c_uint),
        ("kernels", ctypes.POINTER(Entry)),
        ("base", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        ("shared", ctypes.c_void_p),
    )


@dataclass(eq=False)
class Image:
    """A loaded image.

    Attributes:
        kernels: by name.
        variables: its __device__, __constant__ and static ones.
        checked: its memory accesses reach the runtime.
        library: one of PyCUDA's own generated sources.
        header: address of its `struct emu_image`.
        base: where it lies in memory.
    """

    kernels: KernelTable
    variables: VariableTable
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
    variables = VariableTable(elf, base)
    _lay_out_shared(library, symbols)
    entries = header.kernels[: header.kernel_count]
    return Image(
        kernels=kernels(library, entries, symbols, base, record, variables.constant_bytes, keep),
        variables=variables,
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
