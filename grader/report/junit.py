"""The report as JUnit XML, in the form that Jenkins, GitLab and pytest's own files agree on.

One suite a report, one case a part of a task, so that a task that is right in part shows as such.
There is no standard; this keeps to the elements and attributes of Jenkins' junit-10.xsd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from grader import tasks
from grader.report import conduct
from grader.report.plain import plain
from grader.report.words import in_words
from grader.result import PartResult, State

if TYPE_CHECKING:
    from pathlib import Path

    from grader.result import Report, Result


def write(report: Report, file: Path) -> None:
    """Write the report; OSError where that cannot be done."""
    file.write_bytes(to_xml(report))


def to_xml(report: Report) -> bytes:
    """The document, in UTF-8."""
    suite = ET.Element("testsuite", name="homework 5", time=f"{report.seconds:.3f}")
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("score", report.score),
        ("max_score", report.max_score),
        ("backend", report.backend),
        ("seed", report.seed),
        ("submission", report.submission),
    ):
        ET.SubElement(properties, "property", name=name, value=plain(str(value)))
    if report.isolation:
        ET.SubElement(properties, "property", name="isolation", value=plain(report.isolation))
    for result in report.results:
        _task(suite, result, report.submission)
    if told := "\n".join(filter(None, (*report.notes, conduct.in_words(report)))):
        ET.SubElement(suite, "system-out").text = plain(told)
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return bytes(ET.tostring(suites, "utf-8", xml_declaration=True)) + b"\n"


def _task(suite: ET.Element, result: Result, submission: str) -> None:
    parts = {part.name: part for part in result.parts}
    shown = tasks.find(result.task).parts
    for part in shown:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"{result.task} {result.title}",
            name=part.name,
            # The table keeps the time of a task, not of a part: its cases share it.
            time=f"{result.seconds / len(shown):.3f}",
        )
        if part.name in parts:
            _judged(case, in_words(result, submission), result, parts[part.name])
        else:
            told = in_words(result, submission) or result.state.value
            is_due = result.state is State.NOT_STARTED and not tasks.find(result.task).bonus
            kind = "failure" if is_due else "skipped"
            ET.SubElement(case, kind, message=_line(told)).text = told


def _judged(case: ET.Element, told: str, result: Result, part: PartResult) -> None:
    if part.fault:
        wrong = ET.SubElement(case, "error", message=_line(part.message), type="grader")
        wrong.text = told
    elif not part.passed:
        message = part.message or result.message
        kind = part.findings[0].kind if part.findings else _diagnosis(part)
        wrong = ET.SubElement(case, "failure", message=_line(message), type=plain(kind))
        wrong.text = told


def _diagnosis(part: PartResult) -> str:
    return part.diagnoses[0].id if len(part.diagnoses) == 1 else "wrong"


def _line(text: str) -> str:
    return plain(text.splitlines()[0]) if text else ""
