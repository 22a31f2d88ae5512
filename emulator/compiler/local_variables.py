"""Local variables that start without a value, made known to the runtime.

A host compiler keeps local variables in registers, where no load or store of them is seen. A second
translation announces arrays without a value, and scalars that may be read before they are written,
to the runtime, which then sees every access to them: what it reports was read, not only suspected.
Arrays of which pointers are taken get guards around them, since no index is checked there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .navigation import CLOSE, OPEN, Navigator
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
_SCALARS = {
    *("bool", "char", "short", "int", "long", "unsigned", "signed", "float", "double", "size_t"),
    *("int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"),
    *("*", "__half", "half", "uint", "uchar", "ushort", "ulong", "clock_t", "ptrdiff_t"),
}


def announced(code: str, messages: str, complaints: str = "", *, arrays: bool = True) -> str | None:
    """The source with its doubtful local variables announced; None: it has none.

    Args:
        code: translated C++.
        messages: what the host compiler said of it, with -Wmaybe-uninitialized or clang's equal.
        complaints: what it said of a first try: announcements named there (jumps across them are
            forbidden) are left out.
        arrays: the compiler shows the accesses to their elements.
    """
    warned = set(_WARNING.findall(messages))
    return _Announcer(code, warned, set(_ANNOUNCEMENT.findall(complaints)), arrays).run()


class _Variable(NamedTuple):
    """A declarator: its name, where it stands, how many dimensions, and where its value starts."""

    name: str
    position: int
    dimensions: int
    value: int
    unsized: bool

    @property
    def has_value(self) -> bool:
        return self.value > 0


class _Announcer:
    def __init__(self, code: str, warned: set[str], left_out: set[str], arrays: bool) -> None:
        self.arrays = arrays
        self.tokens = Tokens(code)
        self.navigator = Navigator(self.tokens)
        self.code = [self.tokens.text[i] for i in self.tokens.code]
        self.is_name = [self.tokens.kind[i] == NAME for i in self.tokens.code]
        self.edits: dict[int, str] = {}  # made at the end: what is read stays as it was
        self.warned, self.left_out = warned, left_out
        self.body_end = 0
        self.shuffled: set[str] = set()
        self.count = 0

    def run(self) -> str | None:
        """Walk over statements; only those directly in a function's blocks can declare."""
        functions: list[bool] = []  # for each open brace: does it hold statements?
        start, parentheses = 0, 0
        for i, text in enumerate(self.code):
            value = text == "{" and self.code[i - 1] == "="
            if parentheses or value or text in {"(", "["}:
                parentheses += (text in OPEN) - (text in CLOSE)
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
        for position, text in self.edits.items():
            self.navigator.replace(position, text)
        return self.tokens.source() if self.count else None

    def _holds_statements(self, start: int, brace: int, outer: list[bool]) -> bool:
        head = self.code[start:brace]
        if _TYPE_BODY & set(head) and "(" not in head:
            return False
        return (bool(outer) and outer[-1]) or ")" in head

    def _statement(self, start: int, end: int) -> None:
        """Announce what a declaration statement leaves without a value."""
        declared = self._declarators(start, end)
        guard = self._can_be_guarded(start, declared)
        announced = []
        for variable in declared:
            pointed = guard and variable.dimensions > 0 and self._pointed_at(variable, end)
            if not pointed and (variable.has_value or not self._announces(start, variable, end)):
                continue
            self.count += 1
            if str(self.count) not in self.left_out:
                announced.append((self.count, variable, pointed))
        if any(pointed for _, _, pointed in announced):
            self._guard(start, end, declared, announced)
        else:
            for number, variable, _ in announced:
                self._append(end, _announcement(number, variable.name, "0"))

    def _announces(self, start: int, variable: _Variable, end: int) -> bool:
        if variable.dimensions:
            return self.arrays
        scalar = not _SCALARS.isdisjoint(self.code[start : variable.position])
        return self._doubtful(variable.name, end, scalar=scalar)

    def _can_be_guarded(self, start: int, declared: list[_Variable]) -> bool:
        """Guards need a name for the type, and one variable if there are values."""
        fixed = {"static", "extern", "constexpr", "const", "register"}
        if fixed & set(self.code[start : declared[0].position] if declared else []):
            return False
        if any(v.unsized for v in declared):
            return False
        return len(declared) == 1 or not any(v.has_value for v in declared)

    def _pointed_at(self, variable: _Variable, end: int) -> bool:
        """Whether an array is used other than by all its indices at once."""
        for i in range(end, self.body_end):
            if self.code[i] != variable.name:
                continue
            k, groups = i + 1, 0
            while self.code[k] == "[":
                k, groups = self.navigator.skip_group(k), groups + 1
            if groups < variable.dimensions or self.code[i - 1] == "&":
                return True
        return False

    def _guard(
        self,
        start: int,
        end: int,
        declared: list[_Variable],
        announced: list[tuple[int, _Variable, bool]],
    ) -> None:
        """Make types of the declarators, and declare the variables by them."""
        self.edits[start] = f"typedef {self.code[start]}"
        numbers = {variable: (number, pointed) for number, variable, pointed in announced}
        for variable in declared:
            number, pointed = numbers.get(variable, (0, False))
            new = f"emu_type_{number}_{variable.name}"
            self.edits[variable.position] = new
            name, guards = variable.name, f"emu_guarded_{number}"
            if not pointed:
                self._append(end, f" {new} {name};")
            elif variable.has_value:
                brace = " {" if self.code[variable.value] == "{" else ""
                guarded = f"; ::emu::guarded<{new}> {guards} = {{ {{}},{brace}"
                self.edits[variable.value] = guarded
                self.edits[end] = f", {{}} }}; {new} &{name} = {guards}.value;"
            else:
                self._append(end, f" ::emu::guarded<{new}> {guards};")
                self._append(end, f" {new} &{name} = {guards}.value;")
            if variable in numbers:
                flags = "1 | 2" if pointed and variable.has_value else str(int(pointed))
                self._append(end, _announcement(number, name, flags))

    def _append(self, end: int, text: str) -> None:
        self.edits[end] = self.edits.get(end, self.code[end]) + text

    def _declarators(self, start: int, end: int) -> list[_Variable]:
        position = self._after_type(start, end)
        found = []
        while position < end:
            if self.code[position] == "*":
                position += 1
                continue
            if not self.is_name[position]:
                return []
            following = self._next_declarator(position + 1, end)
            if following is None:
                return []
            after, value = following
            dimensions, i = 0, position + 1
            while self.code[i] == "[":
                i, dimensions = self.navigator.skip_group(i), dimensions + 1
            unsized = dimensions > 0 and self.code[position + 2] == "]"
            found.append(_Variable(self.code[position], position, dimensions, value, unsized))
            position = after
        return found

    def _doubtful(self, name: str, end: int, *, scalar: bool) -> bool:
        """Whether a variable may be read before it is written; compilers miss some, so guess wide.

        Lanes may give a shuffle what they have not written, as long as nobody takes it. A structure
        that is a copy of another one is written as far as that one is.
        """
        if name in self.shuffled:
            return False
        uses = [i for i in range(end, self.body_end) if self.code[i] == name]
        if not uses or any(self.code[i - 1] == "&" for i in uses):
            return name in self.warned
        first = uses[0]
        assigned = self.code[first - 1] == ";" and self.code[first + 1] == "="
        copied = not scalar and self.is_name[first + 2] and self.code[first + 3] == ";"
        return name in self.warned or not assigned or copied

    def _enter_body(self, brace: int) -> None:
        self.body_end = self.navigator.skip_group(brace)
        self.shuffled = set()
        for i in range(brace, self.body_end):
            if "shfl" in self.code[i] and self.is_name[i] and self.code[i + 1] == "(":
                end = self.navigator.skip_group(i + 1)
                self.shuffled |= {self.code[k] for k in range(i + 1, end) if self.is_name[k]}

    def _after_type(self, start: int, end: int) -> int:
        """Where the first declarator of a declaration stands; `end` if this is none."""
        names, i = 0, start
        while i < end:
            text = self.code[i]
            follows = self.code[i + 1]
            if self.is_name[i] and text in _NOT_A_TYPE:
                return end
            if text == "<" and names:
                i = min(end, self.navigator.skip_angles(i))
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

    def _next_declarator(self, i: int, end: int) -> tuple[int, int] | None:
        """Behind a name: where the next declarator starts, and this one's value; 0: it has none."""
        value = i if self.code[i] in {"=", "(", "{"} else 0
        depth = 0
        while i < end:
            text = self.code[i]
            if text == "," and not depth:
                return i + 1, value
            if text in {"=", "{"} and not depth and not value:
                value = i
            if not depth and not value and text not in {"[", "]"}:
                return None
            depth += (text in OPEN) - (text in CLOSE)
            i += 1
        return end, value


def _announcement(number: int, name: str, flags: str) -> str:
    arguments = f"&{name}" if flags == "0" else f"&{name}, {flags}"
    return (
        f" ::emu::announced<std::remove_reference_t<decltype({name})>>"
        f" emu_announced_{number}({arguments});"
    )
