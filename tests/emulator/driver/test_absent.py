"""What is not emulated says so by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest

ABSENT = [
    (lambda _: drv.TextureReference(), "texture references"),
    (lambda m: m.get_texref("t"), "'t': texture references"),
    (lambda m: m.get_surfref("s"), "surface references"),
    (lambda _: drv.np_to_array(np.zeros((2, 2), np.float32), "C"), "CUDA arrays"),
    (lambda _: drv.memcpy_dtoa(None, 0, 0, 0), "CUDA arrays"),
    (lambda _: drv.Memcpy2D().set_dst_array(None), "CUDA arrays"),
    (lambda _: drv.mem_get_ipc_handle(0), "between processes"),
    (lambda _: drv.IPCMemoryHandle(bytearray(64)), "between processes"),
    (lambda _: drv.Context.enable_peer_access(drv.Context.get_current()), "second device"),
]


@pytest.mark.parametrize(("use", "text"), ABSENT)
def test_by_name(module: Any, use: Any, text: str) -> None:
    """Using it raises `operation not supported` and names it."""
    with pytest.raises(drv.LogicError, match=f"operation not supported - .*{text}.* not emulated"):
        use(module)
