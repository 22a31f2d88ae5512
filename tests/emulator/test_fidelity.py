"""How outcomes of other projects' tests are counted (the run itself needs the network)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from emulator.fidelity import Case, _case, _summary

FAILURE = '<failure message="it\n  broke"/>'


@pytest.mark.parametrize(
    ("name", "inside", "expected"),
    [
        ("test_a", "", ("passed", "")),
        ("test_a[3]", FAILURE, ("failed", "it broke")),
        ("test_a", '<error message="no"/>', ("failed", "no")),
        ("test_a", '<skipped message="textures"/>', ("left out", "textures")),
        ("test_recursive_launch", FAILURE, ("left out", "dynamic parallelism is not emulated")),
        ("test_recursive_launch", "", ("passed", "")),
    ],
)
def test_case(name: str, inside: str, expected: tuple[str, str]) -> None:
    """Skips and what is known to be absent are left out with their reason."""
    text = f'<testcase name="{name}">{inside}</testcase>'
    case = _case(ET.fromstring(text))  # noqa: S314  # our own text
    assert (case.outcome, case.reason) == expected


@pytest.mark.parametrize(("failed", "status"), [(2, 0), (3, 1)])
def test_share(failed: int, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """98 of 100 counted cases must pass; those left out do not count."""
    cases = [Case("a", "passed")] * (100 - failed) + [Case("b", "failed", "why")] * failed
    assert _summary([*cases, *[Case("c", "left out", "textures")] * 50]) == status
    text = capsys.readouterr().out
    assert "left out:  50 × textures" in text
    assert "failed: b: why" in text


def test_nothing_ran() -> None:
    """No counted case at all is a failure."""
    assert _summary([]) == 1
