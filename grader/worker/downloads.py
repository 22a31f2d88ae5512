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

from grader.worker import cublas, mask, prints, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_TO_HOST = ("memcpy_dtoh", "memcpy_dtoh_async", "memcpy_atoh", "py_memcpy_atoh")
"""Their first argument is on the host."""

_TO_DEVICE = ("memcpy_htod", "memcpy_htod_async")
"""Their second argument is on the host."""

_WITHIN_DEVICE = ("memcpy_dtod", "memcpy_dtod_async", "memcpy_peer", "memcpy_peer_async")
"""Their device memory may be such as the host sees, too."""

_SETTING = ("memset_d32", "memset_d32_async")
"""Their second argument is a number of the host's."""

_SHARED = ("pagelocked_empty", "managed_empty", "register_host_memory")
"""They return memory that host and device both see."""

_SIDES, _PLACES = ("src", "dst"), ("host", "unified", "device", "array")
_ON_HOST = ("host", "unified")
"""Where a Memcpy2D or Memcpy3D copies from and to."""

_DOUBLE_BYTES = 8

_blind = False
_output: prints.Output | None = None


def record() -> None:
    """Wrap PyCUDA's copies; to be called once, before student code, which may keep a function."""
    global _output  # noqa: PLW0603 - of the process, as PyCUDA's copies are
    _output = prints.Output()
    import pycuda._driver as below  # noqa: PLC0415 - the backend decides where it comes from
    import pycuda.driver as cuda  # noqa: PLC0415 - as above

    wraps = (
        *((_TO_HOST, _hiding), (_TO_DEVICE, _revealing), (_SHARED, shared.noted)),
        *((_WITHIN_DEVICE, _working), (_SETTING, _setting)),
    )
    for names, wrap in wraps:
        for name in names:
            if hasattr(cuda, name):
                wrapped = wrap(getattr(cuda, name))
                for module in (below, cuda):
                    setattr(module, name, wrapped)
    for kind in (cuda.Memcpy2D, cuda.Memcpy3D):
        _record_rows(kind)
    for owner, method, wrapping in _METHODS:
        held = getattr(below, owner, None)
        if hasattr(held, method):
            setattr(held, method, wrapping(getattr(held, method)))


def _record_rows(kind: Any) -> None:
    for side in _SIDES:
        for place in _PLACES:
            name = f"set_{side}_{place}"
            if hasattr(kind, name):
                wrapped = _noting(getattr(kind, name), side, on_host=place in _ON_HOST)
                setattr(kind, name, wrapped)
    kind.__call__ = _copying_rows(kind.__call__)


class OnlyMovedError(Exception):
    """What the call has shown is no verdict."""


@contextmanager
def blind(wanted: bool, given: Sequence[Any] = (), *, demands_made: bool = False) -> Iterator[None]:
    """Meanwhile, the host sees other numbers; the device works with its own.

    Args:
        wanted: else nothing is done.
        given: to the call; host arrays among it hold numbers that the host need not make.
        demands_made: raise where the host only sent on numbers that it had seen, in whatever form:
            what is wrong then may be so because they could not be told.

    Raises:
        OnlyMovedError: see `demands_made`.
    """
    global _blind  # noqa: PLW0603 - PyCUDA's copies have one place, so this has
    if not wanted:
        yield
        return
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    launch = cuda.Function._launch_kernel  # noqa: SLF001 - the seam PyCUDA itself uses
    mask.begin()
    for array in given:
        if isinstance(array, np.ndarray):
            mask.see(mask.words_of(array))
    shared.begin()
    with ExitStack() as stack:
        stack.callback(setattr, cuda.Function, "_launch_kernel", launch)
        cuda.Function._launch_kernel = _launching(_printing(shared.by_device(launch)))  # noqa: SLF001 - as above
        stack.enter_context(cublas.replaced(_hiding_scalar))
        stack.enter_context(cublas.replaced(shared.by_device))
        _blind = True
        try:
            yield
        finally:
            _blind = False
            shared.for_device()
    if demands_made and mask.only_moved():
        raise OnlyMovedError


