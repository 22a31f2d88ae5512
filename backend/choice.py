"""Choose the device and make PyCUDA and scikit-cuda work on it.

The GPU is chosen where everything it takes is there: driver, a visible GPU, the toolkit's nvcc, a
compiled PyCUDA and cuBLAS. What is missing first is the reason for the emulator, in the same words
and with the same remedy here and in `make doctor`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Literal

from backend import gpu_state, scikit_cuda
from backend.machine import Machine

Name = Literal["gpu", "emulator"]

# Names under which scikit-cuda asks for libraries, and the library that is meant.
SKCUDA_LIBRARIES = {"libcublas.so": "cublas", "libcudart.so": "cudart", "libcuda.so": "cuda"}


@dataclass(frozen=True)
class Backend:
    """The chosen device and the reason, in words for the person who asked."""

    name: Name
    reason: str


@dataclass(frozen=True)
class Obstacle:
    """What keeps a GPU from being used, and the command that mends it (empty: nothing to mend)."""

    id: str
    text: str
    remedy: str = ""


class BackendError(RuntimeError):
    """The backend asked for cannot be had; the message says what is missing and what to do."""


_active: Backend | None = None


def obstacle(machine: Machine) -> Obstacle | None:  # noqa: PLR0911  (a list of cases in order)
    """The first thing that is missing for running on a GPU; None if everything is there."""
    if machine.libcuda is None:
        return _no_driver(machine)
    gpus = machine.gpus
    if gpus.problem.startswith("CUDA_VISIBLE_DEVICES"):
        return Obstacle("gpu-hidden", gpus.problem, "unset CUDA_VISIBLE_DEVICES")
    if gpus.problem:
        return Obstacle("driver-broken", gpus.problem, "sudo reboot")
    if not gpus.names:
        return Obstacle("no-gpu", "an NVIDIA driver, but no GPU", _container_remedy(machine))
    if machine.nvcc is None:
        return Obstacle(
            "no-toolkit",
            f"an NVIDIA driver and GPU ({gpus.names[0]}), but no CUDA toolkit (nvcc not found)",
            _install(machine, "nvidia-cuda-toolkit", "cuda-toolkit", "cuda"),
        )
    if machine.pycuda_driver is None:
        return Obstacle(
            "no-pycuda",
            "a GPU and the CUDA toolkit, but PyCUDA is not built for them",
            "make setup",
        )
    if machine.cublas is None:
        return Obstacle(
            "no-cublas",
            "a GPU, the CUDA toolkit and PyCUDA, but no libcublas that the driver supports",
            f"{sys.executable} -m pip install {_cublas_wheel(machine)}",
        )
    return None


def select() -> Backend:
    """Choose the device: `BACKEND` if set, else a GPU that can be used, else the emulator.

    Raises:
        BackendError: BACKEND names no backend, or a GPU that cannot be used.
    """
    emulator = sys.modules.get("emulator")
    if emulator is not None and getattr(emulator, "is_installed", bool)():
        return Backend("emulator", "already installed in this process")
    wanted = os.environ.get("BACKEND", "").strip().lower()
    if wanted == "emulator":
        return Backend("emulator", "BACKEND=emulator")
    if wanted not in ("", "gpu"):
        raise BackendError(f"BACKEND={wanted!r} is unknown: set it to gpu or emulator, or unset it")

    machine = Machine()
    missing = obstacle(machine)
    if missing is None:
        names = machine.gpus.names
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return Backend("gpu", f"{names[0]}{more}")
    if wanted == "gpu":
        remedy = f" Next: {missing.remedy}" if missing.remedy else ""
        raise BackendError(
            f"BACKEND=gpu, but this machine has {missing.text}.{remedy} (make doctor shows all)"
        )
    return Backend("emulator", missing.text)


def activate(check: bool | None = None) -> Backend:
    """Make `import pycuda.driver` and `from skcuda import cublas` work in this process; idempotent.

    Args:
        check: whether the emulated device checks every memory access; None: as `EMULATOR_CHECK`
        says, by default yes.

    Raises:
        BackendError: as `select`.
    """
    global _active  # noqa: PLW0603  (a process has one device)
    if _active is None:
        chosen = select()
        if chosen.name == "gpu":
            _activate_gpu(Machine())
        else:
            import emulator  # noqa: PLC0415  (a GPU machine never loads it)

            scikit_cuda.help_imports({})
            emulator.install(check=check)
        _active = chosen
    return _active


def _activate_gpu(machine: Machine) -> None:
    """Put nvcc on PATH, where PyCUDA looks for it, and help scikit-cuda find today's libraries.

    Of several GPUs, CUDA gets to see the one with most free memory, unless CUDA_VISIBLE_DEVICES
    says which already.
    """
    if gpu_state.VISIBLE not in os.environ:
        gpu_state.use_freest(gpu_state.now(machine))
    if machine.nvcc is not None:
        folder, path = str(machine.nvcc.parent), os.environ.get("PATH", "")
        if folder not in path.split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join(part for part in (folder, path) if part)
    found = {asked: machine.best_library(meant) for asked, meant in SKCUDA_LIBRARIES.items()}
    scikit_cuda.help_imports(
        {asked: str(library.path) for asked, library in found.items() if library}
    )


def _no_driver(machine: Machine) -> Obstacle:
    """Tell a machine without a GPU from one whose GPU lacks its driver."""
    if not machine.gpu_on_bus:
        return Obstacle("no-gpu", "no NVIDIA GPU")
    remedy = _install(machine, "nvidia-driver", "akmod-nvidia", "nvidia")
    if machine.is_wsl:
        remedy = "install NVIDIA's driver in Windows, then: wsl --shutdown"
    elif machine.which("ubuntu-drivers"):
        remedy = "sudo ubuntu-drivers install"
    return Obstacle("no-driver", "an NVIDIA GPU, but no driver (libcuda.so.1 not found)", remedy)


def _container_remedy(machine: Machine) -> str:
    """A driver without a GPU is most often a container that was not given one."""
    in_container = any(
        (machine.root / mark).exists() for mark in (".dockerenv", "run/.containerenv")
    )
    return "start the container with its GPUs: docker run --gpus all ..." if in_container else ""


def _install(machine: Machine, apt: str, dnf: str, pacman: str) -> str:
    """The system's own command for installing a package."""
    commands = {
        "apt-get": f"sudo apt install {apt}",
        "dnf": f"sudo dnf install {dnf}",
        "pacman": f"sudo pacman -S {pacman}",
    }
    for manager, command in commands.items():
        if machine.which(manager):
            return command
    return "https://developer.nvidia.com/cuda-downloads"


def _cublas_wheel(machine: Machine) -> str:
    """NVIDIA's wheel for the CUDA that the driver supports: unsuffixed from CUDA 13 on."""
    newest = machine.gpus.cuda_version // 1000
    return "nvidia-cublas" if newest >= 13 or not newest else f"nvidia-cublas-cu{newest}"  # noqa: PLR2004
