"""What a worker may see of the file system, and a root folder that holds nothing else.

In a mount namespace of its own a worker gets a new root: system libraries, Python, compilers, the
rooms that student code needs and the submission, all read-only at their usual places; its own
/tmp in memory, bounded; a few devices. The same lists are Landlock's rules, with or without it.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.isolation import gpus, system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OWN_SCRATCH = "/tmp"  # noqa: S108 - in a root folder of the worker's own
SCRATCH_BYTES = 512 << 20
"""Of /tmp; compiled kernels and compilers' own files take some megabytes."""

_SCRATCH_FILES = 16384
_COPY_BYTES = 256 << 20  # of a submission that only its owner may read
_ROOMS = ("backend", "emulator", "data")

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload"),
    *("/etc/alternatives", "/etc/localtime", "/etc/nvidia", "/etc/OpenCL"),
)
_KERNEL = ("/sys/devices", "/sys/bus", "/sys/class", "/sys/module", "/sys/kernel/mm")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_CUDA_FOLDERS = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")


@dataclass(frozen=True)
class View:
    """The files that a worker may open.

    Attributes:
        readable: folders and files, at their own places.
        scratch: a folder that it may write, where it can't have a root of its own.
        shared_cache: of compiled parts that all submissions share, read-only.
    """

    scratch: Path
    readable: tuple[Path, ...] = ()
    shared_cache: Path | None = None

    def words(self) -> dict[str, object]:
        """As JSON; see `parse`."""
        return {
            "scratch": str(self.scratch),
            "readable": list(map(str, self.readable)),
            "shared_cache": str(self.shared_cache) if self.shared_cache else None,
        }

    @classmethod
    def parse(cls, words: dict[str, Any]) -> View:
        """What `words` gave."""
        cache = words["shared_cache"]
        readable = tuple(map(Path, words["readable"]))
        return cls(Path(words["scratch"]), readable, Path(cache) if cache else None)


def readable(view: View, root: Path) -> list[str]:
    """Everything that a worker may read and execute, parents before what lies in them.

    Args:
        view: with the submission's own.
        root: the repository.
    """
    wanted = [*_SYSTEM, *_SETTINGS, *_KERNEL, *(str(root / room) for room in _ROOMS)]
    wanted += [sys.base_prefix, sys.prefix, str(Path(sys.executable).resolve().parent)]
    wanted += filter(_is_pythons, sys.path)
    wanted += _compilers()
    wanted += map(str, view.readable)
    if view.shared_cache is not None:
        wanted += [str(view.shared_cache / name) for name in ("libraries", "headers")]
    return list(_outermost(wanted, root))


def _is_pythons(entry: str) -> bool:
    """Whether a folder on the path holds installed packages: a .pth file may name any other."""
    return Path(entry).name in ("site-packages", "dist-packages")


def _compilers() -> Iterator[str]:
    """Folders of compilers and CUDA's libraries, which may be installed anywhere."""
    for name in ("nvcc", "g++", "clang++", os.environ.get("CXX", "")):
        found = shutil.which(name.split(" ")[0]) if name else None
        if found is not None:
            yield from (str(Path(found).parent.parent), str(Path(found).resolve().parent.parent))
    for variable in _CUDA_FOLDERS:
        if os.environ.get(variable):
            yield os.environ[variable]
    yield from (e for e in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if e)


def _outermost(paths: Iterable[str], root: Path) -> Iterator[str]:
    """Those paths that exist and do not lie in another of them, and where links lead to."""
    kept: list[str] = []
    both = {form for path in paths for form in (path.rstrip("/"), os.path.realpath(path))}
    for path in sorted(both):
        holds_all = str(root).startswith(f"{path}/") or path in ("", str(root))
        inside = any(path.startswith(f"{other}/") for other in kept)
        if path.startswith("/") and not holds_all and not inside and Path(path).exists():
            kept.append(path)
            yield path


def devices() -> Iterator[Path]:
    """Those that a worker needs, a GPU's included."""
    yield from (Path("/dev") / name for name in _DEVICES)
    yield from sorted(Path("/dev").glob("nvidia*"))
    yield from (path for path in (Path("/dev/dxg"),) if path.exists())  # WSL2's GPU


