from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backend.environment import BASE_FILES, DEV_FILES, Environment, Stamp, this_python
from backend.machine import CLONE


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A clone with requirements and an empty .venv."""
    for name in (*BASE_FILES, *DEV_FILES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    made = Environment(tmp_path)
    made.site_packages().mkdir(parents=True)
    return made


def test_a_stamp_is_read_as_written(environment: Environment) -> None:
    """What was recorded comes back, and the mark of unfinished work goes."""
    environment.unfinished.touch()
    stamp = Stamp("3.12", "aa", "bb", "compiled")
    environment.write_stamp(stamp)
    assert environment.stamp() == stamp
    assert not environment.unfinished.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"python": "3.12", "unknown": 1}'])
def test_an_unreadable_stamp_is_no_stamp(environment: Environment, text: str) -> None:
    """A damaged stamp, or one of another version, makes setup run again and nothing worse."""
    environment.stamp_file.write_text(text)
    assert environment.stamp() == Stamp(python="")


@pytest.mark.parametrize("name", BASE_FILES)
def test_the_hash_follows_every_file(environment: Environment, name: str) -> None:
    """A change of any of the requirement files is noticed."""
    before = environment.hash(BASE_FILES)
    (environment.clone / name).write_text("changed\n")
    assert environment.hash(BASE_FILES) != before


@pytest.mark.parametrize(
    ("line", "version"), [("version = 3.11.7", "3.11"), ("version_info = 3.13.0.final.0", "3.13")]
)
def test_reads_the_version_of_a_venv(environment: Environment, line: str, version: str) -> None:
    """Both spellings are understood: of `python -m venv` and of virtualenv."""
    environment.folder.joinpath("pyvenv.cfg").write_text(f"home = /usr/bin\n{line}\n")
    assert environment.version() == version


def test_no_venv_has_no_version(tmp_path: Path) -> None:
    """A fresh clone has none."""
    assert Environment(tmp_path).version() == ""


def test_the_clone_may_be_moved(environment: Environment) -> None:
    """The path in the .pth leads from site-packages to the clone wherever both are."""
    environment.write_pth()
    site = environment.site_packages()
    path, hook = (site / "homework5.pth").read_text().splitlines()
    assert not Path(path).is_absolute()
    assert (site / path).resolve() == environment.clone.resolve()
    assert hook == "import backend.lazy"


def test_python_takes_the_pth(environment: Environment) -> None:
    """A Python that reads the .pth can import the rooms of the clone."""
    (environment.clone / "backend").mkdir(exist_ok=True)
    (environment.clone / "backend/lazy.py").write_text("print('activation ready')\n")
    environment.write_pth()
    code = f"import site; site.addsitedir({str(environment.site_packages())!r})"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "activation ready\n"


def test_one_release_of_pycuda_is_pinned() -> None:
    """The Python half is of the same release as what a GPU machine compiles."""
    environment = Environment(CLONE)
    half = (CLONE / "backend/pycuda_python/requirements.txt").read_text()
    assert half.startswith(environment.pinned("pycuda") + " --hash=sha256:")


def test_site_packages_belong_to_this_python(environment: Environment) -> None:
    """The layout is venv's."""
    assert environment.site_packages().parts[-2:] == (f"python{this_python()}", "site-packages")
