"""The class at a glance: how scores are spread, which tasks and mistakes are common, who is who."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from grader import tasks
from grader.report.document import document, score, title
from grader.report.markup import Html, join, tag
from grader.report.task import CLASSES
from grader.result import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from grader.classroom.gradebook import Row
    from grader.result import Result

BINS = 10
"""Of the histogram: a tenth of the points each."""

WIDTH, HEIGHT, TOP, BOTTOM = 640, 200, 22, 26

MOST_NAMES = 6
"""In a line of the table of mistakes; the students' pages have the rest."""


def overview(rows: Sequence[Row], links: Sequence[str], level: str, styles: Iterable[Path]) -> str:
    """The page of the whole class.

    Args:
        rows: in the order in which they are shown.
        links: to each student's page.
        level: of isolation that was asked for.
        styles: of the page.
    """
    names = dict(zip((id(row) for row in rows), links, strict=True))
    sections = [
        ("scores", "Scores", _histogram(rows)),
        ("tasks", "Tasks", _tasks(rows)),
        ("mistakes", "Common mistakes", _mistakes(rows, names)),
        ("look", "To look at", _to_look_at(rows, names)),
        ("students", "Students", _students(rows, names)),
    ]
    shown = [(anchor, title, body) for anchor, title, body in sections if body]
    items = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title, _ in shown]
    nav = tag("nav", tag("h2", "On this page"), tag("ol", *items), aria_label="On this page")
    main = tag(
        "main",
        *(tag("section", tag("h2", title), body, id=anchor) for anchor, title, body in shown),
        id="main",
    )
    body = (
        tag("a", "Skip to the scores", href="#main", class_="skip"),
        _header(rows),
        tag("div", nav, main, class_="columns"),
        _footer(rows, level),
    )
    return document(f"Homework 5 · {len(rows)} students", body, styles)


def _header(rows: Sequence[Row]) -> Html:
    most = max((row.max_score for row in rows), default=0)
    middle = statistics.median(row.score for row in rows) if rows else 0
    facts = {
        "students": len(rows),
        "full score": sum(bool(row.report and row.report.is_perfect) for row in rows),
        "late": sum(row.entry.late is True for row in rows),
        "with nothing to grade": sum(row.is_refused for row in rows),
        "with an error": sum(bool(row.error) and not row.is_refused for row in rows),
        "seen beside results": sum(bool(row.violations) for row in rows),
    }
    items = [tag("li", tag("strong", f"{count:,}"), f" {name}") for name, count in facts.items()]
    median = score(f"{middle:g}", most, "median", told="Median score")
    return tag("header", title("The class"), median, tag("ul", *items, class_="facts"))


def _histogram(rows: Sequence[Row]) -> Html | None:
    """How many students have which tenth of the points."""
    if not rows:
        return None
    counts = [0] * BINS
    for row in rows:
        share = row.score / row.max_score if row.max_score else 0.0
        counts[min(int(share * BINS), BINS - 1)] += 1
    width, room = WIDTH / BINS, HEIGHT - TOP - BOTTOM
    bars = []
    for place, count in enumerate(counts):
        high = round(room * count / max(counts), 1)
        x, y = place * width, round(HEIGHT - BOTTOM - high, 1)
        middle = x + width / 2
        bars.append(tag("rect", x=x + 3, y=y, width=width - 6, height=high))
        bars.append(_text(_label(place), middle, HEIGHT - 8))
        if count:
            bars.append(_text(f"{count}", middle, y - 6, "count"))
    told = ", ".join(f"{_label(place)} %: {count}" for place, count in enumerate(counts) if count)
    drawing = tag("svg", *bars, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=told)
    caption = tag("figcaption", "students by share of the points, in %")
    return tag("figure", caption, drawing, class_="histogram")


def _text(text: str, x: float, y: float, kind: str = "") -> Html:
    return tag("text", text, x=x, y=y, text_anchor="middle", class_=kind or None)


def _label(place: int) -> str:
    low = 100 * place // BINS
    return f"{low}-{100 if place == BINS - 1 else low + 100 // BINS - 1}"


def _tasks(rows: Sequence[Row]) -> Html | None:
    """What became of each task, and the mean share of its points."""
    lines = []
    for task in tasks.TASKS:
        results = [r for row in rows for r in row.results if r.task == task.id]
        judged = [r for r in results if r.state is not State.NOT_MEASURED]
        if not judged:
            continue
        counts = Counter(CLASSES[result.state] for result in judged)
        mean = statistics.fmean(result.score for result in judged)
        words = {"passed": "right", "partial": "in part", "failed": "wrong", "idle": "not begun"}
        told = ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts[kind])
        lines.append(
            tag(
                "tr",
                tag("th", tag("span", task.id, class_="id"), f" {task.title}", scope="row"),
                tag("td", f"{mean:.1f} / {task.points}"),
                tag("td", _share(counts)),
                tag("td", told, class_="text names"),
            )
        )
    table = _table(("task", "mean", "", "submissions"), lines)
    told = (
        "The means are over the submissions that were graded; the median and the scores above are "
        "over all students."
    )
    return join(table, tag("p", told, class_="note")) if table else None


