"""Pages of a class: one for each student, one of the whole, one of what was seen beside results.

They are files that work without a network, in the style of a student's own page.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader.classroom.entries import key_of
from grader.classroom.folder import write_whole
from grader.classroom.overview import overview
from grader.report import conduct, html
from grader.report import json as report_json
from grader.report.document import document, score, title
from grader.report.markup import Html, tag
from grader.report.plain import plain
from grader.report.words import ASSIGNMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.classroom.gradebook import Row

STYLES = (html.HERE / "page.css", Path(__file__).with_name("class.css"))

NO_SEED = -1
"""Of what students get: the class's seed is secret."""


def write(rows: Sequence[Row], folder: Path, level: str) -> None:
    """Write index.html, integrity.html, integrity.jsonl and the students' folders.

    Args:
        rows: of the gradebook.
        folder: of the run.
        level: of isolation that was asked for.
    """
    rows = sorted(rows, key=lambda row: (row.student.name.casefold(), row.student.id))
    for row in rows:
        _write_student(row, folder / link(row))
    links = [f"{link(row)}/report.html" for row in rows]
    write_whole(folder / "index.html", overview(rows, links, level, STYLES))
    write_whole(folder / "integrity.html", _integrity(rows, links))
    lines = [
        {"id": row.student.id, "name": row.student.name, **asdict(found)}
        for row in rows
        for found in row.violations
    ]
    write_whole(folder / "integrity.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))


def link(row: Row) -> str:
    """The folder of a student, seen from the run's."""
    return f"students/{key_of(row.student.id)}"


def _write_student(row: Row, folder: Path) -> None:
    """What a student may be given: the page and the JSON, without the class's seed."""
    folder.mkdir(parents=True, exist_ok=True)
    if row.report is None:
        page = document(row.student.name, _nothing(row), STYLES)
        content: dict[str, object] = {
            "score": 0,
            "max_score": row.max_score,
            "error": plain(row.error),
        }
    else:
        notes = tuple(dict.fromkeys((*row.entry.notes, *row.report.notes)))
        if row.error:
            notes = (row.error, *notes)
        shown = replace(row.report, seed=NO_SEED, submission=ASSIGNMENT, notes=notes)
        page = html.page(shown, row.student.name)
        content = {**report_json.to_json(shown), "seed": None}
    write_whole(folder / "report.html", page)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_whole(folder / "report.json", f"{text}\n")


def _nothing(row: Row) -> tuple[Html, ...]:
    """The page of a student of whom nothing could be graded."""
    top = (title(row.student.name), score("0", row.max_score))
    notes = [tag("p", note, class_="note") for note in row.entry.notes]
    return (tag("header", *top, tag("p", tag("strong", row.error), class_="next"), *notes),)


def _id(row: Row) -> str:
    return f" · {row.student.id}" if row.student.id != row.student.name else ""


# What was seen beside results ----------------------------------------------------------------


def _integrity(rows: Sequence[Row], links: Sequence[str]) -> str:
    people = []
    for row, target in zip(rows, links, strict=True):
        seen = conduct.by_kind(row.report) if row.report else {}
        if not seen:
            continue
        items = [
            tag(
                "li",
                tag("strong", f"{found[0].title[:1].upper()}{found[0].title[1:]}"),
                *(tag("p", tag("code", conduct.where(one))) for one in found),
                tag("p", f"{found[0].rule} {found[0].cost}", class_="note"),
            )
            for found in seen.values()
        ]
        heading = tag("h3", tag("a", row.student.name, href=target), _id(row))
        people.append(tag("section", heading, tag("ul", *items), class_="person"))
    told = (
        "What submissions did beside computing results, as it was seen. It says what, not why: "
        "whether it was meant is for people to judge, after a talk with the student."
        if people
        else "Nothing was seen that submissions did beside computing results."
    )
    header = tag(
        "header",
        title("Seen beside the results", tag("a", "The class", href="index.html")),
        tag("p", told, class_="note"),
    )
    main = tag("main", *people)
    return document(
        "Seen beside the results", (header, tag("div", main, class_="columns wide")), STYLES
    )
