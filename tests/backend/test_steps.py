from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from backend.steps import SetupError, Steps, clean_environ, explain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Steps]:
    """Steps in an empty folder; the lock is an open file."""
    with (tmp_path / "lock").open("w") as lock:
        yield Steps(tmp_path, tmp_path / "log", lock.fileno())


def python(code: str) -> list[str]:
    """A command that runs a line of Python."""
    return [sys.executable, "-c", code]


def test_a_step_is_one_line(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command prints goes to the log; the terminal gets the title and the seconds."""
    steps.run("making it", python("print('details')"))
    assert capsys.readouterr().out.startswith("  making it ... ")
    assert "details" in steps.log.read_text()


def test_a_failed_step_shows_the_end_and_the_next_step(steps: Steps) -> None:
    """The error has the command's own words and, for an unknown cause, the log's name."""
    with pytest.raises(SetupError, match="Failed: trying") as caught:
        steps.run("trying", python("import sys; print('ERROR: boom'); sys.exit(3)"))
    assert "    ERROR: boom" in str(caught.value)
    assert str(steps.log) in str(caught.value)


def test_a_step_holds_the_lock(steps: Steps) -> None:
    """A step inherits the lock's descriptor: pip outlives a killed setup, and so must the lock."""
    steps.run("looking", python(f"import os; os.fstat({steps.lock})"))


def test_steps_are_kept_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that lead elsewhere (PYTHONPATH, PIP_TARGET, PIP_USER) are not passed on."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid")
    environ = clean_environ()
    assert "PYTHONPATH" not in environ
    assert "PIP_TARGET" not in environ
    assert environ["PIP_USER"] == "0"
    assert environ["PIP_INDEX_URL"] == "https://index.invalid"


@pytest.mark.parametrize(
    ("output", "next_step"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("[Errno 13] Permission denied: '/opt/clone/.venv'", "folder of your own"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "sdist"),
        ("SSLError(SSLCertVerificationError)", "PIP_CERT"),
        ("ProxyError('Cannot connect to proxy.')", "HTTPS_PROXY"),
        ("NewConnectionError: Temporary failure in name resolution", "check the network"),
        ("ERROR: No matching distribution found for rich", "pip config list"),
    ],
)
def test_known_causes_have_a_next_step(output: str, next_step: str) -> None:
    """What goes wrong outside this project is told apart by pip's own words."""
    assert next_step in explain("installing", output, "otherwise").splitlines()[-1]


def test_only_the_telling_lines_are_shown() -> None:
    """Of long output, the last lines that name an error; if none does, the last lines."""
    output = "Collecting numpy\nERROR: first\nERROR: second\nCleaning up\n"
    assert explain("x", output, "y").splitlines()[1:-1] == ["    ERROR: first", "    ERROR: second"]
    assert "    3" in explain("x", "1\n2\n3\n", "y")
