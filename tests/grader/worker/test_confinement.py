"""What a worker takes upon itself, tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def run(program: str) -> subprocess.CompletedProcess[str]:
    """A Python program in which the module is imported as `confinement`, and ROOT is known."""
    head = "from pathlib import Path\nfrom grader.worker import confinement\n"
    head += f"ROOT = Path({str(ROOT)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", head + program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_can_be_imported() -> None:
    """The grader, the solution and the tests cannot be imported; what a submission needs can."""
    done = run("""
import importlib, sys
sys.path.remove("")
confinement.hide_the_grader(ROOT)
for name in ("grader", "grader.oracle", "solution", "solution.kernels", "tests", "assignment"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    print(name)
import data, backend, emulator, numpy, data.fashion_mnist
""")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_rooms_of_this_repository(tmp_path: Path) -> None:
    """A backend that a .pth file of another clone has imported, or names, is not used."""
    other = tmp_path / "backend"
    other.mkdir()
    (other / "__init__.py").write_text("")
    (other / "lazy.py").write_text("")
    done = run(f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}]
for name in [name for name in sys.modules if name.partition(".")[0] == "backend"]:
    del sys.modules[name]
import backend.lazy
assert backend.__file__.startswith({str(tmp_path)!r}), backend.__file__
confinement.hide_the_grader(ROOT)
import backend.choice
print(backend.__file__)
""")
    assert done.stdout.strip() == str(ROOT / "backend" / "__init__.py"), done.stderr


def test_files(tmp_path: Path) -> None:
    """A file that grows without end ends in an exception, not in a full disk or a signal."""
    done = run(f"""
confinement.MAX_FILE_BYTES = 1 << 20
confinement.limit_files()
with open({str(tmp_path / "big")!r}, "wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(1 << 16))
    except OSError as error:
        print(error.strerror)
""")
    assert "File too large" in done.stdout
    assert (tmp_path / "big").stat().st_size <= 1 << 20


def test_orphan() -> None:
    """A worker whose judge has ended already ends at once."""
    done = run("confinement.die_with(999_999_999)\nprint('still here')")
    assert done.stdout == ""
