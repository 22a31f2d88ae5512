"""One check's misfortune costs that check alone, and is told in the student's words."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader import judge as judge_module
from grader import limits, processes
from grader.integrity import WROTE_TO_PIPE
from grader.judge import CheckFailure, Host, Judge, Kept, RaisedInSubmission, call, new, put, take
from grader.verdicts import OwnFault

SOLUTION = Path(__file__).resolve().parents[2] / "solution"

if TYPE_CHECKING:
    from collections.abc import Callable

Z = np.arange(6, dtype=np.float32).reshape(2, 3)
b = np.ones(3, dtype=np.float32)

FORGERY = """
import os
for fd in range(3, 50):
    try:
        os.write(fd, b"x" * 99)
    except OSError:
        pass
"""

GIVEN = "import numpy as np\nfrom device import empty, to_device\n"


def kernels(body: str) -> str:
    """A kernels.py whose bias_add has that body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"{GIVEN}def bias_add(Z, b):\n{lines}\n"


def started_in(folder: Path) -> list[int]:
    """The living processes whose working directory is that folder."""
    found = []
    for pid in processes.pids():
        with contextlib.suppress(OSError):
            if running(pid) and Path(f"/proc/{pid}/cwd").readlink() == folder:
                found.append(pid)
    return found


def running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    fields = processes.stat(pid)
    return bool(fields) and fields[0] != "Z"


def sleepers() -> list[int]:
    """The processes that `test_daemons_are_ended` starts."""
    return [
        pid
        for pid in processes.pids()
        if running(pid) and b"61.25" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def failure(judge: Judge, *actions: Any) -> CheckFailure:
    """The failure that the actions come to."""
    with pytest.raises(CheckFailure) as caught:
        judge.run(*actions, own=["kernels.bias_add"])
    return caught.value


def test_results_come_back(reference: Judge) -> None:
    """A call's return value, its arguments afterwards and its launches come back."""
    (outcome,) = reference.run(call("kernels.bias_add", Z, b))
    assert outcome.returned.kind == "None"
    np.testing.assert_array_equal(outcome.arguments["0"].array, Z + 1)
    np.testing.assert_array_equal(outcome.arguments["1"].array, b)
    assert len(outcome.own_threads) == 1
    assert outcome.own_threads[0] >= Z.size


def test_objects_are_kept_within_a_request(reference: Judge) -> None:
    """A model made by one action can be set, called and read by the next ones."""
    W = np.eye(3, dtype=np.float32)
    *_, outcome, after = reference.run(
        new("m", "linear.LinearClassifier", 3, 3),
        put("m", W=W, b=b),
        call("m.scores", Z),
        take("m"),
    )
    np.testing.assert_array_equal(outcome.returned.array, Z + 1)
    np.testing.assert_array_equal(after.returned.entries["W"].array, W)
    assert outcome.what == "linear.LinearClassifier.scores"


def test_judges_own_models(reference: Judge) -> None:
    """Host arrays and models of the judge's own can be passed."""
    X, y = np.zeros((4, 2), dtype=np.float32), np.zeros(4, dtype=np.int32)
    _, outcome = reference.run(
        new("echo", "grader.Echo"), call("training.accuracy", Kept("echo"), Host(X), Host(y))
    )
    assert outcome.returned.number == 1.0


def test_exception(judged: Callable[..., Judge]) -> None:
    """An exception is told with its type, its text, and the innermost line of the student's own."""
    caught = failure(
        judged(kernels=kernels("to_device(b.get()).get()['no']")), call("kernels.bias_add", Z, b)
    )
    assert isinstance(caught, RaisedInSubmission)
    assert caught.type == "IndexError"
    assert "bias_add raised IndexError" in caught.message
    assert (caught.file, caught.line) == ("kernels.py", 4)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise SystemExit(0)", "raised SystemExit"),
        ("import os; os._exit(3)", "ended the process (exit code 3)"),
        ("import os; os.abort()", "crashed the process (SIGABRT)"),
        ("import os; os.closerange(3, 100); return 1", "the process"),
        (FORGERY, "private pipe"),
        ("raise NotImplementedError('TODO(1.1): bias_add')", "not written yet: TODO(1.1)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "did it take all memory?"),
        ("raise MemoryError", "raised MemoryError"),
        ("open('big', 'wb').truncate(1 << 40)", "raised OSError"),
        ("import grader.oracle", "No module named 'grader'"),
        ("import solution", "No module named 'solution'"),
        ("import tests.grader", "No module named 'tests"),
        ("return bias_add(Z, b)", "raised RecursionError"),
    ],
)  # fmt: skip
def test_misfortune(judged: Callable[..., Judge], body: str, words: str) -> None:
    """However a call ends, the reason is told, and the next call is answered."""
    judge = judged(kernels=kernels(body))
    assert words in failure(judge, call("kernels.bias_add", Z, b)).message
    (outcome,) = judge.run(call("blas.gemm", Z, np.eye(3, dtype=np.float32)))
    np.testing.assert_array_equal(outcome.returned.array, Z)


