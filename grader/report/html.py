"""The report as one page: it needs no network, no server and no script to be read.

Everything that comes from a submission is escaped by `grader.report.markup`, and the page's own
policy forbids whatever would be loaded or run besides the style and the script that stand in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grader import tasks
from grader.report import conduct
from grader.report.document import document, score, title
from grader.report.markup import Html, tag
from grader.report.task import CLASSES, WORDS, anchor, article, next_command, points, sign
from grader.result import Report, Result, State

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent

CHAPTERS = {
    "1": "Kernels",
    "2": "Linear classifier",
    "3": "XOR by hand",
    "4": "Two-layer network",
    "5": "Times on a GPU",
}


def write(report: Report, file: Path) -> None:
    """Write the page; OSError where that cannot be done."""
    file.write_text(page(report), "utf-8")


def page(report: Report, heading: str = "") -> str:
    """The whole page; its heading is the submission's name where no other is given."""
    heading = heading or report.submission
    body = (
        tag("a", "Skip to the tasks", href="#tasks", class_="skip"),
        _header(report, heading),
        tag("div", _contents(report), _main(report), class_="columns"),
        _footer(report),
    )
    window = f"{report.score} / {report.max_score} · {heading}"
    return document(window, body, [HERE / "page.css"], HERE / "page.js")


def _header(report: Report, heading: str) -> Html:
    more = f"{report.unmeasured} more on a GPU" if report.unmeasured else None
    return tag(
        "header",
        title(heading),
        score(str(report.score), report.max_score, more),
        _bar(report.results),
        _counts(report.results),
        _next(report),
        *(tag("p", note, class_="note") for note in report.notes),
        conduct.section(report),
    )


def _bar(results: Iterable[Result]) -> Html:
    """One segment a task, as wide as its points, filled as far as they are earned."""
    x, segments = 0.0, []
    for result in results:
        width = tasks.find(result.task).points
        share = result.score / result.max_score if result.max_score else 0.0
        kind = CLASSES[result.state]
        segments.append(tag("rect", x=x, width=width, height=10, class_=f"{kind} ground"))
        segments.append(tag("rect", x=x, width=round(width * share, 2), height=10, class_=kind))
        x += width + 0.6
    return tag(
        "svg",
        *segments,
        viewBox=f"0 0 {round(x - 0.6, 1)} 10",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )


def _counts(results: tuple[Result, ...]) -> Html:
    """How many tasks are in which state: the bar in words."""
    items = []
    for state in State:
        many = sum(result.state is state for result in results)
        if many:
            items.append(tag("li", sign(state), f"{many} {WORDS[state]}"))
    return tag("ul", *items, class_="counts", aria_label="Tasks by state")


def _next(report: Report) -> Html | None:
    """The first thing to do; before all what keeps the rest from being judged."""
    slow = [result for result in report.results if result.task == report.slowest]
    wanting = (State.FAILED, State.PARTIAL, State.NOT_STARTED)
    first = next((r for r in (*slow, *report.results) if slow or r.state in wanting), None)
    if first is None:
        return None
    before, after = ("make ", " faster") if slow else ("mend ", "")
    if not slow and first.state is State.NOT_STARTED:
        before = "begin "
    return tag(
        "p",
        tag("strong", "Next: "),
        before,
        tag("a", f"{first.task} {first.title}", href=f"#{anchor(first)}"),
        f"{after} · ",
        tag("code", next_command(first, report)),
        class_="next",
    )


def _footer(report: Report) -> Html:
    facts = [
        ("device", f"{report.backend} — {report.reason}" if report.reason else report.backend),
        *([("seed", str(report.seed))] if report.seed >= 0 else []),
        ("graded in", f"{report.seconds:.1f} s"),
    ]
    if report.isolation:
        facts.insert(1, ("isolation", report.isolation))
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return tag("footer", tag("dl", *listed), _output(report))


def _output(report: Report) -> Html | None:
    if not report.output.strip():
        return None
    return tag(
        "details", tag("summary", "what the submission printed"), tag("pre", report.output.strip())
    )


def _contents(report: Report) -> Html:
    links = [
        tag(
            "li",
            tag(
                "a",
                sign(result.state),
                tag("span", result.task, class_="id"),
                tag("span", result.title, class_="name"),
                tag("span", points(result), class_="points"),
                href=f"#{anchor(result)}",
            ),
        )
        for result in report.results
    ]
    return tag("nav", tag("h2", "Tasks"), tag("ol", *links), aria_label="Tasks")


def _main(report: Report) -> Html:
    chapters: dict[str, list[Html]] = {}
    for result in report.results:
        chapters.setdefault(result.task[0], []).append(article(result, report))
    return tag(
        "main",
        *(
            tag("section", tag("h2", f"{number} · {CHAPTERS.get(number, '')}"), *shown)
            for number, shown in chapters.items()
        ),
        id="tasks",
    )
