"""Arguments made from a request, and results described for the reply."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.protocol import DTYPES, MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_DEPTH = 4
_MAX_ITEMS = 64
_MAX_TEXT = 200


class Arguments:
    """Turns the argument entries of one call into objects, and remembers those on the device.

    Entries: {"device": i}, {"host": i} (arrays of the frame), {"value": JSON}, {"ref": name} (an
        object
    kept from an earlier action).
    """

    def __init__(self, arrays: list[Any], kept: dict[str, Any]) -> None:
        self._arrays, self._kept = arrays, kept
        self.on_device: dict[str, Any] = {}

    def make(self, label: str, entry: dict[str, Any]) -> Any:
        """The object for one entry; `label` is its position or keyword."""
        from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

        if "value" in entry:
            return entry["value"]
        if "host" in entry:
            return self._arrays[entry["host"]].copy()
        if "ref" in entry:
            made = self._kept[entry["ref"]]
        else:
            made = gpuarray.to_gpu(self._arrays[entry["device"]])
        if isinstance(made, gpuarray.GPUArray):
            self.on_device[label] = made
        return made


@cache
def download() -> Callable[[Any], Any]:
    """PyCUDA's own GPUArray.get; to be called first before student code is loaded.

    A submission's class may be a GPUArray with a get() that reads something else than its memory.
    """
    from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

    own: Callable[[Any], Any] = gpuarray.GPUArray.get
    return own


def describe(value: Any, arrays: list[Any], identities: dict[int, str], depth: int = 0) -> Any:
    """A value as JSON, its arrays appended to `arrays`.

    Args:
        value: anything that student code returned.
        arrays: the reply's arrays so far.
        identities: id of an argument's object → its label, to tell `return out` from a copy.
        depth: of nesting so far.
    """
    from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

    if value is None:
        return {"kind": "None"}
    if isinstance(value, gpuarray.GPUArray):
        entry = {"kind": "GPUArray", **_array(value, arrays)}
        label = identities.get(id(value))
        return entry if label is None else {**entry, "is_argument": label}
    if isinstance(value, np.ndarray):
        return {"kind": "ndarray", **_array(value, arrays)}
    if depth < _MAX_DEPTH and isinstance(value, tuple | list | dict):
        return _container(value, arrays, identities, depth + 1)
    return _scalar(value)


def _container(value: Any, arrays: list[Any], identities: dict[int, str], depth: int) -> Any:
    """The items of a tuple, list or dict, as far as a reply may hold them."""
    if isinstance(value, dict):
        entries = {
            str(key)[:_MAX_TEXT]: describe(item, arrays, identities, depth)
            for key, item in list(value.items())[:_MAX_ITEMS]
        }
        return {"kind": "dict", "entries": entries}
    items = [describe(item, arrays, identities, depth) for item in value[:_MAX_ITEMS]]
    return {"kind": "tuple" if isinstance(value, tuple) else "list", "items": items}


def _scalar(value: Any) -> Any:
    """A number with its value, anything else by the name of its type."""
    kind = type(value).__name__[:_MAX_TEXT]
    if isinstance(value, bool | int | float | np.number | np.bool_):
        dtype = str(value.dtype) if isinstance(value, np.generic) else ""
        return {"kind": kind, "dtype": dtype, "value": float(np.real(value))}
    return {"kind": kind}


def _array(value: Any, arrays: list[Any]) -> dict[str, Any]:
    """dtype, shape and data of a host or device array, as far as they can be had."""
    dtype, shape = str(np.dtype(value.dtype)), [int(extent) for extent in value.shape]
    entry: dict[str, Any] = {"dtype": dtype, "shape": shape}
    if dtype not in DTYPES or value.nbytes > MAX_PAYLOAD_BYTES // 4:
        return entry
    try:
        data = value if isinstance(value, np.ndarray) else download()(value)
    except AssertionError as error:  # PyCUDA asserts that views are contiguous
        return {**entry, "unreadable": str(error)[:_MAX_TEXT]}
    arrays.append(np.asarray(data))
    return {**entry, "array": len(arrays) - 1}
