"""A page in one file: style and script stand in it, and its own policy lets nothing else pass."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from grader.report.markup import Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


HOMEWORK = "Homework 5 · Neural networks on a GPU"


def document(
    title: str, body: Iterable[Html | None], styles: Iterable[Path], script: Path | None = None
) -> str:
    """A whole page, which needs no network, no server and no script to be read.

    Args:
        title: of the window; escaped.
        body: what is shown.
        styles: files of the page's own, read into it one after the other.
        script: such a file, run once the rest is there.
    """
    style = _content(styles)
    policy = f"default-src 'none'; style-src {_digest(style)}"
    run = None
    if script is not None:
        code = _content([script])
        policy += f"; script-src {_digest(code)}"
        run = tag("script", code)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", style),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', *body, run), lang='en')}\n"


def title(heading: str, above: Html | str = HOMEWORK) -> Html:
    """A page's heading, and a line above it."""
    lines = (tag("p", above, class_="eyebrow"), tag("h1", heading))
    return tag("div", *lines, class_="title")


def score(points: str, most: int, more: str | None = None, told: str = "Score") -> Html:
    """Points beside a page's heading; `told` is for those who do not see where they stand."""
    return tag(
        "p",
        tag("span", f"{told}: ", class_="unseen"),
        tag("strong", points),
        tag("span", f" / {most}"),
        tag("small", more) if more else None,
        class_="score",
    )


def _content(files: Iterable[Path]) -> Html:
    """Files of the page's own; they are read into it as they are."""
    return join(*(Html(file.read_text("utf-8")) for file in files))


def _digest(text: str) -> str:
    """What the page's policy lets pass: a style or script with exactly this content."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
