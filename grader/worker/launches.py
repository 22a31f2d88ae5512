"""Records every kernel launch that PyCUDA makes: whose kernel, and with how many threads.

It works on a GPU and on the emulator alike, since it wraps PyCUDA's own `Function._launch_kernel`,
through which plain and prepared calls go. Kernels that PyCUDA itself generates (elementwise,
reductions, scans, random numbers) are told apart from those of the submission.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@dataclass(frozen=True)
class Launch:
    """One launch.

    Attributes:
        kernel: the function's name.
        grid, block: blocks a grid and threads a block, in x, y, z.
        own: the kernel's source is the submission's, not PyCUDA's.
    """

    kernel: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    own: bool


_launches: list[Launch] = []
OWN, LIBRARIES = "kernels of the submission", "kernels of libraries"
"""Whose launches may be told to do nothing."""

_HANDY = (
    *("get_fill_kernel", "get_copy_kernel", "get_arange_kernel", "get_reverse_kernel"),
    *("get_take_kernel", "get_take_put_kernel", "get_put_kernel"),
    *("get_axpbz_kernel", "get_scalar_op_kernel", "get_rdivide_elwise_kernel"),
)
"""PyCUDA's functions that make kernels which prepare or scale an array, and do no task's work:
these always work. A kernel's own name tells nothing, as an ElementwiseKernel may have any."""

_idle = ""
_MAX_RECORDED = 10_000  # a training of some hundred steps launches a few thousand kernels


def take() -> list[dict[str, Any]]:
    """The launches since the last call, in order."""
    taken = [asdict(launch) for launch in _launches]
    _launches.clear()
    return taken


@contextmanager
def idle(whose: str) -> Iterator[None]:
    """Meanwhile, launches of these kernels, `OWN` or `LIBRARIES`, are recorded, and do nothing."""
    global _idle  # noqa: PLW0603 - PyCUDA's launches have one place, so this has
    _idle = whose
    try:
        yield
    finally:
        _idle = ""


def record() -> None:
    """Start recording; to be called once, after PyCUDA is importable, before student code."""
    import pycuda.driver as cuda  # noqa: PLC0415 - the backend decides where it comes from

    # PyCUDA, too, adds methods to these extension classes from outside.
    get_function, launch_kernel = cuda.Module.get_function, cuda.Function._launch_kernel  # noqa: SLF001

    def get_named_function(module: Any, name: str) -> Any:
        function = get_function(module, name)
        function.grader_label = (str(name), not _called_by_pycuda())
        function.grader_handy = _is_handy()
        return function

    def launch_recorded(function: Any, grid: Any, block: Any, *rest: Any) -> Any:
        name, own = function.__dict__.get("grader_label", ("?", True))
        is_handy = not own and function.__dict__.get("grader_handy", False)
        is_idle = _idle == (OWN if own else LIBRARIES) and not is_handy
        done = None if is_idle else launch_kernel(function, grid, block, *rest)
        if len(_launches) < _MAX_RECORDED:  # what was refused raised, and is no launch
            _launches.append(Launch(name, _extents(grid), _extents(block), own))
        return done

    cuda.Module.get_function = get_named_function
    cuda.Function._launch_kernel = launch_recorded  # noqa: SLF001 - the seam PyCUDA itself uses


def _extents(sizes: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in sizes)


_PYCUDAS_OWN = ("pycuda.elementwise", "pycuda.reduction", "pycuda.scan", "pycuda.curandom")


def _called_by_pycuda() -> bool:
    """Whether one of PyCUDA's kernel generators asked for this function."""
    names = (str(frame.f_globals.get("__name__", "")) for frame in _callers())
    return any(name.startswith(_PYCUDAS_OWN) for name in names)


def _is_handy() -> bool:
    """Whether it was asked for by PyCUDA's own maker of a kernel that does no task's work."""
    made_in = sys.modules.get("pycuda.elementwise")
    file = getattr(made_in, "__file__", None)
    codes = (frame.f_code for frame in _callers())
    return any(code.co_filename == file and code.co_name in _HANDY for code in codes)


def _callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the documented way to them
    while frame is not None:
        yield frame
        frame = frame.f_back
