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

from typing import NamedTuple

from . import host_words, restrictions
from .diagnostics import Diagnostic
from .tokens import NAME, PUNCTUATION, Tokens

CONSTANT_SECTION, READ_ONLY_SECTION = "emu_constant", "emu_constant_ro"
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
_MARKERS = {
    "__emu_global__",
    "__emu_device__",
    "__emu_shared__",
    "__emu_constant__",
    "__emu_managed__",
    "__emu_noinline__",
}
# Words that can stand before a parenthesis in a declaration without being what is declared.
_NOT_A_NAME = {"__attribute__", "alignas", "decltype", "noexcept", "throw", "__declspec", "sizeof"}


class Kernel(NamedTuple):
    """A kernel that the image exports.

    Attributes:
        expression: what C++ calls it at the end of the file ("scale", "ns::scale<float>").
        signature: its parameter list as written, for overloaded names; None: not needed.
        parameters: its parameters as written, ("const float *x", "int n").
    """

    expression: str
    signature: str | None
    parameters: tuple[str, ...]


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
        position, caller = (inside or [(p, "device code") for p in uses] or [(-1, "device code")])[
            0
        ]
        place = self.tokens.place(code[position]) if uses else ("", 0)
        if uses and text[code[position + 1]] != "(":
            return Diagnostic(*place, f'identifier "{name}" is undefined in device code')
        message = f'calling a __host__ function("{name}") from {caller} is not allowed'
        return Diagnostic(*place, message)


class _Scope(NamedTuple):
    kind: str  # "namespace", "linkage", "class", "function", "other"
    name: str
    start: int  # code position where its declaration starts


def translate(tokens: Tokens, flags: frozenset[str] = frozenset()) -> Translation:
    """Translate a preprocessed source; `flags` are nvcc's (for --expt-relaxed-constexpr)."""
    return _Translator(tokens, flags).run()


class _Body(NamedTuple):
    """A device function: code positions of its start, its opening brace and its end.

    And what nvcc calls it.
    """

    start: int
    brace: int
    end: int
    called: str


