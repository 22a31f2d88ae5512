"""Launches for more rows or columns than a grid is high, or a block has threads.

They are looked at, not carried out: a block for each of so many columns is right, and quick on a
GPU, but takes the emulator many seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import diagnoses
from grader.actions import idle
from grader.judge import CheckFailure, call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from grader.student import Student

    Array = NDArray[Any]

MANY = 300_007
"""Rows or columns: more than a grid is high, and more than 1,024 blocks of 256 threads."""

# Of every GPU since compute capability 3.0: CUDA C++ Programming Guide, "Technical Specifications
# per Compute Capability".
_MOST_BLOCKS = {"x": 2**31 - 1, "y": 65_535, "z": 65_535}
_MOST_THREADS = 1024


def check(
    student: Student,
    function: str,
    large: tuple[Array, ...],
    small: tuple[Array, ...],
    right: Callable[..., None],
) -> None:
    """Demand that a launcher asks for no launch that a GPU refuses.

    Args:
        student: whose.
        function: a launcher of kernels.py.
        large: its arguments, for a call in which its kernels do nothing.
        small: its arguments, for a plain call after that.
        right: demands that an outcome fits the small ones; where it doesn't, what follows gets a
            fresh worker, as such a call may leave something behind.
    """
    what = f"kernels.{function}"
    outcomes = student.attempt(idle(call(what, *large), "kernels"), call(what, *small))
    if outcomes is None:
        return
    during, after = outcomes
    try:
        right(after, *small)
    except CheckFailure:
        student.renew()
    refused = _refused(launch for launch in during.launches if launch["own"])
    if refused:
        raise CheckFailure(
            f"for an array of shape {large[0].shape}, {refused}",
            diagnoses=diagnoses.named("launch-refused"),
        )


def _refused(launches: Iterable[Mapping[str, Any]]) -> str:
    """What a GPU would refuse, and what to do; "" for nothing."""
    for launch in launches:
        threads = int(np.prod(launch["block"], dtype=np.int64))
        if threads > _MOST_THREADS:
            return (
                f"{launch['kernel']} is launched with {threads:,} threads a block; the limit is "
                f"{_MOST_THREADS:,}. Grid and block may be exchanged: the grid comes first, and "
                "grows with the array, the block does not"
            )
        for (axis, most), blocks in zip(_MOST_BLOCKS.items(), launch["grid"], strict=False):
            if blocks > most:
                return (
                    f"{launch['kernel']} is launched with {blocks:,} blocks in {axis}; the limit "
                    f"of {axis} is {most:,}. Put the dimension that grows into x"
                )
    return ""
