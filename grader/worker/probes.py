"""Lets the device do nothing for one call, so that the judge sees who does the work.

Where a kernel of the submission does the work, nothing right can come out of a call in which it
does nothing; where something right comes out, the host did the work, or a library.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from grader.worker import cublas, launches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

KERNELS, CUBLAS, LIBRARIES = "kernels", "cublas", "libraries"
"""What can be told to do nothing: kernels of the submission; products and sums of cuBLAS; cuBLAS
and the kernels that PyCUDA writes itself."""


@contextmanager
def idle(what: Collection[str]) -> Iterator[None]:
    """For the time of a call, let kernels and cuBLAS answer as if they had done their work."""
    with ExitStack() as stack:
        if KERNELS in what:
            stack.enter_context(launches.idle(launches.OWN))
        if LIBRARIES in what:
            stack.enter_context(launches.idle(launches.LIBRARIES))
        if CUBLAS in what or LIBRARIES in what:
            stack.enter_context(cublas.replaced(lambda _: _succeed))
        yield


def _succeed(*_: Any) -> int:
    return 0  # CUBLAS_STATUS_SUCCESS
