"""The unchecked device: blocks on all cores, the same results, and a kernel's crash survives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_unchecked_device(tmp_path: Path) -> None:
    """Parallel blocks, serial ones where their order shows, and faults that end only the launch."""
    command = [sys.executable, "-m", "tests.emulator.runtime.unchecked", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "fine\n"
