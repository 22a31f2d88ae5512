"""Each wall, tried from within by a small hostile program; needs root, as the walls do."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import limits, processes
from grader.isolation import Level, Reached, landlock
from grader.judge import CheckFailure, Judge, call

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SOLUTION = ROOT / "solution"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="a user id of one's own needs root"
)

KERNELS = """
import ctypes, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path

def refusal(try_it, *arguments):
    try:
        return repr(try_it(*arguments))
    except BaseException as error:
        return f"{type(error).__name__} {getattr(error, 'errno', '')}"

def syscall(number, *arguments):
    ctypes.set_errno(0)
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return result, ctypes.get_errno()

def bias_add(code, judge=0):
    scope = {**globals(), "judge": judge}
    exec(code, scope)
    raise ValueError(f"<<{scope['found']}>>")
"""


class Prison:
    """A submission that runs any program it is given, at the full level."""

    def __init__(self, folder: Path) -> None:
        (folder / "kernels.py").write_text(KERNELS)
        self.folder = folder
        self.judge = Judge(folder, 1, SOLUTION / "device.py", level=Level.FULL)

    def message(self, program: str) -> str:
        """How the program ends."""
        with pytest.raises(CheckFailure) as caught:
            self.judge.run(call("kernels.bias_add", program, os.getpid()), own=["kernels.bias_add"])
        return caught.value.message

    def found(self, program: str) -> str:
        """What the program leaves in the variable `found`."""
        message = self.message(program)
        told = re.search("<<(.*?)>>", message, re.DOTALL)
        assert told, message
        return told[1]

    @property
    def uid(self) -> int:
        """The worker's own user id."""
        worker = self.judge._runner.worker
        assert worker is not None
        assert worker._uid is not None
        return worker._uid


@pytest.fixture(scope="module")
def prison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    """One for all programs that leave it standing."""
    made = Prison(tmp_path_factory.mktemp("prison"))
    yield made
    made.judge.close()


@pytest.fixture
def own_prison(tmp_path: Path) -> Iterator[Prison]:
    """One for a program that does not."""
    made = Prison(tmp_path)
    yield made
    made.judge.close()


def litter() -> set[str]:
    """What lies where anybody may write."""
    places = [Path(place) for place in ("/tmp", "/dev/shm", "/var/tmp") if Path(place).is_dir()]
    return {str(path) for place in places for path in place.iterdir()}


def shared_memory() -> str:
    """The segments and queues of System V IPC, without those that come and go."""
    return "".join(Path(f"/proc/sysvipc/{kind}").read_text() for kind in ("shm", "msg", "sem"))


def alive(uid: int) -> list[int]:
    """The processes of a worker."""
    return [process.pid for process in processes.owned_by(uid)]


def test_level_outlives_a_worker(own_prison: Prison) -> None:
    """The level is told where the last worker was ended before it could say anything."""
    assert own_prison.found("found = 1") == "1"
    own_prison.judge.renew()
    own_prison.judge.close()
    assert "own user id" in own_prison.judge.reached.measures


def test_weakest_level() -> None:
    """Of workers with different walls the weaker ones are told."""
    high, low = Reached(("a", "b")), Reached(("b",), ("a (refused)",))
    assert high.weaker(low) == low.weaker(high) == low
    assert Reached().weaker(high) == high.weaker(Reached()) == high


def test_level_is_told(prison: Prison) -> None:
    """What stands, and what not, is said in one sentence."""
    prison.found("found = 1")
    worker = prison.judge._runner.worker
    assert worker is not None
    assert worker.reached.text().startswith("isolation: own user id, own namespaces")
    assert "seccomp" in worker.reached.measures


def test_own_user(prison: Prison) -> None:
    """The user id is nobody's, and no capability or group is left, now or after an exec."""
    assert prison.found("found = os.getuid() > 60000 and os.getuid() == os.geteuid()") == "True"
    assert prison.found("found = [g for g in os.getgroups() if g in (0, os.getgid())]") == "[]"
    status = "[line for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNew'))]"
    told = prison.found(f"found = ''.join({status})")
    assert set(re.findall(r"Cap\w+:\t(\w+)", told)) == {"0" * 16}
    assert "NoNewPrivs:\t1" in told


