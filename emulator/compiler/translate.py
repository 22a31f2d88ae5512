"""CUDA C, preprocessed, to the C++ that a host compiler takes.

Only what C++ has no word for is rewritten; line numbers and everything else stay as they are.

    __global__            an ordinary function; a table at the end of the file lists all kernels,
                          and C++ deduces their parameter lists through a template
    __device__            nothing, or `inline` for a function, so that unused ones cost nothing
    __shared__            thread-local storage (one block runs on one OS thread at a time)
    extern __shared__     a reference to the block's dynamic shared memory
    __constant__          a section of its own, so that writes to it are noticed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import host_words, restrictions
from .diagnostics import Diagnostic
from .functions import Body, Functions, Kernel, Scope
from .navigation import LAUNCH_BOUNDS, MARKERS, Navigator
from .tokens import PUNCTUATION
from .variables import Variables

if TYPE_CHECKING:
    from .tokens import Tokens


class Translation(NamedTuple):
    """What `translate` returns.

    Attributes:
        source: C++.
        kernels: those that the image exports.
        errors: what a device refuses although a host compiler would take it.
        braces: where a brace is missing: better words than the host compiler's, should it fail.
        bodies: code positions of device functions: first, last, and what nvcc calls the function.
        tokens: the translated pieces.
    """

    source: str
    kernels: list[Kernel]
    errors: list[Diagnostic]
    braces: list[Diagnostic]
    bodies: list[tuple[int, int, str]]
    tokens: Tokens

    def use(self, name: str) -> Diagnostic:
        """A use of what only the host has, where device code has it first, in nvcc's words."""
        code, text = self.tokens.code, self.tokens.text
        uses = [position for position, index in enumerate(code) if text[index] == name]
        inside = [
            (position, f"a {called}" if called else "device code")
            for position in uses
            for first, last, called in self.bodies
            if first <= position < last
        ]
        position, caller = [*inside, *((p, "device code") for p in uses), (-1, "device code")][0]
        place = self.tokens.place(code[position]) if uses else ("", 0)
        if uses and [text[i] for i in code[position + 1 : position + 2]] != ["("]:
            return Diagnostic(*place, f'identifier "{name}" is undefined in device code')
        message = f'calling a __host__ function("{name}") from {caller} is not allowed'
        return Diagnostic(*place, message)


def translate(tokens: Tokens, flags: frozenset[str] = frozenset()) -> Translation:
    """Translate a preprocessed source; `flags` are nvcc's (for --expt-relaxed-constexpr)."""
    return _Translator(tokens, flags).run()