def _hiding_scalar(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of cuBLAS; a sum that it gives the host is a copy to the host."""
    name = str(getattr(function, "__name__", ""))
    if not any(sum_ in name for sum_ in _SUMS):
        return function

    def answered(*arguments: Any) -> Any:
        done = function(*arguments)
        result = getattr(arguments[-1], "_obj", None)  # of ctypes.byref
        if _blind and result is not None:
            number = np.frombuffer(result, np.float64 if name[6] in "DZ" else np.float32)
            mask.hide(mask.words_of(number))
        return done

    return answered


_SUMS = ("dot", "asum", "nrm2")
"""Of cublasSdot_v2, for example; the result is behind the last argument."""


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
        words = mask.words_of(arguments[0] if arguments else keywords["dest"])
        if not shared.holds(words):  # where they are exchanged by now
            mask.hide(words)
        return done

    return copied


def _revealing(copy: Callable[..., Any]) -> Callable[..., Any]:
    def copied(*arguments: Any, **keywords: Any) -> Any:
        if not _blind or len(arguments) < 2:  # noqa: PLR2004 - by name nobody calls it
            return copy(*arguments, **keywords)
        dest, src, *rest = arguments
        return _now(copy)(dest, _revealed(src), *rest, **keywords)

    return copied


def _revealed(source: Any) -> mask.Words:
    """A copy of what the host sends, the numbers put right."""
    words: mask.Words = mask.words_of(source).copy()
    mask.sent(words)
    mask.reveal(words)
    return words


def _working(work: Callable[..., Any]) -> Callable[..., Any]:
    def worked(*arguments: Any, **keywords: Any) -> Any:
        return (_now(work) if _blind else work)(*arguments, **keywords)

    return worked


def _setting(fill: Callable[..., Any]) -> Callable[..., Any]:
    def filled(*arguments: Any, **keywords: Any) -> Any:
        if not _blind or len(arguments) < 2:  # noqa: PLR2004 - as above
            return fill(*arguments, **keywords)
        dest, number, *rest = arguments
        sent = _revealed(np.array([number], np.uint32))
        return fill(dest, int(sent[0]), *rest, **keywords)

    return filled


def _launching(launch: Callable[..., Any]) -> Callable[..., Any]:
    """Launches whose numbers are put right, too."""

    def launched(function: Any, grid: Any, block: Any, arguments: Any, *rest: Any) -> Any:
        packed = _revealed_arguments(bytes(arguments)) if _blind and arguments else arguments
        return launch(function, grid, block, packed, *rest)

    return launched


def _printing(launch: Callable[..., Any]) -> Callable[..., Any]:
    return launch if _output is None else _output.by_device(launch)


def _revealed_arguments(packed: bytes) -> bytes:
    """A kernel's arguments, as they lie in memory: each number where its size divides the place."""
    whole = bytearray(packed)
    doubles = np.frombuffer(whole, np.uint64, len(whole) // _DOUBLE_BYTES)
    floats = np.frombuffer(whole, np.uint32, len(whole) // mask.FLOAT_BYTES)
    plain = np.ones(floats.size, bool)
    for place in range(doubles.size):
        double = doubles[place : place + 1]
        before = int(double[0])
        mask.reveal(double)
        if int(double[0]) != before or _is_address(before):
            plain[2 * place : 2 * place + 2] = False
    numbers = floats[plain]
    mask.sent(numbers, copied=False)
    mask.reveal(numbers)
    floats[plain] = numbers
    return bytes(whole)


def _is_address(number: int) -> bool:
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    try:
        cuda.mem_get_address_range(number)
    except (cuda.Error, OverflowError):
        return False
    return True


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


def _noting(set_place: Callable[..., Any], side: str, *, on_host: bool) -> Callable[..., Any]:
    def noted(copy: Any, place: Any) -> Any:
        setattr(copy, f"grader_{side}", (set_place, place) if on_host else None)
        return set_place(copy, place)

    return noted


def _copying_rows(copy: Callable[..., Any]) -> Callable[..., Any]:
    def copied(rows: Any, *arguments: Any, **keywords: Any) -> Any:
        source = rows.__dict__.get("grader_src")
        if not _blind or not (rows.width_in_bytes and rows.height):
            return copy(rows, *arguments, **keywords)
        if source is not None:
            sent = _revealed(source[1])
            source[0](rows, sent)
        done = _now(copy)(rows, *arguments, **keywords)
        if source is not None:
            source[0](rows, source[1])
        target = rows.__dict__.get("grader_dst")
        if target is not None:
            words = _rows(rows, np.asarray(target[1]))
            if not shared.holds(words):
                mask.hide(words)
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