@pytest.mark.parametrize("function", ["connect", "bind"])
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"])
def test_network(prison: Prison, function: str, family: str) -> None:
    """No socket can be had of any family that leads out."""
    program = f"found = refusal(lambda: socket.socket(socket.{family}).{function}(('', 1)))"
    assert prison.found(program) == "PermissionError 1"


def test_unix_sockets(prison: Prison) -> None:
    """Sockets with names, which CUDA needs, lead to nobody outside."""
    name = f"\0walls-{os.getpid()}"
    connect = "socket.socket(socket.AF_UNIX).connect"
    with socket.socket(socket.AF_UNIX) as outside:
        outside.bind(name)
        outside.listen()
        with socket.socket(socket.AF_UNIX) as another:
            another.connect(name)
        told = prison.found(f"found = refusal({connect}, {name!r})")
        assert told.split(" ")[0] in ("ConnectionRefusedError", "PermissionError")
    for path in ("/run/docker.sock", "/var/run/dbus/system_bus_socket"):
        assert "FileNotFoundError" in prison.found(f"found = refusal({connect}, {path!r})")


def test_no_other_interface(prison: Prison) -> None:
    """Were there a socket, there is no network."""
    told = prison.found("found = open('/proc/net/dev').read()")
    assert [line.split(":")[0].strip() for line in told.splitlines()[2:]] in ([], ["lo"])


@pytest.mark.parametrize(
    ("name", "number", "arguments"),
    [
        ("ptrace", 101, "16, os.getppid()"),
        ("process_vm_readv", 310, "os.getppid(), 0, 0, 0, 0, 0"),
        ("mount", 165, "0, 0, 0, 0, 0"),
        ("unshare", 272, "0x10000000"),
        ("clone of a namespace", 56, "0x10000000 | 17, 0, 0, 0, 0"),
        ("setns", 308, "0, 0"),
        ("bpf", 321, "0, 0, 0"),
        ("keyctl", 250, "0, 0, 0, 0, 0"),
        ("perf_event_open", 298, "0, 0, -1, -1, 0"),
        ("io_uring_setup", 425, "8, 0"),
        ("userfaultfd", 323, "0"),
        ("kexec_load", 246, "0, 0, 0, 0"),
        ("init_module", 175, "0, 0, 0"),
        ("reboot", 169, "0, 0, 0, 0"),
        ("swapon", 167, "0, 0"),
        ("personality", 135, "0x0040000"),
        ("shmget", 29, "1, 4096, 0o1777"),
        ("x32", 0x40000000 + 39, ""),
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
def test_system_calls(prison: Prison, name: str, number: int, arguments: str) -> None:
    """Calls on the list fail with EPERM."""
    assert prison.found(f"found = syscall({number}, {arguments})") == "(-1, 1)", name


def test_other_processes(prison: Prison) -> None:
    """The judge can neither be seen nor signalled, nor its memory or environment read."""
    assert "ProcessLookupError" in prison.found("found = refusal(os.kill, judge, 9)")
    assert prison.found("found = [p for p in os.listdir('/proc') if p == str(judge)]") == "[]"
    for file in ("environ", "mem", "maps", "cmdline"):
        program = f"found = refusal(lambda: open(f'/proc/{{judge}}/{file}', 'rb').read())"
        assert "Error" in prison.found(program)
    first = prison.found("found = refusal(lambda: open('/proc/1/environ', 'rb').read())")
    assert first == "PermissionError 13"
    assert "Permission" in prison.found("found = refusal(os.kill, 1, 9)")


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "/etc/shadow", "/root", "/home", "/var", "/work", str(ROOT)),
        *(str(ROOT / name) for name in ("grader", "solution", "tests", "assignment", ".git")),
        *(str(SOLUTION / "kernels.py"), str(ROOT / "grader" / "oracle.py")),
    ],
)
def test_reads(prison: Prison, path: str) -> None:
    """The grader, its answers and the machine's settings are not to be seen."""
    listed = "os.listdir" if Path(path).is_dir() else "open"
    told = prison.found(f"found = refusal({listed}, {path!r})")
    below_tmp = Path(path).is_relative_to("/tmp")  # its own there, in its root folder
    if below_tmp and told.startswith("["):  # which holds the places of what it is shown
        shown = {"backend", "emulator", "data", ".venv", "solution", "device.py"}
        assert set(ast.literal_eval(told)) <= shown
    else:
        assert told.split(" ")[0] in ("PermissionError", "FileNotFoundError")


