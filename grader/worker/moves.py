"""Tells whether the kernels of a submission only move numbers about, for one call.

Each number of a result is looked for among those that were on the device before a kernel of the
submission ran and that none of them has made: where all are there, something else computed them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BYTES = 1 << 20  # of an array that is looked at; probes pass some hundred bytes
_POINTER_BYTES = 8


class Moves:
    """The numbers that kernels found, and those that they made."""

    def __init__(self) -> None:
        self._found: set[int] = set()
        self._made: set[int] = set()

    def launch(self, launch: Any, arguments: Any) -> Any:
        """Look at the device before and after a launch; `arguments` are the kernel's, packed."""
        before = _words(arguments)
        self._found |= before - self._made
        done = launch()
        self._made |= _words(arguments) - self._found
        return done

    def are_all_of(self, *results: Any) -> bool:
        """Whether the device arrays among the results hold nothing that a kernel made."""
        from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

        arrays = [value for value in results if isinstance(value, gpuarray.GPUArray)]
        words = {word for array in arrays for word in _distinct(array.gpudata, array.nbytes)}
        return bool(words) and words <= self._found


@contextmanager
def watched(wanted: bool) -> Iterator[Moves | None]:
    """Watch the launches of the submission's kernels meanwhile."""
    if not wanted:
        yield None
        return
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    launch_kernel, moves = cuda.Function._launch_kernel, Moves()  # noqa: SLF001 - PyCUDA's own seam

    def launched(function: Any, grid: Any, block: Any, arguments: Any, *rest: Any) -> Any:
        def launch() -> Any:
            return launch_kernel(function, grid, block, arguments, *rest)

        _, own = function.__dict__.get("grader_label", ("?", True))
        return moves.launch(launch, arguments) if own else launch()

    cuda.Function._launch_kernel = launched  # noqa: SLF001 - as above
    try:
        yield moves
    finally:
        cuda.Function._launch_kernel = launch_kernel  # noqa: SLF001 - as above


def _words(arguments: Any) -> set[int]:
    """The numbers in all memory that a kernel's arguments point at."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    packed, words = bytes(arguments or b""), set[int]()
    for place in range(0, len(packed) - _POINTER_BYTES + 1, _POINTER_BYTES):
        address = int.from_bytes(packed[place : place + _POINTER_BYTES], "little")
        try:
            begin, size_bytes = cuda.mem_get_address_range(address)
        except (cuda.Error, OverflowError):
            continue  # no pointer
        words |= _distinct(address, begin + size_bytes - address)
    return words


def _distinct(address: Any, size_bytes: int) -> set[int]:
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    words = np.empty(min(size_bytes, _MOST_BYTES) // 4, np.uint32)
    if words.size:
        cuda.memcpy_dtoh(words, address)
    return set(words.tolist())
