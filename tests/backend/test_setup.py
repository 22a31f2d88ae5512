"""Setup's decisions. pip and venv are not run: each step is recorded instead of run."""

from __future__ import annotations

import fcntl
import importlib.util
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from backend import setup
from backend.environment import BASE_FILES, DEV_FILES, Environment, Stamp, this_python
from backend.machine import CLONE
from backend.steps import SetupError
from tests.backend.fake import H100, FakeMachine
from tests.backend.fake import command as executable

if TYPE_CHECKING:
    from pathlib import Path

    from backend.machine import Machine


@dataclass
class Clone:
    """A clone in a folder, on a fake machine, with the steps that setup took."""

    environment: Environment
    fake: FakeMachine
    machine: Machine
    taken: list[str] = field(default_factory=list)
    fails: str = "nothing"

    def put(self, **facts: str) -> None:
        """Put a finished environment there; facts replace those of its stamp."""
        self.environment.python.parent.mkdir(parents=True, exist_ok=True)
        self.environment.site_packages().mkdir(parents=True, exist_ok=True)
        self.environment.python.unlink(missing_ok=True)
        self.environment.python.symlink_to(sys.executable)
        self.environment.folder.joinpath("pyvenv.cfg").write_text(f"version = {this_python()}.1\n")
        base, dev = self.environment.hash(BASE_FILES), self.environment.hash(DEV_FILES)
        stamp = {"python": this_python(), "base": base, "dev": dev, "pycuda": "python-half"}
        self.environment.write_stamp(Stamp(**(stamp | facts)))

    def current(self, *, dev: bool = False, retry: bool = False, graders: bool = False) -> bool:
        """Whether setup thinks that nothing has to be done."""
        return setup.is_current(self.environment, dev=dev, retry=retry, graders=graders)

    def run(self, *, dev: bool = False, retry: bool = False, graders: bool = False) -> list[str]:
        """Run setup; the titles of the steps taken, up to a dash or comma."""
        self.taken.clear()
        setup.set_up(self.environment, dev=dev, retry=retry, graders=graders)
        return [title.split(",")[0].split(" with")[0] for title in self.taken]


@pytest.fixture
def clone(tmp_path: Path, fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A fresh clone on a machine with g++ and no GPU."""
    for name in (*BASE_FILES, *DEV_FILES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((CLONE / name).read_bytes())
    executable(fake.bin, "g++")
    made = Clone(Environment(tmp_path), fake, fake.machine())
    monkeypatch.setattr(Environment, "machine", lambda _self: made.machine)

    def take(_steps: Any, title: str, words: list[str], _extra: Any = None) -> None:
        made.taken.append(title)
        if title.startswith(made.fails):
            raise SetupError(f"Failed: {title}.")
        if "venv" in words:
            made.put()
            made.environment.stamp_file.unlink()

    monkeypatch.setattr("backend.steps.Steps.run", take)
    return made


PLAIN = ["fetching PyCUDA's Python half", "installing the packages", "building the emulated device"]


def test_a_fresh_clone_is_set_up_once(clone: Clone) -> None:
    """All steps the first time; then the stamp says that nothing is to be done."""
    assert not clone.current()
    assert clone.run() == ["making it", *PLAIN]
    assert clone.current()
    assert clone.run() == []


def test_tools_for_tests_come_only_when_asked_for(clone: Clone) -> None:
    """Grading needs no tools; once installed they stay up to date."""
    clone.run()
    assert not clone.current(dev=True)
    clone.run(dev=True)
    assert clone.current(dev=True)
    assert clone.current()
    (clone.environment.clone / "requirements-base.txt").write_text("numpy\n")
    clone.run()
    assert clone.current(dev=True)


def test_what_a_class_needs_comes_only_when_asked_for(clone: Clone) -> None:
    """One student's grading needs no Dask; what tests need holds it, and it stays up to date."""
    clone.run()
    assert not clone.current(graders=True)
    clone.run(graders=True)
    assert clone.current(graders=True)
    assert not clone.current(dev=True)
    (clone.environment.clone / "requirements-base.txt").write_text("numpy\n")
    clone.run()
    assert clone.current(graders=True)


def test_changed_requirements_are_installed_in_place(clone: Clone) -> None:
    """The folder is kept: pip installs what changed."""
    clone.put()
    (clone.environment.clone / "requirements-base.txt").write_text("numpy\n")
    assert not clone.current()
    assert clone.run() == PLAIN


def test_a_hand_made_environment_is_completed_in_place(clone: Clone) -> None:
    """A working .venv without a stamp is not thrown away."""
    clone.put()
    clone.environment.stamp_file.unlink()
    assert clone.run() == PLAIN


def test_an_interrupted_setup_starts_afresh(clone: Clone) -> None:
    """What a killed pip leaves behind is not trusted."""
    clone.put()
    clone.environment.stamp_file.unlink()
    clone.environment.unfinished.touch()
    assert clone.run() == ["making it", *PLAIN]
    assert not clone.environment.unfinished.exists()


def test_a_failed_step_leaves_no_stamp(clone: Clone) -> None:
    """The next run tries again, in the same folder; an old stamp is gone, too."""
    clone.put()
    (clone.environment.clone / "requirements-base.txt").write_text("numpy\n")
    clone.fails = "installing"
    with pytest.raises(SetupError):
        clone.run()
    assert not clone.environment.stamp_file.exists()
    clone.fails = "nothing"
    assert clone.run() == PLAIN


def test_an_environment_of_another_python_is_made_anew(clone: Clone) -> None:
    """PYTHON=python3.13 means that Python, not the one that was there."""
    clone.put(python="3.9")
    clone.environment.folder.joinpath("pyvenv.cfg").write_text("version = 3.9.2\n")
    assert not clone.current()
    assert clone.run() == ["making it", *PLAIN]


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Clone) -> None:
    """A system upgrade removes the Python that .venv points to."""
    clone.put()
    clone.environment.python.unlink()
    clone.environment.python.symlink_to("/nowhere/python3")
    assert not clone.current()
    assert clone.run() == ["making it", *PLAIN]


