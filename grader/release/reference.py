"""Packs the reference without its source, for `grader.timing.plan` to replay."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.release import archive, machine_code
from grader.timing import plan

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]

_RECORDING_LIMIT_S = 300


class ReleaseError(Exception):
    """Nothing can be given out; the message says why, and what to do."""


def compiled(solution: Path) -> bytes:
    """The packed reference.

    Args:
        solution: its folder.

    Raises:
        ReleaseError: it cannot be recorded.
        grader.release.machine_code.CompilerError: its kernels cannot be compiled here.
    """
    recording = subprocess.run(
        [sys.executable, "-m", "grader.release.record", str(solution)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=_RECORDING_LIMIT_S,
        check=False,
    )
    if recording.returncode:
        said = recording.stderr.strip().splitlines()
        raise ReleaseError("the solution cannot be recorded: " + "\n".join(said[-4:]))
    recorded = json.loads(recording.stdout)
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        file = Path(scratch) / plan.FILE.name
        pack(recorded, machine_code.compile_all(recorded["sources"]), file)
        return file.read_bytes()


def pack(recorded: Mapping[str, Any], images: Mapping[str, bytes], file: Path) -> None:
    """Write a plan and its images; equal ones give equal bytes.

    Args:
        recorded: {"kernels", "runs"}.
        images: machine code by "sm_90" and the like, PTX by "compute_70".
        file: to write.
    """
    (ptx,) = (name for name in images if name.startswith("compute_"))
    content = {
        "kernels": recorded["kernels"],
        "runs": recorded["runs"],
        "machine_code": {name[3:]: name for name in images if name.startswith("sm_")},
        "ptx": ptx,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    archive.write({"plan.json": text.encode(), **images}, file)
