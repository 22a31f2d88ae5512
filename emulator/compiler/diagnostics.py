# ruff: noqa: E501 - a row of the table of wordings stays in one line
"""The host compiler's complaints in nvcc's words, with the student's own file and line."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_ERRORS = 20  # more than that is not read


class Diagnostic(NamedTuple):
    """One complaint about the source, in nvcc's words."""

    file: str
    line: int
    message: str


_HEAD = re.compile(
    r"(?P<file>[^:\n]+):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<kind>fatal error|error|note): (?P<text>.*)"
)
# g++'s and clang++'s wording → nvcc's (its own messages were taken from nvcc 13.0). First match
# wins.
_WORDING = [
    (r"[‘'](\w+)[’'] was not declared in this scope.*", r'identifier "\1" is undefined'),
    (r"use of undeclared identifier '(\w+)'.*", r'identifier "\1" is undefined'),
    (r"[‘'](\w+)[’'] does not name a type.*", r'identifier "\1" is undefined'),
    (r"unknown type name '(\w+)'.*", r'identifier "\1" is undefined'),
    (r"[‘'](\w+)[’'] has not been declared", r'identifier "\1" is undefined'),
    (
        r"variable or field [‘'](\w+)[’'] declared void",
        r'incomplete type "void" is not allowed (declaring "\1")',
    ),
    (r"[‘'](\w+)[’'] is not a member of [‘'](\w+)[’'].*", r'namespace "\2" has no member "\1"'),
    (
        r"no (?:type|template|member) named '(\w+)' in namespace '(\w+)'.*",
        r'namespace "\2" has no member "\1"',
    ),
    (r"expected [‘']([^’']+)[’'] at end of input", r'expected a "\1" (the source ends too early)'),
    (r"expected [‘'],[’'] or [‘'];[’'] before .*", r'expected a ";"'),
    (r"expected [‘']([;,)}\]])[’'](?: before.*| or.*|$)", r'expected a "\1"'),
    (r"expected '?([;,)}\]])'?(?: .*|$)", r'expected a "\1"'),
    (r"expected initializer before .*", r'expected a ";"'),
    (r"expected (?:primary-)?expression.*", "expected an expression"),
    (r"expected unqualified-id.*|expected declaration.*", "expected a declaration"),
    (r"[‘']else[’'] without a previous [‘']if[’']", "expected a statement"),
    (
        r"too (few|many) arguments to function [‘'](.*)[’']",
        r'too \1 arguments in function call ("\2")',
    ),
    (r"too (few|many) arguments to function call.*", r"too \1 arguments in function call"),
    (
        r"invalid conversion from [‘']([^’']+)[’'] (?:\{aka .*\} )?to [‘']([^’']+)[’'].*",
        r'a value of type "\1" cannot be converted to type "\2"',
    ),
    (
        r"cannot convert [‘']([^’']+)[’'] (?:\{aka .*\} )?to [‘']([^’']+)[’'] in (?:initialization|assignment).*",
        r'a value of type "\1" cannot be used to initialize an entity of type "\2"',
    ),
    (
        r"cannot convert [‘']([^’']+)[’'] (?:\{aka .*\} )?to [‘']([^’']+)[’'].*",
        r'argument of type "\1" is incompatible with parameter of type "\2"',
    ),
    (
        r"cannot initialize a \w+ of type '([^']+)' with an \w+ of type '([^']+)'.*",
        r'a value of type "\2" cannot be used to initialize an entity of type "\1"',
    ),
    (
        r"assignment of read-only (?:location|variable|parameter) .*",
        "expression must be a modifiable lvalue",
    ),
    (r"cannot assign to .* const-qualified.*", "expression must be a modifiable lvalue"),
    (r"lvalue required as left operand.*", "expression must be a modifiable lvalue"),
    (
        r"invalid types [‘']([^’'\[]+)\[.*\][’'] for array subscript",
        r'expression must have pointer-to-object type but it has type "\1"',
    ),
    (r"subscripted value is not .*", "expression must have pointer-to-object type"),
    (
        r"[‘'](?:const )?(?:struct )?([\w:]+)[’'] has no member named [‘'](\w+)[’'].*",
        r'class "\1" has no member "\2"',
    ),
    (r"no member named '(\w+)' in '(?:const )?([\w:]+)'.*", r'class "\2" has no member "\1"'),
    (
        r"redeclaration of [‘'].*?(\w+)[’'].*",
        r'"\1" has already been declared in the current scope',
    ),
    (r"redefinition of [‘'].*?(\w+)\((.*)\)[’']", r'function "\1" has already been defined'),
    (r"redefinition of [‘'].*?(\w+)[’'].*", r'"\1" has already been declared in the current scope'),
    (r"conflicting declaration [‘'](.*)[’'].*", r'declaration is incompatible with previous "\1"'),
    (
        r"invalid operands of types [‘'](.*)[’'] and [‘'](.*)[’'] to binary [‘']operator(.*)[’']",
        r'the operator "\3" does not take operands of type "\1" and "\2"',
    ),
    (
        r"no matching function for call to [‘'](\w+)\((.*)\)[’'].*",
        r'no instance of overloaded function "\1" matches the argument list; argument types are: (\2)',
    ),
    (
        r"no matching function for call to '(\w+)'.*",
        r'no instance of overloaded function "\1" matches the argument list',
    ),
    (
        r"call of overloaded [‘'](\w+)\((.*)\)[’'] is ambiguous",
        r'more than one instance of overloaded function "\1" matches the argument list; argument types are: (\2)',
    ),
    (
        r"call to '(\w+)' is ambiguous",
        r'more than one instance of overloaded function "\1" matches the argument list',
    ),
    (
        r"return-statement with a value, in function returning [‘']void[’'].*",
        "return value type does not match the function type",
    ),
    (r"stray [‘'](.*)[’'] in program", r'unrecognized token "\1"'),
    (r"missing terminating (.) character", "missing closing quote"),
    (r"read-only variable is not assignable", "expression must be a modifiable lvalue"),
    (
        r"invalid operands to binary expression \('(.*)' and '(.*)'\)",
        r'the operator does not take operands of type "\1" and "\2"',
    ),
    (
        r"cannot initialize a .* of type '([^']+)' with an? .* of type '([^']+)'.*",
        r'a value of type "\2" cannot be used to initialize an entity of type "\1"',
    ),
    (
        r"void function .* should not return a value.*",
        "return value type does not match the function type",
    ),
    (r"static assertion failed: (.*)", r"\1"),
    (
        r"no match for [‘']operator(.*?)[’'] \(operand types are (.*)\)",
        r'no operator "\1" matches these operands; operand types are: \2',
    ),
    (
        r"(?:ISO C\+\+ forbids )?variable length array [‘'](\w+)[’'].*|storage size of [‘'](\w+)[’'] isn[’']t constant",
        r'expression must have a constant value (the size of the array "\1\2")',
    ),
    (r"variable length array.*", "expression must have a constant value (the size of an array)"),
    (r"(.*): No such file or directory", r'cannot open source file "\1"'),
    (r"'(.*)' file not found", r'cannot open source file "\1"'),
    (r"unterminated (#?\w+).*", r"unterminated \1"),
]
_WORDING_COMPILED = [(re.compile(pattern + r"$"), replacement) for pattern, replacement in _WORDING]
_UNKNOWN_HEADER = re.compile(r'cannot open source file "([^"]*)"')
_GROUPS = "__syncthreads(), cooperative_groups.h and cuda_pipeline.h are"
# Headers that exist in CUDA and are not emulated, and what to do instead. First match wins.
_NO_SUCH_HEADER = [
    (r"cuda/(std/)?(barrier|pipeline|latch|semaphore)", f"not emulated; {_GROUPS}"),
    (r"cuda/std/.*", "not emulated; of cuda::std, limits, type_traits, utility and atomic are"),
    (r"cuda/.*", "not emulated; of libcu++, cuda/atomic and a part of cuda/std/ are"),
    (r"mma\.h", "tensor cores are not emulated; multiply and add the elements of a tile"),
    (r"cub/.*", "CUB is not emulated; write the loop, or cooperative_groups/reduce.h and scan.h"),
    (r"thrust/.*", "Thrust is for host code; write a kernel, or use pycuda.gpuarray"),
    (r".*", "no such header: check its name, or give its folder as include_dirs=[…]"),
]