def test_other_submissions(prison: Prison) -> None:
    """What lies beside the submission is not to be seen."""
    beside = prison.folder.parent / "another"
    beside.mkdir(exist_ok=True)
    (beside / "kernels.py").write_text("secret")
    for path in (beside / "kernels.py", f"{prison.folder}/../another/kernels.py"):
        assert prison.found(f"found = refusal(open, {str(path)!r})") == "FileNotFoundError 2"


@pytest.mark.parametrize("folder", ["/", "/usr", "/dev", "/proc", "/etc", "{own}", "{rooms}"])
def test_writes(prison: Prison, folder: str) -> None:
    """Nothing outside of /tmp can be made or changed, the submission included."""
    where = folder.format(own=prison.folder, rooms=ROOT / "emulator")
    told = prison.found(f"found = refusal(open, '{where}/made', 'w')")
    assert told.split(" ")[0] in ("PermissionError", "OSError", "FileNotFoundError")
    assert not Path(where, "made").exists()


def test_own_tmp(prison: Prison) -> None:
    """/tmp and /dev/shm can be written, and are nobody else's."""
    program = (
        "Path('/tmp/mine-5c1').touch(); Path('/dev/shm/mine-5c2').touch(); found = os.getcwd()"
    )
    assert prison.found(program) == "/tmp"
    assert not [path for path in litter() if "mine-5c" in path]


def test_environment(prison: Prison) -> None:
    """Nothing of the judge's environment is there but what a device needs."""
    told = prison.found("found = sorted(os.environ)")
    assert "PYTEST_CURRENT_TEST" not in told
    assert "SSH" not in told
    assert prison.found("found = os.environ['HOME']") == "/tmp"


def test_setuid_programs(prison: Prison) -> None:
    """A setuid program runs as the worker does."""
    program = "found = subprocess.run(['su', '-c', 'id -u'], capture_output=True).returncode"
    assert prison.found(program) != "0"
    mounts = prison.found("found = open('/proc/self/mounts').read()")
    usr = next(line for line in mounts.splitlines() if line.split(" ")[1] == "/usr")
    assert {"ro", "nosuid"} <= set(usr.split(" ")[3].split(","))


def test_disk_filler(own_prison: Prison) -> None:
    """What can be written is bounded, in bytes and in files, and gone afterwards."""
    program = """
files = 0
try:
    while True:
        with open(f"/tmp/{files}", "wb") as file:
            for _ in range(200):
                file.write(bytes(1 << 20))
        files += 1
except OSError as error:
    found = (error.errno, files)
"""
    assert own_prison.found(program) in ("(28, 2)", "(28, 1)")