def _share(counts: Mapping[str, int]) -> Html:
    x, bars = 0, []
    for kind in ("passed", "partial", "failed", "fault", "idle"):
        if counts.get(kind):
            bars.append(tag("rect", x=x, width=counts[kind], height=10, class_=kind))
            x += counts[kind]
    return tag(
        "svg",
        *bars,
        viewBox=f"0 0 {x} 10",
        preserveAspectRatio="none",
        class_="bar share",
        aria_hidden="true",
    )


def _mistakes(rows: Sequence[Row], links: Mapping[int, str]) -> Html | None:
    """The mistakes that were recognised, and what the checked device found; common ones first."""
    who: defaultdict[str, dict[int, Row]] = defaultdict(dict)
    where: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for result in row.results:
            for told in _recognised(result):
                who[told][id(row)] = row
                where[told].add(result.task)
    lines = []
    for told, held in sorted(who.items(), key=lambda item: (-len(item[1]), item[0])):
        people = [
            tag("a", row.student.name, href=f"{links[key]}#task-{_first(row, told)}")
            for key, row in list(held.items())[:MOST_NAMES]
        ]
        more = f" and {len(held) - MOST_NAMES} more" if len(held) > MOST_NAMES else ""
        lines.append(
            tag(
                "tr",
                tag("th", told, scope="row"),
                tag("td", f"{len(held)}"),
                tag("td", ", ".join(sorted(where[told])), class_="text"),
                tag("td", *_between(people), more, class_="text names"),
            )
        )
    return _table(("mistake", "students", "tasks", "who"), lines)


def _recognised(result: Result) -> list[str]:
    diagnosed = [f"{d.title[:1].upper()}{d.title[1:]}" for d in result.diagnoses]
    return list(dict.fromkeys([*diagnosed, *(f"Found: {f.kind}" for f in result.findings)]))


def _first(row: Row, told: str) -> str:
    """The task in whose result it was recognised first, as in an anchor."""
    found = (r.task for r in row.results if told in _recognised(r))
    return next(found, "").replace(".", "-")


def _to_look_at(rows: Sequence[Row], links: Mapping[int, str]) -> Html | None:
    """Errors, the grader's own faults, and what was seen beside results."""
    lines = []
    for row in rows:
        seen = [found.title for found in row.violations]
        told = [
            row.error,
            f"the grader itself failed in {', '.join(row.faults)}" if row.faults else "",
            "; ".join(dict.fromkeys(seen)),
        ]
        if any(told):
            name = tag("a", row.student.name, href=links[id(row)])
            evidence = tag("a", "evidence", href="integrity.html") if seen else None
            text = tag("td", " · ".join(filter(None, told)), " " if seen else "", evidence,
                       class_="text")  # fmt: skip
            lines.append(tag("tr", tag("th", name, scope="row"), text))
    return _table(("student", "what"), lines)


def _students(rows: Sequence[Row], links: Mapping[int, str]) -> Html | None:
    lines = []
    noted = any(row.entry.notes for row in rows)
    for row in rows:
        counts = Counter(
            {
                "passed": sum(r.score for r in row.results),
                "idle": max(row.max_score - row.score, 0),
            }
        )
        late = tag("span", "late", class_="badge") if row.entry.late else None
        named = "nothing to grade" if row.is_refused else "error"
        wrong = tag("span", named, class_="badge failed") if row.error else None
        lines.append(
            tag(
                "tr",
                tag(
                    "th", tag("a", row.student.name, href=links[id(row)]), late, wrong, scope="row"
                ),
                tag("td", row.student.id, class_="text names id"),
                tag("td", f"{row.score} / {row.max_score}"),
                tag("td", _share(counts)),
                tag("td", "; ".join(row.entry.notes), class_="text names") if noted else None,
            )
        )
    return _table(("student", "id", "score", "", *(["notes"] if noted else [])), lines)


def _footer(rows: Sequence[Row], level: str) -> Html:
    """Where and how long it was graded."""
    reports = {row.entry.key: row.report for row in rows if row.report}
    took = sorted(report.seconds for report in reports.values())
    reached = Counter(report.isolation for report in reports.values() if report.isolation)
    devices = Counter(report.backend for report in reports.values())
    walls = "; ".join(
        f"{text.removeprefix('isolation: ')} ({count} submissions)"
        for text, count in reached.items()
    )
    facts = {
        "isolation": f"{level}: {walls}" if walls else level,
        "devices": "; ".join(f"{name} ({count})" for name, count in devices.items()),
        "time": f"{sum(took) / 60:.1f} min of gradings; median {statistics.median(took):.1f} s, "
        f"longest {took[-1]:.1f} s"
        if took
        else "",
    }
    listed = [
        tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items() if value
    ]
    return tag("footer", tag("dl", *listed))


def _table(names: Sequence[str], lines: Sequence[Html]) -> Html | None:
    if not lines:
        return None
    numbers = ("mean", "students", "score")
    head = [
        tag("th", name, scope="col", class_=None if name in numbers else "text") for name in names
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *lines))
    return tag("div", table, class_="scroll")


def _between(items: Sequence[Html]) -> list[str]:
    shown: list[str] = []
    for item in items:
        shown += [", ", item] if shown else [item]
    return shown
