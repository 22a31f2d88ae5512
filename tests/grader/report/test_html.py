"""The page: its content, what it may load, its colours; and in a browser, how it behaves."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.report.html import HERE, page, write
from grader.result import PartResult
from tests.grader.report import browser
from tests.grader.report.reports import KERNELS, MEAN, report, timed, wrong
from tests.grader.report.test_markup import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIRS = (
    *((text, ground) for text in ("text", "muted") for ground in ("ground", "surface", "note")),
    *((state, "ground") for state in ("passed", "partial", "failed", "fault", "idle", "yours")),
    ("text", "mark"), ("mark-edge", "mark"), ("yours", "note"),
)  # fmt: skip
"""Colours of text, and of what lies behind it."""

needs_browser = pytest.mark.skipif(
    browser.find() is None, reason="no Chromium here: apt install chromium"
)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def colours() -> tuple[dict[str, str], dict[str, str]]:
    """The colours of the light and of the dark page."""
    style = (HERE / "page.css").read_text("utf-8")
    light, dark, *_ = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found = [dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in (light, dark)]
    return found[0], found[1]


@pytest.mark.parametrize("pair", PAIRS, ids=" on ".join)
def test_contrast(pair: tuple[str, str]) -> None:
    """Text stands out from its ground by 4.5 to 1 (WCAG 2.2, AA), in light and dark."""
    for palette in colours():
        dark, bright = sorted(luminance(palette[name]) for name in pair)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_hostile_text_is_text() -> None:
    """What a submission says makes no element, runs no script, and holds no control character."""
    shown = page(report())
    reader = Reader()
    reader.feed(shown)
    names = [name for name, _ in reader.tags]
    assert "img" not in names
    assert names.count("script") == names.count("style") == 1
    assert not [key for _, attrs in reader.tags for key, _ in attrs if key.startswith("on")]
    assert all(c == "\n" or c.isprintable() for c in shown)


def test_loads_nothing() -> None:
    """The page names no address, and its policy forbids loading."""
    shown = page(report())
    assert "default-src 'none'" in shown.replace("&#x27;", "'")
    assert not re.findall(r"(?:https?:|url\(|@import|src=)", _own(shown))


def _own(shown: str) -> str:
    """The page without what the submission says in it."""
    return shown.replace("src=x onerror", "")


def test_content() -> None:
    """Score, states, diagnoses, the student's marked lines, curves, maps and times are there."""
    shown = page(report())
    for words in (
        "Diagnosis", "Divide by N, once (eq. 7).", "kernels.py, lines 3, 4", "they part at step 6",
        "Error of dW", "make hint SUBMISSION=&#x27;mine", " TASK=1.3</code>",
        "Sorry: the grader itself failed", "not started",
        "10 more on a GPU", "Yours follows the reference",
    ):  # fmt: skip
        assert words in shown
    assert shown.count('class="line meant"') == 3
    assert "81.2 µs" in page(timed())


def test_same_reason_once() -> None:
    """Parts that fail for the same reason are told in short, below the first of them."""
    first = PartResult("small", "small", 0, 2, "a: 1", "linear.py", 1, (MEAN,))
    other = PartResult("ragged", "ragged", 0, 8, "b: 2", "linear.py", 1, (MEAN,))
    shown = page(replace(report(), results=(wrong("1.3", first, other, file="linear.py", line=1),)))
    assert shown.count("Divide by N, once") == 1
    assert "1 more part fails for the same reason" in shown
    assert "b: 2" in shown


def test_outline() -> None:
    """There are landmarks, one main heading, and every link leads somewhere."""
    reader = Reader()
    reader.feed(page(report()))
    names = [name for name, _ in reader.tags]
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert names.count(landmark) == 1
    ids = [dict(attrs)["id"] for _, attrs in reader.tags if "id" in dict(attrs)]
    links = [dict(attrs)["href"] or "" for name, attrs in reader.tags if name == "a"]
    assert len(set(ids)) == len(ids)
    assert {link.removeprefix("#") for link in links} <= set(ids)
    for name, attrs in reader.tags:
        if name == "svg":
            assert {"aria-label", "aria-hidden"} & set(dict(attrs)) or "viewbox" in dict(attrs)


