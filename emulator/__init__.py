"""An NVIDIA device on the CPU, below the real PyCUDA and scikit-cuda.

    import emulator

    emulator.install()            # before pycuda.driver is imported
    import pycuda.autoinit        # from here on, plain PyCUDA

`python -m emulator run script.py` does this for a script. README.md beside this file says what
the device checks, and what it does not have.
"""

from __future__ import annotations

# The function `findings` takes the place of the submodule of that name here: write
# `from emulator.findings import …` to reach the module.
from emulator.findings import Finding, Place, findings
from emulator.findings import clear as clear_findings

__all__ = ["Finding", "Place", "clear_findings", "findings", "install", "is_installed"]


def install(*, check: bool | None = None, report: bool | None = None) -> None:
    """Let this process, and Python processes it starts, see the emulated device.

    Args:
        check: Whether every memory access of kernels is checked. None: EMULATOR_CHECK, else yes.
        report: Whether findings are written to stderr, once each. None: EMULATOR_REPORT, else yes.

    Raises:
        RuntimeError: PyCUDA's own driver is already imported, or the device already runs with
            the other setting of `check`.
        ValueError: A variable EMULATOR_… has a value that is not understood.
    """
    from emulator import activation  # noqa: PLC0415  # keeps `import emulator` cheap

    activation.install(check, report)


def is_installed() -> bool:
    """Whether `install` was called in this process."""
    from emulator import activation  # noqa: PLC0415

    return activation.is_installed()
