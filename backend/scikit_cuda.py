"""Help scikit-cuda 0.5.3 (2019) on today's machines, without touching a file of it.

Three things have changed under it:

- setuptools 81 removed `pkg_resources`, which `skcuda` asks for its own version;
- it looks for `libcublas.so` and versions up to 10.1, while today's toolkits, wheels and drivers
  have `libcublas.so.12`, `libcublas.so.13`, `libcudart.so.13`, `libcuda.so.1`, often without the
  unversioned link;
- it warns at each import (about a cuBLAS handle it makes to learn the version; about its own
  invalid escapes).

While a module of `skcuda` is being imported, and only then, `pkg_resources` is a stand-in,
`ctypes.cdll` finds today's libraries by yesterday's names, and warnings are quiet. `skcuda.cublas`
then works with NumPy 2; `skcuda.misc`, `skcuda.linalg` and `skcuda.fft` do not import with NumPy
1.24 or newer, and are left as they are.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import importlib.metadata
import sys
import types
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def help_imports(libraries: Mapping[str, str]) -> None:
    """Install the help; a second call replaces the first one's libraries.

    Args:
        libraries: paths of libraries by the name that scikit-cuda asks for ("libcublas.so"). They
        are used where
            the dynamic linker does not know that name.
    """
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    sys.meta_path.insert(0, _Finder(libraries))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `skcuda` and its modules where they are, and has them imported with help."""

    def __init__(self, libraries: Mapping[str, str]) -> None:
        self.libraries = libraries

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "skcuda":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.libraries)
        return spec


class _Loader(importlib.abc.Loader):
    """Runs a module's code with help, then leaves the module with its own loader."""

    def __init__(self, own: importlib.abc.Loader, libraries: Mapping[str, str]) -> None:
        self.own = own
        self.libraries = libraries

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = self.own
        if module.__spec__ is not None:
            module.__spec__.loader = self.own
        with _pkg_resources(), _library_names(self.libraries), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.own.exec_module(module)


@contextlib.contextmanager
def _pkg_resources() -> Iterator[None]:
    """Let `import pkg_resources` give a stand-in with the two functions that scikit-cuda uses.

    Also where the real one is installed: importing that takes longer than everything else in
    scikit-cuda together.
    """
    if "pkg_resources" in sys.modules:
        yield
        return
    stand_in = types.ModuleType("pkg_resources")
    stand_in.require = lambda name: [importlib.metadata.distribution(name)]  # type: ignore[attr-defined]
    stand_in.declare_namespace = lambda _name: None  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = stand_in
    try:
        yield
    finally:
        if sys.modules.get("pkg_resources") is stand_in:
            del sys.modules["pkg_resources"]


@contextlib.contextmanager
def _library_names(libraries: Mapping[str, str]) -> Iterator[None]:
    """Let `ctypes.cdll.LoadLibrary` fall back to the given paths, after the linker's own answer."""
    load = ctypes.cdll.LoadLibrary
    own = "LoadLibrary" in vars(ctypes.cdll)  # modules of skcuda import each other: this nests

    def load_todays(name: str) -> ctypes.CDLL:
        try:
            return load(name)
        except OSError:
            if name not in libraries:
                raise
            return load(libraries[name])

    vars(ctypes.cdll)["LoadLibrary"] = load_todays
    try:
        yield
    finally:
        if own:
            vars(ctypes.cdll)["LoadLibrary"] = load
        else:
            del vars(ctypes.cdll)["LoadLibrary"]
