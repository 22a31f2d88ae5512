"""Words of a source that are for the host's compiler and linker, and not for a device.

Attributes, builtins, assembly, casts to pointers to functions: refused by name, as nvcc refuses
what a device has not.
"""

from __future__ import annotations

import functools
import re

from .diagnostics import Diagnostic
from .tokens import NAME, STRING, Tokens

_ATTRIBUTES = {
    *("aligned", "packed", "noinline", "always_inline", "unused", "const", "pure", "may_alias"),
    *(
        "nothrow",
        "noreturn",
        "deprecated",
        "warn_unused_result",
        "vector_size",
        "device",
        "flatten",
    ),
    *("global", "host", "shared", "constant", "managed", "launch_bounds", "nodiscard", "cold"),
    *("maybe_unused", "fallthrough", "likely", "unlikely", "no_unique_address", "hot", "mode"),
    *("carries_dependency", "assume", "nv_pure", "unavailable", "type_visibility", "unroll"),
}
_BUILTINS = re.compile(
    r"__builtin_(?:expect(?:_with_probability)?|unreachable|assume(?:_aligned)?|trap|constant_p|"
    r"mem(?:cpy|move|set|cmp)|popcount|parity|clz|ctz|ffs|clrsb|bswap16|bswap32|bswap64|bit_cast|"
    r"offsetof|addressof|types_compatible_p|is_constant_evaluated|LINE|FILE|FUNCTION|COLUMN|"
    r"choose_expr|(?:add|sub|mul|[su](?:add|sub|mul)l{0,2})_overflow|prefetch|"
    r"launder|shuffle(?:vector)?|convertvector|object_size|"
    r"(?:is(?:nan|inf(?:_sign)?|finite|normal|greater(?:equal)?|less(?:equal|greater)?|unordered)|"
    r"signbit|fpclassify|huge_val|inf|nans?|fabs|copysign|f?max|f?min|sqrt|r?int|nearbyint|round|"
    r"trunc|floor|ceil|fmod|remainder|remquo|modf|frexp|ldexp|scalbl?n|i?logb|l?l?r(?:int|ound)|"
    r"pow|powi|exp|exp2|exp10|expm1|log|log2|log10|log1p|cbrt|hypot|a?(?:sin|cos|tan)h?|atan2|"
    r"sincos|erfc?|[lt]gamma|fma|fdim|f?abs|l?labs|nextafter)(?:f|l|ll)?)(?:l|ll)?"
)
_ASM = "inline PTX (asm) is not emulated; write it in CUDA C (an intrinsic, or plain C)"
_CAST = (
    "a cast to a pointer to a function: a kernel calls functions of its own source only "
    "(static_cast chooses among overloads)"
)


@functools.lru_cache(maxsize=8)
def text_problems(header: str) -> list[Diagnostic]:
    """What `complain` says of a header that is compiled on its own, without preprocessing."""
    return complain(Tokens(header))


def complain(tokens: Tokens) -> list[Diagnostic]:
    """What in a preprocessed source is for the host's compiler and linker, and not for a device."""
    found: dict[str, int] = {}
    words = [tokens.text[i] for i in tokens.code] + [""] * 4
    is_name = [tokens.kind[i] == NAME for i in tokens.code]
    pointers = _function_pointers(words)
    casts = bool(pointers) or "(*)(" in "".join(words)
    for position, index in enumerate(tokens.code):
        word = words[position]
        if tokens.kind[index] == STRING:
            continue
        message = _host_word(words, position, pointers) if is_name[position] else ""
        if word == "[" and words[position + 1] == "[":
            message = _refused_attribute(_attributes(words, position + 2, "]"))
        elif word == "(" and casts and _is_cast(words, position, pointers):
            message = _CAST
        elif word == "&&" and _is_label(words, position):
            message = "taking the address of a label is not allowed in device code"
        if message:
            found.setdefault(message, index)
    return [Diagnostic(*tokens.place(index), message) for message, index in found.items()]


