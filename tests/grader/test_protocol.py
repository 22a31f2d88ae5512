"""Frames: what is sent arrives; what is no frame is a ProtocolError, whatever it is."""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader import protocol


class Memory:
    """A stream over a buffer."""

    def __init__(self, content: bytes = b"") -> None:
        self.content, self.position = content, 0

    def read_exactly(self, count: int) -> bytes:
        """The next bytes."""
        chunk = self.content[self.position : self.position + count]
        if len(chunk) < count:
            raise protocol.ProtocolError("the pipe was closed")
        self.position += count
        return chunk

    def write_all(self, *chunks: bytes | memoryview) -> None:
        """Append."""
        self.content += b"".join(bytes(chunk) for chunk in chunks)


ARRAYS = hnp.arrays(
    st.sampled_from(sorted(protocol.DTYPES)), hnp.array_shapes(min_dims=0, min_side=0, max_dims=4)
)


@given(st.lists(ARRAYS, max_size=3), st.dictionaries(st.text(), st.integers()))
def test_round_trip(arrays: list[Any], message: dict[str, Any]) -> None:
    """A message and its arrays arrive as they were sent, shapes of no and of zero extents too."""
    message.pop("arrays", None)
    stream = Memory()
    protocol.send(stream, message, arrays)
    received, copies = protocol.receive(stream)
    assert received == message
    assert [(a.dtype, a.shape, a.tobytes()) for a in copies] == [
        (a.dtype, a.shape, a.tobytes()) for a in arrays
    ]


@given(st.binary(max_size=200))
def test_garbage(content: bytes) -> None:
    """Bytes that are no frame are refused, and nothing else happens."""
    with pytest.raises(protocol.ProtocolError):
        protocol.receive(Memory(content))


@given(st.integers(0, 200), st.integers(0, 255))
def test_flipped_byte(place: int, value: int) -> None:
    """A frame with one byte changed is a frame or a ProtocolError."""
    stream = Memory()
    protocol.send(stream, {"id": 1}, [np.arange(6, dtype=np.float32).reshape(2, 3)])
    content = bytearray(stream.content)
    content[place % len(content)] = value
    with contextlib.suppress(protocol.ProtocolError):
        protocol.receive(Memory(bytes(content)))


def frame(header: bytes, payload: bytes = b"") -> bytes:
    """A frame with any header."""
    return struct.pack("<4sIQ", b"GRD1", len(header), len(payload)) + header + payload


@pytest.mark.parametrize(
    "listed",
    [
        [{"dtype": "object", "shape": [1]}],
        [{"dtype": "float32", "shape": [-1]}],
        [{"dtype": "float32", "shape": [True]}],
        [{"dtype": "float32", "shape": [1] * 9}],
        [{"dtype": "float32", "shape": "2"}],
        [{"dtype": ["float32"], "shape": [1]}],
        ["float32"],
        None,
        {"0": 1},
        [{"dtype": "float32", "shape": [2**30, 2**30]}],
    ],
)
def test_bad_layout(listed: object) -> None:
    """A list of arrays that is not of the agreed form, or does not add up, is refused."""
    header = json.dumps({"arrays": listed}).encode()
    with pytest.raises(protocol.ProtocolError):
        protocol.receive(Memory(frame(header, b"1234")))


def test_size_limits() -> None:
    """A frame that announces too much is refused before anything is allocated."""
    huge = struct.pack("<4sIQ", b"GRD1", 2, 1 << 60)
    with pytest.raises(protocol.ProtocolError, match="over the limit"):
        protocol.receive(Memory(huge))


def test_deep_json() -> None:
    """A header nested too deeply to parse is refused."""
    with pytest.raises(protocol.ProtocolError):
        protocol.receive(Memory(frame(b"[" * 100_000)))
