"""Text of a submission made harmless: it must not steer what shows it."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text with U+FFFD for control characters, escapes and invisible marks; newlines stay.

    What is left is valid in XML 1.0, moves no terminal's cursor and turns no line around.
    """
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
