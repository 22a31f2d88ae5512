"""Sees what a submission does, by Python's audit hooks, which Python code cannot take away.

This is no wall: the walls are the kernel's, and code in C goes around the hook. It names the line
that tried. Told is only what a frame of the submission did itself, straight or through the standard
library or NumPy; what other libraries do on its behalf (PyCUDA's compiler, a font cache) is told
only where no library would have business. Audit events: docs.python.org/3/library/audit_events.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from grader.worker import everyday

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from grader.worker.events import Channel

_PROCESS = (
    *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn"),
    *("os.spawn", "pty.spawn"),
)
_SIGNAL = ("os.kill", "os.killpg", "signal.pthread_kill")
_NETWORK = (
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
    *("socket.gethostbyname", "socket.gethostbyaddr"),
)
_NATIVE = (
    *("ctypes.dlopen", "ctypes.string_at", "ctypes.wstring_at", "ctypes.cdata"),
    *("ctypes.cdata/buffer", "ctypes.call_function"),
)
_CHANGES = (
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "shutil.rmtree", "shutil.move"),
)
_LISTS = ("os.listdir", "os.scandir", "os.walk", "glob.glob")
_HOOKS = ("sys.addaudithook",)  # profilers and debuggers, which set others, replace nothing

_SECRET_PACKAGES = frozenset(("grader", "solution", "tests"))
_PROGRAM_FILES = (".py", ".pyc", ".so")
_OPEN_TO_ALL = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/proc/self", "/sys")


class Watch:
    """The hook, for one worker.

    Args:
        channel: that events go to.
        root: the repository.
        readable: folders and files that any submission may read.
        writable: folders in which it may change anything.
    """

    def __init__(
        self, channel: Channel, root: Path, readable: Iterable[str], writable: Iterable[str]
    ) -> None:
        self._channel, self._root = channel, f"{root}/"
        self._writable = tuple(_folder(path) for path in writable)
        rooms = (f"{root}/{room}" for room in ("backend", "emulator", "data"))
        self._rooms = tuple(_folder(path) for path in (*rooms, sys.prefix))
        standard = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
        self._standard = tuple(_folder(path) for path in standard if path)
        libraries = (sys.prefix, sys.base_prefix, *filter(None, sys.path), "/usr", "/lib", "/opt")
        self._readable = (
            tuple(
                _folder(path)
                for path in (*libraries, *readable)
                if path and not self._root.startswith(_folder(path))
            )
            + self._rooms
        )
        self._hidden: tuple[str, ...] = (self._root, "/proc/")
        self._worker = f"{root}/grader/worker/"
        self._folders: tuple[str, ...] = ()
        self._device, self._busy = "", threading.local()
        self._trusted = (f"{root}/grader/", f"{root}/backend/", f"{root}/emulator/")
        self._answers: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
            "open": self._opened,
            "import": self._imported,
            "os.putenv": self._set,
            "os.unsetenv": self._set,
            **dict.fromkeys(_PROCESS, self._started),
            **dict.fromkeys(_SIGNAL, self._signalled),
            **dict.fromkeys(_NATIVE, self._plain("native")),
            **dict.fromkeys(_HOOKS, self._plain("patched")),
            **dict.fromkeys(_NETWORK, self._reached_out),
            **dict.fromkeys(_CHANGES, self._changed),
            **dict.fromkeys(_LISTS, self._listed),
        }

    def begin(self, folder: Path, device: Path) -> None:
        """Watch the submission in a folder from here on, for good; device.py is the judge's."""
        first, self._folders = not self._folders, (_folder(str(folder)),)
        others = _folder(str(folder.parent))
        if others not in ("/", _folder(tempfile.gettempdir()), _folder("~")):
            self._hidden = (*self._hidden, others)
        self._device = str(device)
        if first:
            sys.addaudithook(self._see)

    def move(self, folder: Path) -> None:
        """Watch the submission in another folder, too."""
        self._folders = (_folder(str(folder)), *self._folders)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        answer = self._answers.get(event)
        if answer is None or getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            answer(event, arguments)
        except Exception:  # noqa: BLE001, S110 - whatever is odd about arguments: the call goes on
            pass
        finally:
            self._busy.now = False

    # What is told of each kind -------------------------------------------------------------------

    def _plain(
        self, kind: str, but_for: tuple[str, ...] = ()
    ) -> Callable[[str, tuple[Any, ...]], None]:
        def tell(event: str, arguments: tuple[Any, ...]) -> None:
            place = self._done_by_submission(straight=True, but_for=but_for)
            if place is not None:
                first = _text(arguments[0]) if arguments and event != "os.fork" else ""
                self._channel.tell(kind, f"{event} {first}".rstrip(), *place)

        return tell

    def _started(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not arguments or not everyday.tells_of_machine(_text(arguments[0])):
            self._plain("process", everyday.ON_BEHALF)(event, arguments)

    def _signalled(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "os.kill" or not everyday.is_own_process(arguments[0]):
            self._plain("signal", everyday.ON_BEHALF)(event, arguments)

    def _reached_out(self, event: str, arguments: tuple[Any, ...]) -> None:
        address = arguments[1] if event.startswith(("socket.co", "socket.b", "socket.s")) else None
        local = isinstance(address, str | bytes) or (
            isinstance(address, tuple) and event == "socket.bind"
        )
        place = self._done_by_submission(straight=local)
        if place is not None:
            told = arguments[0] if address is None else address
            self._channel.tell("network", f"{event} {_text(told)}", *place)

    def _set(self, event: str, arguments: tuple[Any, ...]) -> None:
        name, value = (*map(_text, arguments), "")[:2]
        if everyday.concerns_grader(name, value):
            place = self._done_by_submission(straight=True)
            if place is not None:
                self._channel.tell("setting", f"{event} {name}", *place)

    def _imported(self, event: str, arguments: tuple[Any, ...]) -> None:
        name = _text(arguments[0])
        package = name.partition(".")[0]
        if package in _SECRET_PACKAGES and not self._has_own(package):
            place = self._done_by_submission(straight=True)
            if place is not None:
                self._channel.tell("import", f"{event} {name}", *place)

    def _has_own(self, package: str) -> bool:
        """Whether the submission has a module of that name beside its files."""
        places = (f"{folder}{package}" for folder in self._folders)
        return any(os.path.isfile(f"{place}.py") or os.path.isdir(place) for place in places)  # noqa: PTH112, PTH113

    def _opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = (*arguments, None, None)[:3]
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor
        writes = bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        writes = writes or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))
        self._touched(event, path, writes=writes)

    def _changed(self, event: str, arguments: tuple[Any, ...]) -> None:
        for path in arguments[:2]:
            if isinstance(path, str | bytes | os.PathLike):
                self._touched(event, path, writes=True)

    def _listed(self, event: str, arguments: tuple[Any, ...]) -> None:
        if arguments and isinstance(arguments[0], str | bytes | os.PathLike):
            listed = _folder(os.fsdecode(arguments[0]))
            if not any(folder.startswith(listed) for folder in self._folders):
                self._touched(event, arguments[0], writes=False)

    def _touched(self, event: str, path: Any, *, writes: bool) -> None:
        real = os.path.realpath(os.fsdecode(path))
        own, secret = f"{real}/".startswith(self._folders), self._is_secret(real)
        free = f"{real}/".startswith(self._writable) and not secret
        if own:  # a log beside the files, but no other program than the one that was handed in
            free = not real.endswith(_PROGRAM_FILES)
        if free or real.startswith(_OPEN_TO_ALL):
            return
        if writes:
            place = self._done_by_submission(straight=True)
            if place is not None:
                self._channel.tell("write", f"{event} {real}", *place)
            return
        if own or f"{real}/".startswith(self._readable) or everyday.is_harmless_proc(real):
            return
        opener = sys._getframe(3).f_code.co_filename  # noqa: SLF001 - as below
        if real.startswith(self._worker) and opener.endswith(("tokenize.py", "linecache.py")):
            return  # Python prints a stack, which leads through the grader
        place = self._done_by_submission(straight=not secret)
        if place is not None:
            kind = "environment" if real.endswith("/environ") else "read"
            self._channel.tell(kind, f"{event} {real}", *place)

    def _is_secret(self, path: str) -> bool:
        """Whether no library has business there: the grader, other submissions, processes."""
        folder = f"{path}/"
        return folder.startswith(self._hidden) and not folder.startswith(self._rooms)

    # Who did it ----------------------------------------------------------------------------------

    def _done_by_submission(
        self, *, straight: bool, but_for: tuple[str, ...] = ()
    ) -> tuple[str, int] | None:
        """The submission's frame that is behind what happens now; None where it is not its doing.

        Args:
            straight: what another library than Python's own and NumPy does is its own doing.
            but_for: parts of names of Python's own files that do such things of their own accord.
        """
        frame: types.FrameType | None = sys._getframe(2)  # noqa: SLF001 - the documented way
        last = ""
        while frame is not None:
            file = frame.f_code.co_filename
            own = next((each for each in self._folders if file.startswith(each)), None)
            if own is not None and file != self._device:
                return file[len(own) :], frame.f_lineno
            if straight and not self._passes_on(file):
                return None
            if but_for and file.startswith(self._standard) and any(p in file for p in but_for):
                return None
            last = file
            frame = frame.f_back
        # A thread or a callback: nothing of the grader's own lies below.
        if last.startswith(self._trusted) or last == "<frozen runpy>":
            return None
        return ("", 0) if threading.current_thread() is not threading.main_thread() else None

    def _passes_on(self, file: str) -> bool:
        """Whether that is this file, Python's own or NumPy's, which do what their caller wants."""
        if file == __file__ or file.startswith("<"):
            return True
        return "/numpy/" in file or (file.startswith(self._standard) and "-packages/" not in file)


def _folder(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path)).rstrip("/") + "/"  # noqa: PTH111 - strings


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, str | bytes) else str(value)
