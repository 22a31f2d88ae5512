"""Which device does student code run on: an NVIDIA GPU, or the emulator in this repository?

`select()` says which and why, `activate()` makes `import pycuda.driver` and `from skcuda import
cublas` work on it. `BACKEND=gpu` or `BACKEND=emulator` in the environment overrides the choice.

Importing this package costs next to nothing (it happens at every start of the project's Python), so
the work is in `backend.choice`, imported when first asked for. Old Pythons must be able to parse
this file: it turns them away.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  (the place where an older Python is told so)
    import shutil

    names = ["python3.13", "python3.12", "python3.11", "python3.10"]
    newer = [name for name in names if shutil.which(name)]
    sys.stderr.write(
        "Python 3.10 or newer is needed; this is Python %d.%d (%s).\n%s\n"  # noqa: UP031
        % (
            sys.version_info[0],
            sys.version_info[1],
            sys.executable,
            "Next: make grade PYTHON=" + newer[0]
            if newer
            else "Next: sudo apt install python3.11 python3.11-venv (Debian, Ubuntu; other systems"
            " have it, too), then  make grade PYTHON=python3.11",
        )
    )
    sys.exit(2)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from backend.choice import Backend, BackendError, activate, select

__all__ = ["Backend", "BackendError", "activate", "select"]


def __getattr__(name: str) -> object:
    """Import `backend.choice` when one of the public names is first used."""
    if name not in __all__:
        raise AttributeError("module 'backend' has no attribute %r" % name)  # noqa: UP031
    from backend import choice  # noqa: PLC0415  (late on purpose, see above)

    return getattr(choice, name)
