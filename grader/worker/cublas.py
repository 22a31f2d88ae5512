"""Puts other functions in place of cuBLAS's products and sums, for as long as a call takes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOUSEKEEPING = ("cublasCreate", "cublasDestroy", "cublasGet", "cublasSet")


@contextmanager
def replaced(instead: Callable[[Any], Any]) -> Iterator[None]:
    """Let scikit-cuda call other functions meanwhile; handles, streams and modes stay real.

    Args:
        instead: gives what is called in place of a function of the library.
    """
    module = sys.modules.get("skcuda.cublas")
    library = getattr(module, "_libcublas", None)
    if module is None or library is None:
        yield
        return
    vars(module)["_libcublas"] = _Library(library, instead)
    try:
        yield
    finally:
        vars(module)["_libcublas"] = library


class _Library:
    def __init__(self, library: Any, instead: Callable[[Any], Any]) -> None:
        self._library, self._instead = library, instead

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)
        return function if name.startswith(_HOUSEKEEPING) else self._instead(function)