def reworded(text: str) -> str:
    """One message of g++ or clang++ in nvcc's words (unchanged where nvcc has no other)."""
    text = re.sub(r"\s*\[-[\w=+-]+\]$", "", text)
    text = re.sub(r"emu_(?:shared|dynamic)\d+_", "", text)  # the translator's own names
    for pattern, replacement in _WORDING_COMPILED:
        match = pattern.match(text)
        if match:
            text = match.expand(replacement)
            break
    if header := _UNKNOWN_HEADER.match(text):
        advice = next(a for pattern, a in _NO_SUCH_HEADER if re.fullmatch(pattern, header[1]))
        text += f" ({advice})"
    text = re.sub(r"(\w)\*", r"\1 *", text)  # "float *", as nvcc writes
    return text.replace("‘", '"').replace("’", '"').replace("*&", "*")


# What is said besides of a shared array whose size is wrong, in the translator's own names.
_FOLLOWS = re.compile(
    r"_storage\b|variably modified type|trying to instantiate|variable-sized array"
)
_CANDIDATE = re.compile(
    r"note: candidate (?:function|template)[^:]*(?:: requires (?:at least |at most )?"
    r"(?:(\d+)|single)[^,]*, but (no|\d+) )?"
)


def _completed(text: str, after: list[str]) -> str:
    """A message of clang's with what it shows only below it: an operator, a name, a count."""
    types = re.match(r"invalid operands to binary expression \((.*)\)$", text)
    if types:
        operator = re.match(r"[-+*/%&|^<>=!]*", _at_caret(after)[1])
        return (
            f"invalid operands of types {types[1]} to binary 'operator{operator and operator[0]}'"
        )
    if text.startswith("variable length array"):
        before, at = _at_caret(after)
        name = re.search(r"(\w+)\s*\[[^\]]*$", before) or re.match(r"(\w+)", at)
        return f"variable length array '{name[1]}' is used" if name else text
    if re.match(r"no matching function for call to '\w+'$", text):
        candidates = []
        for line in after:
            if ": error: " in line:
                break
            candidates += [match for match in (_CANDIDATE.search(line),) if match]
        if len(candidates) == 1 and candidates[0][2]:
            wanted, given = int(candidates[0][1] or 1), candidates[0][2]
            few = given == "no" or int(given) < wanted
            return f"too {'few' if few else 'many'} arguments to function call"
    return text


