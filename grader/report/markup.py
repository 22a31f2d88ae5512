"""HTML that is escaped unless it says that it is HTML."""

from __future__ import annotations

import html

from grader.report.plain import plain

_VOID = frozenset({"input", "meta"})


class Html(str):
    """Text that is markup already; only `tag` and `join` make it."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | float | bool | None) -> Html:
    """An element.

    Args:
        name: of the element.
        children: `Html` as it is, other text escaped and without control characters; None and ""
            are left out.
        attributes: escaped; a trailing underscore is dropped (`class_`), others become hyphens;
            None and False are left out, True stands alone.
    """
    opened = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{html.escape(plain(str(value)))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{opened}>")
    return Html(f"<{name}{opened}>{join(*children)}</{name}>")


def join(*children: str | None) -> Html:
    """Children after one another, escaped where they are not markup."""
    return Html("".join(_escaped(child) for child in children if child))


def _escaped(child: str) -> str:
    return child if isinstance(child, Html) else html.escape(plain(child))


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