class _Translator:
    def __init__(self, tokens: Tokens, flags: frozenset[str]) -> None:
        self.tokens = tokens
        self.text, self.kind, self.code = self.tokens.text, self.tokens.kind, self.tokens.code
        self.flags = flags
        self.scopes: list[_Scope] = []
        self.kernels: dict[tuple[str, str | None], Kernel] = {}
        self.kernel_names: set[str] = set()
        self.device_functions: set[str] = set()
        self.host_functions: dict[str, bool] = {}  # name → is constexpr
        self.bodies: list[_Body] = []
        self.file_scope_dynamic: list[tuple[str, str]] = []  # (type, name)
        self.errors: list[Diagnostic] = []
        self.braces: list[Diagnostic] = []
        self.shared_count = 0

    # ---- the walk over declarations

    def run(self) -> Translation:
        self.errors += restrictions.complain(self.tokens) + host_words.complain(self.tokens)
        start = position = 0
        depth = 0  # of parentheses and brackets inside the current declaration
        while position < len(self.code):
            text = self._at(position)
            if self.kind[self.code[position]] != PUNCTUATION:
                pass
            elif text in "([":
                depth += 1
            elif text in ")]":
                depth = max(0, depth - 1)
            elif text == "{":
                if depth or not self._enter(start, position):
                    position = self._skip_group(
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
        for name in self.kernel_names & (self.device_functions | self.host_functions.keys()):
            self._mark_overloads(name, least=1)
        self._check_braces()
        self._check_calls()
        self._bind_file_scope_dynamic()
        self._drop_markers()
        kernels = list(self.kernels.values())
        bodies = [(body.brace, body.end, body.called) for body in self.bodies]
        source = self.tokens.source()
        return Translation(source, kernels, self.errors, self.braces, bodies, self.tokens)

    def _at(self, position: int) -> str:
        return self.text[self.code[position]] if 0 <= position < len(self.code) else ""

    def _is_name(self, position: int) -> bool:
        return 0 <= position < len(self.code) and self.kind[self.code[position]] == NAME

    def _inside_function(self) -> bool:
        return any(scope.kind == "function" for scope in self.scopes)

    def _skip_group(self, position: int) -> int:
        """The position after the bracket that closes the one at `position`."""
        depth = 0
        while position < len(self.code):
            if self.kind[self.code[position]] == PUNCTUATION:
                text = self._at(position)
                depth += (text in _OPEN) - (text in _CLOSE)
                if depth == 0:
                    return position + 1
            position += 1
        return position

    def _enter(self, start: int, brace: int) -> bool:
        """Open a scope at `brace`; False: the brace opens an initialiser."""
        words = [self._at(i) for i in range(start, brace)]
        if self._inside_function():
            self._shared_variables(start, brace)
            if "__emu_global__" in words and self.bodies:  # the function before it was not closed
                self.bodies.append(_Body(start, brace, self._skip_group(brace), ""))
            self.scopes.append(_Scope("other", "", start))
        elif "namespace" in words[:2]:
            name = "".join(words[words.index("namespace") + 1 :])
            self.scopes.append(_Scope("namespace", name, start))
        elif words[:1] == ["extern"] and words[2:] == []:
            self.scopes.append(_Scope("linkage", "", start))
        elif (name_at := self._function_name(start, brace)) is not None:
            self._function_definition(start, brace, name_at)
            self.scopes.append(_Scope("function", self._at(name_at), start))
        elif {"class", "struct", "union", "enum"} & set(words) and "=" not in words:
            self.scopes.append(_Scope("class", "", start))
        else:
            return False
        return True

    def _leave(self, start: int, position: int) -> int:
        """Close a scope; returns where the declaration after (or around) it starts."""
        if self._inside_function():
            self._shared_variables(start, position)
        if not self.scopes:
            self._brace(position, 'expected a declaration: this "}" has no "{" before it')
        elif (scope := self.scopes.pop()).kind == "class":
            return scope.start
        return position + 1

    def _declaration(self, start: int, end: int) -> None:
        words = {self._at(i) for i in self._outside_braces(start, end)}
        if self._inside_function() or "__emu_shared__" in words:
            self._shared_variables(start, end)
        elif "__emu_global__" in words:
            name_at = self._function_name(start, end)
            if name_at is not None:
                self.kernel_names.add(self._name_before(name_at))
                if self._at(start) == "template" and self._at(start + 1) != "<":
                    self._add_kernel(start, name_at)
        elif "__emu_device__" in words or "__emu_constant__" in words:
            name_at = self._function_name(start, end)
            if name_at is None:
                self._device_variable(start, end)
            else:
                self.device_functions.add(self._at(name_at))

    def _outside_braces(self, start: int, end: int) -> list[int]:
        positions = []
        while start < end:
            if self._at(start) == "{":
                start = self._skip_group(start)
                continue
            positions.append(start)
            start += 1
        return positions

    # ---- functions

    def _function_name(self, start: int, end: int) -> int | None:
        """Where the name of the function declared in [start, end) is; None.

        It declares no function.
        """
        position = start
        while position < end:
            text = self._at(position)
            if text == "template" and self._at(position + 1) == "<":
                position = self._skip_angles(position + 1)
            elif text in _NOT_A_NAME and self._at(position + 1) == "(":
                position = self._skip_group(position + 1)
            elif text == "operator":
                while position < end and self._at(position + 1) != "(":
                    position += 1
                return position if position < end else None
            elif text == "=":
                return None
            elif text == "(":
                before = position - 1
                return before if before >= start and self._names_function(before) else None
            elif text in {"[", "{"}:
                position = self._skip_group(position)
            else:
                position += 1
        return None

    def _names_function(self, position: int) -> bool:
        return self._is_name(position) or self._at(position) in {">", ">>"}

    def _skip_angles(self, position: int) -> int:
        """The position after the template argument list that opens at `position`."""
        depth = 0
        while position < len(self.code):
            text = self._at(position)
            if text in _OPEN:
                position = self._skip_group(position)
                continue
            depth += (text == "<") - (text == ">") - 2 * (text == ">>")
            position += 1
            if depth <= 0:
                return position
        return position

    def _name_before(self, position: int) -> str:
        """The plain name that ends at `position`, without template arguments."""
        return self._at(
            self._angle_start(position) - 1 if self._at(position) in {">", ">>"} else position
        )

    def _angle_start(self, position: int) -> int:
        """Where the template argument list that ends at `position` opens."""
        depth = 0
        while position > 0:
            text = self._at(position)
            depth += (text == ">") + 2 * (text == ">>") - (text == "<")
            if depth <= 0:
                return position
            position -= 1
        return position

    def _function_definition(self, start: int, brace: int, name_at: int) -> None:
        words = [self._at(i) for i in range(start, brace)]
        name = self._name_before(name_at)
        in_class = any(scope.kind == "class" for scope in self.scopes)
        if "__emu_global__" in words:
            self.kernel_names.add(name)
            self.bodies.append(
                _Body(start, brace, self._skip_group(brace), f'__global__ function("{name}")')
            )
            self._kernel_definition(start, name_at)
        elif "__emu_device__" in words:
            self.device_functions.add(name)
            self.bodies.append(
                _Body(start, brace, self._skip_group(brace), f'__device__ function("{name}")')
            )
            if not in_class:
                self._make_inline(start, name_at)
        elif not in_class and "::" not in words:
            self.host_functions[name] = "constexpr" in words

    def _make_inline(self, start: int, end: int) -> None:
        """Exactly one `inline` (unless constexpr): unused functions are not compiled."""
        seen = False
        marker = None
        for position in range(start, end):
            index = self.code[position]
            word = self.text[index]
            if word in {"inline", "__inline__", "__inline"}:
                self.text[index] = "" if seen else word
                seen = True
            elif word in {"static", "constexpr"}:
                seen = seen or word == "constexpr"
            elif word == "__emu_device__":
                marker = index
        if marker is not None and not seen:
            self.text[marker] = "inline"

    def _kernel_definition(self, start: int, name_at: int) -> None:
        specifiers = [self._at(i) for i in range(start, name_at)]
        if "void" not in specifiers and "auto" not in specifiers:
            marker = next(i for i in range(start, name_at) if self._at(i) == "__emu_global__")
            self._complain(marker, "a __global__ function must have a void return type")
        if self._at(start) == "template" and (self._at(start + 1), self._at(start + 2)) != (
            "<",
            ">",
        ):
            return  # a template: its explicit instantiations are exported
        self._add_kernel(start, name_at)

    def _add_kernel(self, start: int, name_at: int) -> None:
        explicit = self._at(name_at) in {">", ">>"}
        first = self._angle_start(name_at) - 1 if explicit else name_at
        while self._at(first - 1) == "::" and first - 2 >= start:
            first -= 2
        name = self._joined(first, name_at + 1)
        close = self._skip_group(name_at + 1)
        parameters = self._split(name_at + 2, close - 1)
        signature = "(" + ", ".join(parameters) + ")"
        namespaces = [s.name for s in self.scopes if s.kind == "namespace" and s.name]
        expression = "::".join([*namespaces, name])
        is_template = self._at(start) == "template"
        need_signature = is_template and not explicit
        key = (expression, signature)
        if key not in self.kernels:
            self.kernels[key] = Kernel(
                expression, signature if need_signature else None, tuple(parameters)
            )
            self._mark_overloads(expression)

    def _mark_overloads(self, expression: str, least: int = 2) -> None:
        """A name with several meanings needs its signature beside it."""
        same = [key for key in self.kernels if key[0] == expression]
        if len(same) >= least:
            for key in same:
                self.kernels[key] = self.kernels[key]._replace(signature=key[1])

    def _split(self, start: int, end: int) -> list[str]:
        """The parameters in [start, end) as written, without their default values."""
        parts: list[str] = []
        first = position = start
        while position < end:
            text = self._at(position)
            if text in _OPEN:
                position = self._skip_group(position)
                continue
            if text == "<":
                position = self._skip_angles(position)
                continue
            if text == ",":
                parts.append(self._joined(first, position))
                first = position + 1
            position += 1
        parts.append(self._joined(first, end))
        parts = [part.partition("=")[0].strip() for part in parts]
        return [] if parts in (["void"], [""]) else parts

    def _joined(self, start: int, end: int) -> str:
        text = ""
        for word in (self._at(i) for i in range(start, end)):
            if word in _MARKERS:
                continue
            after_word = bool(text) and (text[-1].isalnum() or text[-1] in "_>")
            spaced = word[0].isalnum() or word[0] == "_" or word in {"*", "&"}
            text += (" " if after_word and spaced else "") + word
        return text

    # ---- variables

    def _device_variable(self, start: int, end: int) -> None:
        """`used`: a variable that only the host writes must not be taken for a constant."""
        self._attribute_alignment(start, end)
        words = [self._at(i) for i in range(start, end)]
        section = READ_ONLY_SECTION if {"const", "constexpr"} & set(words) else CONSTANT_SECTION
        attribute = "__attribute__((used))"
        if "__emu_constant__" in words:
            attribute = f'__attribute__((used, section("{section}")))'
        if words[:1] == ["extern"] and "=" not in words and self._at(start + 1)[:1] != '"':
            attribute = ""
        for position in self._outside_braces(start, end):
            if self._at(position) in {"__emu_device__", "__emu_constant__"}:
                self.text[self.code[position]] = attribute
                attribute = ""

    def _attribute_alignment(self, start: int, end: int) -> None:
        """`alignas` may stand only first, and our keywords come before it.

        The attribute may stand anywhere.
        """
        for position in range(start, end):
            if self._at(position) == "alignas" and self._at(position + 1) == "(":
                self.text[self.code[position]] = "__attribute__((aligned"
                self.text[self.code[self._skip_group(position + 1) - 1]] += "))"

    def _shared_variables(self, start: int, end: int) -> None:
        if not any(self._at(i) == "__emu_shared__" for i in range(start, end)):
            return
        self._attribute_alignment(start, end)
        words = {self._at(i) for i in range(start, end)}
        names = self._declarators(start, end)
        for position in range(start, end):  # `__device__ __shared__` is `__shared__`
            if self._at(position) in {"static", "__emu_device__", "extern", "__emu_shared__"}:
                self.text[self.code[position]] = ""
        first = self.code[start]
        last = self.code[end] if end < len(self.code) else len(self.text) - 1
        if "extern" in words:
            self._dynamic_shared(first, last, names)
        else:
            self._static_shared(start, end, first, last, names)

    def _static_shared(self, start: int, end: int, first: int, last: int, names: list[int]) -> None:
        for position in range(start, end):
            if self._at(position) == "=":
                self._complain(position, "initializer not allowed for __shared__ variable")
                return
        # A float array may be read as float4: the device aligns shared memory so, too.
        self.text[first] = "static thread_local __attribute__((aligned(16))) " + self.text[first]
        if not self._inside_function():
            return
        self.shared_count += 1
        aliases = []
        for position in names:
            name = self._at(position)
            hidden = f"emu_shared{self.shared_count}_{name}"
            self.text[self.code[position]] = hidden
            aliases.append(f"[[maybe_unused]] auto &{name} = ::emu::once({hidden})")
        if aliases:
            self.text[last] = f"; {'; '.join(aliases)}{self.text[last]}"

    def _dynamic_shared(self, first: int, last: int, names: list[int]) -> None:
        self.text[first] = "typedef " + self.text[first]
        self.shared_count += 1
        declarations = []
        for position in names:
            name = self._at(position)
            hidden = f"emu_dynamic{self.shared_count}_{name}"
            self.text[self.code[position]] = hidden
            if self._inside_function():
                declarations.append(_dynamic_reference(hidden, name))
            else:
                self.file_scope_dynamic.append((hidden, name))
        self.text[last] = "; " + " ".join(declarations)

    def _bind_file_scope_dynamic(self) -> None:
        """Nothing can be looked up before a block runs.

        Each function that uses the name looks it up.
        """
        for hidden, name in self.file_scope_dynamic:
            for start, brace, end, _called in self.bodies:
                own = any(
                    self._at(i) == name for i in range(start, brace)
                )  # a parameter of that name
                if not own and any(self._at(i) == name for i in range(brace, end)):
                    self.text[self.code[brace]] += " " + _dynamic_reference(hidden, name)

    def _declarators(self, start: int, end: int) -> list[int]:
        """Where the names are that [start, end) declares.

        The last name before `[`, `,`, `=` or the end.
        """
        names: list[int] = []
        candidate = None
        position = start
        while position < end:
            text = self._at(position)
            if text in _NOT_A_NAME and self._at(position + 1) == "(":
                position = self._skip_group(position + 1)
                continue
            if text == "<":
                position = self._skip_angles(position)
                continue
            if text in {"[", ",", "="} and candidate is not None:
                names.append(candidate)
                candidate = None
            if text in _OPEN:
                position = self._skip_group(position)
                continue
            if self._is_name(position):
                candidate = position
            elif text == ",":
                candidate = None
            position += 1
        if candidate is not None and self._at(end - 1) != "]":
            names.append(candidate)
        return names

    # ---- complaints and leftovers

    def _complain(self, position: int, message: str) -> None:
        file, line = self.tokens.place(self.code[position])
        self.errors.append(Diagnostic(file, line, message))

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
                self.bodies[-1] if self.bodies else _Body(0, self.scopes[-1].start, 0, "the source")
            )
            self._unclosed(last)

    def _unclosed(self, body: _Body) -> None:
        self._brace(body.brace, f'expected a "}}": a "{{" of the {body.called} is never closed')

    def _brace(self, position: int, message: str) -> None:
        self.braces.append(Diagnostic(*self.tokens.place(self.code[position]), message))

    def _check_calls(self) -> None:
        """Calls that a device refuses although a host compiler would take them."""
        host = {
            n: c
            for n, c in self.host_functions.items()
            if n not in self.device_functions | self.kernel_names
        }
        if not host and not self.kernel_names:
            return
        for position, caller in self._device_calls():
            name = self._at(position)
            if name in self.kernel_names:
                given = self._count_arguments(position + 1)
                if given in self._parameter_counts(
                    name
                ):  # else a function of the same name, overloaded
                    self._complain(position, "a __global__ function call must be configured")
            elif name in host and "--expt-relaxed-constexpr" in self.flags and host[name]:
                continue
            elif name in host:
                kind = "constexpr __host__" if host[name] else "__host__"
                self._complain(
                    position,
                    f'calling a {kind} function("{name}") from a {caller} is not allowed '
                    f"(write __device__ before {name}'s definition)",
                )

    def _count_arguments(self, opening: int) -> int:
        end = self._skip_group(opening) - 1
        position, count = opening + 1, int(end > opening + 1)
        while position < end:
            if self._at(position) in _OPEN:
                position = self._skip_group(position)
                continue
            count += self._at(position) == ","
            position += 1
        return count

    def _parameter_counts(self, name: str) -> set[int]:
        kernels = self.kernels.values()
        return {len(k.parameters) for k in kernels if k.expression.split("<")[0].endswith(name)}

    def _device_calls(self) -> list[tuple[int, str]]:
        """All `name(` inside device functions, with the words for the caller."""
        calls: list[tuple[int, str]] = []
        for _start, first, last, caller in self.bodies:
            for position in range(first, last):
                if (
                    self._is_name(position)
                    and self._at(position + 1) == "("
                    and self._at(position - 1) not in {".", "->", "::"}
                    and (
                        not self._is_name(position - 1)
                        or self._at(position - 1) in {"return", "else", "do"}
                    )
                ):
                    calls.append((position, caller))  # noqa: PERF401 - clearer as a loop
        return calls

    def _drop_markers(self) -> None:
        for position, index in enumerate(self.code):
            text = self.text[index]
            if text == "__emu_global__":
                self.text[index] = "__attribute__((noinline))"
            elif text == "__emu_noinline__":  # libstdc++ writes __attribute__((__noinline__))
                bare = self._at(position - 1) in {"(", ","}
                self.text[index] = "noinline" if bare else "__attribute__((noinline))"
            elif text in _MARKERS:
                self.text[index] = ""


def _dynamic_reference(hidden: str, name: str) -> str:
    return f"[[maybe_unused]] {hidden} &{name} = ::emu::dynamic_shared<{hidden}>();"
