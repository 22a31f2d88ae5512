"""Errors in PyCUDA's own classes and words: `routine failed: cuGetErrorString(code) - detail`.

Which code raises which class is `translate_cuda_error` of PyCUDA's wrap_cudadrv.cpp.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn


class Error(Exception):
    """Base of everything that PyCUDA's driver raises."""


class DeviceMemoryError(Error):
    """`pycuda._driver.MemoryError`: device memory is exhausted."""


class LogicError(Error):
    """`pycuda._driver.LogicError`: a wrong argument, or a kernel's illegal access."""


class LaunchError(Error):
    """`pycuda._driver.LaunchError`: a kernel failed or ran too long."""


class DeviceRuntimeError(Error):
    """`pycuda._driver.RuntimeError`: the environment is not as it should be."""


class ArgumentError(TypeError):
    """`Boost.Python.ArgumentError`: a call does not match the C++ signature."""


for _class, _name in (
    (Error, "Error"),
    (DeviceMemoryError, "MemoryError"),
    (LogicError, "LogicError"),
    (LaunchError, "LaunchError"),
    (DeviceRuntimeError, "RuntimeError"),
):
    _class.__module__, _class.__name__, _class.__qualname__ = "pycuda._driver", _name, _name
ArgumentError.__module__ = "Boost.Python"


class Result(NamedTuple):
    """A CUresult other than CUDA_SUCCESS: cuGetErrorString's text and PyCUDA's class for it."""

    text: str
    error: type[Error]


INVALID_VALUE = Result("invalid argument", LogicError)
OUT_OF_MEMORY = Result("out of memory", DeviceMemoryError)
NOT_INITIALIZED = Result("initialization error", LogicError)
INVALID_DEVICE = Result("invalid device ordinal", LogicError)
INVALID_IMAGE = Result("device kernel image is invalid", LogicError)
INVALID_CONTEXT = Result("invalid device context", LogicError)
FILE_NOT_FOUND = Result("file not found", DeviceRuntimeError)
INVALID_HANDLE = Result("invalid resource handle", LogicError)
NOT_FOUND = Result("named symbol not found", LogicError)
ILLEGAL_ADDRESS = Result("an illegal memory access was encountered", LogicError)
LAUNCH_TIMEOUT = Result("the launch timed out and was terminated", LaunchError)
ASSERT = Result("device-side assert triggered", LogicError)
HARDWARE_STACK_ERROR = Result("hardware stack error", LogicError)
MISALIGNED_ADDRESS = Result("misaligned address", LogicError)
LAUNCH_FAILED = Result("unspecified launch failure", LaunchError)
NOT_SUPPORTED = Result("operation not supported", LogicError)
HOST_MEMORY_ALREADY_REGISTERED = Result(
    "part or all of the requested memory range is already mapped", LogicError
)


def message(routine: str, result: Result, detail: str = "") -> str:
    """The text of PyCUDA's exception for `routine` having returned `result`."""
    text = f"{routine} failed: {result.text}"
    return f"{text} - {detail}" if detail else text


def fail(routine: str, result: Result, detail: str = "") -> NoReturn:
    """Raise what PyCUDA raises when the driver function `routine` returns `result`."""
    raise result.error(message(routine, result, detail))


def not_emulated(routine: str, what: str) -> NoReturn:
    """Refuse by name what this device does not have."""
    fail(routine, NOT_SUPPORTED, f"{what} not emulated")


def mismatch(function: str, arguments: tuple[object, ...], signature: str, hint: str) -> NoReturn:
    """Raise what Boost.Python raises for arguments that fit no signature, and say what does."""
    types = ", ".join(type_name(argument) for argument in arguments)
    raise ArgumentError(
        f"Python argument types in\n    {function}({types})\n"
        f"did not match C++ signature:\n    {signature}\n{hint}"
    )


def type_name(value: object) -> str:
    """The type of a value as Python's C interface names it."""
    kind = type(value)
    if kind.__module__ in ("builtins", "pycuda._driver"):
        return kind.__name__
    return f"{kind.__module__}.{kind.__name__}"
