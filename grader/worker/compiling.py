"""Compiles kernels before the device is needed: which there are, their machine code, its use.

A worker with walls has a compile cache of its own, which goes with it. A grading on a GPU starts
several, and each would compile each kernel anew. So the kernels' sources are noted once (on the
emulator, which needs no GPU), compiled once (in a worker that loads nothing of the submission), and
put into the cache of each worker before it loads the submission.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

AT_ONCE = 4
"""Compilations; each takes a core."""

ANYTHING = "__global__ void anything() {}"
"""What every worker compiles on a GPU, to see that it can; see `grader.worker.device.prepare`."""

_KEYS = ("source", "options", "no_extern_c", "include_dirs")
_OTHERS = ("keep", "arch", "code", "cache_dir")  # where one is given, PyCUDA is left to itself

_noted: list[dict[str, Any]] = []
_is_for_sources = False


class _NotedError(Exception):
    """In place of a compilation."""


def prepare(request: dict[str, Any], arrays: list[Any]) -> None:
    """Before a submission is loaded: take over machine code, or note what is compiled.

    Args:
        request: to load; "cubins" names the arrays, which go into this worker's own cache, and
            with "noting" what PyCUDA compiles from here on is noted; "kernels" names a folder
            in which it is looked for and kept, in place of the worker's own.
        arrays: of the request.
    """
    if request.get("kernels"):
        os.environ["PYCUDA_CACHE_DIR"] = request["kernels"]
    for name, content in zip(request.get("cubins", ()), arrays, strict=False):
        (_cache() / name).write_bytes(content.tobytes())
    if request.get("noting"):
        _note()


def _note() -> None:
    from pycuda import compiler  # noqa: PLC0415 - the backend decides where it comes from

    compile_, signature = compiler.compile, inspect.signature(compiler.compile)

    def noting(*arguments: Any, **keywords: Any) -> Any:
        asked = signature.bind(*arguments, **keywords).arguments
        if asked.get("nvcc", "nvcc") == "nvcc" and not any(map(asked.get, _OTHERS)):
            _noted.append({key: asked[key] for key in _KEYS if asked.get(key)})
        if _is_for_sources:
            raise _NotedError
        return compile_(*arguments, **keywords)

    compiler.compile = noting


def sources() -> list[dict[str, Any]]:
    """What the loaded submission compiled as it was loaded, and what its kernels will compile."""
    global _is_for_sources  # noqa: PLW0603 - PyCUDA has one compiler
    kind = getattr(sys.modules.get("device"), "Kernel", None)
    _is_for_sources = True
    for kernel in [made for made in gc.get_objects() if type(made) is kind]:
        with contextlib.suppress(Exception):
            kernel._function  # noqa: B018, SLF001 - device.py's: compiles at the first launch
    _is_for_sources = False
    return [*_noted, {"source": ANYTHING}]


def compile_all(entries: list[dict[str, Any]], reply: list[Any]) -> dict[str, Any]:
    """Compile for the GPU that CUDA uses first; no context is made on it.

    Args:
        entries: that `sources` returned.
        reply: receives the machine code, bytes as uint8.

    Returns:
        {"cubins": their names in PyCUDA's cache}; what does not compile is not among them.
    """
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from
    from pycuda import compiler  # noqa: PLC0415 - as above

    cuda.init()
    major, minor = cuda.Device(0).compute_capability()

    def compile_one(entry: dict[str, Any]) -> None:
        with contextlib.suppress(cuda.CompileError, OSError, TypeError, ValueError):
            asked = {key: entry[key] for key in _KEYS if key in entry}
            compiler.compile(**asked, arch=f"sm_{major}{minor}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(compile_one, entries))
    made = sorted(_cache().glob("*.cubin"))
    reply += [np.frombuffer(path.read_bytes(), np.uint8) for path in made]
    return {"cubins": [path.name for path in made]}


def _cache() -> Path:
    return Path(os.environ["PYCUDA_CACHE_DIR"])