def test_endless_loop(judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless loop is stopped after a limit of processor time, and not run a second time."""
    monkeypatch.setattr(limits, "CPU_LIMIT_S", 2.0)
    judge = judged(kernels=kernels("while True: pass"))
    stopped = failure(judge, call("kernels.bias_add", Z, b))
    assert "stopped after 2 s of work" in stopped.message
    assert (stopped.file, stopped.line) == ("kernels.py", 4)
    assert "was not run again" in failure(judge, call("kernels.bias_add", Z, b)).message


def test_sleep_is_tried_again(
    judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits for ever runs into the wall-clock backstop, twice."""
    monkeypatch.setattr(limits, "WALL_LIMIT_S", 2.0)
    body = "import time\nopen('tries', 'a').write('x')\ntime.sleep(60)"
    judge = judged(kernels=kernels(body))
    assert "stopped after 2 s" in failure(judge, call("kernels.bias_add", Z, b)).message
    assert (judge._runner.scratch / "tries").read_text() == "xx"


def test_suspended(judged: Callable[..., Judge]) -> None:
    """A process that suspends itself is not waited for, and its place is told."""
    judge = judged(kernels=kernels("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"))
    begun = time.monotonic()
    stopped = failure(judge, call("kernels.bias_add", Z, b))
    assert "was suspended (SIGSTOP)" in stopped.message
    assert (stopped.file, stopped.line) == ("kernels.py", 4)
    assert time.monotonic() - begun < limits.WALL_LIMIT_S / 2
    assert "was not run again" in failure(judge, call("kernels.bias_add", Z, b)).message


DRIBBLES = """
import fcntl, os, struct, time
ends = [fd for fd in range(3, 40) if os.path.exists(f"/proc/self/fd/{fd}")]
writes = [fd for fd in ends if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY]
pipe = max(fd for fd in writes if os.get_blocking(fd))
os.write(pipe, struct.pack("<4sIQ", b"GRD1", 1 << 22, 0))
while True:
    os.write(pipe, b" ")
    time.sleep(0.01)
"""


def test_dribble(judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that never ends, byte by byte, is seen to take too long."""
    monkeypatch.setattr(limits, "WALL_LIMIT_S", 1.0)
    judge = judged(kernels=kernels(DRIBBLES))
    assert "stopped after 1 s" in failure(judge, call("kernels.bias_add", Z, b)).message


def test_death_between_requests(judged: Callable[..., Judge]) -> None:
    """A process that ends when it has answered is the submission's mistake, not the grader's."""
    body = "import os, threading\nthreading.Timer(0.1, os._exit, [3]).start()"
    judge = judged(kernels=kernels(body))
    judge.run(call("kernels.bias_add", Z, b))
    time.sleep(0.5)
    assert (
        "ended the process (exit code 3)" in failure(judge, call("kernels.bias_add", Z, b)).message
    )


def test_memory_bomb(judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that takes ever more memory is stopped, and not run a second time."""
    monkeypatch.setattr(limits, "MEMORY_LIMIT_BYTES", 1 << 29)
    judge = judged(kernels=kernels("a = []\nwhile True: a.append(np.ones(1 << 22))"))
    assert "more than 0.5 GiB of memory" in failure(judge, call("kernels.bias_add", Z, b)).message
    assert "was not run again" in failure(judge, call("kernels.bias_add", Z, b)).message


def test_too_many_processes(judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that starts ever more processes is stopped, and none of them is left."""
    monkeypatch.setattr(limits, "PROCESS_LIMIT", 8)
    body = "import os, time\nfor _ in range(20):\n    if os.fork() == 0: time.sleep(60)\nos.wait()"
    judge = judged(kernels=kernels(body))
    assert "more than 8 processes" in failure(judge, call("kernels.bias_add", Z, b)).message
    assert len(started_in(judge._runner.scratch)) == 1  # the fresh worker


def test_daemons_are_ended(judged: Callable[..., Judge]) -> None:
    """A process that leaves the worker's session is ended with it."""
    body = "import subprocess\nsubprocess.Popen(['sleep', '61.25'], start_new_session=True)"
    judge = judged(kernels=kernels(body))
    judge.run(call("kernels.bias_add", Z, b))
    assert sleepers()
    judge.close()
    assert not sleepers()


def test_worker_ends_with_the_judge(tmp_path: Path) -> None:
    """A worker in an endless loop ends when the judge is killed."""
    (tmp_path / "kernels.py").write_text("while True: pass\n")
    program = f"""
from pathlib import Path
from grader.process import WorkerProcess
worker = WorkerProcess(Path({str(tmp_path)!r}), "emulator")
worker.wait_until_ready()
print(worker._process.pid, flush=True)
worker.ask(dict(op="load", folder={str(tmp_path)!r}, device={str(SOLUTION / "device.py")!r},
                replaced=[], without=[]), [])
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=SOLUTION.parent
    ) as judge:
        assert judge.stdout is not None
        worker = int(judge.stdout.readline())
        time.sleep(0.3)
        assert running(worker)
        judge.kill()
    deadline = time.monotonic() + 10
    while running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(worker)


def test_flood_of_output(judged: Callable[..., Judge]) -> None:
    """Megabytes of output block nothing, and only their beginning is kept."""
    judge = judged(kernels=kernels("print('x' * 5_000_000)"))
    judge.run(call("kernels.bias_add", Z, b))
    assert judge._runner.worker is not None
    assert len(judge._runner.worker.output) <= 64 << 10


WRITES_TO_NOWHERE = """
from pycuda import autoinit
from pycuda.compiler import SourceModule
write = SourceModule("__global__ void write(float* a) { a[1 << 20] = 1; }").get_function("write")
write(Z, block=(1, 1, 1))
autoinit.context.synchronize()
""".strip()


def test_lost_device(judged: Callable[..., Judge]) -> None:
    """After an illegal access the next call gets a fresh worker."""
    judge = judged(kernels=kernels(WRITES_TO_NOWHERE))
    failure(judge, call("kernels.bias_add", Z, b))
    judge.run(call("blas.gemm", Z, np.eye(3, dtype=np.float32)))


def test_lost_device_while_counting(judged: Callable[..., Judge]) -> None:
    """After an illegal access in a call that is counted, the next one gets a fresh worker."""
    judge = judged(kernels=kernels(WRITES_TO_NOWHERE))
    assert judge.count(call("kernels.bias_add", Z, b)) is None
    assert judge.count(call("blas.gemm", Z, np.eye(3, dtype=np.float32))) is not None


@pytest.mark.parametrize(
    ("contents", "words", "line"),
    [
        ({"kernels": "def bias_add(Z, b)\n    pass\n"}, "does not load: SyntaxError", 1),
        ({"kernels": "\n\n1 / 0\n"}, "does not load: ZeroDivisionError", 3),
        ({"kernels": "input('? ')\n"}, "no keyboard", 1),
        ({"kernels": "import sys; sys.exit(0)\n"}, "does not load: SystemExit", 1),
        ({"kernels": "x = '\xff'\n".encode("latin-1")}, "save the file as UTF-8", 1),
        ({"kernels": None}, "there is no kernels.py", None),
        ({"kernels": "import os; os._exit(0)\n"}, "ended the process", None),
        ({"kernels": "import no_such_module\n"}, "ModuleNotFoundError", 1),
        ({"kernels": "x = 1\n"}, "kernels.py has no bias_add", None),
    ],
)
def test_module_that_does_not_load(
    judged: Callable[..., Judge], contents: dict[str, Any], words: str, line: int | None
) -> None:
    """A module that does not load is told with its line; the other modules are graded."""
    judge = judged(**contents)
    caught = failure(judge, call("kernels.bias_add", Z, b))
    assert words in caught.message
    assert caught.file == "kernels.py"
    if line is not None:
        assert caught.line == line
    judge.run(call("blas.gemm", Z, np.eye(3, dtype=np.float32)))


def test_print_at_import(judged: Callable[..., Judge]) -> None:
    """A module that prints, or closes stdout, is graded like any other."""
    text = (SOLUTION / "kernels.py").read_text("utf-8")
    judge = judged(kernels=f"print('hello')\nimport sys; sys.stdout.close()\n{text}")
    judge.run(call("kernels.bias_add", Z, b))


def test_windows_line_ends(judged: Callable[..., Judge]) -> None:
    """Windows line ends change nothing."""
    text = (SOLUTION / "kernels.py").read_bytes()
    judge = judged(kernels=text.replace(b"\n", b"\r\n"))
    judge.run(call("kernels.bias_add", Z, b))


def test_changed_signature(judged: Callable[..., Judge]) -> None:
    """A function with other parameters is told apart from one that fails inside."""
    judge = judged(kernels=f"{GIVEN}def bias_add(Z):\n    pass\n")
    caught = failure(judge, call("kernels.bias_add", Z, b))
    assert "its signature differs from the handout's" in caught.message
    assert (caught.file, caught.line) == ("kernels.py", 3)


def test_stand_ins(judged: Callable[..., Judge]) -> None:
    """What is replaced is replaced for those that imported it by name, too."""
    judge = judged(blas="def gemm(*_, **__):\n    raise ValueError('mine')\n")
    with pytest.raises(RaisedInSubmission, match="mine"):
        judge.run(call("blas.gemm", Z, Z))
    judge.replaced.add("blas.gemm")
    *_, outcome = judge.run(
        new("m", "linear.LinearClassifier", 3, 3),
        put("m", W=np.eye(3, dtype=np.float32), b=b),
        call("m.scores", Z),
    )
    np.testing.assert_array_equal(outcome.returned.array, Z + 1)


def test_submission_folder_is_not_written(judged: Callable[..., Judge]) -> None:
    """Grading leaves no bytecode or other files beside the student's."""
    judge = judged()
    judge.run(call("kernels.bias_add", Z, b))
    assert {path.name for path in judge.folder.iterdir()} == {
        "kernels.py", "blas.py", "linear.py", "network.py", "training.py"
    }  # fmt: skip


def test_inputs_depend_on_seed_and_names(reference: Judge) -> None:
    """The same seed and names give the same inputs, other names other inputs."""
    first = reference.rng("1.1", "small").integers(2**40)
    assert first == reference.rng("1.1", "small").integers(2**40)
    assert first != reference.rng("1.1", "ragged").integers(2**40)


OWN_MISTAKE = """
import emulator
exec(compile("def copy(array):\\n    return adress(array)", emulator.__file__, "exec"))
"""


def test_grader_mistake_is_no_verdict(judged: Callable[..., Judge]) -> None:
    """What raises in the emulator by the emulator's own mistake is told as that, with traceback."""
    judge = judged(kernels=OWN_MISTAKE + kernels("copy(b)"))
    with pytest.raises(OwnFault, match="name 'adress' is not defined") as caught:
        judge.run(call("kernels.bias_add", Z, b))
    assert "in bias_add" in caught.value.trace
    assert judge.attempt(call("kernels.bias_add", Z, b)) is None


def test_grader_mistake_while_loading(judged: Callable[..., Judge]) -> None:
    """A file that does not load by the emulator's own mistake is not said to be wrong."""
    judge = judged(kernels=OWN_MISTAKE + "copy(1)\n")
    with pytest.raises(OwnFault, match="name 'adress' is not defined"):
        judge.require("kernels.bias_add")


def test_bonus_under_another_name(judged: Callable[..., Judge]) -> None:
    """The function of the bonus, which has no stand-in, is missed only where it is asked for."""
    judge = judged(training="# graphed_step is what I'd call it\n")
    with pytest.raises(CheckFailure, match=r"training\.py has no graphed_step"):
        judge.require("training.graphed_step")


FORGE = """
import json, struct, sys
def forge(raw):
    frame = sys._getframe()
    while frame and not {"pipe", "request"} <= frame.f_locals.keys():
        frame = frame.f_back
    pipe, request = frame.f_locals["pipe"], frame.f_locals["request"]
    header = '{"id": %s, "arrays": [], %s}' % (json.dumps(request["id"]), raw)
    pipe.write_all(struct.pack("<4sIQ", b"GRD1", len(header), 0), header.encode())
    sys.stdin.read(); __import__("time").sleep(5)
"""


@pytest.mark.parametrize(
    "reply",
    [
        '"modules": 5',
        '"missing": 5',
        '"modules": {"kernels": {"line": []}}',
        '"unusable": "the driver \\u001b[2J is gone"',
    ],
)
def test_forged_load(judged: Callable[..., Judge], reply: str) -> None:
    """A reply that is written while a module is imported is that module's fault, not ours."""
    judge = judged(kernels=f"{FORGE}\nforge({reply!r})\n")
    assert WROTE_TO_PIPE in failure(judge, call("kernels.bias_add", Z, b)).message


@pytest.mark.parametrize(
    "result",
    [
        "5",
        '{"returned": {"kind": "GPUArray", "shape": [1e400]}}',
        '{"launches": [{"own": true}]}',
        '{"fault": 5}',
    ],
)
def test_forged_result(judged: Callable[..., Judge], result: str) -> None:
    """A reply that makes no sense is no fault of the grader's."""
    reply = f'"results": [{result}]'
    judge = judged(kernels=FORGE + kernels(f"forge({reply!r})"))
    assert WROTE_TO_PIPE in failure(judge, call("kernels.bias_add", Z, b)).message


def test_unusable_while_running(judged: Callable[..., Judge]) -> None:
    """Once a submission runs, its device has started."""
    judge = judged(kernels=FORGE + kernels("""forge('"unusable": "no driver"')"""))
    assert WROTE_TO_PIPE in failure(judge, call("kernels.bias_add", Z, b)).message


SUBCLASS = """
from pycuda.gpuarray import GPUArray
class Mine(GPUArray):
    def get(self, *_, **__):
        return np.full(self.shape, 7, self.dtype)
made = Mine(Z.shape, Z.dtype)
made.set(Z.get())
return made
"""


def test_memory_is_read_by_its_own_class(judged: Callable[..., Judge]) -> None:
    """What a GPUArray holds counts, whatever a submission's subclass says that it holds."""
    (outcome,) = judged(kernels=kernels(SUBCLASS)).run(call("kernels.bias_add", Z, b))
    np.testing.assert_array_equal(outcome.returned.array, Z)


def test_times_are_taken_alone(
    judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge's own worker ends before a pair loads; one whose worker ended is replaced."""
    judge = judged()
    told: list[str] = []
    started: list[str] = []

    def start(*_: Any, **__: Any) -> Any:
        told.append("start")
        name = f"pair {len(started)}"
        started.append(name)
        return SimpleNamespace(
            is_over=False,
            load=lambda: told.append(f"load with {judge.pid}"),
            close=lambda: told.append(f"close {name}"),
        )

    def turn(name: str) -> Callable[[], None]:
        return lambda: told.append(name)

    turns = {name: turn(name) for name in ("together", "alone", "leave")}
    monkeypatch.setattr(judge._runner, "turns", SimpleNamespace(**turns))
    monkeypatch.setattr(judge_module, "Pair", SimpleNamespace(start=start))
    judge.require("kernels.bias_add")
    assert judge.pid is not None
    pair: Any = judge.beside_reference()
    assert judge.beside_reference() is pair
    assert told == ["together", "leave", "start", "alone", "load with None"]
    judge.require("kernels.bias_add")  # what is known needs no worker
    assert judge.pid is None
    told.clear()
    pair.is_over = True
    assert judge.beside_reference() is not pair
    judge.close()
    begun = ["close pair 0", "leave", "start", "alone", "load with None"]
    assert told == [*begun, "close pair 1", "leave"]
