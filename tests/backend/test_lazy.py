from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from backend.machine import CLONE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with an `emulator` that prints when it is installed, and a `pycuda`."""
    (tmp_path / "emulator").mkdir()
    (tmp_path / "emulator/__init__.py").write_text(
        "def is_installed(): return False\ndef install(*, check): print('installed', check)\n"
    )
    (tmp_path / "pycuda").mkdir()
    (tmp_path / "pycuda/__init__.py").write_text("print('pycuda')\n")
    return tmp_path


def python(code: str, *folders: Path) -> str:
    """What a line of Python prints that has read the .pth's import."""
    path = f"import sys; sys.path[:0] = {[str(folder) for folder in (*folders, CLONE)]!r}\n"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{path}import backend.lazy\n{code}"],
        env={"BACKEND": "emulator"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_importing_pycuda_activates_the_backend_first(stand_in: Path) -> None:
    """The emulator is there before PyCUDA's first line runs, and is installed once."""
    printed = python("import pycuda\nimport pycuda", stand_in)
    assert printed.splitlines() == ["installed None", "pycuda"]


def test_a_program_without_pycuda_loads_nothing(stand_in: Path) -> None:
    """At every start of Python, only `backend` and `backend.lazy` are imported."""
    code = "print([n for n in sys.modules if n.startswith(('backend', 'emulator', 'importlib.m'))])"
    assert python(code, stand_in).strip() == "['backend', 'backend.lazy']"


def test_an_activated_backend_is_not_activated_again(stand_in: Path) -> None:
    """A program that activates by itself gets what it asked for."""
    printed = python("import backend; backend.activate(check=False); import pycuda", stand_in)
    assert printed.splitlines() == ["installed False", "pycuda"]
