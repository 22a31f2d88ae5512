"""What is on this machine: compiler, NVIDIA driver, GPUs, CUDA toolkit, PyCUDA, cuBLAS.

Standard library only and never `import pycuda`: this also runs before anything is installed. Facts
are looked up when first asked for, so that a process which only has to learn "no GPU here" pays for
one look, not for all. The GPUs are counted through NVML, not through the CUDA driver: `cuInit` can
take seconds, and a process that has called it can no longer fork.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from backend import nvml
from backend.nvml import Gpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLONE = Path(__file__).resolve().parent.parent  # where `.venv`, the Makefile and the rooms are

PROBE_TIMEOUT_S = 10  # a hanging `nvidia-smi` or compiler must not hang the doctor
NVIDIA_PCI_VENDOR = "0x10de"
PCI_DISPLAY_CLASS = (
    "0x03"  # PCI base class of display controllers; 3D controllers (0x0302) included
)


@dataclass(frozen=True)
class Library:
    """A shared library and the major version in its name (libcublas.so.12: 12; 0: no number)."""

    path: Path
    major: int


class Machine:
    """The facts about one machine, each looked up once, when first asked for.

    Args:
        environ: environment variables; those of this process by default.
        root: the file system's root; another folder in tests.
        search_path: where Python packages are looked for; `sys.path` by default.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        root: Path = Path("/"),
        search_path: Sequence[str] | None = None,
    ) -> None:
        self.environ = os.environ if environ is None else environ
        self.root = root
        self.search_path = list(sys.path if search_path is None else search_path)

    # --- compiler ---

    @cached_property
    def compiler(self) -> str:
        """The host C++ compiler as a command: $CXX, g++, clang++, c++ or ziglang's; or empty."""
        if wanted := self.environ.get("CXX", "").strip():
            return wanted if self.which(wanted.split()[0]) else ""
        for name in ("g++", "clang++", "c++"):
            if self.which(name):
                return name
        return "python -m ziglang c++" if self.package_folder("ziglang") else ""

    # --- driver and GPUs ---

    @cached_property
    def libcuda(self) -> Path | None:
        """The driver's library, libcuda.so.1; it comes with the NVIDIA driver and nothing else."""
        found = self.libraries("cuda")
        return found[0].path if found else None

    @cached_property
    def gpu_on_bus(self) -> bool:
        """Whether a graphics device of NVIDIA's is on the PCI bus, driver or not."""
        for device in self.root.glob("sys/bus/pci/devices/*"):
            ours = _first_line(device / "vendor") == NVIDIA_PCI_VENDOR
            if ours and _first_line(device / "class").startswith(PCI_DISPLAY_CLASS):
                return True
        return False

    @cached_property
    def is_wsl(self) -> bool:
        """Whether this is Linux inside Windows, where the driver is Windows's."""
        return "microsoft" in _first_line(self.root / "proc/sys/kernel/osrelease").lower()

    @cached_property
    def gpus(self) -> Gpus:
        """The GPUs that this process may use; those hidden by CUDA_VISIBLE_DEVICES don't count."""
        if self.libcuda is None:
            return Gpus()
        visible = self.environ.get("CUDA_VISIBLE_DEVICES")
        if visible is not None and (visible.strip() in ("", "-1", "NoDevFiles")):
            return Gpus(problem=f"CUDA_VISIBLE_DEVICES={visible!r} hides every GPU")
        return self._ask_nvml()

    def _ask_nvml(self) -> Gpus:
        """Count and name the GPUs by NVML; without it (some Tegra boards), by device files."""
        found = self.libraries("nvidia-ml")
        if not found:
            nodes = sorted(self.root.glob("dev/nvidia[0-9]*"))
            return Gpus(names=("NVIDIA GPU",) * len(nodes))
        try:
            return nvml.report(ctypes.CDLL(str(found[0].path)))
        except (OSError, AttributeError) as error:
            return Gpus(problem=f"{found[0].path} cannot be used: {error}")

    # --- CUDA toolkit ---

    @cached_property
    def toolkit_folders(self) -> tuple[Path, ...]:
        """Folders of CUDA toolkits, best first: named by the environment, standard, newest."""
        named = [
            self.environ[name]
            for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")
            if self.environ.get(name)
        ]
        versions = sorted(self.root.glob("usr/local/cuda-*"), key=_version_key, reverse=True)
        folders = [
            *map(Path, named),
            self.root / "usr/local/cuda",
            *versions,
            self.root / "opt/cuda",
        ]
        return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))

    @cached_property
    def nvcc(self) -> Path | None:
        """NVIDIA's compiler, from PATH or a toolkit; the emulator's stand-in does not count."""
        for folder in self.environ.get("PATH", "").split(os.pathsep):
            path = Path(folder) / "nvcc"
            if (
                folder
                and os.access(path, os.X_OK)
                and CLONE / "emulator" not in path.resolve().parents
            ):
                return path
        for folder_path in self.toolkit_folders:
            path = folder_path / "bin" / "nvcc"
            if os.access(path, os.X_OK):
                return path
        return None

    @cached_property
    def nvcc_version(self) -> str:
        """The toolkit's version as in "13.0"; empty without nvcc, or where it does not run."""
        match = (
            re.search(r"release (\d+\.\d+)", run([str(self.nvcc), "--version"]))
            if self.nvcc
            else None
        )
        return match.group(1) if match else ""

    # --- Python packages ---

    def package_folder(self, name: str) -> Path | None:
        """Where a package is installed, without importing it; None if it isn't."""
        spec = importlib.machinery.PathFinder.find_spec(name, self.search_path)
        places = list(spec.submodule_search_locations or ()) if spec else []
        return Path(places[0]) if places else None

    @cached_property
    def pycuda_driver(self) -> Path | None:
        """PyCUDA's compiled half, `_driver*.so`; None where only its Python half is installed."""
        folder = self.package_folder("pycuda")
        return next(iter(sorted(folder.glob("_driver*.so"))), None) if folder else None

    # --- libraries ---

    @cached_property
    def cublas(self) -> Library | None:
        """The cuBLAS to use: the newest that the driver supports; the first found among equals."""
        return self.best_library("cublas")

    def best_library(self, name: str) -> Library | None:
        """The newest of a CUDA library that the driver supports; the first found among equals."""
        newest = self.gpus.cuda_version // 1000 or sys.maxsize
        return max(
            (library for library in self.libraries(name) if library.major <= newest),
            key=lambda library: library.major,
            default=None,
        )

    def libraries(self, name: str) -> list[Library]:
        """Every lib<name>.so, versioned or not, in the order of the places where one would look."""
        found: dict[Path, Library] = {}
        for folder in self._library_folders:
            for path in sorted(folder.glob(f"lib{name}.so*"), key=_version_key, reverse=True):
                self._add(found, name, path)
        for path in self._ld_cache:
            if path.name.startswith(f"lib{name}.so"):
                self._add(found, name, path)
        return list(found.values())

    @staticmethod
    def _add(found: dict[Path, Library], name: str, path: Path) -> None:
        """Note a library once; a plain .so takes the version of the file that it points to."""
        real = path.resolve()
        match = re.match(rf"lib{re.escape(name)}\.so\.(\d+)", path.name) or re.match(
            rf"lib{re.escape(name)}\.so\.(\d+)", real.name
        )
        if real.is_file():
            found.setdefault(real, Library(path, int(match.group(1)) if match else 0))

    @cached_property
    def _library_folders(self) -> list[Path]:
        """LD_LIBRARY_PATH, toolkits, NVIDIA's Python wheels, WSL's folder of Windows's driver."""
        folders = [
            Path(folder)
            for folder in self.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
            if folder
        ]
        for toolkit in self.toolkit_folders:
            folders += [toolkit / "lib64", toolkit / "lib", *toolkit.glob("targets/*-linux/lib")]
        for site in self.search_path:
            folders += sorted(Path(site).glob("nvidia/*/lib"))
        folders.append(self.root / "usr/lib/wsl/lib")
        return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]

    @cached_property
    def _ld_cache(self) -> list[Path]:
        """The libraries that the dynamic linker knows; `ldconfig` is not on every user's PATH."""
        ldconfig = self.root / "sbin/ldconfig"
        return parse_ld_cache(run([str(ldconfig), "-p"])) if ldconfig.exists() else []

    def which(self, command: str) -> str | None:
        """Where a command is on this machine's PATH."""
        return shutil.which(command, path=self.environ.get("PATH", ""))


def parse_ld_cache(text: str) -> list[Path]:
    """The paths in the output of `ldconfig -p`, those of this process's word size only."""
    wide = sys.maxsize > 2**32
    lines = [line.split(" => ") for line in text.splitlines() if " => " in line]
    return [
        Path(line[1].strip()) for line in lines if not wide or "64" in line[0] or "AArch" in line[0]
    ]


def run(command: Sequence[str]) -> str:
    """What a command prints on stdout; empty if it is missing, fails or hangs."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _version_key(path: Path) -> tuple[int, ...]:
    """Sort `cuda-12.10` after `cuda-12.9`."""
    return tuple(int(number) for number in re.findall(r"\d+", path.name))


def _first_line(path: Path) -> str:
    """The first line of a small file; empty if it can't be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""
