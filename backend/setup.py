"""`make setup`: the clone's own environment, `.venv`, with everything that grading takes.

Nothing outside the clone is touched, and nothing but Python's standard library is needed to start.
A run that finds everything done returns at once: a stamp in `.venv` has the hash of the
requirements. It is written last, so that a run killed half-way is noticed and mended by the next;
a lock lets a second run at the same time wait for the first.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from backend.environment import (
    BASE_FILES,
    CLASS_FILES,
    DEV_FILES,
    PYTHON_HALF,
    Environment,
    Stamp,
    this_python,
)
from backend.steps import SetupError, Steps, clean_environ, explain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from backend.machine import Machine

COULD_NOT = 2  # exit status, as the grader's own for "could not run"; 1: graded, not full score


def is_current(environment: Environment, *, dev: bool, retry: bool, graders: bool = False) -> bool:
    """Whether nothing has to be done; cheap, since every `make` target asks."""
    stamp = environment.stamp()
    if stamp.python != this_python() or not environment.python.exists():
        return False
    if stamp.base != environment.hash(BASE_FILES):
        return False
    asked_for = [(stamp.dev, DEV_FILES)] * dev + [(stamp.graders, CLASS_FILES)] * graders
    if any(installed != environment.hash(files) for installed, files in asked_for):
        return False
    machine = environment.machine()
    if not machine.compiler and "CXX" not in machine.environ:
        return False
    if stamp.pycuda == "compiled" or (stamp.pycuda == "build-failed" and not retry):
        return True
    return not can_compile_pycuda(machine)


def can_compile_pycuda(machine: Machine) -> bool:
    """Whether PyCUDA can be compiled, and used, here: driver, GPU and toolkit."""
    return machine.libcuda is not None and bool(machine.gpus.names) and machine.nvcc is not None


def set_up(environment: Environment, *, dev: bool, retry: bool, graders: bool = False) -> None:
    """Bring the environment up to date, with one line of output a step.

    Args:
        environment: what to bring up to date.
        dev: install what tests and lint need, too.
        retry: compile PyCUDA again where that failed before.
        graders: install what grading a class needs, too.

    Raises:
        SetupError: a step failed.
    """
    with locked(environment) as lock:
        if is_current(environment, dev=dev, retry=retry, graders=graders):
            return
        print("Setting up this clone's environment, .venv:", flush=True)
        steps = Steps(environment.clone, environment.log, lock)
        before = environment.stamp()
        dev, graders = dev or bool(before.dev), graders or bool(before.graders)
        make_folder(environment, steps)
        environment.stamp_file.unlink(missing_ok=True)
        environment.unfinished.touch()
        try:
            pycuda = install(environment, steps, before, dev=dev, graders=graders)
        except SetupError:
            environment.unfinished.unlink()  # pip itself takes back what it could not finish
            raise
        environment.write_pth()
        base = environment.hash(BASE_FILES)
        extra = environment.hash(DEV_FILES) if dev else ""
        more = environment.hash(CLASS_FILES) if dev or graders else ""
        environment.write_stamp(Stamp(this_python(), base, extra, pycuda, more))
        warm_up(environment, steps)


@contextlib.contextmanager
def locked(environment: Environment) -> Iterator[int]:
    """Hold the clone's setup lock; yields its file descriptor, for steps to inherit."""
    environment.log.parent.mkdir(parents=True, exist_ok=True)
    with (environment.log.parent / "setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another setup is running in this clone: waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def make_folder(environment: Environment, steps: Steps) -> None:
    """Make `.venv`, or keep the one that is there if it works, whoever made it."""
    found = environment.version()
    if environment.unfinished.exists():
        print("  The last setup was interrupted: starting afresh.")
    elif found and found != this_python():
        print(f"  .venv has Python {found}, this is {this_python()}: making it anew.")
    elif found and works(environment):
        return

    venv, folder = [sys.executable, "-m", "venv", "--clear"], str(environment.folder)
    title = f"making it, with Python {this_python()}"
    if importlib.util.find_spec("ensurepip"):
        steps.run(title, [*venv, folder])
    elif importlib.util.find_spec("pip"):  # Debian without python3-venv, Colab
        pip = [sys.executable, "-m", "pip", "--python", str(environment.python)]
        steps.run(title, [*venv, "--without-pip", folder])
        steps.run("putting pip into it", [*pip, "install", "pip"])
    else:
        raise SetupError(
            f"{sys.executable} can make no environment: its module ensurepip is missing.\n"
            f"Next: sudo apt install python{this_python()}-venv, and type the command again."
        )


def works(environment: Environment) -> bool:
    """Whether the environment's Python runs and has pip."""
    command = [str(environment.python), "-c", "import pip"]
    try:
        done = subprocess.run(command, env=clean_environ(), capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def install(
    environment: Environment, steps: Steps, before: Stamp, *, dev: bool, graders: bool
) -> str:
    """Install the packages; returns what became of PyCUDA (see `Stamp`)."""
    machine = environment.machine()
    if can_compile_pycuda(machine):
        pycuda = "compiled" if compile_pycuda(environment, steps, machine) else "build-failed"
    elif before.pycuda == "compiled" and machine.pycuda_driver is not None:
        pycuda = "compiled"  # a clone shared with a GPU machine: keep what was compiled there
    else:
        pycuda = "python-half"
    if pycuda != "compiled":
        take_python_half(environment, steps)
    wanted = ["-r", "requirements.txt", *(["-r", "requirements-dev.txt"] if dev else [])]
    if graders:
        wanted += ["-r", "requirements-class.txt"]
    if pycuda == "compiled":
        wanted += ["-r", "requirements-gpu.txt"]
    steps.run("installing the packages", [*pip_install(environment), *wanted])
    if not machine.compiler:
        steps.run("no C++ compiler: installing ziglang", [*pip_install(environment), "ziglang"])
    return pycuda


def pip_install(environment: Environment) -> list[str]:
    """The start of a pip command that installs into the environment."""
    quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    return [str(environment.python), "-m", "pip", "install", *quiet]


def take_python_half(environment: Environment, steps: Steps) -> None:
    """Install PyCUDA's Python half from its released sdist; see `backend.pycuda_python`.

    Without pip's cache: no other project may be given this wheel for PyCUDA itself.
    """
    flags = ["--no-cache-dir", "--no-deps", "--no-build-isolation", "--no-binary", "pycuda"]
    files = ["--require-hashes", "-r", f"{PYTHON_HALF}/requirements.txt"]
    steps.run(
        "fetching PyCUDA's Python half",
        [*pip_install(environment), *flags, *files],
        {"PYTHONPATH": str(environment.clone / PYTHON_HALF)},
    )


def compile_pycuda(environment: Environment, steps: Steps, machine: Machine) -> bool:
    """Build PyCUDA against the CUDA toolkit; False, and the reason printed, if that fails."""
    if machine.nvcc is None:
        return False
    path = os.pathsep.join([str(machine.nvcc.parent), os.environ.get("PATH", "")])
    cuda = {"PATH": path, "CUDA_ROOT": str(machine.nvcc.resolve().parent.parent)}
    python = str(environment.python)
    try:
        if machine.package_folder("pycuda") is not None and machine.pycuda_driver is None:
            uninstall = [python, "-m", "pip", "uninstall", "--yes", "pycuda"]
            steps.run("taking out PyCUDA's Python half", uninstall)
        steps.run(
            f"compiling PyCUDA with CUDA {machine.nvcc_version} (once; takes minutes)",
            [*pip_install(environment), environment.pinned("pycuda")],
            cuda,
        )
        load = f"import ctypes; ctypes.CDLL({str(environment.machine().pycuda_driver)!r})"
        steps.run("loading it", [python, "-c", load])
    except SetupError as error:
        print(f"PyCUDA can't be compiled here, so the emulator will be used. {error}")
        return False
    return True


WARM_UP = """
import pycuda.autoinit
from pycuda.compiler import SourceModule
from skcuda import cublas
SourceModule("__global__ void warm_up() {}").get_function("warm_up")
"""


def warm_up(environment: Environment, steps: Steps) -> None:
    """Build the emulated device now, with a line that says so, not silently in the first run."""
    program = [str(environment.python), "-c", WARM_UP]
    try:
        steps.run("building the emulated device", program, {"BACKEND": "emulator"})
    except SetupError as error:
        print(f"The emulator does not start. {error}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring `.venv` up to date; 0, or 2 with a message if that is not possible."""
    parser = argparse.ArgumentParser(prog="python3 -m backend.setup", description=main.__doc__)
    parser.add_argument("--dev", action="store_true", help="what tests and lint need, too")
    parser.add_argument(
        "--class", dest="graders", action="store_true", help="what grading a class needs, too"
    )
    parser.add_argument("--retry", action="store_true", help="compile PyCUDA again if that failed")
    options = parser.parse_args(arguments)
    environment = Environment()
    try:
        wanted = {"dev": options.dev, "retry": options.retry, "graders": options.graders}
        if not is_current(environment, **wanted):
            set_up(environment, **wanted)
    except SetupError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. Type the command again to go on.", file=sys.stderr)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        print(explain("writing into the clone", str(error), "see above"), file=sys.stderr)
    else:
        return 0
    return COULD_NOT


if __name__ == "__main__":
    sys.exit(main())
