"""What ptxas would refuse in a linked image.

Too much static memory, and calls of the host's functions.
"""

from __future__ import annotations

from .elf import FUNCTION, THREAD_LOCAL, UNDEFINED, Elf, Symbol
from .variable_table import constant_bytes

# What kernels may call of the host: the runtime, the sanitizers' callbacks, plain memory and string
# functions,
# and mathematics.
_PREFIXES = ("emu_", "__tsan_", "__ubsan_handle_")
_HELPERS = {
    *("__tls_get_addr", "__cxa_finalize", "_GLOBAL_OFFSET_TABLE_", "__gmon_start__"),
    *(
        "memcpy",
        "memmove",
        "memset",
        "memcmp",
        "strlen",
        "strcmp",
        "strcpy",
        "strncmp",
        "abs",
        "labs",
    ),
    *("__fpclassify", "__signbit", "__isnan", "__isinf", "__finite"),
}
_MATHEMATICS = frozenset(
    [
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atan2",
        "atanh",
        "cbrt",
        "ceil",
        "copysign",
        "cos",
        "cosh",
        "erf",
        "erfc",
        "exp",
        "exp10",
        "exp2",
        "expm1",
        "fabs",
        "fdim",
        "floor",
        "fma",
        "fmax",
        "fmin",
        "fmod",
        "frexp",
        "hypot",
        "ilogb",
        "j0",
        "j1",
        "jn",
        "ldexp",
        "lgamma",
        "llrint",
        "llround",
        "log",
        "log10",
        "log1p",
        "log2",
        "logb",
        "lrint",
        "lround",
        "modf",
        "nan",
        "nearbyint",
        "nextafter",
        "pow",
        "remainder",
        "remquo",
        "rint",
        "round",
        "roundeven",
        "scalbln",
        "scalbn",
        "sin",
        "sincos",
        "sinh",
        "sqrt",
        "tan",
        "tanh",
        "tgamma",
        "trunc",
        "y0",
        "y1",
        "yn",
    ]
)

_OPERATORS = {"_Znw": "new", "_Zna": "new", "_Zdl": "delete", "_Zda": "delete"}


def problems(image: bytes, most_shared: int, most_constant: int) -> list[str]:
    """Complaints in ptxas's words, each a line; empty for an image that is fine."""
    elf = Elf(image)
    symbols = elf.symbols()
    return [
        *_too_much_shared(symbols, most_shared),
        *_too_much_constant(elf, most_constant),
    ]


def static_shared(symbols: list[Symbol], kernel: str) -> int:
    """Bytes of static shared memory of a kernel.

    Its own variables (their names contain the function's).
    """
    prefix = "_ZZ" + (kernel[2:] if kernel.startswith("_Z") else f"{len(kernel)}{kernel}") + "E"
    c_prefix = f"_ZZ{len(kernel)}{kernel}E"
    own = [s for s in symbols if s.kind == THREAD_LOCAL and s.name.startswith((prefix, c_prefix))]
    return sum(s.size for s in own)


def _too_much_shared(symbols: list[Symbol], most: int) -> list[str]:
    found = []
    for symbol in symbols:
        if symbol.kind == FUNCTION:
            size = static_shared(symbols, symbol.name)
            if size > most:
                found.append(
                    f"ptxas error   : Entry function '{symbol.name}' uses too much shared data "
                    f"(0x{size:x} bytes, 0x{most:x} max)\n"
                )
    return found


def _too_much_constant(elf: Elf, most: int) -> list[str]:
    size = constant_bytes(elf)
    if size <= most:
        return []
    return [
        (
            "ptxas error   : File uses too much global constant data "
            f"(0x{size:x} bytes, 0x{most:x} max)\n"
        )
    ]


def foreign(elf: Elf) -> list[str]:
    """What an image uses of the host, and kernels may not: names in the source."""
    found = []
    for symbol in elf.symbols(".dynsym"):
        if symbol.section != UNDEFINED:
            continue
        name = symbol.name
        base = name.removesuffix("f").removesuffix("l").removeprefix("__").removesuffix("_r")
        allowed = (
            name.startswith(_PREFIXES) or name in _HELPERS or {name, name[:-1], base} & _MATHEMATICS
        )
        if not allowed:
            found.append(_OPERATORS.get(name[:4], name))
    return found
