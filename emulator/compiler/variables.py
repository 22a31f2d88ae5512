"""Variables with CUDA's memory spaces as variables of C++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .navigation import NOT_A_NAME, OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .functions import Body
    from .navigation import Navigator

# A float array may be read as float4: the device aligns shared memory so, too.
_THREAD_LOCAL = "static thread_local __attribute__((aligned(16)))"

CONSTANT_SECTION, READ_ONLY_SECTION = "emu_constant", "emu_constant_ro"
# Beside each variable lies memory that belongs to nobody: what a wrong index reaches first.
GUARD = "emu_guard_"
_GUARD_BYTES = 256
_IN_ORDER = "used, no_reorder"  # as written: the guard stays beside its variable


class Variables:
    """Rewrites declarations of __device__, __constant__ and __shared__ variables."""

    def __init__(self, code: Navigator) -> None:
        self.code = code
        self.file_scope_dynamic: list[tuple[str, str]] = []  # (type, name)
        self.shared_count = 0
        self.guarded: set[str] = set()  # sections that have a guard at their start
        self.guard_count = 0

    def device(self, start: int, end: int, *, guard: bool) -> None:
        """`used`: a variable that only the host writes must not be taken for a constant.

        `guard`: it stands where other variables may be declared (not in a class).
        """
        self._attribute_alignment(start, end)
        words = self.code.words(start, end)
        section = READ_ONLY_SECTION if {"const", "constexpr"} & set(words) else CONSTANT_SECTION
        constant = "__emu_constant__" in words
        attribute = f"__attribute__(({_IN_ORDER}))"
        if constant:
            attribute = f'__attribute__(({_IN_ORDER}, section("{section}")))'
        if words[:1] == ["extern"] and "=" not in words and self.code.at(start + 1)[:1] != '"':
            attribute = ""
            guard = False
        for position in self.code.outside_braces(start, end):
            if self.code.at(position) in {"__emu_device__", "__emu_constant__"}:
                self.code.replace(position, attribute)
                attribute = ""
        if guard:
            self._guard(start, end, section if constant else "", section == READ_ONLY_SECTION)

    def _guard(self, start: int, end: int, section: str, read_only: bool) -> None:
        """Declare guards on both sides of a variable, or behind it if one lies before already.

        Where the compiler puts it depends on its value, so that each place gets a guard.
        """
        place = section or ("constant" if read_only else "variable")
        if place not in self.guarded:
            self.guarded.add(place)
            first = self.code.pieces[start]
            self.code.text[first] = f"{self._guards(section, read_only)} {self.code.text[first]}"
        self.code.text[self.code.pieces[end]] += self._guards(section, read_only)

    def _guards(self, section: str, read_only: bool) -> str:
        self.guard_count += 1
        kept = f"__attribute__(({_IN_ORDER}, aligned(4)))"
        array = f"{self.guard_count}[{_GUARD_BYTES}]"
        const = "const " if read_only else ""
        if section:
            place = f'__attribute__((section("{section}")))'
            return f" {place} {kept} static {const}char {GUARD}{array} = {{}};"
        valued = f" {kept} static {const}char {GUARD}valued{array} = {{1}};"
        if read_only:
            return valued
        # without a value: the assembler puts what only this file sees behind the rest
        return f"{valued} {kept} char {GUARD}{array}; {kept} static char {GUARD}static{array};"

    def _attribute_alignment(self, start: int, end: int) -> None:
        """`alignas` may stand only first, and our keywords come before it.

        The attribute may stand anywhere.
        """
        for position in range(start, end):
            if self.code.at(position) == "alignas" and self.code.at(position + 1) == "(":
                self.code.replace(position, "__attribute__((aligned")
                self.code.text[self.code.pieces[self.code.skip_group(position + 1) - 1]] += "))"

    def shared(self, start: int, end: int, *, inside_function: bool) -> None:
        """A declaration in [start, end), if it is one of shared variables."""
        if not any(self.code.at(i) == "__emu_shared__" for i in range(start, end)):
            return
        self._attribute_alignment(start, end)
        words = set(self.code.words(start, end))
        names = self._declarators(start, end)
        for position in range(start, end):  # `__device__ __shared__` is `__shared__`
            if self.code.at(position) in {"static", "__emu_device__", "extern", "__emu_shared__"}:
                self.code.replace(position, "")
        first = self.code.pieces[start]
        last = self.code.pieces[end] if end < len(self.code.pieces) else len(self.code.text) - 1
        if "extern" in words:
            self._dynamic_shared(first, last, names, inside_function=inside_function)
        else:
            allowed = self._static_shared(start, end, first, inside_function=inside_function)
            if inside_function and allowed:
                self._name_inside(last, names)

    def _static_shared(self, start: int, end: int, first: int, *, inside_function: bool) -> bool:
        for position in range(start, end):
            if self.code.at(position) == "=":
                self.code.complain(position, "initializer not allowed for __shared__ variable")
                return False
        before = "typedef " if inside_function else f"{_THREAD_LOCAL} "
        self.code.text[first] = before + self.code.text[first]
        return True

    def _name_inside(self, last: int, names: list[int]) -> None:
        """Inside of a function, the address is looked up once, where the variable is declared."""
        aliases = []
        for name, hidden in self._hidden("shared", names):
            storage = f"{_THREAD_LOCAL} ::emu::shared_storage<{hidden}> {hidden}_storage"
            aliases.append(storage)
            aliases.append(f"[[maybe_unused]] auto &{name} = ::emu::once({hidden}_storage.value)")
        if aliases:
            self.code.text[last] = f"; {'; '.join(aliases)}{self.code.text[last]}"

    def _dynamic_shared(
        self, first: int, last: int, names: list[int], *, inside_function: bool
    ) -> None:
        self.code.text[first] = "typedef " + self.code.text[first]
        declarations = []
        for name, hidden in self._hidden("dynamic", names):
            if inside_function:
                declarations.append(_dynamic_reference(hidden, name))
            else:
                self.file_scope_dynamic.append((hidden, name))
        self.code.text[last] = "; " + " ".join(declarations)

    def _hidden(self, kind: str, names: list[int]) -> Iterator[tuple[str, str]]:
        """Rename what a declaration declares: each name, and the name of its type from now on."""
        self.shared_count += 1
        for position in names:
            name = self.code.at(position)
            hidden = f"emu_{kind}{self.shared_count}_{name}"
            self.code.replace(position, hidden)
            yield name, hidden

    def bind(self, bodies: list[Body]) -> None:
        """Nothing can be looked up before a block runs.

        Each function that uses the name looks it up.
        """
        for hidden, name in self.file_scope_dynamic:
            for start, brace, end, _called in bodies:
                parameters = self.code.words(start, brace)
                if name not in parameters and name in self.code.words(brace, end):
                    reference = " " + _dynamic_reference(hidden, name)
                    self.code.text[self.code.pieces[brace]] += reference

    def _declarators(self, start: int, end: int) -> list[int]:
        """Where the names are that [start, end) declares.

        The last name before `[`, `,`, `=` or the end.
        """
        names: list[int] = []
        candidate = None
        position = start
        while position < end:
            text = self.code.at(position)
            if text in NOT_A_NAME and self.code.at(position + 1) == "(":
                position = self.code.skip_group(position + 1)
                continue
            if text == "<":
                position = self.code.skip_angles(position)
                continue
            if text in {"[", ",", "="} and candidate is not None:
                names.append(candidate)
                candidate = None
            if text in OPEN:
                position = self.code.skip_group(position)
                continue
            if self.code.is_name(position):
                candidate = position
            elif text == ",":
                candidate = None
            position += 1
        if candidate is not None and self.code.at(end - 1) != "]":
            names.append(candidate)
        return names


def _dynamic_reference(hidden: str, name: str) -> str:
    return f"[[maybe_unused]] {hidden} &{name} = ::emu::dynamic_shared<{hidden}>();"
