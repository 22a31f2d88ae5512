# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

import pytest

from emulator.compiler.tokens import Tokens
from emulator.compiler.translate import translate

GLOBAL, SHARED, DEVICE = "__emu_global__", "__emu_shared__", "__emu_device__"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{GLOBAL} void k(float *x, int n) {{ }}", {"k": ("float *x", "int n")}),
        (f"void {GLOBAL} k() {{ }}", {"k": ()}),
        (f"{GLOBAL} void k(void) {{ }}", {"k": ()}),
        (f"{GLOBAL} void k(int *x); {GLOBAL} void k(int *x) {{ }}", {"k": ("int *x",)}),
        (f"{GLOBAL} void declared(int *x);", {}),
        (f'extern "C" {{ {GLOBAL} static void k() {{ }} }}', {"k": ()}),
        (f"namespace a {{ namespace {{ {GLOBAL} void k() {{}} }} }}", {"a::k": ()}),
        (f"namespace a::b {{ {GLOBAL} void k() {{}} }}", {"a::b::k": ()}),
        (f"template <class T> {GLOBAL} void k(T *x) {{ }}", {}),
        (
            (
                f"template <class T, int N> {GLOBAL} void k(T *x) {{ }}"
                f" template {GLOBAL} void k<float, 3>(float *);"
            ),
            {"k<float,3>": ("float *",)},
        ),
        (
            f"template <class T> {GLOBAL} void k(T x) {{}} template <> {GLOBAL} void k<int>(int x) {{}}",
            {"k<int>": ("int x",)},
        ),
        (
            f"{GLOBAL} __attribute__((aligned(16))) void k(foo<int, 3> f, void (*g)(int, int)) {{ }}",
            {"k": ("foo<int,3> f", "void(*g)(int,int)")},
        ),
        (f'const char *s = "{GLOBAL} void no() {{"; {GLOBAL} void k() {{ }}', {"k": ()}),
        (f"struct S {{ {DEVICE} int f() {{ return 1; }} }} s; {GLOBAL} void k() {{ }}", {"k": ()}),
        (f"float t[2] = {{1, 2}}; {GLOBAL} void k() {{ }}", {"k": ()}),
    ],
)
def test_finds_the_kernels(source: str, expected: dict[str, tuple[str, ...]]) -> None:
    """Every form of a kernel's definition is found, under its qualified name, with its parameters."""
    translation = translate(Tokens(source))
    assert translation.errors == []
    assert {k.expression: k.parameters for k in translation.kernels} == expected


def test_tells_overloads_apart() -> None:
    """Two kernels of one name are named with their signatures."""
    source = f"{GLOBAL} void k(int *x) {{ }} {GLOBAL} void k(float *x) {{ }}"
    assert [k.signature for k in translate(Tokens(source)).kernels] == ["(int *x)", "(float *x)"]


@pytest.mark.parametrize("name", ["größe", "b\\U000005d0dd", "\\U000005d0"])
def test_names_of_kernels(name: str) -> None:
    """A kernel's name that the table at the end could not hold is refused in its own line."""
    (error,) = translate(Tokens(f"\n{GLOBAL} void {name}(int n) {{ }}")).errors
    assert (error.line, "ASCII letters" in error.message) == (2, True)


def test_keeps_lines() -> None:
    """Nothing moves to another line."""
    source = (
        f"\n{GLOBAL} void k() {{\n  {SHARED} float a[2],\n b[3];\n  extern {SHARED} int d[];\n}}\n"
    )
    assert translate(Tokens(source)).source.count("\n") == source.count("\n")


@pytest.mark.parametrize(
    ("declaration", "parts"),
    [
        (
            f"{SHARED} float a[2][3], b;",
            ("static thread_local", "auto &a = ::emu::once(", "auto &b = ::emu::once("),
        ),
        (f"static {SHARED} volatile int a[4];", ("static thread_local", "volatile int")),
        (f"float {SHARED} a[4];", ("static thread_local", "aligned(16)", "float")),
        (
            f"{SHARED} union {{ float f[4]; int i; }} u, v[2];",
            ("static thread_local", "union { float f[4]; int i; }", "auto &u = ", "auto &v = "),
        ),
        (
            f"{SHARED} struct S {{ int a, b; }} s;",
            ("struct S { int a, b; } emu_shared1_s", "&s = "),
        ),
        (f"extern {SHARED} float a[];", ("typedef", "&a = ::emu::dynamic_shared<")),
        (f"extern volatile {SHARED} float a[][32];", ("typedef", "[][32]", "&a = ")),
    ],
)
def test_rewrites_shared_variables(declaration: str, parts: tuple[str, ...]) -> None:
    """Shared variables become thread-local, dynamic ones references, whatever the order of the words."""
    result = translate(Tokens(f"{GLOBAL} void k() {{ {declaration} }}"))
    assert result.errors == []
    for part in parts:
        assert part in result.source
    assert "emu_shared__" not in result.source


def test_places_follow_line_markers() -> None:
    """The place of a token is the one that the line markers before it say."""
    tokens = Tokens('# 7 "a.py"\nint a;\nint b;\n# 3 "b.h" 1 3\nint hidden;\n# 9 "a.py" 2\nint c;')
    places = {tokens.text[i]: tokens.place(i) for i in tokens.code}
    assert places["b"] == ("a.py", 8)
    assert places["c"] == ("a.py", 9)
    assert "hidden" not in places
