"""Finding one's way in a preprocessed source: brackets, names, parameter lists."""

from __future__ import annotations

from .diagnostics import Diagnostic
from .tokens import NAME, PUNCTUATION, Tokens

OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
# What emulator/markers.h makes of CUDA's keywords.
MARKERS = {
    "__emu_global__",
    "__emu_device__",
    "__emu_shared__",
    "__emu_constant__",
    "__emu_managed__",
    "__emu_noinline__",
}
# Words that can stand before a parenthesis in a declaration without being what is declared.
LAUNCH_BOUNDS = "__emu_launch_bounds__"
NOT_A_NAME = {
    *("__attribute__", "alignas", "decltype", "noexcept", "throw", "__declspec", "sizeof"),
    LAUNCH_BOUNDS,
}


class Navigator:
    """Moves over the code of a source: positions count pieces of code, not of white space.

    Attributes:
        tokens: the source.
        text: its pieces, to be read and replaced.
        pieces: for each position, the index of its piece.
        errors: complaints so far.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.text, self.kind, self.pieces = tokens.text, tokens.kind, tokens.code
        self.errors: list[Diagnostic] = []

    def complain(self, position: int, message: str) -> None:
        """Note an error at a position."""
        self.errors.append(Diagnostic(*self.tokens.place(self.pieces[position]), message))

    def replace(self, position: int, text: str) -> None:
        """Put other text in the place of a piece."""
        self.text[self.pieces[position]] = text

    def words(self, start: int, end: int) -> list[str]:
        """The pieces in [start, end)."""
        return [self.at(i) for i in range(start, end)]

    def at(self, position: int) -> str:
        """The piece at a position; empty outside of the source."""
        return self.text[self.pieces[position]] if 0 <= position < len(self.pieces) else ""

    def is_name(self, position: int) -> bool:
        """Whether there is a name or keyword at a position."""
        return 0 <= position < len(self.pieces) and self.kind[self.pieces[position]] == NAME

    def skip_group(self, position: int) -> int:
        """The position after the bracket that closes the one at `position`."""
        depth = 0
        while position < len(self.pieces):
            if self.kind[self.pieces[position]] == PUNCTUATION:
                text = self.at(position)
                depth += (text in OPEN) - (text in CLOSE)
                if depth == 0:
                    return position + 1
            position += 1
        return position

    def skip_angles(self, position: int) -> int:
        """The position after the template argument list that opens at `position`."""
        depth = 0
        while position < len(self.pieces):
            text = self.at(position)
            if text in OPEN:
                position = self.skip_group(position)
                continue
            depth += (text == "<") - (text == ">") - 2 * (text == ">>")
            position += 1
            if depth <= 0:
                return position
        return position

    def angle_start(self, position: int) -> int:
        """Where the template argument list that ends at `position` opens."""
        depth = 0
        while position > 0:
            text = self.at(position)
            depth += (text == ">") + 2 * (text == ">>") - (text == "<")
            if depth <= 0:
                return position
            position -= 1
        return position

    def name_before(self, position: int) -> str:
        """The plain name that ends at `position`, without template arguments."""
        return self.at(
            self.angle_start(position) - 1 if self.at(position) in {">", ">>"} else position
        )

    def joined(self, start: int, end: int) -> str:
        """The pieces in [start, end) as one text, without our markers."""
        text = ""
        for word in (self.at(i) for i in range(start, end)):
            if word in MARKERS:
                continue
            after_word = bool(text) and (text[-1].isalnum() or text[-1] in "_>")
            spaced = word[0].isalnum() or word[0] == "_" or word in {"*", "&"}
            text += (" " if after_word and spaced else "") + word
        return text

    def split(self, start: int, end: int) -> list[str]:
        """The parameters in [start, end) as written, without their default values."""
        parts: list[str] = []
        first = position = start
        while position < end:
            text = self.at(position)
            if text in OPEN:
                position = self.skip_group(position)
                continue
            if text == "<":
                position = self.skip_angles(position)
                continue
            if text == ",":
                parts.append(self.joined(first, position))
                first = position + 1
            position += 1
        parts.append(self.joined(first, end))
        parts = [part.partition("=")[0].strip() for part in parts]
        return [] if parts in (["void"], [""]) else parts

    def outside_braces(self, start: int, end: int) -> list[int]:
        """The positions in [start, end) that are in no braces."""
        positions = []
        while start < end:
            if self.at(start) == "{":
                start = self.skip_group(start)
                continue
            positions.append(start)
            start += 1
        return positions

    def function_name(self, start: int, end: int) -> int | None:
        """Where the name of the function declared in [start, end) is; None.

        It declares no function.
        """
        position = start
        while position < end:
            text = self.at(position)
            if text == "template" and self.at(position + 1) == "<":
                position = self.skip_angles(position + 1)
            elif text in NOT_A_NAME and self.at(position + 1) == "(":
                position = self.skip_group(position + 1)
            elif text == "operator":
                while position < end and self.at(position + 1) != "(":
                    position += 1
                return position if position < end else None
            elif text == "=":
                return None
            elif text == "(":
                before = position - 1
                return before if before >= start and self._names_function(before) else None
            elif text in {"[", "{"}:
                position = self.skip_group(position)
            else:
                position += 1
        return None

    def _names_function(self, position: int) -> bool:
        return self.is_name(position) or self.at(position) in {">", ">>"}
