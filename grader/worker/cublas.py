"""Puts other functions in place of cuBLAS's products and sums, for as long as a call takes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOUSEKEEPING = ("cublasCreate", "cublasDestroy", "cublasGet", "cublasSet")

_instead: list[Callable[[Any], Any]] = []
"""What gives other functions now, the outermost last."""


def record() -> None:
    """Stand between scikit-cuda and its library; to be called once cuBLAS is imported.

    Before student code, which may keep the library, or a function of it.
    """
    module = sys.modules.get("skcuda.cublas")
    library = getattr(module, "_libcublas", None)
    if module is not None and library is not None and not isinstance(library, _Library):
        vars(module)["_libcublas"] = _Library(library)


@contextmanager
def replaced(instead: Callable[[Any], Any]) -> Iterator[None]:
    """Let scikit-cuda call other functions meanwhile; handles, streams and modes stay real.

    Args:
        instead: gives what is called in place of a function of the library.
    """
    _instead.append(instead)
    try:
        yield
    finally:
        _instead.remove(instead)


class _Library:
    """The library, whose functions can be replaced also where they were looked up before."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)
        if name.startswith(_HOUSEKEEPING) or not callable(function):
            return function
        known = self.__dict__[name] = _Function(function)
        return known

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class _Function:
    """A function of the library, or what is called in its place."""

    def __init__(self, function: Any) -> None:
        self.__dict__["_function"] = function

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        function = self._function
        for instead in _instead:
            function = instead(function)
        return function(*arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)

    def __setattr__(self, name: str, value: Any) -> None:  # argtypes and restype, for example
        setattr(self._function, name, value)
