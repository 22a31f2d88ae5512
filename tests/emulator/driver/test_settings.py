"""Environment variables."""

from __future__ import annotations

import pytest

from emulator.driver.settings import Settings


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables the device is checked, and has 4 GiB."""
    for name in ("CHECK", "REPORT", "MEMORY_BYTES", "TIME_LIMIT_S"):
        monkeypatch.delenv(f"EMULATOR_{name}", raising=False)
    settings = Settings(check=False)
    settings.read()
    assert (settings.check, settings.report, settings.memory_bytes) == (True, True, 4 << 30)


def test_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables are taken over."""
    monkeypatch.setenv("EMULATOR_CHECK", "0")
    monkeypatch.setenv("EMULATOR_MEMORY_BYTES", "1000000")
    monkeypatch.setenv("EMULATOR_TIME_LIMIT_S", "2.5")
    settings = Settings()
    settings.read()
    assert (settings.check, settings.memory_bytes, settings.time_limit_s) == (False, 1000000, 2.5)


@pytest.mark.parametrize(
    ("name", "value"), [("CHECK", "yes"), ("MEMORY_BYTES", "4G"), ("TIME_LIMIT_S", "0")]
)
def test_wrong_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value that is not understood is an error with the variable and what is expected."""
    monkeypatch.setenv(f"EMULATOR_{name}", value)
    with pytest.raises(ValueError, match=f"EMULATOR_{name} is '{value}', expected"):
        Settings().read()
