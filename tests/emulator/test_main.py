"""`python -m emulator run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
import numpy as np
import pycuda.autoinit
from pycuda import gpuarray
from pycuda.compiler import SourceModule

source = "__global__ void fill(int *x, int n) { x[threadIdx.x] = n; }"
fill = SourceModule(source).get_function("fill")
x = gpuarray.empty(4, np.int32)
for _ in range(2):
    fill(x, np.int32(7), block=(int(sys.argv[1]), 1, 1))
print(sys.argv, __name__, x.get().tolist())
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that fills an array from as many threads as it is told."""
    path = tmp_path / "fill.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m emulator …`."""
    return subprocess.run(
        [sys.executable, "-m", "emulator", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"EMULATOR_REPORT": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_script(script: Path) -> None:
    """The script is __main__, has its own arguments, and its exit status is ours."""
    result = run("run", script, "3", "5", "--check")
    assert result.returncode == 5, result.stderr
    assert f"['{script}', '3', '5', '--check'] __main__ [7, 7, 7," in result.stdout


def test_finding(script: Path) -> None:
    """What was never written is said on stderr with the script's line, once."""
    result = run("run", script, "3", "0")
    assert result.stderr.count("unwritten-read") == 1
    assert "x.get().tolist()" in result.stderr


def test_unchecked(script: Path) -> None:
    """Without checks nothing is said."""
    result = run("run", "--no-check", script, "3", "0")
    assert (result.returncode, result.stderr) == (0, "")


def test_profile(script: Path) -> None:
    """--profile prints a row a kernel."""
    result = run("run", "--profile", script, "4", "0")
    (row,) = [line for line in result.stderr.splitlines() if line.startswith("fill ")]
    assert row.split()[1] == "2"


def test_exception(script: Path) -> None:
    """An error of the script is shown with the script's frames, not with the emulator's."""
    result = run("run", script, "5", "0")
    assert result.returncode == 1
    assert "illegal memory access" in result.stderr
    assert "fill.py" in result.stderr
    assert "runpy" not in result.stderr


BAD_SETTINGS = [
    ({"EMULATOR_CHECK": "maybe"}, "EMULATOR_CHECK is 'maybe', expected 0 or 1"),
    ({"EMULATOR_CACHE": "/proc/none"}, "cache folder /proc/none can't be written"),
    ({"CXX": "/none/g++", "EMULATOR_CACHE": "{tmp}"}, "'/none/g++', was not found"),
]


@pytest.mark.parametrize(("variables", "text"), BAD_SETTINGS)
def test_bad_setting(script: Path, tmp_path: Path, variables: dict[str, str], text: str) -> None:
    """A setting, compiler or folder that cannot be used is exit status 2 and one line."""
    chosen = {name: value.format(tmp=tmp_path) for name, value in variables.items()}
    result = run("run", script, "3", "0", **chosen)
    assert result.returncode == 2
    assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_script() -> None:
    """A script that is not there is exit status 2 and one line."""
    result = run("run", "nowhere.py")
    assert result.returncode == 2
    assert result.stderr == "emulator: there is no file nowhere.py: name a Python script\n"
