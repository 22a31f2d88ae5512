"""Loads a submission's files flat, the judge's own device.py first, with stand-ins where told.

`import kernels` in a submission means the file kernels.py beside it, whatever else is installed
under that name. Functions that failed, are not started, or are missing are replaced right after the
module that defines them is executed, which is before any module that imports them goes on.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from typing import TYPE_CHECKING, Any

from grader import tasks
from grader.worker import standins
from grader.worker.device import StartError, reason
from grader.worker.faults import describe_fault

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

MODULES = tuple(file.removesuffix(".py") for file in tasks.FILES)
"""The modules of a submission, in the order in which they build on each other."""


class Submission(MetaPathFinder):
    """A submission's modules in this process.

    Args:
        folder: where its files are; resolved.
        device: the judge's own device.py.
        replaced: functions to replace by stand-ins, e.g. "kernels.column_mean".
        without: modules that are not to be imported at all: they killed a worker.
        told: called with the name of each module before it is imported, which may kill this
            process.
    """

    def __init__(
        self,
        folder: Path,
        device: Path,
        replaced: Iterable[str],
        without: Iterable[str] = (),
        told: Callable[[str], object] = str,
    ) -> None:
        self.folder, self._device, self._told = folder, device, told
        self._replaced, self._without = frozenset(replaced), frozenset(without)
        self.missing: list[str] = []

    def load(self, prepare: Callable[[Any], None] | None = None) -> dict[str, Any]:
        """Import every module.

        Args:
            prepare: called with the device module before student code is imported.

        Returns:
            {"modules": {name: None, or its fault}, "missing": functions that a loaded module
            should have and has not}. A module that fails is replaced by its stand-ins, so that the
            next can be loaded.

        Raises:
            StartError: the device does not start.
        """
        self._forget()
        sys.meta_path.insert(0, self)
        if "device" not in sys.modules:
            try:
                device = importlib.import_module("device")
                if prepare is not None:
                    prepare(device)
            except Exception as error:  # nothing of the student's has run yet
                raise StartError(reason(error)) from error
        place = str(self.folder)
        sys.path.append(place)  # for files of the student's own beside the five
        sys.path_importer_cache[place] = FileFinder(place, (_Source, SOURCE_SUFFIXES))
        modules = {name: self._load(name) for name in MODULES}
        if not _has(sys.modules[tasks.GRAPH.partition(".")[0]], tasks.GRAPH):
            self.missing.append(tasks.GRAPH)  # which has no stand-in
        return {"modules": modules, "missing": self.missing}

    def resolve(self, name: str) -> Any:
        """The object behind "module.function" or "module.Class"; AttributeError without one."""
        module, *attributes = name.split(".")
        found: Any = sys.modules[module]
        for attribute in attributes:
            found = getattr(found, attribute)
        return found

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the submission's modules and for device; see importlib."""
        del path, target
        if name == "device":
            file = self._device
        elif name in MODULES and name not in self._without:
            file = self.folder / f"{name}.py"
        else:
            return None
        if not file.is_file():
            return None
        return importlib.util.spec_from_file_location(name, file, loader=_Loader(name, file, self))

    def replace(self, module: types.ModuleType, *, only_missing: bool = False) -> None:
        """Put stand-ins into a module for what is told to be replaced and for what is missing."""
        for name in standins.names(module.__name__):
            present = _has(module, name)
            if not present and name not in self.missing:
                self.missing.append(name)
            if not present or (name in self._replaced and not only_missing):
                standins.put(module, name)

    def _load(self, name: str) -> dict[str, Any] | None:
        if name in self._without:
            sys.modules[name] = standins.module(name)
            return None
        self._told(name)
        if not (self.folder / f"{name}.py").is_file():
            sys.modules[name] = standins.module(name)
            text = f"there is no {name}.py{_instead(self.folder / f'{name}.py')}"
            return {"type": "missing", "message": text, "file": f"{name}.py"}
        try:
            importlib.import_module(name)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - sys.exit() at module level, too, is a fault
            sys.modules[name] = standins.module(name)
            return describe_fault(error, self.folder)
        return None

    def _forget(self) -> None:
        """Drop earlier loads, the files beside the five included, and keep the device."""
        earlier = [finder for finder in sys.meta_path if isinstance(finder, Submission)]
        places = tuple(f"{each.folder}/" for each in (self, *earlier))
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in earlier]
        sys.path[:] = [entry for entry in sys.path if f"{entry}/" not in places]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name in MODULES or (file.startswith(places) and name != "device"):
                del sys.modules[name]


class _Source(SourceFileLoader):
    """Runs what the file says: a __pycache__ beside it may say something else."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        code: types.CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _instead(path: Path) -> str:
    """What lies where a file is missed, " but a folder of that name"; "" for nothing."""
    kinds = {
        "link that leads nowhere": path.is_symlink() and not path.exists(),
        "folder": path.is_dir(),
        "pipe": path.is_fifo(),
        "special file": path.exists(),
    }
    return next((f" but a {kind} of that name" for kind, is_it in kinds.items() if is_it), "")


class _Loader(_Source):
    def __init__(self, name: str, file: Path, submission: Submission) -> None:
        super().__init__(name, str(file))
        self._submission = submission

    def exec_module(self, module: types.ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ != "device":
            self._submission.replace(module)


def _has(module: types.ModuleType, name: str) -> bool:
    found: Any = module
    for attribute in name.split(".")[1:]:
        found = getattr(found, attribute, None)
    return callable(found)
