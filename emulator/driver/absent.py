"""What this device does not have: it exists by name, and says so when it is used."""

from __future__ import annotations

from typing import NoReturn

from emulator.driver.errors import not_emulated
from emulator.driver.memory import Pointer

_TEXTURES = "texture references (which CUDA 12 removed) are"
_SURFACES = "surface references (which CUDA 12 removed) are"
_ARRAYS = "CUDA arrays (texture memory) are"
_IPC = "sharing memory between processes is"


class ArrayDescriptor:
    """The shape of a CUDA array: can be filled in, not used."""

    def __init__(self) -> None:
        self.width = self.height = self.format = self.num_channels = 0


class ArrayDescriptor3D(ArrayDescriptor):
    """The shape of a CUDA array of up to three dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = self.flags = 0


class Array:
    """A CUDA array."""

    def __init__(self, descriptor: ArrayDescriptor) -> None:
        del descriptor
        not_emulated("cuArrayCreate", _ARRAYS)


class TextureReference:
    """A texture reference."""

    def __init__(self) -> None:
        not_emulated("cuTexRefCreate", _TEXTURES)


class SurfaceReference:
    """A surface reference."""

    def __init__(self) -> None:
        not_emulated("cuModuleGetSurfRef", _SURFACES)


class IPCMemoryHandle(Pointer):
    """Another process's device memory."""

    def __init__(self, *arguments: object) -> None:
        del arguments
        not_emulated("cuIpcOpenMemHandle", _IPC)


def mem_get_ipc_handle(pointer: object) -> NoReturn:
    """Not emulated."""
    del pointer
    not_emulated("cuIpcGetMemHandle", _IPC)


def get_texref(name: str) -> NoReturn:
    """Not emulated."""
    not_emulated("cuModuleGetTexRef", f"{name!r}: {_TEXTURES}")


def get_surfref(name: str) -> NoReturn:
    """Not emulated."""
    not_emulated("cuModuleGetSurfRef", f"{name!r}: {_SURFACES}")


def set_texref() -> NoReturn:
    """Not emulated."""
    not_emulated("cuParamSetTexRef", _TEXTURES)


def get_direction_vectors(set: object, dst: object, count: int) -> NoReturn:  # noqa: A002
    """Not emulated."""
    del set, dst, count
    not_emulated("curandGetDirectionVectors32", "quasi-random (Sobol) numbers are")


def stateful_launch() -> NoReturn:
    """The launch interface of CUDA 3: not emulated."""
    not_emulated("cuLaunchGrid", "the stateful launch interface of CUDA 3 (call the function) is")
