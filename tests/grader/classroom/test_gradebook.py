"""Gradebooks and pages: every student once, nothing that runs, no seed for students."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from grader import integrity, tasks
from grader.budget import Used
from grader.classroom import gradebook, pages
from grader.classroom.entries import Entry
from grader.classroom.exports import Student
from grader.classroom.gradebook import Row
from tests.grader.report import reports

if TYPE_CHECKING:
    from pathlib import Path

SEED = 88_442_211
VIOLATION = integrity.violation("network", f"connect {reports.NASTY}", task="1.1", file="blas.py")


def row(name: str = "Ada", id_: str = "", *, late: bool | None = None, error: str = "") -> Row:
    """A student with a report, or with an error in its place."""
    entry = Entry((Student(id_ or name, name),), None, late, ("handed in 2 times",), key=name)
    report = replace(reports.report(), seed=SEED, violations=(VIOLATION,))
    return Row(entry.students[0], entry, None if error else report, error)


def cells(*rows: Row) -> list[dict[str, str]]:
    """The gradebook, as a spreadsheet reads it."""
    return list(csv.DictReader(gradebook.to_csv(rows).splitlines()))


def test_columns() -> None:
    """id, name, score, max, each task, late, note, violations."""
    names = [
        *["id", "name", "score", "max"],
        *(t.id for t in tasks.TASKS),
        *["late", "note", "violations"],
    ]
    (cell,) = cells(row(late=True))
    assert list(cell) == names
    assert (cell["late"], cell["name"]) == ("late", "Ada")
    assert int(cell["score"]) == reports.report().score
    assert "network" in cell["violations"]
    assert cell["5.1"] == ""  # not measured is no zero


def test_error_row() -> None:
    """An error is a row with 0 of what can be had, and the reason."""
    (cell,) = cells(row(error="no homework"))
    assert (cell["score"], cell["max"], cell["1.1"], cell["5.1"]) == ("0", "85", "0", "")
    assert cell["note"] == "no homework; handed in 2 times"
    assert replace(row(error="x"), with_times=True).max_score == 100


def test_time_is_used_up() -> None:
    """A budget that is used up is told in the instructor's words; a near one depends on the day."""
    up, near = (Used(180, used_s, "1.3") for used_s in (180, 100))
    report = replace(reports.report(), results=())

    def told(slowest: str, *notes: str) -> str:
        changed = replace(report, slowest=slowest, notes=notes)
        return cells(replace(row(), report=changed))[0]["note"]

    said = "used up the time of a grading, most of it {}: what came later was not judged; "
    handed_in = "handed in 2 times"
    assert told("1.3", up.note(), "x") == said.format("in 1.3") + f"{handed_in}; x"
    assert told("loading") == said.format("while its files were loaded") + handed_in
    assert told("", near.note()) == handed_in


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "＝1"])
def test_no_formulas(name: str) -> None:
    """A spreadsheet takes no student's name or id for a formula."""
    (cell,) = cells(row(name, name))
    assert cell["name"].startswith("'")
    assert cell["id"].startswith("'")


def test_hostile_name() -> None:
    """A name with line ends, escapes and quotes stays one cell of one line."""
    text = gradebook.to_csv([row(f'a"b,\n{reports.NASTY}')])
    assert len(list(csv.reader(text.splitlines()))) == 2
    assert "\x1b" not in text


def test_same_bytes(tmp_path: Path) -> None:
    """The order in which rows come does not show."""
    people = [row(name, id_) for name, id_ in (("Zoe", "1"), ("ada", "3"), ("Ada", "2"))]
    books = set()
    for place, order in enumerate((people, people[::-1])):
        folder = tmp_path / str(place)
        folder.mkdir()
        gradebook.write(order, folder)
        books.add(
            (folder / "gradebook.csv").read_bytes() + (folder / "gradebook.json").read_bytes()
        )
    assert len(books) == 1


class Outside(HTMLParser):
    """Collects what a page would load, run or leave for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, where its links lead, and what it would run."""
        self.tags.append(tag)
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_pages(tmp_path: Path) -> None:
    """The pages escape what students wrote, load nothing, and link to files that are there."""
    people = [
        row(),
        row(f"Eve {reports.NASTY}", "../../etc/passwd", late=True),
        row("Nobody", error=f"no homework {reports.NASTY}"),
    ]
    pages.write(people, tmp_path, "full")
    written = [tmp_path / "index.html", tmp_path / "integrity.html", *tmp_path.rglob("report.html")]
    assert len(written) == 5
    for page in written:
        text = page.read_text("utf-8")
        found = Outside(text)
        assert not {"img", "iframe", "link", "object"} & set(found.tags), page
        assert "default-src &#x27;none&#x27;" in text
        for target in found.targets:
            path, _, anchor = target.partition("#")
            place = (page.parent / path) if path else page
            assert place.resolve().is_relative_to(tmp_path)
            assert not anchor or f'id="{anchor}"' in place.read_text("utf-8"), target
    index = (tmp_path / "index.html").read_text("utf-8")
    for words in ("The average is missing", "Found: race", "no homework", ">late<"):
        assert words in index


def test_nothing_to_grade_is_no_error(tmp_path: Path) -> None:
    """The class's page says where there was nothing to grade, and over whom its means are."""
    empty = replace(row("Nobody", error="the folder is empty"), is_refused=True)
    pages.write([row(), empty], tmp_path, "full")
    index = (tmp_path / "index.html").read_text("utf-8")
    assert ">nothing to grade<" in index
    assert ">error<" not in index
    assert "<strong>0</strong> with an error" in index
    assert "The means are over the submissions that were graded" in index


def test_no_seed_for_students(tmp_path: Path) -> None:
    """Neither a student's page nor the JSON holds the class's seed, nor does the class's page."""
    pages.write([row()], tmp_path, "full")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert not re.search(rf"\b{SEED}\b", file.read_text("utf-8")), file
    content = json.loads(next(tmp_path.rglob("report.json")).read_text("utf-8"))
    assert content["seed"] is None


def test_evidence(tmp_path: Path) -> None:
    """What was seen is on the integrity page and in its log, with who, what and where."""
    pages.write([row(), row("Alan", error="empty")], tmp_path, "full")
    (line,) = (tmp_path / "integrity.jsonl").read_text("utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["id"], entry["kind"], entry["task"], entry["file"]) == (
        "Ada",
        "network",
        "1.1",
        "blas.py",
    )
    page = (tmp_path / "integrity.html").read_text("utf-8")
    assert "connect" in page
    assert "Alan" not in page
    pages.write([row("Alan", error="empty")], tmp_path, "full")
    assert "Nothing was seen" in (tmp_path / "integrity.html").read_text("utf-8")
    assert (tmp_path / "integrity.jsonl").read_text("utf-8") == ""
