"""What the environment says about the emulated device, read once, when it is installed."""

from __future__ import annotations

import os
from dataclasses import dataclass

_DEFAULT_MEMORY_BYTES = 4 << 30  # enough for the homework, little enough for a laptop
_DEFAULT_TIME_LIMIT_S = 60.0  # a backstop; work limits of the runtime come first


@dataclass
class Settings:
    """The device's memory, the time limit of a kernel, and what is checked and said."""

    check: bool = True
    report: bool = True
    profile: bool = False
    memory_bytes: int = _DEFAULT_MEMORY_BYTES
    time_limit_s: float = _DEFAULT_TIME_LIMIT_S

    def read(self) -> None:
        """Take over the variables EMULATOR_*.

        Raises:
            ValueError: A variable has a value that is not understood.
        """
        self.check = _flag("EMULATOR_CHECK", default=True)
        self.report = _flag("EMULATOR_REPORT", default=True)
        self.memory_bytes = int(_number("EMULATOR_MEMORY_BYTES", _DEFAULT_MEMORY_BYTES))
        self.time_limit_s = _number("EMULATOR_TIME_LIMIT_S", _DEFAULT_TIME_LIMIT_S)


settings = Settings()


def _flag(name: str, *, default: bool) -> bool:
    text = os.environ.get(name, "")
    if text not in ("", "0", "1"):
        raise ValueError(f"{name} is {text!r}, expected 0 or 1: unset it or set one of them")
    return default if text == "" else text == "1"


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1
    if not value > 0:
        raise ValueError(f"{name} is {text!r}, expected a number greater than 0")
    return value