class _Translator:
    def __init__(self, tokens: Tokens, flags: frozenset[str]) -> None:
        self.code = Navigator(tokens)
        self.flags = flags
        self.functions, self.variables = Functions(self.code), Variables(self.code)
        self.bodies = self.functions.bodies
        self.scopes: list[Scope] = []
        self.braces: list[Diagnostic] = []

    def run(self) -> Translation:
        for complain in (restrictions.complain, host_words.complain):
            self.code.errors += complain(self.code.tokens)
        start = position = 0
        depth = 0  # of parentheses and brackets inside the current declaration
        while position < len(self.code.pieces):
            text = self.code.at(position)
            if self.code.kind[self.code.pieces[position]] != PUNCTUATION:
                pass
            elif text in "([":
                depth += 1
            elif text in ")]":
                depth = max(0, depth - 1)
            elif text == "{":
                if depth or not self._enter(start, position):
                    position = self.code.skip_group(
                        position
                    )  # an initialiser, or a lambda inside parentheses
                    continue
                start = position + 1
            elif text == "}":
                start = self._leave(start, position)
                depth = 0
            elif text == ";" and depth == 0:
                self._declaration(start, position)
                start = position + 1
            position += 1
        self.functions.tell_apart()
        self._check_braces()
        relaxed = "--expt-relaxed-constexpr" in self.flags
        self.functions.check_calls(relaxed_constexpr=relaxed)
        self.variables.bind(self.bodies)
        self._drop_markers()
        kernels = list(self.functions.kernels.values())
        bodies = [(body.brace, body.end, body.called) for body in self.bodies]
        source = self.code.tokens.source()
        return Translation(source, kernels, self.code.errors, self.braces, bodies, self.code.tokens)

    def _inside_function(self) -> bool:
        return any(scope.kind == "function" for scope in self.scopes)

    def _enter(self, start: int, brace: int) -> bool:
        """Open a scope at `brace`; False: the brace opens an initialiser."""
        words = self.code.words(start, brace)
        makes_type = {"class", "struct", "union", "enum"} & set(words) and "=" not in words
        if makes_type and "__emu_shared__" in words:  # its variables come after the type
            self.scopes.append(Scope("class", "", start))
        elif self._inside_function():
            self._shared(start, brace)
            if "__emu_global__" in words and self.bodies:  # the function before it was not closed
                self.bodies.append(Body(start, brace, self.code.skip_group(brace), ""))
            self.scopes.append(Scope("other", "", start))
        elif "namespace" in words[:2]:
            name = "".join(words[words.index("namespace") + 1 :])
            self.scopes.append(Scope("namespace", name, start))
        elif words[:1] == ["extern"] and words[2:] == []:
            self.scopes.append(Scope("linkage", "", start))
        elif (name_at := self.code.function_name(start, brace)) is not None:
            self.functions.define(start, brace, name_at, self.scopes)
            self.scopes.append(Scope("function", self.code.at(name_at), start))
        elif makes_type:
            self.scopes.append(Scope("class", "", start))
        else:
            return False
        return True

    def _leave(self, start: int, position: int) -> int:
        """Close a scope; returns where the declaration after (or around) it starts."""
        if self._inside_function():
            self._shared(start, position)
        if not self.scopes:
            self._brace(position, 'expected a declaration: this "}" has no "{" before it')
        elif (scope := self.scopes.pop()).kind == "class":
            return scope.start
        return position + 1

    def _declaration(self, start: int, end: int) -> None:
        words = {self.code.at(i) for i in self.code.outside_braces(start, end)}
        if self._inside_function() or "__emu_shared__" in words:
            self._shared(start, end)
        elif "__emu_global__" in words:
            name_at = self.code.function_name(start, end)
            if name_at is not None:
                self.functions.kernel_names.add(self.code.name_before(name_at))
                if self.code.at(start) == "template" and self.code.at(start + 1) != "<":
                    self.functions.add_kernel(start, name_at, self.scopes)
        elif "__emu_device__" in words or "__emu_constant__" in words:
            name_at = self.code.function_name(start, end)
            if name_at is None:
                in_class = bool(self.scopes) and self.scopes[-1].kind == "class"
                self.variables.device(start, end, guard=not in_class)
            else:
                self.functions.device.add(self.code.at(name_at))

    def _check_braces(self) -> None:
        """A brace that is never closed.

        Told at the function it belongs to and not at the end of the source.
        """
        for outer, inner in zip(self.bodies, self.bodies[1:], strict=False):
            if inner.start < outer.end:
                self._unclosed(outer)
                return
        if self.scopes:
            last = (
                self.bodies[-1] if self.bodies else Body(0, self.scopes[-1].start, 0, "the source")
            )
            self._unclosed(last)

    def _unclosed(self, body: Body) -> None:
        self._brace(body.brace, f'expected a "}}": a "{{" of the {body.called} is never closed')

    def _brace(self, position: int, message: str) -> None:
        self.braces.append(Diagnostic(*self.code.tokens.place(self.code.pieces[position]), message))

    def _drop_markers(self) -> None:
        for position, index in enumerate(self.code.pieces):
            text = self.code.text[index]
            if text == "__emu_global__":
                self.code.text[index] = "__attribute__((noinline))"
            elif text == "__emu_noinline__":  # libstdc++ writes __attribute__((__noinline__))
                bare = self.code.at(position - 1) in {"(", ","}
                self.code.text[index] = "noinline" if bare else "__attribute__((noinline))"
            elif text == LAUNCH_BOUNDS and self.code.at(position + 1) == "(":
                for inside in range(position, self.code.skip_group(position + 1)):
                    self.code.replace(inside, "")
            elif text in MARKERS:
                self.code.text[index] = ""

    def _shared(self, start: int, end: int) -> None:
        self.variables.shared(start, end, inside_function=self._inside_function())
