"""What a worker tells of what its submission does, and what it does not."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.judge import CheckFailure, Judge, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grader.isolation import Event

ROOT = Path(__file__).resolve().parents[3]
SOLUTION = ROOT / "solution"

KERNELS = """
import ctypes, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path
import numpy as np

def bias_add(code):
    exec(code, dict(globals()))  # line 7
"""
LINE = 7

BY_A_LIBRARY = """
import tempfile
from mako.util import read_file
others = os.path.dirname(os.path.dirname(__file__))
tempfile.tempdir = others  # which makes it no folder for scratch
read_file(others + '/theirs/kernels.py')
"""

PARTIAL = """
from functools import partial, partialmethod
from pycuda.gpuarray import GPUArray
import kernels
GPUArray.get = partialmethod(partial(kernels.bias_add), "pass")
"""


class Watched:
    """A submission that runs any program it is given, and what was told of each."""

    def __init__(self, folder: Path) -> None:
        (folder / "kernels.py").write_text(KERNELS)
        self.folder, self.judge = folder, Judge(folder, 1, SOLUTION / "device.py")

    def events(self, program: str) -> list[Event]:
        """What one program causes to be told."""
        before = len(self.judge.events)
        with contextlib.suppress(CheckFailure):
            self.judge.run(call("kernels.bias_add", program), own=["kernels.bias_add"])
        self.judge.renew()
        return list(self.judge.events[before:])


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One for all programs, with another submission beside it."""
    others = tmp_path_factory.mktemp("all")
    for name in ("mine", "theirs"):
        (others / name).mkdir()
    (others / "theirs" / "kernels.py").write_text("secret")
    made = Watched(others / "mine")
    yield made
    made.judge.close()


@pytest.mark.parametrize(
    ("program", "kind", "detail"),
    [
        (f"open({str(SOLUTION / 'kernels.py')!r})", "read", "solution/kernels.py"),
        (f"Path({str(ROOT / 'grader/oracle.py')!r}).read_text()", "read", "oracle.py"),
        (f"np.fromfile({str(SOLUTION / 'kernels.py')!r})", "read", "kernels.py"),
        (
            "Path(__file__).parents[1].joinpath('theirs/kernels.py').read_text()",
            "read",
            "theirs/kernels.py",
        ),
        (BY_A_LIBRARY, "read", "theirs/kernels.py"),
        (f"os.listdir({str(ROOT)!r})", "read", str(ROOT)),
        ("open('/etc/passwd')", "read", "/etc/passwd"),
        ("open(f'/proc/{os.getppid()}/environ')", "environment", "/environ"),
        ("open(f'/proc/{os.getppid()}/mem', 'rb')", "read", "/mem"),
        ("open('/var/made-by-test', 'w')", "write", "/var/made-by-test"),
        ("Path(__file__).with_name('new.py').write_text('')", "write", "new.py"),
        ("os.remove('/var/not-there')", "write", "/var/not-there"),
        ("subprocess.run(['true'])", "process", "subprocess.Popen true"),
        ("os.system('true')", "process", "os.system true"),
        ("os._exit(0) if os.fork() == 0 else os.wait()", "process", "os.fork"),
        ("os.kill(os.getppid(), 0)", "signal", "os.kill"),
        ("socket.create_connection(('127.0.0.1', 9))", "network", "127.0.0.1"),
        ("socket.socket().connect(('127.0.0.1', 9))", "network", "127.0.0.1"),
        ("import urllib.request as u; u.urlopen('http://127.0.0.1:9')", "network", "127.0.0.1"),
        ("ctypes.CDLL(None)", "native", "ctypes.dlopen"),
        ("ctypes.string_at(id(0), 1)", "native", "ctypes.string_at"),
        ("os.environ['NVCC_APPEND_FLAGS'] = '-O0'", "setting", "NVCC_APPEND_FLAGS"),
        ("import grader.oracle", "import", "grader"),
        ("import tests.conftest", "import", "tests"),
        ("os.environ['PATH'] = os.getcwd() + ':' + os.environ['PATH']", "setting", "PATH"),
        ("os.environ['PATH'] = '/usr/bin'", "setting", "PATH"),
        ("os.environ['LD_PRELOAD'] = 'mine.so'", "setting", "LD_PRELOAD"),
        ("sys.addaudithook(print)", "patched", "sys.addaudithook"),
    ],
)
def test_told(watched: Watched, program: str, kind: str, detail: str) -> None:
    """What has no business in a homework is told, with the line of the submission."""
    told = watched.events(program)
    assert [event for event in told if event.kind == kind and detail in event.detail], told
    assert {(event.file, event.line) for event in told} == {("kernels.py", LINE)}