def _host_word(words: list[str], i: int, pointers: set[str]) -> str:
    word, after, message = words[i], words[i + 1], ""
    if word in {"asm", "__asm__", "__asm"}:
        message = _ASM
    elif word in {"__attribute__", "__attribute"} and after == "(":
        message = _refused_attribute(_attributes(words, i + 3, ")"))
    elif word == "__declspec" and words[i + 2] != "align":
        message = f"__declspec({words[i + 2]}) is not allowed in device code"
    elif word.startswith("__builtin_") and not _BUILTINS.fullmatch(word):
        message = f'identifier "{word}" is undefined in device code'
    elif word.startswith(("__atomic_", "__sync_")) and after == "(":
        message = f'identifier "{word}" is undefined in device code (atomicAdd(…) and the like are)'
    elif word == "goto" and after == "*":
        message = "goto to an address is not allowed in device code"
    elif word == "reinterpret_cast" and after == "<":
        end = i + 2 + words[i + 2 :].index(">") if ">" in words[i + 2 :] else i
        inside = words[i + 2 : end]
        if "(*)(" in "".join(inside) or (len(inside) == 1 and inside[0] in pointers):
            message = _CAST
    return message


def _attributes(words: list[str], i: int, close: str) -> list[str]:
    """The names in an attribute list, without their arguments and namespaces."""
    names, depth, fresh = [], 0, True
    while i < len(words) and words[i] and (depth or words[i] != close):
        word = words[i]
        depth += (word in {"(", "["}) - (word in {")", "]"})
        if not depth and fresh and word not in {",", ")", "]"}:
            if words[i + 1] == "::":
                i += 2
                continue
            names.append(word)
        fresh = not depth and word == ","
        i += 1
    return names


def _refused_attribute(names: list[str]) -> str:
    for name in names:
        bare = name[2:-2] if name.startswith("__") and name.endswith("__") else name
        known = bare in _ATTRIBUTES or name.startswith("__emu_") or name == "using"
        if not known:
            return f'attribute "{bare}" is not allowed in device code'
    return ""


def _function_pointers(words: list[str]) -> set[str]:
    """Names that typedef or using give to pointers to functions."""
    found = set()
    for i, word in enumerate(words):
        if word == "typedef" or (word == "using" and words[i + 2] == "="):
            end = i + words[i:].index(";") if ";" in words[i:] else i
            text = words[i:end]
            for k in range(len(text) - 3):
                if text[k : k + 2] == ["(", "*"] and text[k + 3 : k + 5] == [")", "("]:
                    found.add(text[k + 2])
                if word == "using" and text[k : k + 4] == ["(", "*", ")", "("]:
                    found.add(words[i + 1])
    return found


def _is_cast(words: list[str], i: int, pointers: set[str]) -> bool:
    """`(type (*)(…)) value` or `(name) value` with the name of such a type."""
    if words[i + 1] in pointers and words[i + 2] == ")":
        before, after = words[i - 1] if i else "", words[i + 3]
        value = after[:1].isalnum() or after[:1] == "_" or after in {"(", "&", "*"}
        return value and before not in {"sizeof", "decltype", "alignof"}
    depth, k, pointer = 0, i, False
    while k < len(words) and words[k] and words[k] not in {";", "{", "}"}:
        depth += (words[k] == "(") - (words[k] == ")")
        pointer = pointer or (depth == 1 and words[k + 1 : k + 5] == ["(", "*", ")", "("])
        if depth == 0:
            break
        k += 1
    if not pointer or depth:
        return False
    before, after = words[i - 1] if i else "", words[k + 1]
    is_call = bool(re.fullmatch(r"\w+|>|\]|\)", before)) and before not in {"return", "else"}
    return not is_call and bool(re.match(r"[\w(&*]", after))


def _is_label(words: list[str], i: int) -> bool:
    before = words[i - 1] if i else ""
    return (
        before in {"=", "(", ",", "{", "return", "[", "?", ":"}
        and re.match(r"[A-Za-z_]", words[i + 1]) is not None
    )
