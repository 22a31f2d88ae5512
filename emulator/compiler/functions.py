"""Functions: kernels, which the image exports, those of the device, and those of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .navigation import LAUNCH_BOUNDS, OPEN

if TYPE_CHECKING:
    from .navigation import Navigator


_NO_ASCII = "use ASCII letters, digits and _ for the name of a __global__ function"


class Kernel(NamedTuple):
    """A kernel that the image exports.

    Attributes:
        expression: what C++ calls it at the end of the file ("scale", "ns::scale<float>").
        signature: its parameter list as written, for overloaded names; None: not needed.
        parameters: its parameters as written, ("const float *x", "int n").
        most_threads: of a block, by its __launch_bounds__; 0: not said, or not as a number.
    """

    expression: str
    signature: str | None
    parameters: tuple[str, ...]
    most_threads: int


class Scope(NamedTuple):
    """What a brace has opened."""

    kind: str  # "namespace", "linkage", "class", "function", "other"
    name: str
    start: int  # code position where its declaration starts


class Body(NamedTuple):
    """A device function: code positions of its start, its opening brace and its end.

    And what nvcc calls it.
    """

    start: int
    brace: int
    end: int
    called: str


class Functions:
    """The functions of a source, as they are come upon.

    Attributes:
        kernels: those that the image exports, by expression and signature.
        kernel_names: the plain names of all kernels.
        device: the names of other functions of the device.
        bodies: of both.
    """

    def __init__(self, code: Navigator) -> None:
        self.code = code
        self.kernels: dict[tuple[str, str | None], Kernel] = {}
        self.kernel_names: set[str] = set()
        self.device: set[str] = set()
        self.bodies: list[Body] = []
        self._host: dict[str, bool] = {}  # name → is constexpr

    def define(self, start: int, brace: int, name_at: int, scopes: list[Scope]) -> None:
        """A function whose body opens at `brace`."""
        words = self.code.words(start, brace)
        name = self.code.name_before(name_at)
        in_class = any(scope.kind == "class" for scope in scopes)
        if "__emu_global__" in words:
            self.kernel_names.add(name)
            self.bodies.append(
                Body(start, brace, self.code.skip_group(brace), f'__global__ function("{name}")')
            )
            self._define_kernel(start, name_at, scopes)
        elif "__emu_device__" in words:
            self.device.add(name)
            self.bodies.append(
                Body(start, brace, self.code.skip_group(brace), f'__device__ function("{name}")')
            )
            if not in_class:
                self._make_inline(start, name_at)
        elif not in_class and "::" not in words:
            self._host[name] = "constexpr" in words

    def _make_inline(self, start: int, end: int) -> None:
        """Exactly one `inline` (unless constexpr): unused functions are not compiled."""
        seen = False
        marker = None
        for position in range(start, end):
            index = self.code.pieces[position]
            word = self.code.text[index]
            if word in {"inline", "__inline__", "__inline"}:
                self.code.text[index] = "" if seen else word
                seen = True
            elif word in {"static", "constexpr"}:
                seen = seen or word == "constexpr"
            elif word == "__emu_device__":
                marker = index
        if marker is not None and not seen:
            self.code.text[marker] = "inline"

    def _define_kernel(self, start: int, name_at: int, scopes: list[Scope]) -> None:
        specifiers = self.code.words(start, name_at)
        if "void" not in specifiers and "auto" not in specifiers:
            marker = next(i for i in range(start, name_at) if self.code.at(i) == "__emu_global__")
            self.code.complain(marker, "a __global__ function must have a void return type")
        opening = self.code.words(start, start + 3)
        if opening[0] == "template" and opening[1:] != ["<", ">"]:
            return  # a template: its explicit instantiations are exported
        self.add_kernel(start, name_at, scopes)

    def add_kernel(self, start: int, name_at: int, scopes: list[Scope]) -> None:
        """Export the kernel whose name ends at `name_at`."""
        explicit = self.code.at(name_at) in {">", ">>"}
        first = self.code.angle_start(name_at) - 1 if explicit else name_at
        while self.code.at(first - 1) == "::" and first - 2 >= start:
            first -= 2
        name = self.code.joined(first, name_at + 1)
        if not name.isascii() or "\\" in name:  # as g++'s preprocessor writes it
            self.code.complain(name_at, _NO_ASCII)
        close = self.code.skip_group(name_at + 1)
        parameters = self.code.split(name_at + 2, close - 1)
        signature = "(" + ", ".join(parameters) + ")"
        namespaces = [s.name for s in scopes if s.kind == "namespace" and s.name]
        expression = "::".join([*namespaces, name])
        is_template = self.code.at(start) == "template"
        need_signature = is_template and not explicit
        key = (expression, signature)
        if key not in self.kernels:
            self.kernels[key] = Kernel(
                expression,
                signature if need_signature else None,
                tuple(parameters),
                self._most_threads(start, name_at),
            )
            self._mark_overloads(expression)

    def _most_threads(self, start: int, end: int) -> int:
        words = self.code.words(start, end)
        if LAUNCH_BOUNDS not in words:
            return 0
        number, after = words[words.index(LAUNCH_BOUNDS) + 2 :][:2]
        return int(number) if number.isdecimal() and after in {")", ","} else 0

    def _mark_overloads(self, expression: str, least: int = 2) -> None:
        """A name with several meanings needs its signature beside it."""
        same = [key for key in self.kernels if key[0] == expression]
        if len(same) >= least:
            for key in same:
                self.kernels[key] = self.kernels[key]._replace(signature=key[1])

    def tell_apart(self) -> None:
        """Kernels that share their name with another function need their signatures."""
        for name in self.kernel_names & (self.device | self._host.keys()):
            self._mark_overloads(name, least=1)

    def check_calls(self, *, relaxed_constexpr: bool) -> None:
        """Calls that a device refuses although a host compiler would take them."""
        host = {n: c for n, c in self._host.items() if n not in self.device | self.kernel_names}
        if not host and not self.kernel_names:
            return
        for position, caller in self._device_calls():
            name = self.code.at(position)
            if name in self.kernel_names:
                given = self._count_arguments(position + 1)
                if given in self._parameter_counts(
                    name
                ):  # else a function of the same name, overloaded
                    self.code.complain(position, "a __global__ function call must be configured")
            elif name in host and relaxed_constexpr and host[name]:
                continue
            elif name in host:
                kind = "constexpr __host__" if host[name] else "__host__"
                self.code.complain(
                    position,
                    f'calling a {kind} function("{name}") from a {caller} is not allowed '
                    f"(write __device__ before {name}'s definition)",
                )

    def _count_arguments(self, opening: int) -> int:
        end = self.code.skip_group(opening) - 1
        position, count = opening + 1, int(end > opening + 1)
        while position < end:
            if self.code.at(position) in OPEN:
                position = self.code.skip_group(position)
                continue
            count += self.code.at(position) == ","
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
                    self.code.is_name(position)
                    and self.code.at(position + 1) == "("
                    and self.code.at(position - 1) not in {".", "->", "::"}
                    and (
                        not self.code.is_name(position - 1)
                        or self.code.at(position - 1) in {"return", "else", "do"}
                    )
                ):
                    calls.append((position, caller))  # noqa: PERF401 - clearer as a loop
        return calls
