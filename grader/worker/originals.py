"""What a submission must not replace: clocks, events, arrays, NumPy's functions, import hooks.

They are noted before anything of the submission is loaded, and compared after each request. What
another library replaced is that library's business.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from grader.worker import device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grader.worker.events import Channel

MODULES = (
    *("builtins", "time", "gc", "os", "json", "struct", "ctypes", "importlib", "numpy"),
    *("pycuda.driver", "pycuda.gpuarray", "pycuda.compiler", "pycuda.autoinit", "skcuda.cublas"),
)
"""All that is callable in them; a submission may add names of its own."""

_DEVICE = ("emulator", "emulator.findings", "emulator.driver.launch", "emulator.driver.reporting")
"""By these the checked device says what it found."""

CLASSES = (
    ("pycuda.driver", ("Event", "Context", "Stream", "Function", "Module", "DeviceAllocation")),
    ("pycuda.gpuarray", ("GPUArray",)),
    ("pycuda.compiler", ("SourceModule",)),
)

_SHADOWS = {
    *(name.partition(".")[0] for name in MODULES),
    *("sys", "cuda", "backend", "emulator", "pytest"),
}
"""Modules that a submission's file may not take the place of, where they are."""

_NEVER_OWN = ("grader", "solution", "sitecustomize", "usercustomize")
"""Names that no homework has a reason for; a conftest.py is for tests of one's own."""

_FOR_PEOPLE = (
    *("builtins.print", "builtins.input", "builtins.help", "builtins.breakpoint", "numpy.load"),
    *("numpy.save", "numpy.set_printoptions", "numpy.array_repr", "numpy.array_str"),
    *("pycuda.gpuarray.GPUArray.__repr__", "pycuda.gpuarray.GPUArray.__str__"),
)
"""On which no result depends, and no time."""


class Originals:
    """The objects as they were; made once the device is there, before student code is loaded."""

    def __init__(self) -> None:
        self._saved = [
            (name, space, {key: held for key, held in space.items() if _matters(held)})
            for name, space in _spaces()
        ]
        self._modules = {
            name: module
            for name, module in sys.modules.items()
            if name in MODULES
            or name.partition(".")[0] in ("numpy", "pycuda", "skcuda", "emulator")
        }
        self._is_told = device.is_told()
        self._finders = {id(finder) for finder in (*sys.meta_path, *sys.path_hooks)}

    def compare(self, folder: Path, channel: Channel) -> None:
        """Tell what is replaced, each time as long as it is."""
        for name, space, saved in self._saved:
            for key, held in saved.items():
                now = space.get(key)
                if now is not held and not _is_alias(name, key, now) and _may_be_of(now, folder):
                    channel.tell_again("patched", f"{name}.{key}: replaced", *_place(now, folder))
        for name, module in self._modules.items():
            now = sys.modules.get(name)
            is_other = getattr(now, "__name__", "") != getattr(module, "__name__", "")
            if now not in (module, None) and (is_other or _may_be_of(now, folder)):
                channel.tell_again("patched", f"sys.modules.{name}: replaced", *_place(now, folder))
        if self._is_told and not device.is_told():
            channel.tell_again("patched", "emulator.findings.listeners: the grader's was removed")
        _tell_tracers(folder, channel)
        for finder in (*sys.meta_path, *sys.path_hooks):
            if id(finder) not in self._finders and _is_of(finder, folder):
                place = _place(finder, folder)
                channel.tell_again("patched", "sys.meta_path: an import hook was added", *place)


def _tell_tracers(folder: Path, channel: Channel) -> None:
    """Tell of the submission's functions that Python calls at whatever the grader does."""
    for name, held in (("sys.setprofile", sys.getprofile()), ("sys.settrace", sys.gettrace())):
        if _is_of(held, folder) or (_code(held) is not None and _may_be_of(held, folder)):
            told = f"{name}: still on after the call, it sees the grader's own arrays"
            channel.tell_again("patched", told, *_place(held, folder))


def tell_shadows(folder: Path, channel: Channel) -> None:
    """Tell of files beside the submission's own that bear the names of other modules."""
    for path in sorted(folder.iterdir()):
        name = path.name.partition(".")[0]
        is_module = path.suffix in (".py", ".so", ".pyc") or path.is_dir()
        if is_module and (name in _NEVER_OWN or (name in _SHADOWS and _is_installed(name))):
            told = f"{path.name}: not imported in place of the real {name}"
            channel.tell("import", told, path.name, 0)


def _is_installed(name: str) -> bool:
    """Whether there is such a module apart from the submission's."""
    if name in sys.modules:
        return True
    with contextlib.suppress(ImportError, ValueError):
        return importlib.util.find_spec(name) is not None
    return False


def _is_alias(space: str, key: str, now: Any) -> bool:
    """Whether a name is what it once was, as np.bool was bool, or is for people to read only."""
    if f"{space}.{key}" in _FOR_PEOPLE:
        return True
    return space == "numpy" and isinstance(now, type) and vars(builtins).get(key) is now


def _spaces() -> Iterator[tuple[str, Any]]:
    """The namespaces that are watched, by dotted name."""
    for name in (*MODULES, *_DEVICE):
        module = sys.modules.get(name)
        if module is not None:
            yield name, vars(module)
    for name, classes in CLASSES:
        module = importlib.import_module(name)
        for each in classes:
            held = getattr(module, each, None)
            if isinstance(held, type):
                yield f"{name}.{each}", held.__dict__


def _matters(held: Any) -> bool:
    return callable(held) or isinstance(held, property | staticmethod | classmethod)


def _code(held: Any) -> Any:
    while isinstance(held, functools.partial | functools.partialmethod):
        held = held.func
    held = getattr(held, "__func__", held)
    held = getattr(held, "fget", held)
    return getattr(getattr(held, "__wrapped__", held), "__code__", None) or getattr(
        held, "__code__", None
    )


def _may_be_of(held: Any, folder: Path) -> bool:
    """Whether a submission may have put that there: no file of another library tells otherwise."""
    file = _file(held)
    return not file or file.startswith(f"{folder}/") or not os.path.isabs(file)  # noqa: PTH117


def _is_of(held: Any, folder: Path) -> bool:
    """Whether that is an object, a class or a function of the submission's."""
    return _file(held).startswith(f"{folder}/")


def _file(held: Any) -> str:
    code = _code(held)
    if code is not None:
        return str(code.co_filename)
    module = held if isinstance(held, type(sys)) else None
    if module is None:
        of = held if isinstance(held, type) else type(held)
        module = sys.modules.get(str(getattr(of, "__module__", "")))
    return str(getattr(module, "__file__", None) or "")


def _place(held: Any, folder: Path) -> tuple[str, int]:
    """File and line of the submission's where that is written; ("", 0) where none is known."""
    file, code = _file(held), _code(held)
    if not file.startswith(f"{folder}/"):
        return "", 0
    return file[len(f"{folder}/") :], int(code.co_firstlineno) if code is not None else 0
