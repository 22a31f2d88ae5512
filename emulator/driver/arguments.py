"""Check a kernel's packed arguments against its signature: count, size, kind, place.

A device checks none of this: a float passed for an int is read as an int, a missing argument is
whatever the parameter memory held, a host array is an address from nowhere.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from emulator import runtime
from emulator.driver.errors import INVALID_VALUE, fail
from emulator.driver.pvt_struct import Field, PackedArguments, layout

_ROUTINE = "cuLaunchKernel"
_LOWEST_ADDRESS = 4 << 20  # below lies nobody's memory, host or device: the integer is a number
_INTEGERS = "bBhHiIlLqQnN?"
# Codes of `struct` that may be packed for a parameter of a kind, if the sizes agree.
_FITTING = {"p": "P" + _INTEGERS, "i": _INTEGERS + "P", "f": "fd", "s": "sFD" + _INTEGERS}
# What a parameter of a kind and size is called where its declaration is unknown.
_NAMES = {
    ("i", 1): "char",
    ("i", 2): "short",
    ("i", 4): "int",
    ("i", 8): "long long",
    ("f", 4): "float",
    ("f", 8): "double",
}
_NUMPY = {"char": "int8", "short": "int16", "int": "int32", "long long": "int64"} | {
    "float": "float32",
    "double": "float64",
}


class Parameter(Protocol):
    """A parameter as the image describes it."""

    @property
    def kind(self) -> str:
        """'p' pointer, 'i' integer, 'f' floating point, 's' structure."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def offset(self) -> int:
        """Where it starts in the parameter buffer, in bytes."""


class Signature:
    """The parameters of one kernel.

    Args:
        kernel: Its name, for messages.
        parameters: In order.
        size_bytes: What they take together.
    """

    def __init__(self, kernel: str, parameters: tuple[Parameter, ...], size_bytes: int) -> None:
        self._kernel = kernel
        self._parameters = parameters
        self._size_bytes = size_bytes
        self._pointers = [i for i, p in enumerate(parameters) if p.kind == "p"]
        self._accepted: set[str] = set()

    def check(self, packed: bytes) -> str:
        """Fail, naming the parameter, unless `packed` fits.

        Returns:
            What is wrong with an address that is no device memory's, if there is one, else "": a
            checked kernel may say at which line it is used.

        Raises:
            LogicError: It does not.
        """
        if type(packed) is not PackedArguments:
            self._check_size(packed)
            return ""
        if packed.format not in self._accepted:
            self._check_format(packed)
            self._accepted.add(packed.format)
        values = packed.values
        for index in self._pointers:
            value = values[index]
            if not isinstance(value, (int, np.integer)) or not value:
                continue
            if problem := self._wrong_address(index, int(value)):
                return problem
        return ""

    def _check_size(self, packed: bytes) -> None:
        """For bytes that a program packed by itself, of which only the length is known."""
        if len(packed) != self._size_bytes:
            takes = f"the parameters of {self._kernel} take {self._size_bytes} bytes"
            fail(_ROUTINE, INVALID_VALUE, f"{takes}, the arguments have {len(packed)}")

    def _check_format(self, packed: PackedArguments) -> None:
        fields, values = layout(packed.format).fields, packed.values
        expected = len(self._parameters)
        if len(fields) != expected:
            takes = f"{self._kernel} takes {expected} argument{'s' * (expected != 1)}"
            passed = f"{len(fields)} {'was' if len(fields) == 1 else 'were'} passed"
            fail(_ROUTINE, INVALID_VALUE, f"{takes} ({self._declaration()}), {passed}")
        for index, (field, value) in enumerate(zip(fields, values, strict=True)):
            self._check_field(index, field, value)

    def _check_field(self, index: int, field: Field, value: object) -> None:
        parameter = self._parameters[index]
        if problem := _mismatch(parameter, field, value):
            got = f"got {_describe(field, value)}"
            fail(_ROUTINE, INVALID_VALUE, f"{self._name(index)}, {got}: {problem}")
        if parameter.offset != field.offset:
            fail(
                _ROUTINE,
                INVALID_VALUE,
                f"{self._name(index)}: it is read from byte {parameter.offset} of the arguments "
                f"but PyCUDA packs it at byte {field.offset}, because structures are packed "
                "without their alignment: put the structures first, or add padding arguments",
            )

    def _wrong_address(self, index: int, address: int) -> str:
        """What is wrong with an integer that is nowhere near memory that a kernel may touch."""
        if runtime.in_device_memory(address) or runtime.range_ok(address, 1):
            return ""
        problem = (
            f"{self._name(index)}, got the integer {address} ({address:#x}), which is no "
            "device address: pass a GPUArray or a DeviceAllocation"
        )
        if address < _LOWEST_ADDRESS:
            fail(_ROUTINE, INVALID_VALUE, problem)
        return problem

    def _name(self, index: int) -> str:
        """`parameter 3 (n) of bias_add is int`."""
        parameter = self._parameters[index]
        name = getattr(parameter, "name", "")
        label = f" ({name})" if name else ""
        article = "a " if parameter.kind in "ps" and not getattr(parameter, "type", "") else ""
        return f"parameter {index + 1}{label} of {self._kernel} is {article}{_type_of(parameter)}"

    def _declaration(self) -> str:
        return ", ".join(
            f"{_type_of(p)} {getattr(p, 'name', '')}".rstrip() for p in self._parameters
        )


def _type_of(parameter: Any) -> str:
    """The parameter's type, as it was written where that is known."""
    if written := getattr(parameter, "type", ""):
        return str(written)
    if parameter.kind == "p":
        return "pointer"
    known = _NAMES.get((parameter.kind, parameter.size))
    return known or f"structure of {parameter.size} bytes"


def _mismatch(parameter: Parameter, field: Field, value: object) -> str:
    """Why a value packed as `field` does not fit the parameter, and what to do; "" if it does."""
    if parameter.kind == "p" and isinstance(value, np.ndarray):
        return (
            "a NumPy array on the host was passed, which the device cannot reach: use "
            "gpuarray.to_gpu, or pycuda.driver.In, Out or InOut around it"
        )
    fits = field.code in _FITTING[parameter.kind]
    if fits and field.size_bytes == parameter.size:
        return ""
    if field.size_bytes != parameter.size:
        problem = f"{parameter.size} bytes are expected, {field.size_bytes} were passed"
    else:
        problem = "a device would silently take its bits for something else"
    return f"{problem}: {_advice(parameter)}"


def _advice(parameter: Parameter) -> str:
    """What to pass for a parameter."""
    if parameter.kind == "p":
        return "pass a GPUArray or a DeviceAllocation"
    name = _NAMES.get((parameter.kind, parameter.size))
    if name is None:
        return "pass a structure of that type (numpy.void, or a vector type of gpuarray.vec)"
    return f"pass numpy.{_NUMPY[name]}(…)"


def _describe(field: Field, value: object) -> str:
    """`numpy.float32 5.0`; arrays by shape."""
    if field.code == "P":
        return "a device pointer"
    kind = type(value)
    name = f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
    if isinstance(value, np.ndarray):
        return f"{name} of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes"
    return f"{name} {value}"[:120]
