"""Installing the device in a process and in those that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import emulator
from emulator import activation

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import pycuda.autoinit, pycuda.driver
print(pycuda.driver.Device(0).name())
"""


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the clone, with some environment variables added."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_installed_twice() -> None:
    """A second installation changes nothing."""
    emulator.install(check=True, report=False)
    path, finders = os.environ["PATH"], list(sys.meta_path)
    emulator.install(check=True, report=False)
    assert emulator.is_installed()
    assert (os.environ["PATH"], sys.meta_path) == (path, finders)
    assert path.startswith(str(ROOT / "emulator" / "compiler" / "bin"))


def test_checks_cannot_change() -> None:
    """A running device cannot be given or relieved of its checks."""
    emulator.install(check=True, report=False)
    import pycuda.driver  # noqa: F401, PLC0415  # starts the device

    with pytest.raises(RuntimeError, match="already runs with checks"):
        emulator.install(check=False)
    assert os.environ.get("EMULATOR_CHECK") != "0"


def test_too_late() -> None:
    """After PyCUDA's own driver was imported it is too late, and the error says so."""
    program = """
import sys, types
sys.modules["pycuda._driver"] = types.ModuleType("pycuda._driver")
import emulator
emulator.install()
"""
    result = python("-c", program, PYTHONPATH="")
    assert "RuntimeError: PyCUDA's own driver is already imported" in result.stderr


def test_child_process() -> None:
    """A Python process that the program starts sees the device, too."""
    program = f"""
import emulator, subprocess, sys
emulator.install()
subprocess.run([sys.executable, "-c", {PROGRAM!r}], check=True, cwd="/")
"""
    result = python("-c", program, PYTHONPATH="")
    assert "Emulated CUDA device" in result.stdout, result.stderr


def test_child_keeps_its_sitecustomize(tmp_path: Path) -> None:
    """A sitecustomize of the machine's own still runs in child processes."""
    (tmp_path / "sitecustomize.py").write_text("print('own sitecustomize')", encoding="utf-8")
    child = str(Path(activation.__file__).parent / "child")
    result = python("-c", PROGRAM, PYTHONPATH=os.pathsep.join([child, str(tmp_path)]))
    assert "own sitecustomize" in result.stdout
    assert "Emulated CUDA device" in result.stdout, result.stderr


def test_wrong_setting() -> None:
    """A setting that is not understood is an error when the device is installed."""
    result = python("-c", "import emulator; emulator.install()", EMULATOR_MEMORY_BYTES="lots")
    assert "EMULATOR_MEMORY_BYTES is 'lots', expected a number" in result.stderr