def groups() -> list[int]:
    """The groups without which the devices can't be opened."""
    found = set()
    for device in devices():
        status = device.stat()
        if not status.st_mode & 0o006 and status.st_mode & 0o060:
            found.add(status.st_gid)
    return sorted(found)


def build_root(view: View, shown: Iterable[str], *, own_processes: bool) -> None:
    """Make the new root and change into it; to be called in a mount namespace of one's own.

    Of several GPUs it holds the one that this process was given, if that is certain.

    Args:
        view: its scratch folder is where the root is put together.
        shown: what `readable` gave.
        own_processes: this process is in a process namespace of its own, so /proc shows only that.
    """
    system.make_mounts_private()
    base = str(view.scratch)
    system.mount("tmpfs", base, "tmpfs", system.NOSUID, f"size={_COPY_BYTES},mode=755")
    for name in (OWN_SCRATCH, "/dev", "/proc"):
        Path(base + name).mkdir()
    size = f"size={SCRATCH_BYTES},nr_inodes={_SCRATCH_FILES},mode=1777"
    system.mount("tmpfs", base + OWN_SCRATCH, "tmpfs", system.NOSUID | system.NODEV, size)
    for path in shown:
        if Path(path).is_symlink():
            _parent(base, path)
            Path(base + path).symlink_to(Path(path).readlink())
        elif Path(path) in view.readable and not is_open_to_all(path):
            copy(path, _place(base, path))
        else:
            system.bind(path, _place(base, path))
    gpu = gpus.named()
    for device in sorted({*devices()} - (gpus.others(gpu) if gpu is not None else set())):
        system.bind(str(device), _place(base, str(device)), writable=True)
    if own_processes:
        system.mount("proc", f"{base}/proc", "proc", system.NOSUID | system.NODEV | system.NOEXEC)
    else:
        system.bind("/proc", f"{base}/proc", writable=True)
    Path(base, "dev/shm").symlink_to(OWN_SCRATCH)
    flags = system.REMOUNT | system.BIND | system.NOSUID | system.READ_ONLY
    system.mount("none", base, "", flags)
    system.change_root(base)
    if gpu is not None:
        os.environ[gpus.VARIABLE] = gpu.uuid  # where others are not seen, its index is another


def is_open_to_all(path: str) -> bool:
    """Whether every user may read a file, or a folder and all that is in it.

    The folders above it don't count: in a root folder of one's own they are others.
    """
    for folder, _, files in os.walk(path):
        if ~Path(folder).stat().st_mode & 0o005:
            return False
        held = (os.lstat(f"{folder}/{file}").st_mode for file in files)
        if not all(mode & 0o004 for mode in held):
            return False
    return Path(path).is_dir() or bool(Path(path).stat().st_mode & 0o004)


def copy(source: str, target: str) -> None:
    """Copy a file, or a folder's files, folders and links, so that everybody may read them.

    Links stay links, and whatever else there is (pipes, devices) is left out.
    """
    if not Path(source).is_dir():
        shutil.copyfile(source, target)
        Path(target).chmod(0o444)
        return
    for folder, folders, files in os.walk(source):
        into = target + folder[len(source) :]
        Path(into).chmod(0o755)
        for name in (*folders, *files):
            path, made = Path(folder, name), Path(into, name)
            if path.is_symlink():
                made.symlink_to(path.readlink())
            elif path.is_dir():
                made.mkdir()
            elif path.is_file():
                shutil.copyfile(path, made)
                made.chmod(0o444)


def _parent(base: str, path: str) -> None:
    Path(base + path).parent.mkdir(parents=True, exist_ok=True)


def _place(base: str, path: str) -> str:
    """A place of the same kind below the new root, to mount on."""
    _parent(base, path)
    target = Path(base + path)
    if Path(path).is_dir():
        target.mkdir(exist_ok=True)
    elif not target.exists():
        target.touch()
    return str(target)
