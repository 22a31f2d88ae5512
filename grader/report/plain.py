"""Text of a submission made harmless: it must not steer what shows it."""

from __future__ import annotations

from typing import Any


def plain(text: str) -> str:
    """The text with U+FFFD for control characters, escapes and invisible marks; newlines stay.

    What is left is valid in XML 1.0, moves no terminal's cursor and turns no line around.
    """
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def harmless(value: Any) -> Any:
    """The same value of dicts and lists, with all text in it plain; keys stay."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: harmless(item) for key, item in value.items()}
    return [harmless(item) for item in value] if isinstance(value, list | tuple) else value
