"""Look for lines of the solution where students could read them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.handout.markers import Region, strip

# Characters, without blanks. Shorter lines, such as `return Z` or `if (i < n)`, say nothing about a
# solution and occur anywhere.
TELLING_LENGTH = 14

# A barrier on a line of its own says nothing, either.
COMMONPLACE = frozenset({"__syncthreads();"})


@dataclass(frozen=True)
class Secret:
    """A line of a solution region that no student may see.

    Attributes:
        file: The solution file.
        line: Its number there, from 1.
        text: The line without any blanks and without the comment behind it.
    """

    file: str
    line: int
    text: str


def secrets(files: Mapping[str, str], regions: Sequence[Region]) -> Iterator[Secret]:
    """The telling lines of the solution: those that neither given code nor stub texts show.

    Args:
        files: The solution's files by name, those without regions included.
        regions: The regions of all of them.
    """
    shown: set[str] = set()
    for name, text in files.items():
        stub = text if not _of(regions, name) else strip(text, name, _tasks(regions))
        shown.update(squeezed(line) for line in stub.splitlines())
    for region in regions:
        lines = files[region.file].splitlines()
        first = region.last_line - len(region.solution)
        for number in range(first, region.last_line):
            code = squeezed(lines[number - 1])
            if len(code) >= TELLING_LENGTH and code not in shown | COMMONPLACE:
                yield Secret(region.file, number, code)


def leaks(known: Iterable[Secret], documents: Mapping[str, str]) -> list[str]:
    """A sentence for every place in the documents that holds one of the lines.

    Args:
        known: The lines to look for, from `secrets`.
        documents: Texts by name.
    """
    found = []
    squeezed_documents = {
        name: [(number, "".join(line.split())) for number, line in enumerate(text.splitlines(), 1)]
        for name, text in documents.items()
    }
    for secret in known:
        for name, lines in squeezed_documents.items():
            found += [
                f"{name}:{number} holds line {secret.line} of the solution's {secret.file}"
                for number, line in lines
                if secret.text in line
            ]
    return found


def squeezed(line: str) -> str:
    """A line without blanks and without its comment, if code stands before that."""
    for mark in ("  # ", " // "):
        code, found, _ = line.partition(mark)
        if found and code.strip():
            line = code
    return "".join(line.split())


def _of(regions: Sequence[Region], file: str) -> list[Region]:
    return [region for region in regions if region.file == file]


def _tasks(regions: Sequence[Region]) -> frozenset[str]:
    return frozenset(region.task for region in regions)
