"""Frames on the private pipe between the judge and the process that runs student code.

A frame is 16 bytes (magic, version, header's size, payload's size), a JSON header of bounded size,
and the raw bytes of the arrays that the header lists. Nothing is unpickled. Whatever a hostile or
broken peer writes, reading it gives a message of the agreed form or a `ProtocolError`; it never
runs code, and never allocates more than the limits below.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

_PREFIX = struct.Struct("<4sIQ")
_MAGIC = b"GRD1"

MAX_HEADER_BYTES = 4 << 20
"""A header lists values, launches and findings; the largest seen is some tens of kilobytes."""

MAX_PAYLOAD_BYTES = 1 << 30
"""The largest honest payload is a quarter of Fashion-MNIST's training set in float32, 47 MB."""

MAX_DIMENSIONS = 8

DTYPES = frozenset(
    f"{kind}{bits}"
    for kind, sizes in {
        "int": (8, 16, 32, 64),
        "uint": (8, 16, 32, 64),
        "float": (16, 32, 64),
    }.items()
    for bits in sizes
) | {"bool"}
"""What crosses the pipe; arrays of other dtypes are reported by name, without their data."""


class ProtocolError(Exception):
    """The peer sent something that is not a frame, or closed the pipe."""


class Stream(Protocol):
    """The two halves of a pipe, as bytes."""

    def read_exactly(self, count: int) -> bytes | bytearray:
        """Return exactly `count` bytes; ProtocolError if the pipe ends before."""

    def write_all(self, *chunks: bytes | memoryview) -> None:
        """Write all chunks in order; ProtocolError if the pipe is closed."""


def send(stream: Stream, message: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    """Write one frame.

    Args:
        stream: where to.
        message: anything JSON; the key "arrays" is the protocol's own.
        arrays: sent as C-contiguous bytes; dtypes must be in `DTYPES`.
    """
    contiguous = [np.ascontiguousarray(array).reshape(np.shape(array)) for array in arrays]
    listed = [{"dtype": str(array.dtype), "shape": list(array.shape)} for array in contiguous]
    header = json.dumps({**message, "arrays": listed}, allow_nan=True).encode()
    if len(header) > MAX_HEADER_BYTES:
        raise ProtocolError(f"header of {len(header)} bytes; at most {MAX_HEADER_BYTES}")
    payload = sum(array.nbytes for array in contiguous)
    if payload > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"{payload} bytes of arrays; at most {MAX_PAYLOAD_BYTES}")
    chunks = [array.reshape(-1).view(np.uint8).data for array in contiguous if array.size]
    stream.write_all(_PREFIX.pack(_MAGIC, len(header), payload), header, *chunks)


def receive(stream: Stream) -> tuple[dict[str, Any], list[Array]]:
    """Read one frame.

    Returns:
        the message without its list of arrays, and the arrays (fresh memory, writable).

    Raises:
        ProtocolError: not a frame, over the limits, an unknown dtype, or sizes that don't add up.
    """
    magic, header_bytes, payload_bytes = _PREFIX.unpack(stream.read_exactly(_PREFIX.size))
    if magic != _MAGIC:
        raise ProtocolError("no frame begins here")
    if header_bytes > MAX_HEADER_BYTES or payload_bytes > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"frame of {header_bytes} + {payload_bytes} bytes is over the limit")
    message, layout = _parse_header(bytes(stream.read_exactly(header_bytes)))
    sizes = [dtype.itemsize * int(np.prod(shape, dtype=object)) for dtype, shape in layout]
    if sum(sizes) != payload_bytes:
        raise ProtocolError(f"{sum(sizes)} bytes of arrays listed, {payload_bytes} announced")
    arrays = [
        np.frombuffer(bytearray(stream.read_exactly(size)), dtype).reshape(shape)
        for size, (dtype, shape) in zip(sizes, layout, strict=True)
    ]
    return message, arrays


def _parse_header(header: bytes) -> tuple[dict[str, Any], list[tuple[np.dtype[Any], list[int]]]]:
    try:
        message = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"header is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise ProtocolError("header is not an object")
    listed = message.pop("arrays", None)
    if not isinstance(listed, list):
        raise ProtocolError("header lists no arrays")
    return message, [_parse_layout(entry) for entry in listed]


def _parse_layout(entry: object) -> tuple[np.dtype[Any], list[int]]:
    if not isinstance(entry, dict):
        raise ProtocolError("an array's entry is not an object")
    dtype, shape = entry.get("dtype"), entry.get("shape")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ProtocolError(f"dtype {dtype!r} does not cross the pipe")
    if (
        not isinstance(shape, list)
        or len(shape) > MAX_DIMENSIONS
        or not all(type(extent) is int and 0 <= extent <= MAX_PAYLOAD_BYTES for extent in shape)
    ):
        raise ProtocolError(f"shape {shape!r} is not a list of up to {MAX_DIMENSIONS} sizes")
    return np.dtype(dtype), shape
