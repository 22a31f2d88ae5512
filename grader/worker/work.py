"""Counts what a call asks of the device: memory, copies, waiting, cuBLAS, and what kernels cost.

PyCUDA's functions are wrapped; what they do stays the same. Memory that a pool hands out again is
no allocation.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from grader.worker import cublas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ALLOCATIONS = ("mem_alloc", "mem_alloc_pitch", "pagelocked_empty", "pagelocked_zeros")
COPIES = {
    "uploads": ("memcpy_htod", "memcpy_htod_async"),
    "downloads": ("memcpy_dtoh", "memcpy_dtoh_async"),
}
"""Functions of pycuda.driver, by what they are counted as."""

WAITING = ("Context", "Stream", "Event")
"""Classes of pycuda.driver that have `synchronize`."""

_MOST_LINES = 8  # of a kernel; the most expensive ones

_counts: Counter[str] = Counter()


def record() -> None:
    """Wrap what gpuarray takes as default arguments; to be called once, before it is imported."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    for name in ALLOCATIONS:
        setattr(cuda, name, _counted("allocations", getattr(cuda, name)))


def _counted(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*arguments: Any, **keywords: Any) -> Any:
        _counts[kind] += 1
        return function(*arguments, **keywords)

    return counted


@contextmanager
def counting(wanted: bool, folder: Path) -> Iterator[dict[str, Any]]:
    """Count what is done meanwhile.

    Args:
        wanted: else nothing is counted.
        folder: the submission's; its files are named without it.

    Yields:
        a dict that holds, afterwards, {"counted": {"work": {kind: how many}, "kernels": {name:
        {"total": counters, "lines": [{"file", "line", **counters}]}}}}; the kernels' are the
        emulator's, and missing on a GPU. Empty where nothing is wanted.
    """
    told: dict[str, Any] = {}
    if not wanted:
        yield told
        return
    _counts.clear()
    profile = _profile()
    with ExitStack() as stack:
        stack.enter_context(_counted_calls())
        stack.enter_context(cublas.replaced(lambda product: _counted("cublas", product)))
        if profile is not None:
            profile.start()
            stack.callback(profile.stop)
        yield told
    costs = {} if profile is None else profile.costs()
    kernels = {name: _kernel(cost, folder) for name, cost in costs.items() if cost.total}
    told["counted"] = {"work": dict(_counts), "kernels": kernels}


def _profile() -> Any:
    """The emulator's, None on a GPU."""
    emulator = sys.modules.get("emulator")
    if emulator is None or not emulator.is_installed():
        return None
    return importlib.import_module("emulator.profile")


@contextmanager
def _counted_calls() -> Iterator[None]:
    """Copies and waiting are wrapped only meanwhile: errors name the frame that called them."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    kept: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, kind: str) -> None:
        kept.append((owner, name, vars(owner)[name]))
        wrapped = _counted(kind, getattr(owner, name))
        is_static = isinstance(vars(owner)[name], staticmethod)
        setattr(owner, name, staticmethod(wrapped) if is_static else wrapped)

    try:
        for kind, names in COPIES.items():
            for name in names:
                put(cuda, name, kind)
        for owner in WAITING:
            put(getattr(cuda, owner), "synchronize", "synchronisations")
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


def _kernel(cost: Any, folder: Path) -> dict[str, Any]:
    lines = sorted(cost.lines.items(), key=lambda item: -_weight(item[1]))[:_MOST_LINES]
    return {
        "total": _counters(cost.total),
        "lines": [
            {
                "file": place.file.removeprefix(f"{folder}/"),
                "line": int(place.line),
                **_counters(line),
            }
            for place, line in lines
        ],
    }


def _weight(cost: Any) -> int:
    return int(cost.global_sectors + cost.shared_wavefronts + cost.atomic_conflicts)


def _counters(cost: Any) -> dict[str, int]:
    return {
        "requests": int(cost.global_requests),
        "sectors": int(cost.global_sectors),
        "ideal_sectors": int(cost.global_ideal_sectors),
        "bank_conflicts": int(cost.bank_conflicts),
        "atomics": int(cost.atomic_operations),
        "atomic_conflicts": int(cost.atomic_conflicts),
        "busiest_thread": int(cost.busiest_thread),
    }
