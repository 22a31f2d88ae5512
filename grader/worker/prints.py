"""Lets what kernels print go to the worker's own output, wherever the submission has led it.

Else a kernel's printf would bring numbers to the host while it is to see others.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STDOUT = 1


class Output:
    """Where the worker prints; made before student code is loaded."""

    def __init__(self) -> None:
        self._stream, self._descriptor = sys.stdout, os.dup(_STDOUT)
        self._c = ctypes.CDLL(None)

    def by_device(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; what kernels print meanwhile goes there."""

        def worked(*arguments: Any, **keywords: Any) -> Any:
            import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

            with self._in_place():
                done = work(*arguments, **keywords)
                cuda.Context.synchronize()
            return done

        return worked

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        stream, descriptor = sys.stdout, os.dup(_STDOUT)
        self._c.fflush(None)  # what the submission has printed goes where it wants it
        sys.stdout = self._stream
        os.dup2(self._descriptor, _STDOUT)
        try:
            yield
        finally:
            self._c.fflush(None)
            sys.stdout = stream
            os.dup2(descriptor, _STDOUT)
            os.close(descriptor)
