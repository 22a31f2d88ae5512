"""The report as one page: it needs no network, no server and no script to be read.

Everything that comes from a submission is escaped by `grader.report.markup`, and the page's own
policy forbids whatever would be loaded or run besides the style and the script that stand in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grader import tasks
from grader.evidence import Curve, HeatMap
from grader.report import conduct
from grader.report.document import document, score, title
from grader.report.excerpts import Excerpt, excerpts
from grader.report.figures import figures
from grader.report.markup import Html, tag
from grader.report.words import command, does_not_load
from grader.result import Diagnosed, PartResult, Report, Result, State

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

_WORDS = {
    State.PASSED: "passed",
    State.PARTIAL: "in part",
    State.FAILED: "failed",
    State.WAITS: "waits for another task",
    State.NOT_STARTED: "not started",
    State.NOT_MEASURED: "needs a GPU",
    State.GRADER_FAULT: "the grader failed",
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


# Top and bottom ------------------------------------------------------------


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
            items.append(tag("li", _sign(state), f"{many} {_WORDS[state]}"))
    return tag("ul", *items, class_="counts", aria_label="Tasks by state")


def _next(report: Report) -> Html | None:
    """The first thing to do; first of all what keeps the rest from being judged."""
    open_states = (State.FAILED, State.PARTIAL, State.NOT_STARTED)
    slow = [result for result in report.results if result.task == report.slowest]
    for result in (*slow, *(result for result in report.results if result.state in open_states)):
        before, after = ("make ", " faster") if slow else ("mend ", "")
        if not slow and result.state is State.NOT_STARTED:
            before = "begin "
        return tag(
            "p",
            tag("strong", "Next: "),
            before,
            tag("a", f"{result.task} {result.title}", href=f"#{_anchor(result)}"),
            f"{after} · ",
            tag("code", _next_command(result, report)),
            class_="next",
        )
    return None


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


# Tasks ------------------------------------------------------------


def _contents(report: Report) -> Html:
    links = [
        tag(
            "li",
            tag(
                "a",
                _sign(result.state),
                tag("span", result.task, class_="id"),
                tag("span", result.title, class_="name"),
                tag("span", _points(result), class_="points"),
                href=f"#{_anchor(result)}",
            ),
        )
        for result in report.results
    ]
    return tag("nav", tag("h2", "Tasks"), tag("ol", *links), aria_label="Tasks")


def _main(report: Report) -> Html:
    chapters: dict[str, list[Html]] = {}
    for result in report.results:
        chapters.setdefault(result.task[0], []).append(_task(result, report))
    return tag(
        "main",
        *(
            tag("section", tag("h2", f"{number} · {CHAPTERS.get(number, '')}"), *shown)
            for number, shown in chapters.items()
        ),
        id="tasks",
    )


def _task(result: Result, report: Report) -> Html:
    """One task: open where something is to be done, a line that opens where not."""
    is_open = result.state in (State.FAILED, State.PARTIAL, State.GRADER_FAULT)
    summary = tag(
        "summary",
        _sign(result.state),
        tag("h3", tag("span", result.task, class_="id"), f" {result.title}"),
        _promise(result),
        tag("span", _points(result), class_="points"),
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
        "article", tag("details", summary, body, open=is_open), id=_anchor(result), class_=kind
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
        notes.insert(
            0,
            "Sorry: the grader itself failed here, not your code. This costs you no points. "
            "Please show your instructor what follows.",
        )
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
            _sign(State.PASSED if part.passed else State.FAILED),
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
        tag("code", _next_command(result, report)),
        class_="where",
    )


def _next_command(result: Result, report: Report) -> str:
    target, task = ("grade", "") if does_not_load(result) else ("hint", result.task)
    if result.task == report.slowest:
        target = "grade"
    return command(target, report.submission, task)


def _points(result: Result) -> str:
    score = "–" if result.state is State.NOT_MEASURED else str(result.score)
    return f"{score} / {result.max_score}"


def _sign(state: State) -> Html:
    return tag(
        "span",
        tag("span", state.symbol, aria_hidden="true"),
        tag("span", f"{_WORDS[state]}: ", class_="unseen"),
        class_=f"sign {CLASSES[state]}",
    )


def _anchor(result: Result) -> str:
    return f"task-{result.task.replace('.', '-')}"
