"""Puts the walls around a worker, from within, before anything of a submission is loaded.

The process that the judge started stays outside as supervisor: it leases the user id, makes the
namespaces, starts the worker in them, and when the worker or the judge ends it ends everything that
the worker started. A process namespace (or, without it, the user id) makes that certain: whatever
forked twice, or left for a session of its own, is in there.

The calls are made here one by one, and not by bubblewrap where that is installed: it gives neither
a user id of its own nor Landlock nor limits, and what it gives (namespaces, a root folder, the
filter) is a hundred lines, which work in containers where it can't be installed.

What the walls can't do: a submission shares its process with the worker's own Python, so it can say
whatever it likes of its own results, launches and findings, and code in C can do so unseen. It does
not know what is right (the judge alone does), and can't take back what the audit hook has told.
Points for work that was not done are kept away by the judge's probes, not by these walls.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from grader import limits
from grader.isolation import cgroup, landlock, seccomp, supervisor, system, uids, view

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_OWN_ID = "own user id"

PROCESSES = 512
"""Threads count, too; the judge's own limit of processes is lower, and told in words."""


@dataclass
class Entered:
    """A worker within its walls.

    Attributes:
        pid: as the judge sees it.
        uid: its own user id; None where it has the judge's.
        measures, missing: see `grader.isolation.Reached`.
        own_root: it has a root folder of its own, whose /tmp nobody else sees.
    """

    pid: int = 0
    uid: int | None = None
    measures: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    own_root: bool = False

    def attempt(self, name: str, put_up: Callable[[], object]) -> bool:
        """Put up one wall, and note whether it stands."""
        try:
            told = put_up()
        except (OSError, KeyError, AttributeError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self.missing.append(f"{name} ({why})")
            return False
        self.measures.append(told if isinstance(told, str) else name)
        return True


def enter(seen: view.View, root: Path, keep: tuple[int, ...]) -> Entered:
    """Return in a new process, the worker's, with all walls that can be had here.

    The process that calls it stays behind as supervisor, and ends as the worker ends.

    Args:
        seen: what the worker may see.
        root: the repository.
        keep: descriptors of the worker's, which the supervisor closes.
    """
    entered = Entered()
    if sys.platform != "linux":
        entered.missing.append("own user id, namespaces, Landlock, seccomp (this is not Linux)")
        return entered
    shown = view.readable(seen, root)
    lease = _lease(entered)
    inside = _leave_namespaces(entered)
    group: list[cgroup.Group] = []
    entered.attempt("control group", lambda: _limit(group))
    from_supervisor, to_worker = os.pipe()
    init = supervisor.start_init() if "processes" in inside else 0
    worker = os.fork()
    if worker:
        for descriptor in (*keep, from_supervisor):
            os.close(descriptor)
        for made in group:
            made.add(worker)
        os.write(to_worker, str(worker).encode())
        os.close(to_worker)
        supervisor.supervise(worker, init, entered.uid, group)
    os.close(to_worker)
    if lease is not None:
        lease.close()
    told = os.read(from_supervisor, 32)
    if not told:
        os._exit(1)  # the supervisor ended
    os.close(from_supervisor)
    entered.pid = int(told)
    _confine(entered, seen, shown, inside)
    return entered


def _lease(entered: Entered) -> socket.socket | None:
    """Lease a user id, where this process may change to it."""
    if os.geteuid() != 0:
        entered.missing.append(f"{_OWN_ID} (the grader does not run as root)")
        return None
    held: list[socket.socket] = []

    def take() -> None:
        entered.uid, one = uids.lease()
        held.append(one)

    entered.attempt(_OWN_ID, take)
    return held[0] if held else None


def _leave_namespaces(entered: Entered) -> set[str]:
    """Leave those namespaces that this process may; mounts come later, in the worker."""
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        try:
            system.unshare("users", "mounts")
            Path("/proc/self/setgroups").write_text("deny", "ascii")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", "ascii")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", "ascii")
        except OSError as error:
            entered.missing.append(f"namespaces ({error.strerror})")
            return set()
    done, refused = [], []
    for name in ("processes", "IPC", "network", "hostname"):
        try:
            system.unshare(name)
            done.append(name)
        except OSError as error:  # noqa: PERF203 - four rounds
            refused.append((name, error.strerror))
    if done:
        entered.measures.append(f"own namespaces ({', '.join(done)})")
    if refused:
        names = ", ".join(name for name, _ in refused)
        entered.missing.append(f"namespaces of {names} ({refused[0][1]})")
    return set(done)


