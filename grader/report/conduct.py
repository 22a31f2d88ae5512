"""What was seen beside the results, neutrally: what, where, the rule, the cost, the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.report.markup import Html, tag
from grader.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.integrity import Violation
    from grader.result import Report

TITLE = "Also seen while grading"


def by_kind(report: Report) -> Mapping[str, list[Violation]]:
    """The violations of each kind, in the order in which they were seen."""
    kinds: dict[str, list[Violation]] = {}
    for found in report.violations:
        kinds.setdefault(found.kind, []).append(found)
    return kinds


def where(found: Violation) -> str:
    """What was seen, and the submission's own place, on one line."""
    seen = " ".join(plain(found.seen).split())
    place = f"{found.file}:{found.line}" if found.file and found.line else found.file or ""
    during = f"task {found.task}" if found.task else ""
    told = ", ".join(plain(words) for words in (place, during) if words)
    return f"{seen} ({told})" if told else seen


def advice(found: Violation) -> str:
    """The rule, the cost and the next step of a violation's kind."""
    return f"{found.rule} {found.cost} {found.step}"


def in_words(report: Report) -> str:
    """A section of plain text; "" where nothing was seen."""
    lines = []
    for seen in by_kind(report).values():
        lines.append(f"- {plain(seen[0].title)}:")
        lines += [f"    {where(found)}" for found in seen]
        lines.append(f"  {advice(seen[0])}")
    return "\n".join([f"{TITLE}:", *lines]) if lines else ""


def section(report: Report) -> Html | None:
    """A section of the page; None where nothing was seen."""
    kinds = by_kind(report)
    if not kinds:
        return None
    shown = [
        tag(
            "section",
            tag("h3", f"{seen[0].title[:1].upper()}{seen[0].title[1:]}"),
            tag("ul", *(tag("li", tag("code", where(found))) for found in seen)),
            tag("p", advice(seen[0])),
        )
        for seen in kinds.values()
    ]
    return tag("aside", tag("h2", TITLE), *shown, class_="conduct", aria_label=TITLE)
