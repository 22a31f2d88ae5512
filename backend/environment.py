"""The environment in a clone, `.venv`: its folder and the stamp of what is installed in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from backend.machine import CLONE, Machine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMAT = 1  # raise when setup makes something else of the same requirements
PYTHON_HALF = "backend/pycuda_python"
BASE_FILES = (
    "requirements.txt",
    "requirements-base.txt",
    "requirements-gpu.txt",
    f"{PYTHON_HALF}/requirements.txt",
)
DEV_FILES = ("requirements-dev.txt", "requirements-class.txt")
CLASS_FILES = ("requirements-class.txt",)


@dataclass(frozen=True)
class Stamp:
    """What is installed in `.venv`.

    Attributes:
        python: major and minor version, "3.11".
        base: hash of what every machine installs.
        dev: hash of what tests and lint need besides; empty if not asked for.
        pycuda: "python-half", "compiled" (for the GPU) or "build-failed" (Python half instead).
        graders: hash of what grading a class needs besides; empty if not asked for.
    """

    python: str
    base: str = ""
    dev: str = ""
    pycuda: str = ""
    graders: str = ""


class Environment:
    """The environment in a clone: its folder, its stamp, its Python, its log."""

    def __init__(self, clone: Path = CLONE) -> None:
        self.clone = clone
        self.folder = clone / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp_file = self.folder / "setup.json"
        self.unfinished = self.folder / "setup-unfinished"
        self.log = clone / ".cache" / "setup.log"

    def stamp(self) -> Stamp:
        """What is installed; an empty stamp where nothing (readable) says so."""
        try:
            return Stamp(**json.loads(self.stamp_file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return Stamp(python="")

    def write_stamp(self, stamp: Stamp) -> None:
        """Record that everything is installed: at once or not at all."""
        draft = self.stamp_file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(stamp)), "utf-8")
        draft.replace(self.stamp_file)
        self.unfinished.unlink(missing_ok=True)

    def version(self) -> str:
        """The Python that `.venv` was made with, as in "3.11"; empty if there is no `.venv`."""
        try:
            text = (self.folder / "pyvenv.cfg").read_text("utf-8")
        except OSError:
            return ""
        match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", text, re.MULTILINE)
        return match.group(1) if match else ""

    def site_packages(self) -> Path:
        """Where packages are installed (POSIX layout of venv)."""
        return self.folder / "lib" / f"python{this_python()}" / "site-packages"

    def machine(self) -> Machine:
        """This machine, as programs in the environment see it."""
        return Machine(search_path=[str(self.site_packages())])

    def hash(self, names: Sequence[str]) -> str:
        """One hash of several files of the clone, and of what setup makes of them."""
        total = hashlib.sha256(f"format {FORMAT}".encode())
        for name in names:
            total.update((self.clone / name).read_bytes())
        return total.hexdigest()

    def pinned(self, package: str) -> str:
        """A package with its version, as requirements.txt has it: "pycuda==2026.1"."""
        text = (self.clone / "requirements.txt").read_text("utf-8")
        match = re.search(rf"^{re.escape(package)}==\S+", text, re.MULTILINE)
        return match.group(0) if match else package

    def write_pth(self) -> None:
        """Let programs of the environment import the rooms, and the first `import pycuda` activate.

        The path is relative: the clone may be moved.
        """
        site = self.site_packages()
        up = os.path.relpath(self.clone, site)
        (site / "homework5.pth").write_text(f"{up}\nimport backend.lazy\n", "utf-8")


def this_python() -> str:
    """The running Python's version as in "3.11"."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
