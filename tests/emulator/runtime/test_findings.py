"""The log of findings, and what a person reads."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulator.findings import Finding, Kind, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

# `emulator.findings` is also the name of a function of the package.
findings = importlib.import_module("emulator.findings")

RACE = Finding(
    Kind.RACE,
    "both write",
    kernel="column_mean",
    place=Place("kernels.py", 12, "s[t] += s[t + h];"),
    block=(1, 0, 0),
    thread=(33, 0, 0),
    other=Place("kernels.py", 9, "s[t] = x;"),
    other_thread=(1, 0, 0),
)


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(findings, "_log", {})
    monkeypatch.setattr(findings, "listeners", [])
    yield
    findings.clear()


def test_repeated_finding_is_counted() -> None:
    """The same mistake at the same place is one finding, announced once."""
    heard: list[Finding] = []
    findings.listeners.append(heard.append)
    findings.record(RACE)
    findings.record(replace(RACE, count=3, thread=(40, 0, 0)))
    assert findings.findings() == [replace(RACE, count=4)]
    assert heard == [RACE]


def test_other_place_is_another_finding() -> None:
    """Another line, or another kind, is another finding, in order of first sight."""
    other = replace(RACE, place=Place("kernels.py", 13))
    for finding in (other, RACE, replace(RACE, kind=Kind.TRAP)):
        findings.record(finding)
    assert [f.kind for f in findings.findings()] == [Kind.RACE, Kind.RACE, Kind.TRAP]
    findings.clear()
    assert findings.findings() == []


def test_text() -> None:
    """The text has kind, kernel, place, block, thread, explanation and both lines."""
    assert replace(RACE, count=2).text() == (
        "race in column_mean at kernels.py:12, block (1, 0, 0) thread (33, 0, 0) (2 times): "
        "both write\n"
        "    kernels.py:12 | s[t] += s[t + h];\n"
        "    kernels.py:9 | s[t] = x;"
    )


def test_kind_is_a_string() -> None:
    """A kind compares equal to its word."""
    assert RACE.kind == "race"
    assert f"{RACE.kind}" == "race"


@pytest.mark.parametrize("kind", [Kind.OUT_OF_BOUNDS, Kind.RACE, Kind.BARRIER_DIVERGENCE])
def test_advice(kind: Kind) -> None:
    """What a program is told of a mistake in a kernel ends in what to do."""
    finding = Finding(kind, "it went wrong", "k", Place("kernels.py", 3, "x[i] = 1;"))
    *text, step = finding.advice().splitlines()
    assert "\n".join(text) == finding.text()
    assert step.startswith("    next: ")