def test_same_report_same_bytes() -> None:
    """Nothing but the report decides what the page is."""
    assert page(report()) == page(report())


# In a browser --------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    """One browser for all tests of this file."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        started = browser.Browser(Path(profile))
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write(report(), path)
    return path


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_opens_cleanly(chromium: browser.Browser, file: Path, width: int, dark: bool) -> None:
    """No error, no request but the file itself, nothing wider than the window."""
    chromium.open(file.as_uri(), width=width, dark=dark)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    bad = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
    assert not [event for event in chromium.events if event["method"] in bad]
    requests = [
        event["params"]["request"]["url"]
        for event in chromium.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert requests == [file.as_uri()]
    ground = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(15, 18, 23)" if dark else "rgb(255, 255, 255)")
    assert len(chromium.picture(whole=False)) > 10_000


@needs_browser
def test_hover_reads_values(chromium: browser.Browser, file: Path) -> None:
    """The pointer over a curve reads both losses of the step under it."""
    chromium.open(file.as_uri())
    chromium.run("document.querySelector('figure.curve').scrollIntoView({behavior: 'instant'})")
    box = chromium.run(
        "(() => { const b = document.querySelector('figure.curve svg').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    chromium.move(box[0] + box[2] - 16, box[1] + box[3] / 2)
    told = chromium.run("document.querySelector('figure.curve output').textContent")
    assert told == "step 10: yours 1.600000, reference 1.100000"


@needs_browser
def test_keyboard(chromium: browser.Browser, file: Path) -> None:
    """Tab reaches the contents and the curve, arrows read the next step, Enter opens a task."""
    chromium.open(file.as_uri())
    chromium.press("Tab", 9)
    assert chromium.run("document.activeElement.textContent") == "Skip to the tasks"
    reached = set()
    for _ in range(60):
        chromium.press("Tab", 9)
        reached.add(chromium.run("document.activeElement.tagName"))
        if chromium.run("document.activeElement.type") == "range":
            break
    assert {"A", "SUMMARY", "DIV", "INPUT"} <= reached
    chromium.press("ArrowRight", 39)
    said = chromium.run("document.activeElement.getAttribute('aria-valuetext')")
    assert said == "step 7: yours 1.900000, reference 1.400000"
    chromium.run("document.querySelector('#task-1-1 summary').focus()")
    chromium.press("Enter", 13, text="\r")
    assert chromium.run("document.querySelector('#task-1-1 details').open") is True


@needs_browser
def test_names_for_screen_readers(chromium: browser.Browser, file: Path) -> None:
    """Landmarks, images, groups and sliders have names in the accessibility tree."""
    chromium.open(file.as_uri())
    tree = chromium.send("Accessibility.getFullAXTree")["nodes"]
    named = {"image", "slider", "navigation", "link", "heading"}
    nameless = [
        node
        for node in tree
        if not node["ignored"]
        and node["role"]["value"] in named
        and not node.get("name", {}).get("value", "").strip()
    ]
    assert not nameless
    roles = {node["role"]["value"] for node in tree}
    assert {"banner", "navigation", "main", "contentinfo", "image", "slider"} <= roles


@needs_browser
def test_without_script(chromium: browser.Browser, file: Path) -> None:
    """Without its script the page shows curves and values all the same."""
    chromium.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(file.as_uri())
        tree = chromium.send("Accessibility.getFullAXTree")["nodes"]
    finally:
        chromium.send("Emulation.setScriptExecutionDisabled", value=False)
    names = " ".join(str(node.get("name", {}).get("value", "")) for node in tree)
    assert "Yours parts from the reference at step 6" in names
    assert not [node for node in tree if node["role"]["value"] == "slider"]


def test_source_is_the_students(file: Path) -> None:
    """The marked lines are those of the student's file."""
    text = file.read_text("utf-8")
    assert KERNELS.splitlines()[2].strip() in text