def test_a_machine_without_a_compiler_gets_one(clone: Clone) -> None:
    """A compiler comes as a package, ziglang: no root is needed."""
    (clone.fake.bin / "g++").unlink()
    clone.machine = clone.fake.machine()
    assert "no C++ compiler: installing ziglang" in clone.run()


def test_a_compiler_that_went_away_is_noticed(clone: Clone) -> None:
    """A stamp says nothing about the machine: a container may lack what the last one had."""
    clone.run()
    (clone.fake.bin / "g++").unlink()
    clone.machine = clone.fake.machine()
    assert not clone.current()


def on_a_gpu(clone: Clone) -> None:
    """Give the machine driver, GPU and toolkit."""
    clone.fake.add_driver()
    clone.fake.add_toolkit()
    clone.machine = clone.fake.machine(H100)


def test_a_gpu_machine_compiles_pycuda(clone: Clone) -> None:
    """With driver, GPU and toolkit, PyCUDA is compiled, and loaded once to see that it works."""
    on_a_gpu(clone)
    assert clone.run()[1:3] == ["compiling PyCUDA", "loading it"]
    assert clone.environment.stamp().pycuda == "compiled"
    assert clone.current(retry=True)


def test_a_failed_build_falls_back_to_the_emulator(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so; `make grade` does not try again each time, `make setup` (retry) does."""
    on_a_gpu(clone)
    clone.fails = "compiling"
    assert clone.run()[2:] == PLAIN
    assert "the emulator will be used" in capsys.readouterr().out
    assert clone.environment.stamp().pycuda == "build-failed"
    assert clone.current()
    assert not clone.current(retry=True)


def test_a_gpu_that_arrives_later_is_noticed(clone: Clone) -> None:
    """The Python half is taken out, and PyCUDA compiled."""
    clone.run()
    clone.fake.add_pycuda(compiled=False)
    on_a_gpu(clone)
    assert not clone.current()
    assert clone.run()[:2] == ["taking out PyCUDA's Python half", "compiling PyCUDA"]


def test_a_clone_shared_with_a_gpu_machine_keeps_pycuda(clone: Clone) -> None:
    """On a login node without a GPU nothing is rebuilt, and new requirements leave PyCUDA alone."""
    clone.put(pycuda="compiled")
    clone.fake.add_pycuda(compiled=True)
    assert clone.current(retry=True)
    (clone.environment.clone / "requirements-base.txt").write_text("numpy\n")
    assert PLAIN[0] not in clone.run()
    assert clone.environment.stamp().pycuda == "compiled"


def test_a_python_without_ensurepip_uses_its_own_pip(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian without python3-venv, and Colab: no root is needed if pip is there."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "pip" or None)
    assert clone.run()[:2] == ["making it", "putting pip into it"]


def test_a_python_without_pip_names_the_package(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the command for this very Python."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SetupError, match=f"sudo apt install python{this_python()}-venv"):
        clone.run()


def test_a_second_setup_waits(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    """The second says that it waits, and goes on when the first has ended."""
    code = (
        "import pathlib, sys\n"
        "from backend import setup; from backend.environment import Environment\n"
        "with setup.locked(Environment(pathlib.Path(sys.argv[1]))): print('in')"
    )
    command = [sys.executable, "-c", code, str(clone.environment.clone)]
    with setup.locked(clone.environment):
        second = subprocess.Popen(command, cwd=CLONE, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
        assert second.poll() is None
    assert second.communicate()[0] == "in\n"
    assert capsys.readouterr().out == ""


def test_the_lock_is_a_real_one(clone: Clone) -> None:
    """While setup runs, nobody else gets the lock."""
    with (
        setup.locked(clone.environment),
        (clone.environment.log.parent / "setup.lock").open("w") as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_failure_is_exit_code_2(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the grader's own "could not run"; the message is on stderr."""
    monkeypatch.setattr(setup, "Environment", lambda: clone.environment)
    clone.fails = "fetching"
    assert setup.main([]) == 2
    assert "Failed: fetching" in capsys.readouterr().err
    clone.fails = "nothing"
    assert setup.main([]) == 0


def test_a_folder_that_cannot_be_written_is_explained(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clone in somebody else's folder, and a full disk, get a next step, not a traceback."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(setup, "Environment", lambda: clone.environment)
    monkeypatch.setattr(setup, "set_up", refuse)
    assert setup.main([]) == 2
    assert "folder of your own" in capsys.readouterr().err
