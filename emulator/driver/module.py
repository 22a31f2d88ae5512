"""Modules: compiled images, their kernels and global variables; the linker."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from emulator import runtime
from emulator.compiler import image as images
from emulator.driver import absent
from emulator.driver.context import current
from emulator.driver.errors import (
    FILE_NOT_FOUND,
    INVALID_IMAGE,
    NOT_FOUND,
    fail,
    not_emulated,
)
from emulator.driver.launch import Function

_UNCHECKED = (
    "it was compiled without the memory checks (EMULATOR_CHECK=0), and this device runs with them: "
    "compile it again, by SourceModule or with EMULATOR_CHECK=1"
)
MessageHandler = Callable[[bool, str, str], object]


class Module:
    """A loaded image.

    Args:
        image: What `emulator.compiler.image.load` returned.
    """

    def __init__(self, image: images.Image) -> None:
        self.image = image
        self._functions: dict[str, Function] = {}

    def get_function(self, name: str) -> Function:
        """The kernel of that name.

        Raises:
            LogicError: There is none; the message lists those there are.
        """
        current("cuModuleGetFunction")
        kernel = self.image.kernels.get(name)
        if kernel is None:
            fail("cuModuleGetFunction", NOT_FOUND, _missing("kernel", name, self.image.kernels))
        return Function(self, kernel)

    def get_global(self, name: str) -> tuple[int, int]:
        """Address and size in bytes of a __device__ or __constant__ variable."""
        current("cuModuleGetGlobal")
        variable = self.image.variables.globals.get(name)
        if variable is None:
            fail(
                "cuModuleGetGlobal",
                NOT_FOUND,
                _missing("variable", name, self.image.variables.globals),
            )
        return variable.address, variable.size_bytes

    def get_texref(self, name: str) -> NoReturn:
        """Not emulated."""
        absent.get_texref(name)

    def get_surfref(self, name: str) -> NoReturn:
        """Not emulated."""
        absent.get_surfref(name)


def _missing(what: str, name: str, present: Iterable[str]) -> str:
    """What a module lacks, and has: no kernel 'ad'; did you mean 'add'? It has: add, mul."""
    names = sorted(present)
    text = f"the module has no {what} {name!r}"
    if near := difflib.get_close_matches(name, names, 1):
        text += f"; did you mean {near[0]!r}?"
    else:
        text += "."
    text += f" It has: {', '.join(names) or 'none'}"
    if any(other.startswith("_Z") for other in names):
        text += ' (names are mangled: write extern "C" before the kernel, or drop no_extern_c)'
    return f"{text}."


def module_from_buffer(
    buffer: object, options: object = (), message_handler: MessageHandler | None = None
) -> Module:
    """Load the bytes that the emulated nvcc wrote."""
    del options  # of the just-in-time compiler, which has nothing to do here
    module = _load("cuModuleLoadDataEx", bytes(memoryview(buffer)))  # type: ignore[arg-type]
    if message_handler is not None:
        message_handler(True, "", "")
    return module


def module_from_file(filename: str) -> Module:
    """Load a file that the emulated nvcc wrote."""
    current("cuModuleLoad")
    try:
        data = Path(filename).read_bytes()
    except OSError as error:
        fail("cuModuleLoad", FILE_NOT_FOUND, f"{filename}: {error.strerror}")
    return _load("cuModuleLoad", data)


def _load(routine: str, data: bytes) -> Module:
    current(routine)
    try:
        image = images.load(data)
        if runtime.is_checked() and not image.checked:
            raise ValueError(_UNCHECKED)  # noqa: TRY301 - told like the others
        runtime.register_image(image)
    except (ValueError, OSError, RuntimeError) as error:
        fail(routine, INVALID_IMAGE, str(error))
    return Module(image)


class Linker:
    """cuLinkCreate: here one image can be passed through, separate compilation cannot be linked."""

    def __init__(
        self,
        message_handler: MessageHandler | None = None,
        options: object = None,
        log_verbose: bool = False,
    ) -> None:
        del options, log_verbose
        current("cuLinkCreate")
        self._message_handler = message_handler
        self._data: list[bytes] = []

    def add_data(self, data: object, input_type: int, name: str = "unknown") -> None:
        """Add a compiled image."""
        del input_type, name
        self._data.append(bytes(memoryview(data)))  # type: ignore[arg-type]

    def add_file(self, filename: str, input_type: int) -> None:
        """Add a library of the toolkit; there is nothing in it for this device."""

    def link_module(self) -> Module:
        """The one image as a module."""
        if len(self._data) != 1:
            what = "linking separately compiled sources (and dynamic parallelism) is"
            not_emulated("cuLinkComplete", what)
        return module_from_buffer(self._data[0], (), self._message_handler)
