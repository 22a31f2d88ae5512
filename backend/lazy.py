"""Activate the backend at the first import of PyCUDA or scikit-cuda.

Setup writes a `.pth` file that imports this module at every start of Python in `.venv`. So plain
`python linear.py`, `python -m solution.training` and notebooks run on a GPU or on the emulator
without a line of their own. Nothing else is imported here: a program that never touches PyCUDA
must not notice.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class Activation:
    """A finder that only activates the backend, then lets the others find PyCUDA."""

    def __init__(self) -> None:
        self.done = False

    def find_spec(self, name: str, *_path_and_target: object) -> "ModuleSpec | None":
        """Answer the import system: None, but for the first `import pycuda` or `import skcuda`."""
        if self.done or name not in ("pycuda", "skcuda"):
            return None
        self.done = True  # before activating: whatever activation imports must not come back here
        import importlib.util  # noqa: PLC0415  (late on purpose)

        from backend.choice import activate  # noqa: PLC0415  (the same)

        activate()
        return importlib.util.find_spec(
            name
        )  # activation has changed the list of finders being walked


if not any(isinstance(finder, Activation) for finder in sys.meta_path):
    sys.meta_path.insert(0, Activation())
