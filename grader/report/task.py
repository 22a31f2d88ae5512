"""One task on a page: what became of it, what is wrong, where, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.evidence import Curve, HeatMap
from grader.report.excerpts import Excerpt, excerpts
from grader.report.figures import figures
from grader.report.markup import Html, tag
from grader.report.words import APOLOGY, command, does_not_load
from grader.result import Diagnosed, PartResult, Report, Result, State

if TYPE_CHECKING:
    from collections.abc import Iterable

CLASSES = {
    State.PASSED: "passed",
    State.PARTIAL: "partial",
    State.FAILED: "failed",
    State.WAITS: "idle",
    State.NOT_STARTED: "idle",
    State.NOT_MEASURED: "idle",
    State.GRADER_FAULT: "fault",
}
"""How the style names the states."""

WORDS = {
    State.PASSED: "passed",
    State.PARTIAL: "in part",
    State.FAILED: "failed",
    State.WAITS: "waits for another task",
    State.NOT_STARTED: "not started",
    State.NOT_MEASURED: "needs a GPU",
    State.GRADER_FAULT: "the grader failed",
}


def article(result: Result, report: Report) -> Html:
    """One task: open where something is to be done, a line that opens where not."""
    is_open = result.state in (State.FAILED, State.PARTIAL, State.GRADER_FAULT)
    summary = tag(
        "summary",
        sign(result.state),
        tag("h3", tag("span", result.task, class_="id"), f" {result.title}"),
        _promise(result),
        tag("span", points(result), class_="points"),
    )
    body = tag(
        "div",
        *(tag("p", note, class_="note") for note in _notes(result)),
        *_failures(result, report),
        _orphaned_findings(result),
        figures(_of_passed(result)),
        _parts(result),
        _where_next(result, report),
        class_="body",
    )
    kind = f"task {CLASSES[result.state]}"
    return tag(
        "article", tag("details", summary, body, open=is_open), id=anchor(result), class_=kind
    )


def _promise(result: Result) -> Html | None:
    """What opening a passed task shows."""
    if result.state is not State.PASSED:
        return None
    if any(isinstance(item, Curve) for item in result.evidence):
        return tag("span", "loss curve", class_="promise")
    return None


def _notes(result: Result) -> list[str]:
    notes = list(result.notes)
    if result.state is State.GRADER_FAULT:
        notes.insert(0, APOLOGY)
    if result.state is State.NOT_STARTED:
        why = result.message or "its TODOs are as the handout left them"
        notes.insert(0, f"{why[0].upper()}{why[1:]}.")
    if result.state is State.WAITS:
        notes.insert(0, f"{result.message[:1].upper()}{result.message[1:]}.")
    if result.state is State.NOT_MEASURED:
        notes.insert(0, "Times are measured on a GPU only; these points count neither way here.")
    return notes


def _failures(result: Result, report: Report) -> list[Html]:
    """What is wrong: the first part with each cause in full, what is like it in short below."""
    shown: list[Html] = []
    alike: dict[object, list[PartResult]] = {}
    quoted: set[Excerpt] = set()
    for part in result.parts:
        if not part.message:
            continue
        cause = _cause(part)
        if cause in alike:
            alike[cause].append(part)
            continue
        alike[cause] = []
        cuts = [cut for cut in excerpts(part, report.sources) if cut not in quoted]
        shown.append(_failure(part, cuts))
        quoted.update(cuts)
    rest = [part for parts in alike.values() for part in parts]
    if rest:
        shown.append(_alike(rest))
    return shown


def _cause(part: PartResult) -> object:
    """Equal for parts that fail for the same reason, as far as is known."""
    if part.findings:
        first = part.findings[0]
        return first.kind, first.file, first.line
    return part.diagnoses or part.message


def _alike(parts: list[PartResult]) -> Html:
    """Parts that fail as another one does: for the same reason, with other numbers."""
    many = f"{len(parts)} more parts fail" if len(parts) > 1 else "1 more part fails"
    items = [
        tag(
            "li",
            tag("strong", part.title or part.name),
            tag("p", _message(part), class_="message"),
            figures(part.evidence),
        )
        for part in parts
    ]
    summary = tag("summary", f"{many} for the same reason")
    return tag("details", summary, tag("ul", *items), class_="alike")


def _failure(part: PartResult, cuts: Iterable[Excerpt]) -> Html:
    return tag(
        "section",
        tag("h4", part.title or part.name),
        _diagnoses(part.diagnoses),
        tag("p", _message(part), class_="message"),
        *(_excerpt(cut) for cut in cuts),
        figures(part.evidence),
        tag("pre", part.fault) if part.fault else None,
        class_="failure",
    )


def _message(part: PartResult) -> str:
    """The message without the lines that are quoted below it anyway."""
    lines = part.message.splitlines()
    kept = [line for line in lines if not (line.startswith("    ") and ".py:" in line)]
    return "\n".join(kept) if part.findings else part.message


def _diagnoses(diagnoses: tuple[Diagnosed, ...]) -> Html | None:
    if not diagnoses:
        return None
    told = "Diagnosis" if len(diagnoses) == 1 else "Diagnosis, one of these"
    items = [
        tag("p", tag("strong", f"{d.title[:1].upper()}{d.title[1:]}. "), d.text) for d in diagnoses
    ]
    return tag("aside", tag("h5", told), *items, class_="diagnosis", aria_label=told)


def _excerpt(cut: Excerpt) -> Html:
    """Lines of the student's own, those that are meant marked by colour, sign and words."""
    lines = []
    previous = cut.lines[0][0] - 1 if cut.lines else 0
    for number, text in cut.lines:
        is_meant = number in cut.marked
        if number != previous + 1:
            lines.append(tag("span", tag("span", "⋮", class_="number"), class_="line gap"))
        previous = number
        lines.append(
            tag(
                "span",
                tag("span", f"{number}", class_="number", aria_hidden="true"),
                tag("span", "this line: ", class_="unseen") if is_meant else None,
                tag("code", text or " "),
                class_="line meant" if is_meant else "line",
            )
        )
    marked = sorted(cut.marked)
    told = f"{cut.file}, line{'s' if len(marked) > 1 else ''} {', '.join(map(str, marked))}"
    code = tag("div", *lines, class_="code", tabindex=0, role="group", aria_label=told)
    return tag("figure", tag("figcaption", told), code, class_="source")


