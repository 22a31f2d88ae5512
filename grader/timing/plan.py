"""The reference without its source: a recorded launch plan and compiled kernels, in one file.

Where `solution/` is, its times are taken from its own files. A student's copy has `reference.zip`
instead, which `grader.release.reference` packs, and `make release` puts beside this file:

    plan.json       kernels (name: signature), runs (calls in order, see grader.release.record),
                    and which file is for which device
    sm_90, …        machine code, all kernels in one image
    compute_70      PTX, for all other devices

Unpacked, it is a folder of the five files of a submission, which `grader.timing.replay` serves: the
worker that takes the reference's times loads and times it like any other. What differs from the
solution's own Python is the arithmetic between its calls of device.py and cuBLAS: the host's share
of a training step is 6 to 9 % less; that of a kernel's time is hidden. Measured on an H100, replay
over solution: kernels 1.00 to 1.01, the step 0.93 to 1.03, where the solution varies as much.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

SOLUTION = Path(__file__).resolve().parents[2] / "solution"
FILE = Path(__file__).resolve().with_name("reference.zip")
REPLAY = Path(__file__).resolve().with_name("replay.py")


def is_there() -> bool:
    """Whether there is a reference to compare times with."""
    return (SOLUTION / tasks.FILES[0]).is_file() or FILE.is_file()


def reference_folder(scratch: Path) -> Path:
    """The reference as a folder of the five files: the solution, or the plan unpacked.

    Args:
        scratch: an existing folder that the worker of a submission cannot read.

    Raises:
        FileNotFoundError: there is neither; see `is_there`.
    """
    if (SOLUTION / tasks.FILES[0]).is_file():
        return SOLUTION
    folder = scratch / "reference-files"
    folder.mkdir()
    unpack(FILE, folder)
    return folder


def unpack(file: Path, folder: Path) -> None:
    """Write a packed plan as a submission that replays it.

    Args:
        file: made by `grader.release.reference.pack`.
        folder: exists, and is empty.
    """
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    (folder / "replay.py").write_bytes(REPLAY.read_bytes())
    lines: dict[str, list[str]] = {name: [] for name in tasks.FILES}
    for what, maker in sorted({(run["what"], _maker(run)) for run in plan["runs"]}):
        module, _, name = what.partition(".")
        lines[f"{module}.py"].append(f"{name} = replay.{maker}({what!r})\n")
    for file_name, text in lines.items():
        (folder / file_name).write_text("".join(["import replay\n\n", *text]), "utf-8")


def _maker(run: Mapping[str, Any]) -> str:
    return "model" if "sizes" in run else "launcher"