@pytest.mark.parametrize(
    "program",
    [
        "np.save('mine.npy', np.ones(3)); np.load('mine.npy'); os.remove('mine.npy')",
        "open(__file__).read(); os.listdir(os.path.dirname(__file__))",
        "import json, random, xml.dom.minidom; print('hello')",
        "import warnings; warnings.warn('careful')",
        "open('/proc/self/maps').read(); open('/proc/cpuinfo').read()",
        "import tempfile; tempfile.TemporaryFile().write(b'x')",
        "thread = threading.Thread(target=time.sleep, args=(0,)); thread.start(); thread.join()",
        "os.environ['MY_SETTING'] = '1'",
        "os.environ['PATH'] += ':/usr/local/cuda/bin'",
        "os.environ['PATH'] = '/opt/cuda/bin:' + os.environ['PATH']",
        "os.environ['CUDA_VISIBLE_DEVICES'] = '0'",
        "print('step', file=open(Path(__file__).with_name('train.log'), 'a'))",
        "import platform; print(platform.processor())",
        "subprocess.run(['nvidia-smi'])",
        "import multiprocessing as m; p = m.get_context('fork').Process(); p.start(); p.join()",
        (
            "p = __import__('multiprocessing').Process(target=time.sleep, args=(9,)); p.start(); "
            "p.terminate(); p.join()"
        ),
        "os.kill(os.getpid(), 0)",
        "import gc; print(len(gc.get_objects()))",
        "print(list(Path(__file__).parent.parent.glob('*')))",
        "import numpy; numpy.bool, numpy.int = bool, int; numpy.product = numpy.prod",
        "import builtins; builtins.print = lambda *_, **__: None",
        "from pycuda.gpuarray import GPUArray as G; G.__repr__ = lambda array: str(array.shape)",
        "import logging; logging.getLogger('mine').warning('x')",
        "from pycuda import gpuarray; (gpuarray.zeros(4, np.float32) + 1).get()",
        "from pycuda.compiler import SourceModule; SourceModule('__global__ void f() {}')",
        "import pycuda.curandom, pycuda.reduction",
        "from skcuda import cublas; from data import fashion_mnist",
        "import multiprocessing, asyncio, platform; platform.machine()",
        "raise ValueError('plain')",
        "import traceback; traceback.print_stack()",
        "import cProfile; profile = cProfile.Profile(); profile.enable(); profile.disable()",
        "sys.settrace(None); sys.setprofile(None); threading.setprofile(None)",
    ],
)
def test_not_told(watched: Watched, program: str) -> None:
    """Honest code is accused of nothing."""
    assert watched.events(program) == []


def test_threads(watched: Watched) -> None:
    """A thread does not hide who started it."""
    program = "t = threading.Thread(target=open, args=('/etc/passwd',)); t.start(); t.join()"
    assert [event.kind for event in watched.events(program)] == ["read"]


def test_survives_the_worker(watched: Watched) -> None:
    """What was tried is told though the process ends at once."""
    told = watched.events("open('/etc/shadow')\n" * 2 + "os._exit(0)")
    assert [event.kind for event in told] == ["read"]
    told = watched.events("ctypes.string_at(0)")
    assert "native" in [event.kind for event in told]


def test_closed_descriptor(watched: Watched) -> None:
    """A submission that closes the descriptor of events is told for that."""
    program = "for fd in map(int, os.listdir('/proc/self/fd')):\n"
    program += "    if fd == int(sys.argv[3]): os.close(fd)\ntime.sleep(0.3)"
    told = watched.events(program)
    assert [(event.kind, event.detail.split(":")[1]) for event in told] == [("patched", " closed")]


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("time.perf_counter = lambda: 0.0", "time.perf_counter"),
        ("import pycuda.driver as d; d.Event.time_till = lambda *_: 1.0", "driver.Event.time_till"),
        ("from pycuda import gpuarray as g; g.GPUArray.get = lambda *_: 0", "GPUArray.get"),
        ("np.asarray = lambda x: x", "numpy.asarray"),
        ("import builtins; builtins.len = lambda x: 3", "builtins.len"),
        ("import gc; gc.collect = print", "gc.collect"),
        ("sys.modules['time'] = np.random", "sys.modules.time"),
        (PARTIAL, "GPUArray.get"),
    ],
)
def test_patched(watched: Watched, program: str, name: str) -> None:
    """What was put in the place of something else is told by its name."""
    told = [event for event in watched.events(program) if event.kind == "patched"]
    assert [event for event in told if name in event.detail], told


def test_patched_as_long_as_it_is(tmp_path: Path) -> None:
    """A patch is told after every request, until it is taken back."""
    made = Watched(tmp_path)
    try:
        for code, count in (
            ("time.real = time.sleep; time.sleep = print", 1),
            ("pass", 2),
            ("pass", 3),
            ("time.sleep = time.real", 3),
            ("pass", 3),
        ):
            made.judge.run(call("kernels.bias_add", code))
            assert [event.detail for event in made.judge.events] == ["time.sleep: replaced"] * count
    finally:
        made.judge.close()


def test_import_hook(watched: Watched) -> None:
    """An import hook of the submission's is told; those of libraries are not."""
    program = (
        "import sys\n"
        "source = 'class Hook:\\n    def find_spec(self, *_): return None\\n'\n"
        "Path('hook.py').write_text(source); sys.path.insert(0, '.')\n"
        "import hook; sys.meta_path.insert(0, hook.Hook())"
    )
    assert watched.events(program) == []  # of a file that is not the submission's own
    (watched.folder / "mine.py").write_text("class Hook:\n    find_spec = lambda *_: None\n")
    told = watched.events("import mine; sys.meta_path.insert(0, mine.Hook())")
    assert [(event.kind, event.file) for event in told] == [("patched", "mine.py")]


@pytest.mark.parametrize("name", ["numpy.py", "pycuda", "sitecustomize.py", "time.py", "gc.py"])
def test_shadows(tmp_path: Path, name: str) -> None:
    """A module beside the submission takes no other's place, and is told."""
    path = tmp_path / name
    if path.suffix:
        path.write_text("raise SystemExit('shadow')")
    else:
        path.mkdir()
        (path / "__init__.py").write_text("raise SystemExit('shadow')")
    made = Watched(tmp_path)
    try:
        told = made.events("import numpy, pycuda.driver, time, gc; numpy.ones(3)")
        assert [event.kind for event in told] == ["import"]
        assert name in told[0].detail
    finally:
        made.judge.close()


def test_reference_is_accused_of_nothing(reference: Judge) -> None:
    """The solution's own modules are loaded and called without a word."""
    reference.require("training.train")
    assert reference.events == ()
