"""Lets the device do nothing for one call, so that the judge sees who does the work.

Where a kernel of the submission does the work, nothing right can come out of a call in which it
does nothing; where something right comes out, the host did the work, or a library.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from grader.worker import launches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

KERNELS, CUBLAS = "kernels", "cublas"
"""What can be told to do nothing: kernels of the submission; products and sums of cuBLAS."""

_HOUSEKEEPING = ("cublasCreate", "cublasDestroy", "cublasGet", "cublasSet")


@contextmanager
def idle(what: Collection[str]) -> Iterator[None]:
    """For the time of a call, let kernels and cuBLAS answer as if they had done their work."""
    with ExitStack() as stack:
        if KERNELS in what:
            stack.enter_context(launches.idle())
        if CUBLAS in what:
            stack.enter_context(_idle_cublas())
        yield


@contextmanager
def _idle_cublas() -> Iterator[None]:
    module = sys.modules.get("skcuda.cublas")
    library = getattr(module, "_libcublas", None)
    if module is None or library is None:
        yield
        return
    vars(module)["_libcublas"] = _Idle(library)
    try:
        yield
    finally:
        vars(module)["_libcublas"] = library


class _Idle:
    """cuBLAS that reports success and computes nothing; handles, streams and modes are real."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_HOUSEKEEPING):
            return getattr(self._library, name)
        return _succeed


def _succeed(*_: Any) -> int:
    return 0  # CUBLAS_STATUS_SUCCESS
