"""`make doctor`: what is on this machine, what it means, and what mends the things missing."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from backend.choice import BackendError, Obstacle, obstacle, select
from backend.environment import Environment
from backend.machine import CLONE, Machine, run

State = Literal["ok", "none", "missing"]
SYMBOLS: dict[State, str] = {"ok": "✓", "none": "–", "missing": "✗"}
COLOURS: dict[State, str] = {"ok": "\033[32m", "none": "\033[2m", "missing": "\033[31m"}
OFF = "\033[0m"


@dataclass(frozen=True)
class Row:
    """A line of the table: a thing, whether it is there, what was found, what mends it."""

    thing: str
    state: State
    found: str
    remedy: str = ""


def main() -> int:
    """Print the table; 0: submissions can be graded here, 1: something has to be mended first."""
    machine = Machine()
    try:
        chosen = select()
        backend = Row("Backend", "ok", f"{chosen.name}: {chosen.reason}")
    except BackendError as error:
        backend = Row("Backend", "missing", str(error))
    rows = [*examine(machine), backend]
    for line in table(rows, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ):
        print(line)
    print()
    print(verdict(rows, on_gpu=backend.found.startswith("gpu")))
    return 0 if can_grade(rows) else 1


def examine(machine: Machine) -> list[Row]:
    """Look at everything, from Python up to cuBLAS."""
    missing = obstacle(machine)
    return [
        _python(machine),
        _packages(),
        _compiler(machine),
        _driver(machine, missing),
        _gpu(machine, missing),
        _toolkit(machine, missing),
        _pycuda(machine, missing),
        _scikit_cuda(),
        _cublas(machine, missing),
    ]


def table(rows: list[Row], *, colour: bool) -> list[str]:
    """Lines for a terminal; a remedy stands under its row, after an arrow."""
    width = max(len(row.thing) for row in rows)
    lines = []
    for row in rows:
        symbol = f"{COLOURS[row.state]}{SYMBOLS[row.state]}{OFF}" if colour else SYMBOLS[row.state]
        lines.append(f"{symbol} {row.thing:<{width}}  {row.found}")
        if row.remedy:
            lines.append(f"  {'':<{width}}  → {row.remedy}")
    return lines


def can_grade(rows: list[Row]) -> bool:
    """Whether nothing is missing that grading takes."""
    needed = {"Python", "Packages", "Compiler", "PyCUDA", "scikit-cuda", "Backend"}
    return not any(row.state == "missing" and row.thing in needed for row in rows)


def verdict(rows: list[Row], *, on_gpu: bool) -> str:
    """What the table means for the person who asked."""
    if not can_grade(rows):
        return "Something is missing: type the command beside each ✗, then make doctor again."
    if on_gpu:
        return "Everything works here, on the GPU: make grade"
    mend = any(row.state == "missing" for row in rows)
    more = " To use the GPU, type the command beside ✗." if mend else ""
    return f"Everything but the timings works here, on the emulator: make grade{more}"


def _python(machine: Machine) -> Row:
    """The interpreter, and whether it is the clone's own."""
    found = f"{platform.python_version()} ({sys.executable})"
    inside = sys.prefix != sys.base_prefix
    if not inside and machine.package_folder("numpy") is None:
        return Row("Python", "missing", f"{found}; the clone's .venv is not set up", "make setup")
    return Row("Python", "ok", found)


def _packages() -> Row:
    """The packages that every machine needs, by requirements-base.txt."""
    lines = (CLONE / "requirements-base.txt").read_text("utf-8").splitlines()
    names = [
        line.split("#")[0].replace("<", ">").split(">")[0].split("=")[0].strip() for line in lines
    ]
    lacking = [name for name in names if name and not name.startswith("-") and not _version(name)]
    if lacking:
        return Row("Packages", "missing", f"not installed: {', '.join(lacking)}", "make setup")
    return Row("Packages", "ok", f"NumPy {_version('numpy')}, pytest {_version('pytest')}")


