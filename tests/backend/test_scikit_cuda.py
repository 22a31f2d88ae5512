"""A stand-in for scikit-cuda with the three habits that need help: no GPU and no network here."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from backend import scikit_cuda
from backend.machine import CLONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = "import pkg_resources\n__version__ = pkg_resources.require('numpy')[0].version\n"
PACKAGE = """\
try:
    __import__('pkg_resources').declare_namespace(__name__)
except ImportError:
    from pkgutil import extend_path
    __path__ = extend_path(__path__, __name__)
from .version import __version__
"""
CUBLAS = """\
import ctypes, warnings
from . import cudart
warnings.warn('creating CUBLAS context to get version number')
library = ctypes.cdll.LoadLibrary('libcublas-of-2019.so')
"""
CUDART = "import ctypes\nlibrary = ctypes.cdll.LoadLibrary('libcublas-of-2019.so')\n"


@pytest.fixture
def skcuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An importable `skcuda` in place of the real one, whatever has been imported before."""
    folder = tmp_path / "skcuda"
    folder.mkdir()
    files = {"__init__": PACKAGE, "version": VERSION, "cublas": CUBLAS, "cudart": CUDART}
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = sys.meta_path[:]
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if is_skcuda(name)}
    yield
    sys.meta_path[:] = before
    for name in [name for name in sys.modules if is_skcuda(name)]:
        del sys.modules[name]
    sys.modules.update(loaded)


def is_skcuda(name: str) -> bool:
    """Whether a module is scikit-cuda's."""
    return name.partition(".")[0] == "skcuda"


@pytest.mark.usefixtures("skcuda")
def test_finds_todays_library_by_yesterdays_name(recwarn: pytest.WarningsRecorder) -> None:
    """Where the linker does not know the name, the given path is loaded; no warning is shown."""
    libm = ctypes.util.find_library("m")
    assert libm is not None
    scikit_cuda.help_imports({"libcublas-of-2019.so": libm})
    cublas = importlib.import_module("skcuda.cublas")

    assert cublas.library.cos is not None
    assert len(recwarn) == 0


@pytest.mark.usefixtures("skcuda")
def test_nothing_stays_changed() -> None:
    """After the import, ctypes, pkg_resources and the modules' loaders are as before."""
    libm = ctypes.util.find_library("m")
    assert libm is not None
    scikit_cuda.help_imports({"libcublas-of-2019.so": libm})
    had = "pkg_resources" in sys.modules
    cublas = importlib.import_module("skcuda.cublas")

    with pytest.raises(OSError, match="libcublas-of-2019"):
        ctypes.cdll.LoadLibrary("libcublas-of-2019.so")
    assert "LoadLibrary" not in vars(ctypes.cdll)
    assert ("pkg_resources" in sys.modules) is had
    assert type(cublas.__loader__).__module__ != scikit_cuda.__name__


@pytest.mark.usefixtures("skcuda")
def test_a_library_that_is_nowhere_is_an_error_of_the_linker() -> None:
    """Without a path for the name, the error is what it would be without help."""
    scikit_cuda.help_imports({})
    with pytest.raises(OSError, match="libcublas-of-2019"):
        importlib.import_module("skcuda.cublas")
    assert "LoadLibrary" not in vars(ctypes.cdll)


@pytest.mark.usefixtures("skcuda")
def test_helping_twice_is_helping_once() -> None:
    """A second call replaces the first one's libraries."""
    scikit_cuda.help_imports({})
    scikit_cuda.help_imports({})
    assert sum(isinstance(finder, scikit_cuda._Finder) for finder in sys.meta_path) == 1


def test_the_real_one_imports_without_setuptools() -> None:
    """scikit-cuda as released knows its version although `pkg_resources` does not exist."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in ('setuptools', 'pkg_resources'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from backend import scikit_cuda; scikit_cuda.help_imports({})\n"
        "import skcuda; print(skcuda.__version__)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=CLONE,
        env={"BACKEND": "emulator", "PYTHONPATH": str(CLONE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "0.5.3", done.stderr
