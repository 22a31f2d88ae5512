"""Local variables that start without a value, made known to the runtime.

A host compiler keeps local variables in registers, where no load or store of them is seen. A second
translation announces arrays without a value, and scalars that may be read before they are written,
to the runtime, which then sees every access to them: what it reports was read, not only suspected.
"""

from __future__ import annotations

import re

from .tokens import NAME, Tokens

_WARNING = re.compile(
    r"warning: (?:variable )?[‘'][^\w’']*(\w+)[^’']*[’'] (?:is|may be) (?:used )?uninit"
)
_ANNOUNCEMENT = re.compile(r"emu_announced_(\d+)")
_TYPE_BODY = {"struct", "class", "union", "enum"}
_NOT_A_TYPE = {
    *("return", "static", "extern", "thread_local", "typedef", "using", "goto", "delete", "throw"),
    *("new", "case", "default", "else", "do", "if", "for", "while", "switch", "struct", "class"),
    *("union", "enum", "constexpr", "template", "operator", "friend", "namespace", "public"),
    *("private", "protected", "break", "continue", "asm", "__asm__", "co_return", "try", "catch"),
}
_OPEN, _CLOSE = {"(", "[", "{"}, {")", "]", "}"}


def announced(code: str, messages: str, complaints: str = "") -> str | None:
    """The source with its doubtful local variables announced; None: it has none.

    Args:
        code: translated C++.
        messages: what the host compiler said of it, with -Wmaybe-uninitialized or clang's equal.
        complaints: what it said of a first try: announcements named there (jumps across them are
            forbidden) are left out.
    """
    warned = set(_WARNING.findall(messages))
    return _Announcer(code, warned, set(_ANNOUNCEMENT.findall(complaints))).run()


class _Announcer:
    def __init__(self, code: str, warned: set[str], left_out: set[str]) -> None:
        self.tokens = Tokens(code)
        self.code = [self.tokens.text[i] for i in self.tokens.code]
        self.is_name = [self.tokens.kind[i] == NAME for i in self.tokens.code]
        self.warned, self.left_out = warned, left_out
        self.body_end = 0
        self.shuffled: set[str] = set()
        self.count = 0

    def run(self) -> str | None:
        """Walk over statements; only those directly in a function's blocks can declare."""
        functions: list[bool] = []  # for each open brace: does it hold statements?
        start, parentheses = 0, 0
        for i, text in enumerate(self.code):
            parentheses += (text in {"(", "["}) - (text in {")", "]"})
            if parentheses:
                continue
            if text == "{":
                functions.append(self._holds_statements(start, i, functions))
                if functions[-1] and i >= self.body_end:
                    self._enter_body(i)
                start = i + 1
            elif text == "}":
                if functions:
                    functions.pop()
                start = i + 1
            elif text == ";":
                if functions and functions[-1]:
                    self._statement(start, i)
                start = i + 1
        return self.tokens.source() if self.count else None

    def _holds_statements(self, start: int, brace: int, outer: list[bool]) -> bool:
        head = self.code[start:brace]
        if _TYPE_BODY & set(head) and "(" not in head:
            return False
        return (bool(outer) and outer[-1]) or ")" in head

    def _statement(self, start: int, end: int) -> None:
        """Announce what a declaration statement leaves without a value."""
        names = self._declared(start, end)
        semicolon = self.tokens.code[end]
        for name in names:
            self.count += 1
            if str(self.count) in self.left_out:
                continue
            self.tokens.text[semicolon] += (
                f" ::emu::announced<decltype({name})> emu_announced_{self.count}(&{name});"
            )

    def _declared(self, start: int, end: int) -> list[str]:
        position = self._after_type(start, end)
        found = []
        while position < end:
            if self.code[position] == "*":
                position += 1
                continue
            if not self.is_name[position]:
                return []
            name, after = self.code[position], position + 1
            bare = self._next_declarator(after, end)
            if bare is None:
                return []
            position, has_value, is_array = bare
            if not has_value and (is_array or self._doubtful(name, end)):
                found.append(name)
        return found

    def _doubtful(self, name: str, end: int) -> bool:
        """Whether a scalar may be read before it is written; compilers miss some, so guess wide.

        Lanes may give a shuffle what they have not written, as long as nobody takes it.
        """
        if name in self.shuffled:
            return False
        uses = [i for i in range(end, self.body_end) if self.code[i] == name]
        if not uses or any(self.code[i - 1] == "&" for i in uses):
            return name in self.warned
        first = uses[0]
        assigned = self.code[first - 1] == ";" and self.code[first + 1] == "="
        return name in self.warned or not assigned

    def _enter_body(self, brace: int) -> None:
        depth, i = 1, brace + 1
        while depth and i < len(self.code):
            depth += (self.code[i] == "{") - (self.code[i] == "}")
            i += 1
        self.body_end = i
        self.shuffled = self._shuffled(brace, i)

    def _shuffled(self, start: int, end: int) -> set[str]:
        found: set[str] = set()
        for i in range(start, end):
            text = self.code[i]
            if "shfl" in text and self.is_name[i] and self.code[i + 1] == "(":
                k, depth = i + 2, 1
                while depth and k < len(self.code):
                    depth += (self.code[k] == "(") - (self.code[k] == ")")
                    found |= {self.code[k]} if self.is_name[k] else set()
                    k += 1
        return found

    def _after_type(self, start: int, end: int) -> int:
        """Where the first declarator of a declaration stands; `end` if this is none."""
        names, i = 0, start
        while i < end:
            text = self.code[i]
            follows = self.code[i + 1]
            if self.is_name[i] and text in _NOT_A_TYPE:
                return end
            if text == "<" and names:
                i = self._closing_angle(i, end)
            elif text == "*" and names:
                return i
            elif text == "::":
                i += 1
            elif not self.is_name[i]:
                return end
            elif names and follows not in {"::", "<"} and not self._more_type(i + 1):
                return i
            else:
                names += self.code[i - 1] != "::" or not names
                i += 1
        return end

    def _more_type(self, i: int) -> bool:
        return self.is_name[i] or self.code[i] == "*"

    def _closing_angle(self, i: int, end: int) -> int:
        depth = 0
        while i < end:
            depth += {"<": 1, ">": -1, ">>": -2}.get(self.code[i], 0)
            i += 1
            if depth <= 0:
                return i
        return end

    def _next_declarator(self, i: int, end: int) -> tuple[int, bool, bool] | None:
        """Behind a name: where the next declarator starts, and this one's value and dimensions."""
        is_array = self.code[i] == "["
        has_value = self.code[i] in {"=", "(", "{"}
        depth = 0
        while i < end:
            text = self.code[i]
            if text == "," and not depth:
                return i + 1, has_value, is_array
            if text == "=" and not depth:
                has_value = True
            if not depth and not has_value and text not in {"[", "]"}:
                return None
            depth += (text in _OPEN) - (text in _CLOSE)
            i += 1
        return end, has_value, is_array