def test_memory_bomb(own_prison: Prison, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much memory ends the call, with the reason."""
    monkeypatch.setattr(limits, "MEMORY_LIMIT_BYTES", 600 << 20)
    program = "found = []\nwhile True: found.append(bytearray(b'x') * (1 << 20)); time.sleep(0.002)"
    assert "0.6 GiB of memory" in own_prison.message(program)


def test_fork_bomb(own_prison: Prison) -> None:
    """Endless forking ends the call, costs the judge nothing, and nothing is left of it."""
    own_prison.found("found = 0")
    uid = own_prison.uid
    message = own_prison.message("while True:\n    try: os.fork()\n    except OSError: pass")
    assert "processes" in message or "loop" in message
    own_prison.judge.close()
    assert alive(uid) == []


def test_daemons(own_prison: Prison) -> None:
    """What forked twice, left the session and ignores signals ends with the worker."""
    program = """
if os.fork() == 0:
    os.setsid()
    for number in (1, 2, 3, 13, 15): signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        ctypes.CDLL(None).prctl(4, 0)  # not dumpable: /proc hides its owner
        time.sleep(600)
    os._exit(0)
time.sleep(0.3)
found = os.listdir("/proc")
"""
    own_prison.found(program)
    uid = own_prison.uid
    assert len(alive(uid)) == 2
    own_prison.judge.close()
    assert alive(uid) == []


def test_output_flood(own_prison: Prison) -> None:
    """A flood of output is read and thrown away but for its beginning."""
    program = "for _ in range(500): os.write(1, b'x' * (1 << 20))\nfound = 1"
    own_prison.found(program)
    own_prison.judge.close()
    assert 1000 < len(own_prison.judge.output) < 100_000


def test_ignored_signals(own_prison: Prison, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that ignores every signal is ended, and its line is told."""
    monkeypatch.setattr(limits, "CPU_LIMIT_S", 0.5)
    body = (
        "def bias_add(code, judge=0):\n    import signal\n    signal.signal(15, signal.SIG_IGN)\n"
    )
    (own_prison.folder / "kernels.py").write_text(f"{body}    while True:\n        pass\n")
    with pytest.raises(CheckFailure, match="an endless loop") as caught:
        own_prison.judge.run(call("kernels.bias_add", ""), own=["kernels.bias_add"])
    assert (caught.value.file, caught.value.line) in {("kernels.py", 4), ("kernels.py", 5)}


def test_submissions_cannot_meet(prison: Prison, own_prison: Prison) -> None:
    """Two workers have two user ids, and neither sees the other's processes or files."""
    prison.found("Path('/tmp/left-for-the-other').touch(); found = 1")
    assert own_prison.found("found = os.path.exists('/tmp/left-for-the-other')") == "False"
    assert prison.uid != own_prison.uid
    seen = own_prison.found("found = [name for name in os.listdir('/proc') if name.isdigit()]")
    assert len(seen.split(",")) <= 3


def test_nothing_is_left(tmp_path: Path) -> None:
    """Processes, files and shared memory are as before, when a worker with daemons is killed."""
    files, segments = litter(), shared_memory()
    made = Prison(tmp_path)
    made.found(
        "for _ in range(5):\n"
        "    if os.fork() == 0: os.setsid(); time.sleep(600)\n"
        "for place in ('/tmp', '/dev/shm', '/var/tmp', '/run'):\n"
        "    refusal(lambda: Path(place, 'left').write_text('x'))\n"
        "found = refusal(syscall, 29, 4711, 4096, 0o1777)"
    )
    uid = made.uid
    made.judge.close()
    assert alive(uid) == []
    assert {path for path in litter() - files if "left" in path or "scratch" in path} == set()
    assert shared_memory() == segments


PROGRAM = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from grader.isolation import Level
from grader.judge import Judge, call, CheckFailure
judge = Judge(Path(sys.argv[1]), 1, Path({str(SOLUTION)!r}) / "device.py", level=Level.FULL)
try:
    judge.run(call("kernels.bias_add", "found = 1"), own=["kernels.bias_add"])
except CheckFailure:
    pass
print(judge._runner.worker._uid, judge._runner.scratch, flush=True)
judge.run(call("kernels.bias_add", sys.argv[2]), own=["kernels.bias_add"])
"""


def test_killed_judge(tmp_path: Path, own_prison: Prison) -> None:
    """A judge that is killed leaves no process; its scratch folder goes with a later run."""
    daemon = "if os.fork() == 0: os.setsid()\ntime.sleep(600)"
    judge = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), daemon], stdout=subprocess.PIPE, text=True
    )
    assert judge.stdout is not None
    uid, scratch = judge.stdout.readline().split()
    while len(alive(int(uid))) < 2:
        time.sleep(0.02)
    judge.kill()
    judge.wait()
    judge.stdout.close()
    end = time.monotonic() + 20
    while alive(int(uid)) and time.monotonic() < end:
        time.sleep(0.02)
    assert alive(int(uid)) == []
    assert Path(scratch).is_dir()
    os.utime(scratch, (0, 0))
    own_prison.found("found = 1")
    Prison(own_prison.folder).judge.close()
    assert not Path(scratch).exists()


def test_landlock_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without Landlock is told from one that has it."""
    assert landlock.abi() >= 0
    with contextlib.suppress(OSError):
        assert landlock.abi() > 0
    monkeypatch.setattr(landlock, "_CREATE", 0xFFFF)
    assert landlock.abi() == 0


def test_careful_umask(tmp_path: Path) -> None:
    """A grader whose files nobody else may read gets the same walls."""
    before = os.umask(0o077)
    try:
        made = Prison(tmp_path)
        assert made.found("found = os.getuid()") != "0"
        made.judge.close()
    finally:
        os.umask(before)
    assert "own user id" in made.judge.reached.measures


def test_exit_is_told(own_prison: Prison) -> None:
    """How a worker ends is told as without walls."""
    own_prison.found("found = 1")
    assert "exit code 3" in own_prison.message("os._exit(3)")
    assert "SIGSEGV" in own_prison.message("ctypes.string_at(8)")
    assert "SIGABRT" in own_prison.message("os.abort()")
