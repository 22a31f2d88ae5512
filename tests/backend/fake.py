"""Machines made of folders: what the probe sees is files, so files are all it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.machine import Machine
from backend.nvml import Gpus

if TYPE_CHECKING:
    from pathlib import Path

H100 = Gpus(("NVIDIA H100 80GB HBM3",), "580.159.04", 13000)


def command(folder: Path, name: str, prints: str = "") -> Path:
    """An executable that prints a text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\n")
    path.chmod(0o755)
    return path


def library(folder: Path, name: str) -> Path:
    """A file with a library's name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"\x7fELF")
    return path


@dataclass
class FakeMachine:
    """A root folder with a PATH, a site-packages and as much of CUDA as a test puts in."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.site = self.root / "site-packages"
        self.bin = self.root / "bin"
        self.toolkit = self.root / "usr/local/cuda"
        self.environ = {"PATH": str(self.bin)} | self.environ

    def add_gpu_on_bus(self, device_class: str = "0x030200") -> None:
        """A device of NVIDIA's on the PCI bus."""
        device = self.root / "sys/bus/pci/devices/0000:01:00.0"
        device.mkdir(parents=True)
        (device / "vendor").write_text("0x10de\n")
        (device / "class").write_text(f"{device_class}\n")

    def add_driver(self) -> None:
        """The driver's library, where the linker's cache would name it."""
        self.environ["LD_LIBRARY_PATH"] = str(library(self.root / "driver", "libcuda.so.1").parent)

    def add_toolkit(self) -> None:
        """An nvcc in the standard folder, not on PATH."""
        command(self.toolkit / "bin", "nvcc", "Cuda compilation tools, release 13.0, V13.0.88")

    def add_pycuda(self, *, compiled: bool) -> None:
        """PyCUDA's Python half, and its compiled half if asked for."""
        folder = self.site / "pycuda"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        if compiled:
            library(folder, "_driver.cpython-312-x86_64-linux-gnu.so")

    def machine(self, gpus: Gpus | None = None) -> Machine:
        """The machine as the probe sees it; NVML is not asked where GPUs are given."""
        machine = Machine(self.environ, self.root, [str(self.site)])
        if gpus is not None:
            machine.__dict__["gpus"] = gpus  # where cached_property keeps what it found
        return machine