def _at_caret(after: list[str]) -> tuple[str, str]:
    """The source that a compiler quotes below a message, divided at its caret."""
    if len(after) < 2 or "^" not in after[1]:  # noqa: PLR2004 - the quoted line and the caret's
        return "", ""
    column = after[1].index("^")
    return after[0][:column], after[0][column:]


def parse(output: str, hidden: str) -> list[Diagnostic]:
    """The errors in a host compiler's output.

    Those inside `hidden` (our headers' folder) move to their caller.
    """
    found: list[Diagnostic] = []
    homeless = ""
    lines = output.splitlines()
    for number, line in enumerate(lines, start=1):
        match = _HEAD.match(line)
        if not match:
            continue
        inside = match["file"].startswith(hidden)
        text = re.sub(r"\s*\[-[\w=+,-]+\]$", "", match["text"])
        text = _completed(text, lines[number:])
        if match["kind"] == "note":
            if homeless and not inside and "required from" in match["text"]:
                found.append(Diagnostic(match["file"], int(match["line"]), reworded(homeless)))
                homeless = ""
        elif inside:
            homeless = text
        else:
            found.append(Diagnostic(match["file"], int(match["line"]), reworded(text)))
    if homeless:
        found.append(Diagnostic("", 0, reworded(homeless)))
    unique = dict.fromkeys(found)
    own = [
        error for error in unique if not error.file.startswith("<")
    ]  # not the tables behind the source
    first = [error for error in own if not _FOLLOWS.search(error.message)]
    return first or own or list(unique)


def render(errors: list[Diagnostic], lines: dict[tuple[str, int], str], name: str) -> str:
    """What nvcc would print: each error with its source line, then how many there are."""
    out: list[str] = []
    for error in errors[:MOST_ERRORS]:
        where = f"{error.file}({error.line}): " if error.file else ""
        out.append(f"{where}error: {error.message}")
        source = lines.get((error.file, error.line), "").strip()
        if source:
            out.append(f"    {source}")
        out.append("")
    count = len(errors)
    out.append(f'{count} error{"s" if count != 1 else ""} detected in the compilation of "{name}".')
    return "\n".join(out) + "\n"
