"""Memory that host and device both see: managed, page-locked, registered.

No copy brings the device's numbers to the host there. While the host is to see others, they are
exchanged after each piece of the device's work, and put right before the next.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from grader.worker import mask

if TYPE_CHECKING:
    from collections.abc import Callable

_known: dict[int, weakref.ref[mask.Words]] = {}
"""The arrays, as long as the submission keeps them, by a number of their own."""


def noted(allocate: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; what it returns is known as memory that both see."""

    def allocated(*arguments: Any, **keywords: Any) -> Any:
        array = allocate(*arguments, **keywords)
        key = id(array)
        if array.size:
            mask.see(mask.words_of(array))
        _known[key] = weakref.ref(array, lambda _: _known.pop(key, None))
        return array

    return allocated


def by_device(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which finds in such memory what the device has put there."""

    def worked(*arguments: Any, **keywords: Any) -> Any:
        for_device()
        done = work(*arguments, **keywords)
        _for_host()
        return done

    return worked


def begin() -> None:
    """What is there before a call begins, the host knows."""
    for array in _arrays():
        mask.see(mask.words_of(array))


def holds(buffer: mask.Words) -> bool:
    """Whether these numbers lie in such memory."""
    place = buffer.ctypes.data
    return any(array.ctypes.data <= place < array.ctypes.data + array.nbytes for array in _arrays())


def _for_host() -> None:
    """Exchange the numbers, once the device has written what it will."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    arrays = _arrays()
    if arrays:
        cuda.Context.synchronize()
    for array in arrays:
        mask.hide(mask.words_of(array))


def for_device() -> None:
    """Put the numbers right."""
    for array in _arrays():
        words = mask.words_of(array)
        mask.sent(words)
        mask.reveal(words)


def _arrays() -> list[mask.Words]:
    held = [array() for array in list(_known.values())]
    return [array for array in held if array is not None and array.size]
