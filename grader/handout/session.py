"""What the notebook's first cell starts: the device, and the commands its cells use.

- ``%%section FILE NAME`` puts a cell's text into a file of the homework.
- ``%grade`` and ``%grade 2.3`` grade the files; ``%hint 2.3`` gives a hint.
"""

import importlib.util
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

from grader.handout.sections import SectionError, replace_section
from grader.handout.stubs import handout


class Session:
    """The homework in one notebook.

    Args:
        root: The homework's folder, where ``grader/`` is.
        folder: Where the student's files are.
        python: The interpreter to grade with.
    """

    def __init__(self, root: Path, folder: Path, python: str = sys.executable) -> None:
        self.root = root
        self.folder = folder
        self.python = python

    def section(self, line: str, cell: str) -> None:
        """``%%section FILE NAME``: put the cell's text below that heading of the file."""
        file, _, name = line.strip().partition(" ")
        if file not in handout().files:
            known = ", ".join(handout().files)
            print(f"%%section: expected one of {known}; found {file!r}")
            return
        path = self.folder / file
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else handout().files[file]
            new = replace_section(text, name.strip(), cell, file)
        except SectionError as error:
            print(f"nothing written: {error}")
            return
        except UnicodeDecodeError as error:
            print(f"nothing written: {path} is not UTF-8 ({error}): save it as UTF-8 and run again")
            return
        path.write_text(new, encoding="utf-8")
        print(f"{file}: section {name.strip()} written")
        try:
            compile(new, file, "exec")
        except SyntaxError as error:
            print(
                f"  but line {error.lineno} is no Python: {error.msg}: {(error.text or '').strip()}"
            )

    def grade(self, line: str) -> None:
        """``%grade 2.3`` grades one task, ``%grade`` all of them."""
        task = line.strip()
        self._grader("grade", str(self.folder), *(("--task", task) if task else ()))

    def hint(self, line: str) -> None:
        """``%hint 2.3``: one more hint."""
        self._grader("hint", *line.split())

    def _grader(self, *arguments: str) -> None:
        _stream([self.python, "-m", "grader", *arguments], self.root)


def start(root: Path) -> None:
    """Set up the notebook it is called in, and say which device it got.

    The student's files are those in the current folder if there are any, else ``assignment/``.

    Args:
        root: The homework's folder.
    """
    here = Path.cwd()
    folder = here if (here / "kernels.py").is_file() else root / "assignment"
    python = _set_up(root) if _missing() else sys.executable
    import backend  # noqa: PLC0415 - only now is all it needs there

    chosen = backend.activate()
    print(f"Backend: {chosen.name} ({chosen.reason})")
    print(f"Your files: {folder}")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    _register(Session(root, folder, python))


def _missing() -> bool:
    return any(importlib.util.find_spec(name) is None for name in ("pycuda", "skcuda"))


def _set_up(root: Path) -> str:
    """Bring in PyCUDA and scikit-cuda for a kernel that comes without, such as Colab's.

    They go into the homework's own environment, ``.venv``, whose packages this kernel then sees.

    Returns:
        That environment's Python.

    Raises:
        RuntimeError: They cannot be installed; the command has printed the reason.
    """
    from backend.environment import Environment  # noqa: PLC0415 - found only now, as `backend` is

    if _stream([sys.executable, "-m", "backend.setup"], root):
        raise RuntimeError("the homework could not be set up: see above, then run this cell again")
    environment = Environment(root)
    site.addsitedir(str(environment.site_packages()))
    return str(environment.python)


def _stream(command: list[str], folder: Path) -> int:
    """Run a command and print its output line by line, as it comes; returns the exit status."""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
    return running.returncode


def _register(session: Session) -> None:
    from IPython import get_ipython  # noqa: PLC0415 - exists in a notebook only

    shell: Any = get_ipython()
    shell.register_magic_function(session.section, "cell", "section")
    shell.register_magic_function(session.grade, "line", "grade")
    shell.register_magic_function(session.hint, "line", "hint")
    # A changed file is loaded again by the next cell that uses it.
    shell.run_line_magic("load_ext", "autoreload")
    shell.run_line_magic("autoreload", "2")
