"""On which devices a submission is judged, and why.

Correctness is scored on the checked emulator wherever there is a compiler for it, so that a score
is the same everywhere. A GPU gives a second opinion, and times. Without a compiler it judges alone.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import backend
from backend import gpu_state
from backend.machine import Machine

EMULATOR, GPU = "emulator", "gpu"

ON_THE_EMULATOR = "BACKEND=emulator make grade names the line of a race or of a wild access."


@dataclass(frozen=True)
class Devices:
    """The devices that judge.

    Attributes:
        names: backends; the first one scores, another gives a second opinion.
        reason: why these, in words.
        gpu: what the GPU is called in a sentence ("the H100"), "" if none judges.
        advice: how more would be learnt than by these, "" where nothing would.
    """

    names: tuple[str, ...]
    reason: str
    gpu: str = ""
    advice: str = ""

    @property
    def label(self) -> str:
        """The devices in a word or three, as in a report's "backend"."""
        return " and ".join(self.names)


def choose() -> Devices:
    """The devices of this machine; BACKEND=emulator or BACKEND=gpu leaves only that one.

    Raises:
        BackendError: BACKEND names no backend, or a GPU that cannot be used.
    """
    chosen = backend.select()
    if chosen.name == EMULATOR:
        return Devices((EMULATOR,), chosen.reason)
    machine, is_wanted = Machine(), bool(os.environ.get("BACKEND", "").strip())
    if gpu_state.VISIBLE not in os.environ:  # before any process of the grader's is on one
        gpu_state.use_freest(gpu_state.now(machine))
    gpu = chosen.reason
    if machine.compiler and not is_wanted:
        return Devices((EMULATOR, GPU), gpu, short_name(gpu))
    if is_wanted:
        reason = f"{gpu} alone (BACKEND=gpu)"
        advice = ON_THE_EMULATOR
    else:
        reason = f"{gpu} alone: there is no C++ compiler for the emulator"
        advice = (
            "With a C++ compiler the emulator names the line of a race or of a wild access. "
            "Next: sudo apt install g++, or: .venv/bin/python -m pip install ziglang"
        )
    return Devices((GPU,), reason, short_name(gpu), advice)


def short_name(gpu: str) -> str:
    """What a GPU is called in a sentence: "the H100" for "NVIDIA H100 80GB HBM3"."""
    name = re.sub(r"^NVIDIA | and \d+ more$", "", gpu)
    return "the " + re.sub(r"[ -]\d+GB.*$", "", name)
