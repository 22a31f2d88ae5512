"""What was seen beside the results reaches every report, in neutral words, and steers none."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from grader.integrity import KINDS, violation
from grader.report import conduct, gradescope, html, junit
from grader.report.json import to_json, write
from grader.report.terminal import Terminal
from tests.grader.report.reports import NASTY, report

if TYPE_CHECKING:
    from pathlib import Path

    from grader.result import Report

SEEN = (
    violation("read", "/etc/passwd", task="1.1", file="kernels.py", line=7),
    violation("read", "/etc/shadow", task="1.1", file="kernels.py", line=8),
    violation("network", NASTY, task="2.3", file=NASTY, line=1),
)


def seen() -> Report:
    """A report with violations and a level of isolation."""
    return replace(report(), violations=SEEN, isolation="Isolation: full.")


def in_terminal(shown: Report) -> str:
    """The last lines that a terminal shows."""
    file = io.StringIO()
    Terminal(file, width=100).total(shown)
    return file.getvalue()


def test_every_report_tells(tmp_path: Path) -> None:
    """What was seen, where, and the level of isolation are in each of them."""
    write(seen(), tmp_path / "json")
    texts = {
        "terminal": in_terminal(seen()),
        "html": html.page(seen()),
        "gradescope": json.dumps(gradescope.to_results(seen())),
        "junit": junit.to_xml(seen()).decode(),
        "json": (tmp_path / "json").read_text("utf-8"),
    }
    for name, text in texts.items():
        for words in ("/etc/passwd", "/etc/shadow", "Isolation: full."):
            assert words in text, name
        assert "\x1b" not in text, name
        assert "\u202e" not in text, name
        assert "<img" not in text or name in ("json", "gradescope", "terminal"), name


def test_nothing_seen_is_nothing_told() -> None:
    """Without violations there is no section, and no level is named where there is none."""
    texts = (in_terminal(report()), html.page(report()), junit.to_xml(report()).decode())
    for text in texts:
        assert conduct.TITLE not in text
        assert "solation" not in text
    assert conduct.in_words(report()) == ""
    assert conduct.section(report()) is None


def test_rule_and_step_once_a_kind() -> None:
    """Two files that were read share one rule, one cost and one next step."""
    text = conduct.in_words(seen())
    assert text.count(KINDS["read"].rule) == 1
    assert text.count(KINDS["read"].step) == 2  # the network's is the same
    assert "/etc/passwd (kernels.py:7, task 1.1)" in text
    assert KINDS["read"].cost in text


def test_json_is_evidence() -> None:
    """Each violation with kind, place and what was seen."""
    first = to_json(seen())["violations"][0]
    assert first == {
        "kind": "read",
        "title": KINDS["read"].title,
        "seen": "/etc/passwd",
        "task": "1.1",
        "file": "kernels.py",
        "line": 7,
    }


def test_junit_is_well_formed() -> None:
    """The section is text of the suite."""
    (suite,) = ET.fromstring(junit.to_xml(seen()))  # noqa: S314 - our own
    assert "/etc/passwd" in str(suite.findtext("system-out"))
