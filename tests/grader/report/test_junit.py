"""JUnit XML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from grader.report.junit import to_xml, write
from tests.grader.report.reports import report, timed

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = {
    "testsuites": set(),
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "properties": set(),
    "system-out": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
"""Elements and attributes that Jenkins' junit-10.xsd, GitLab and GitHub's readers know."""

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}


def test_form() -> None:
    """There are no elements nor attributes but those that consumers know."""
    root = ET.fromstring(to_xml(report()))  # noqa: S314 - our own
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.keys()) <= ALLOWED[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())


def test_counts() -> None:
    """The suite's numbers are those of its cases."""
    (suite,) = ET.fromstring(to_xml(report()))  # noqa: S314 - our own
    for attribute, path in (
        ("tests", "testcase"),
        ("failures", "testcase/failure"),
        ("errors", "testcase/error"),
        ("skipped", "testcase/skipped"),
    ):
        assert int(suite.get(attribute, "")) == len(suite.findall(path)) > 0


def test_half_right() -> None:
    """Of a task that is right in part, only the parts that are wrong fail, by their diagnosis."""
    root = ET.fromstring(to_xml(report()))  # noqa: S314 - our own
    cases = {c.get("name"): c for c in root.iter("testcase") if c.get("classname", "")[:3] == "2.3"}
    assert cases["scores"].find("failure") is None
    failure = cases["W"].find("failure")
    assert failure is not None
    assert failure.get("type") == "sum-not-mean"
    assert "Divide by N" in (failure.text or "")


def test_fault_is_an_error() -> None:
    """The grader's own fault is an error, not a failure of the submission."""
    root = ET.fromstring(to_xml(report()))  # noqa: S314 - our own
    (error,) = root.iter("error")
    assert error.get("type") == "grader"
    assert "Sorry" in (error.text or "")


def test_file(tmp_path: Path) -> None:
    """The file is XML in UTF-8, and passing reports have no failure in it."""
    write(timed(), tmp_path / "junit.xml")
    text = (tmp_path / "junit.xml").read_bytes()
    assert text.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    assert b"<failure" not in text


def test_next_step_names_the_submission() -> None:
    """The next command is one that can be typed: it names the submission."""
    told = to_xml(replace(report(), submission="mine")).decode()
    assert "make hint SUBMISSION=mine TASK=" in told