def _orphaned_findings(result: Result) -> Html | None:
    """Findings that no part's message tells."""
    told = "\n".join(part.message for part in result.parts)
    rest = [found for found in result.findings if found.text not in told]
    if not rest:
        return None
    items = [tag("li", tag("p", found.text, class_="message")) for found in rest]
    return tag(
        "details",
        tag("summary", f"{len(rest)} more findings of the checked device"),
        tag("ul", *items),
        class_="alike",
    )


def _of_passed(result: Result) -> list[Curve | HeatMap]:
    """Evidence of parts in which nothing is wrong; the rest stands beside what is wrong."""
    shown = {id(item) for part in result.parts if part.message for item in part.evidence}
    return [item for item in result.evidence if id(item) not in shown]  # type: ignore[misc]


def _parts(result: Result) -> Html | None:
    if not result.parts:
        return None
    rows = [
        tag(
            "li",
            sign(State.PASSED if part.passed else State.FAILED),
            tag("span", part.title or part.name, class_="name"),
            tag("span", f"{part.points} / {part.max_points}", class_="points"),
        )
        for part in result.parts
    ]
    return tag("ul", *rows, class_="parts", aria_label=f"Parts of {result.task}")


def _where_next(result: Result, report: Report) -> Html | None:
    if result.state not in (State.FAILED, State.PARTIAL, State.NOT_STARTED):
        return None
    place = f"{report.submission}/{result.file}" if result.file else report.submission
    if result.line:
        place += f":{result.line}"
    return tag(
        "p",
        tag("code", place),
        " · next: ",
        tag("code", next_command(result, report)),
        class_="where",
    )


def next_command(result: Result, report: Report) -> str:
    """What to type next for a task."""
    target, task = ("grade", "") if does_not_load(result) else ("hint", result.task)
    if result.task == report.slowest:
        target = "grade"
    return command(target, report.submission, task)


def points(result: Result) -> str:
    """The points earned, of those that can be had."""
    score = "–" if result.state is State.NOT_MEASURED else str(result.score)
    return f"{score} / {result.max_score}"


def sign(state: State) -> Html:
    """A state's symbol, and its word for those who do not see it."""
    return tag(
        "span",
        tag("span", state.symbol, aria_hidden="true"),
        tag("span", f"{WORDS[state]}: ", class_="unseen"),
        class_=f"sign {CLASSES[state]}",
    )


def anchor(result: Result) -> str:
    """Where a page's links find a task."""
    return f"task-{result.task.replace('.', '-')}"
