"""Lets the host see other numbers than the device holds, for one call.

Where the device does the work, a call is right whatever the host sees; where it is wrong then, the
host computes with what it has copied, by whatever way its results reach the device. What the host
only copies back is put right.
"""

from __future__ import annotations

import ctypes
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.worker import cublas, mask, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TO_HOST = ("memcpy_dtoh", "memcpy_dtoh_async", "memcpy_atoh", "py_memcpy_atoh")
"""Their first argument is on the host."""

_TO_DEVICE = ("memcpy_htod", "memcpy_htod_async")
"""Their second argument is on the host."""

_SHARED = ("pagelocked_empty", "managed_empty", "register_host_memory")
"""They return memory that host and device both see."""

_blind = False


def record() -> None:
    """Wrap PyCUDA's copies; to be called once, before student code, which may keep a function."""
    import pycuda._driver as below  # noqa: PLC0415 - the backend decides where it comes from
    import pycuda.driver as cuda  # noqa: PLC0415 - as above

    wraps = ((_TO_HOST, _hiding), (_TO_DEVICE, _revealing), (_SHARED, shared.noted))
    for names, wrap in wraps:
        for name in names:
            if hasattr(cuda, name):
                wrapped = wrap(getattr(cuda, name))
                for module in (below, cuda):
                    setattr(module, name, wrapped)
    for kind in (cuda.Memcpy2D, cuda.Memcpy3D):
        kind.set_dst_host = _noting(kind.set_dst_host, to_host=True)
        kind.set_dst_device = _noting(kind.set_dst_device, to_host=False)
        kind.__call__ = _hiding_rows(kind.__call__)
    for owner, method, wrapping in _METHODS:
        held = getattr(below, owner, None)
        if hasattr(held, method):
            setattr(held, method, wrapping(getattr(held, method)))


@contextmanager
def blind(wanted: bool) -> Iterator[None]:
    """Meanwhile, the host sees other numbers; the device works with its own."""
    global _blind  # noqa: PLW0603 - PyCUDA's copies have one place, so this has
    if not wanted:
        yield
        return
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    launch = cuda.Function._launch_kernel  # noqa: SLF001 - the seam PyCUDA itself uses
    mask.begin()
    with ExitStack() as stack:
        stack.callback(setattr, cuda.Function, "_launch_kernel", launch)
        cuda.Function._launch_kernel = shared.by_device(launch)  # noqa: SLF001 - as above
        stack.enter_context(cublas.replaced(shared.by_device))
        _blind = True
        try:
            yield
        finally:
            _blind = False
            shared.for_device()


def seeing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which sees what the device holds: the grader's own stand-ins."""

    @wraps(function)
    def worked(*arguments: Any, **keywords: Any) -> Any:
        global _blind  # noqa: PLW0603 - as above
        before, _blind = _blind, False
        try:
            return function(*arguments, **keywords)
        finally:
            _blind = before

    return worked


def _hiding(copy: Callable[..., Any]) -> Callable[..., Any]:
    def copied(*arguments: Any, **keywords: Any) -> Any:
        if not _blind:
            return copy(*arguments, **keywords)
        done = _now(copy)(*arguments, **keywords)
        mask.hide(mask.words_of(arguments[0] if arguments else keywords["dest"]))
        return done

    return copied


def _revealing(copy: Callable[..., Any]) -> Callable[..., Any]:
    def copied(*arguments: Any, **keywords: Any) -> Any:
        if not _blind or len(arguments) < 2:  # noqa: PLR2004 - by name nobody calls it
            return copy(*arguments, **keywords)
        dest, src, *rest = arguments
        words = mask.words_of(src).copy()
        mask.reveal(words)
        return _now(copy)(dest, words, *rest, **keywords)

    return copied


def _hiding_buffer(as_buffer: Callable[..., Any]) -> Callable[..., Any]:
    """Of device memory's `as_buffer`, which works where the host can read that: not on a GPU."""

    def buffer(*arguments: Any, **keywords: Any) -> Any:
        seen = as_buffer(*arguments, **keywords)
        if _blind:
            seen = memoryview(bytearray(seen))
            mask.hide(mask.words_of(seen))
        return seen

    return buffer


_METHODS = (
    ("DeviceAllocation", "as_buffer", _hiding_buffer),
    ("PooledDeviceAllocation", "as_buffer", _hiding_buffer),
    ("PageLockedMemoryPool", "allocate", shared.noted),
)
"""Of PyCUDA's classes: class, method, and what it is wrapped in."""


def _noting(set_target: Callable[..., Any], *, to_host: bool) -> Callable[..., Any]:
    def noted(copy: Any, target: Any) -> Any:
        copy.grader_target = target if to_host else None
        return set_target(copy, target)

    return noted


def _hiding_rows(copy: Callable[..., Any]) -> Callable[..., Any]:
    def copied(rows: Any, *arguments: Any, **keywords: Any) -> Any:
        if not _blind:
            return copy(rows, *arguments, **keywords)
        done = _now(copy)(rows, *arguments, **keywords)
        target = rows.__dict__.get("grader_target")
        if target is not None and rows.width_in_bytes and rows.height:
            mask.hide(_rows(rows, np.asarray(target)))
        return done

    return copied


def _rows(copy: Any, target: mask.Words) -> mask.Words:
    """The numbers that a Memcpy2D or Memcpy3D has written."""
    width, height, depth = copy.width_in_bytes, copy.height, getattr(copy, "depth", 1) or 1
    pitch = copy.dst_pitch or width
    slice_bytes = pitch * (getattr(copy, "dst_height", 0) or height)
    place = copy.dst_x_in_bytes + copy.dst_y * pitch + getattr(copy, "dst_z", 0) * slice_bytes
    span = (depth - 1) * slice_bytes + (height - 1) * pitch + width
    kind = mask.word_type(target.dtype, width)
    raw = (ctypes.c_char * span).from_address(target.ctypes.data + place)
    shape = (depth, height, width // kind.itemsize)
    strides = (slice_bytes, pitch, kind.itemsize)
    rows: mask.Words = np.ndarray(shape, kind, raw, strides=strides)
    return rows


def _now(copy: Callable[..., Any]) -> Callable[..., Any]:
    """The same copy, which is done when it returns, whatever stream it was put into."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    def copied(*arguments: Any, **keywords: Any) -> Any:
        done = shared.by_device(copy)(*arguments, **keywords)
        cuda.Context.synchronize()
        return done

    return copied