def _compiler(machine: Machine) -> Row:
    """The host C++ compiler: the emulator compiles kernels with it, and nvcc needs one, too."""
    command = machine.compiler
    if not command:
        wanted = machine.environ.get("CXX")
        if wanted:
            return Row("Compiler", "missing", f"CXX={wanted}, which is not installed", "unset CXX")
        return Row("Compiler", "missing", "no C++ compiler", "make setup")
    words = command.split()
    version = run([sys.executable if words[0] == "python" else words[0], *words[1:], "--version"])
    if not version:
        return Row(
            "Compiler", "missing", f"{command} does not run", "sudo apt install --reinstall g++"
        )
    return Row("Compiler", "ok", f"{command}: {version.splitlines()[0]}")


def _driver(machine: Machine, missing: Obstacle | None) -> Row:
    """NVIDIA's driver, libcuda."""
    if machine.libcuda is None:
        if missing is not None and missing.id == "no-driver":
            return Row("NVIDIA driver", "missing", missing.text, missing.remedy)
        return Row("NVIDIA driver", "none", "none")
    version = machine.gpus.driver_version
    if missing is not None and missing.id == "driver-broken":
        return Row("NVIDIA driver", "missing", missing.text, missing.remedy)
    return Row("NVIDIA driver", "ok", f"{version} ({machine.libcuda})".strip())


def _gpu(machine: Machine, missing: Obstacle | None) -> Row:
    """The GPUs that may be used."""
    if machine.gpus.names:
        cuda = machine.gpus.cuda_version
        supports = f" (driver supports CUDA {cuda // 1000}.{cuda % 1000 // 10})" if cuda else ""
        return Row("GPU", "ok", f"{len(machine.gpus.names)} × {machine.gpus.names[0]}{supports}")
    if missing is not None and missing.id in ("gpu-hidden", "no-gpu") and missing.remedy:
        return Row("GPU", "missing", missing.text, missing.remedy)
    return Row("GPU", "none", "no NVIDIA GPU: timings are measured elsewhere, all else works")


def _toolkit(machine: Machine, missing: Obstacle | None) -> Row:
    """The CUDA toolkit, by its compiler."""
    if machine.nvcc is not None:
        if not machine.nvcc_version:
            return Row(
                "CUDA toolkit",
                "missing",
                f"{machine.nvcc} does not run",
                "install the toolkit again",
            )
        return Row("CUDA toolkit", "ok", f"{machine.nvcc_version} ({machine.nvcc})")
    if missing is not None and missing.id == "no-toolkit":
        return Row("CUDA toolkit", "missing", "nvcc not found", missing.remedy)
    return Row("CUDA toolkit", "none", "none (only a GPU needs it)")


def _pycuda(machine: Machine, missing: Obstacle | None) -> Row:
    """PyCUDA: its Python half, and the compiled half that a GPU needs."""
    version = _version("pycuda")
    if not version:
        return Row("PyCUDA", "missing", "not installed", "make setup")
    if machine.pycuda_driver is not None:
        return Row("PyCUDA", "ok", f"{version}, compiled for CUDA")
    if missing is not None and missing.id == "no-pycuda":
        failed = Environment().stamp().pycuda == "build-failed"
        why = " (compiling failed: see .cache/setup.log)" if failed else ""
        found = f"{version}, not compiled for CUDA{why}"
        return Row("PyCUDA for the GPU", "missing", found, missing.remedy)
    return Row("PyCUDA", "ok", f"{version}, Python half (the emulator supplies the rest)")


def _scikit_cuda() -> Row:
    """scikit-cuda; it is never compiled."""
    version = _version("scikit-cuda")
    return (
        Row("scikit-cuda", "ok", version)
        if version
        else Row("scikit-cuda", "missing", "not installed", "make setup")
    )


def _cublas(machine: Machine, missing: Obstacle | None) -> Row:
    """The cuBLAS that scikit-cuda will be given."""
    if missing is not None and missing.id == "no-cublas":
        return Row("cuBLAS", "missing", "libcublas not found", missing.remedy)
    if machine.cublas is not None:
        return Row("cuBLAS", "ok", str(machine.cublas.path))
    return Row("cuBLAS", "none", "none (only a GPU needs it; the emulator brings its own)")


def _version(package: str) -> str:
    """The installed version of a package; empty if it isn't installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
