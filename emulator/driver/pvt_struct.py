"""Stand-in for pycuda._pvt_struct: `struct` with complex numbers, that remembers what it packed.

PyCUDA packs a kernel's arguments before the kernel is in sight. The packed bytes carry format and
values, so that the launch can check them against the kernel's signature.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Struct", "calcsize", "error", "pack", "unpack"]


class error(struct.error):  # noqa: N801  # the module's own name for it
    """An argument that does not fit its place in the format."""


error.__module__ = "struct"

_COMPLEX = {"F": (np.complex64, 4), "D": (np.complex128, 8)}
_INTEGERS = "bBhHiIlLqQnNP"
_CODES = _INTEGERS + "fd?cspx" + "".join(_COMPLEX)


class PackedArguments(bytes):
    """Packed arguments with the format and the values they came from."""

    format: str
    values: tuple[object, ...]


class Field(NamedTuple):
    """One argument's place: its code, size and offset in bytes."""

    code: str
    size_bytes: int
    offset: int


class Layout(NamedTuple):
    """A format, ready to be packed.

    Attributes:
        packer: Python's own packer for it, complex numbers as bytes.
        fields: One for each argument.
        plain: Whether Python's packer takes every value as it is.
    """

    packer: struct.Struct
    fields: tuple[Field, ...]
    plain: bool


@lru_cache(1024)
def layout(format: str) -> Layout:  # noqa: A002  # as in `struct`
    """Understand a format of native sizes and alignments.

    Raises:
        error: It has a character that PyCUDA cannot pass.
    """
    native, fields, position = "@", [], 0
    for count, code in re.findall(r"(\d*)(.)", format.lstrip("@").replace(" ", ""), re.DOTALL):
        if code not in _CODES:
            raise error(f"bad char in struct format: {code!r} (PyCUDA cannot pass this type)")
        repeat = 1 if code in "spx" else int(count or 1)
        for _ in range(repeat):
            if code in _COMPLEX:
                size = 2 * _COMPLEX[code][1]
                native += f"0{code.lower()}{size}s"  # aligned as its real part
            else:
                size = struct.calcsize(count + code if code in "spx" else code)
                native += count + code if code in "spx" else code
            position = struct.calcsize(native)
            if code != "x":
                fields.append(Field(code, size, position - size))
    plain = not any(field.code in "FDs" for field in fields)
    return Layout(struct.Struct(native), tuple(fields), plain)


def pack(format: str, *values: object) -> PackedArguments:  # noqa: A002  # as in `struct`
    """The values as the bytes of a kernel's parameters.

    Raises:
        error: Too many or too few values, or one that does not fit.
    """
    plan = layout(format)
    try:
        data = plan.packer.pack(*values) if plan.plain else _pack_converted(plan, values)
    except (struct.error, OverflowError, TypeError):
        data = _pack_converted(plan, values)
    packed = PackedArguments(data)
    packed.format = format
    packed.values = values
    return packed


def _pack_converted(plan: Layout, values: tuple[object, ...]) -> bytes:
    fields = plan.fields
    if len(fields) != len(values):
        raise error(f"pack expected {len(fields)} items for packing (got {len(values)})")
    converted = [
        _convert(field, value, index + 1)
        for index, (field, value) in enumerate(zip(fields, values, strict=True))
    ]
    return plan.packer.pack(*converted)


def _convert(field: Field, value: Any, position: int) -> object:
    """The value as Python's packer wants it, converted as the C++ of PyCUDA does."""
    code, where = field.code, f"argument {position} (format {field.code!r})"
    if code in "sp":
        return value if isinstance(value, (bytes, bytearray)) else _bytes_of(value, where)
    try:
        if code in _COMPLEX:
            return np.asarray(complex(value), _COMPLEX[code][0]).tobytes()
        if code == "f":
            with np.errstate(over="ignore"):  # C rounds 1e300 to infinity
                return float(np.float32(float(value)))
        if code == "d":
            return float(value)
    except (TypeError, ValueError):
        kind = "complex" if code in _COMPLEX else "float"
        raise error(f"{where}: required argument is not a {kind}, {_found(value)}") from None
    if code not in _INTEGERS:
        return value
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        raise error(f"{where}: required argument is not an integer, {_found(value)}") from None
    _check_fits(field, number, where)
    return number


def _check_fits(field: Field, number: int, where: str) -> None:
    bits = 8 * field.size_bytes
    signed = field.code.islower()
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if field.code == "P":
        low = -(1 << bits - 1)
    if not low <= number <= high:
        raise error(f"{where}: {number} does not fit, expected {low} to {high}")


def _found(value: object) -> str:
    text = f"got {type(value).__name__}"
    if hasattr(value, "gpudata"):
        return f"{text}: pass its .gpudata to a prepared call"
    if isinstance(value, np.ndarray):
        return f"{text}: a NumPy array on the host is no device memory, use gpuarray.to_gpu"
    return f"{text} {value!r}"[:200]


def _bytes_of(value: Any, where: str) -> bytes:
    try:
        return (
            np.ascontiguousarray(value).tobytes() if _is_numpy(value) else bytes(memoryview(value))
        )
    except TypeError:
        raise error(f"{where}: argument for 's' must be a bytes object, {_found(value)}") from None


def _is_numpy(value: object) -> bool:
    return isinstance(value, (np.ndarray, np.generic))


def calcsize(format: str) -> int:  # noqa: A002  # as in `struct`
    """The bytes of a format."""
    return layout(format).packer.size


def unpack(format: str, data: bytes) -> tuple[object, ...]:  # noqa: A002  # as in `struct`
    """The values in packed bytes."""
    plan = layout(format)
    values = plan.packer.unpack(data)
    return tuple(
        np.frombuffer(value, _COMPLEX[field.code][0])[0].item() if field.code in _COMPLEX else value
        for field, value in zip(plan.fields, values, strict=True)
    )


class Struct:
    """A format with its methods."""

    def __init__(self, format: str) -> None:  # noqa: A002  # as in `struct`
        self.format = format
        self.size = calcsize(format)

    def pack(self, *values: object) -> bytes:
        """The values as bytes."""
        return pack(self.format, *values)

    def unpack(self, data: bytes) -> tuple[object, ...]:
        """The values in packed bytes."""
        return unpack(self.format, data)