def _limit(group: list[cgroup.Group]) -> str:
    memory = limits.memory_limit_bytes()
    made = cgroup.make(memory + memory // 4 + view.SCRATCH_BYTES, PROCESSES)
    group.append(made)
    return f"control group ({', '.join(made.limited)})"


def _confine(entered: Entered, seen: view.View, shown: list[str], inside: set[str]) -> None:
    """The worker's own part, in the order in which each step is still allowed."""
    system.die_with_parent(signal.SIGKILL)
    os.setsid()
    os.umask(0o022)  # the root folder is for another user to read
    with contextlib.suppress(OSError):
        system.unshare("mounts")  # without a user namespace it has not been left yet
    entered.own_root = entered.attempt(
        "own root folder",
        lambda: view.build_root(seen, shown, own_processes="processes" in inside),
    )
    _give_up_id_if_closed(entered, seen)
    scratch, shared = Path(view.OWN_SCRATCH), seen.shared_cache
    if not entered.own_root:
        scratch, shared = _share_the_machine(entered, seen)
    for which, most in (
        (resource.RLIMIT_NPROC, PROCESSES),
        (resource.RLIMIT_NOFILE, supervisor.OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        if which != resource.RLIMIT_NPROC or entered.uid is not None:  # else it counts the judge's
            resource.setrlimit(which, (most, most))
    if entered.uid is not None:
        system.drop_bounding_set()
        os.setgroups(view.groups())
        os.setresgid(entered.uid, entered.uid, entered.uid)
        os.setresuid(entered.uid, entered.uid, entered.uid)
        system.readable_by_itself()
        system.die_with_parent(signal.SIGKILL)  # the change of uid undid it
    entered.attempt("no capabilities", system.drop_capabilities)
    entered.attempt("no new privileges", system.no_new_privileges)
    _settle(scratch, shared)
    shown = [*shown, str(shared)] if shared is not None else shown
    writable = [str(scratch), "/proc/self", *map(str, view.devices())]
    entered.attempt("Landlock", lambda: landlock.restrict([*shown, "/proc", "/dev"], writable))
    entered.attempt("seccomp", seccomp.install)


def _share_the_machine(entered: Entered, seen: view.View) -> tuple[Path, Path | None]:
    """Make do with the machine's own files, where no root folder can be had.

    Returns:
        a folder to write, new within the judge's scratch folder (where nothing of a submission can
        lie in wait), and the shared cache.
    """
    uid, shared = entered.uid, seen.shared_cache
    scratch = Path(tempfile.mkdtemp(dir=seen.scratch))
    if uid is not None:
        seen.scratch.chmod(0o711)
        os.chown(scratch, uid, uid)
        if shared is not None and shared.is_dir() and not _can_read(str(shared), uid):
            copy = Path(tempfile.mkdtemp(dir=seen.scratch))
            view.copy(str(shared), str(copy))
            shared = copy
    return scratch, shared


def _give_up_id_if_closed(entered: Entered, seen: view.View) -> None:
    """Keep the judge's user id where another could not read what it has to.

    In a root folder of its own a worker meets neither the folders above those (/root, often) nor a
    closed submission (it gets a copy); what is installed may be closed there, too.
    """
    emulator = Path(__file__).resolve().parents[2] / "emulator" / "__init__.py"
    needed = [sys.prefix, sys.base_prefix, os.__file__, str(emulator)]
    needed += [] if entered.own_root else map(str, seen.readable)
    uid = entered.uid
    closed = [path for path in needed if uid is not None and not _can_read(path, uid)]
    if closed:
        entered.measures.remove(_OWN_ID)
        entered.missing.append(f"{_OWN_ID} (others may not read {closed[0]})")
        entered.uid = None


def _can_read(path: str, uid: int) -> bool:
    """Whether another user could read a file, or a folder and all that is in it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        os.setgroups([])
        os.setresuid(uid, uid, uid)
        here = os.access(path, os.R_OK | os.X_OK if Path(path).is_dir() else os.R_OK)
        large = path in (sys.prefix, sys.base_prefix)  # and installed for everybody, or for nobody
        os._exit(0 if here and (large or view.is_open_to_all(path)) else 1)
    finally:
        os._exit(1)


def _settle(scratch: Path, shared_cache: Path | None) -> None:
    """Make scratch the home of everything that is written, and bring in the shared cache."""
    os.umask(0o077)
    os.chdir(scratch)
    cache = scratch / ".cache"
    own = {
        "HOME": scratch,
        "TMPDIR": scratch,
        "XDG_CACHE_HOME": cache,
        "EMULATOR_CACHE": cache / "cuda-emulator",
        "PYCUDA_CACHE_DIR": cache / "pycuda",
    }
    tempfile.tempdir = None
    for name, path in own.items():
        path.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(path)
    for kind in ("libraries", "headers"):
        folder = cache / "cuda-emulator" / kind
        folder.mkdir(exist_ok=True)
        shared = shared_cache / kind if shared_cache is not None else None
        if shared is not None and shared.is_dir():
            for made in shared.iterdir():
                if not (folder / made.name).is_symlink():
                    (folder / made.name).symlink_to(made)
