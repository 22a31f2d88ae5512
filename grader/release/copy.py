"""What students get: this repository's files without the solution, and without a line of it."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader import settings
from grader.handout.build import render
from grader.handout.leaks import leaks, secrets
from grader.handout.proofs import strings
from grader.handout.stubs import STUBS
from grader.release import reference
from grader.release.reference import ReleaseError
from grader.timing import plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.handout.build import Rendered
    from grader.handout.leaks import Secret

ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("backend", "data", "emulator", "grader", "tests/backend", "tests/data", "tests/emulator")
FILES = (
    ".gitignore",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "requirements*.txt",
    ".devcontainer/*",
)

INSTRUCTORS_TARGETS = ("bench", "class", "gradescope", "handout", "release")
"""Of the Makefile: they need solution/, or other people's submissions."""

INSTRUCTORS_SECTIONS = ("For instructors",)

SETTINGS = "grader/settings.toml"

_LITTER = re.compile(r"(^|/)(__pycache__|\.[^/]*|reference\.zip|[^/]*\.pyc)(/|$)")
_YEAR = re.compile(r'^year = ".*?"', re.MULTILINE)
_TELLING_RUN = re.compile(rb"[!-~]{14,}")  # as long as the shortest line that counts


def students_files(year: str | None = None) -> dict[str, bytes]:
    """Every file of the student's copy, by its path there.

    Args:
        year: of this edition; None for what the settings say.

    Raises:
        ReleaseError: there is no solution here, it cannot be recorded, or the copy would hold a
            line of it.
        grader.release.machine_code.CompilerError: its kernels cannot be compiled here.
    """
    solution = ROOT / "solution"
    if not solution.is_dir():
        raise ReleaseError("there is no solution/ here: this is made where the solution is")
    rendered = render(solution)
    files = _rooms()
    files |= {f"assignment/{name}": content for name, content in rendered.files.items()}
    files[str(STUBS.relative_to(ROOT))] = rendered.handout.to_json().encode()
    files["README.md"] = students_readme(_text(files, "README.md"), rendered).encode()
    files["Makefile"] = students_makefile(_text(files, "Makefile")).encode()
    if year is not None:
        files[SETTINGS] = with_year(_text(files, SETTINGS), year).encode()
    files[str(plan.FILE.relative_to(ROOT))] = reference.compiled(solution)
    found = leaked(files, _known(rendered))
    if found:
        raise ReleaseError("lines of the solution would be given out:\n" + "\n".join(found[:20]))
    return dict(sorted(files.items()))


def students_readme(text: str, rendered: Rendered) -> str:
    """The front page without what concerns instructors, and without lines of the solution."""
    for title in INSTRUCTORS_SECTIONS:
        text = re.sub(rf"^## {title}\n.*?(?=^## )", "", text, flags=re.MULTILINE | re.DOTALL)
    tried = r"^## What was tried\n.*?(?=^Not tried)"  # with the solution, most of it
    text = re.sub(tried, "## What was not tried\n\n", text, flags=re.MULTILINE | re.DOTALL)
    rows = [line for line in text.splitlines() if not _is_instructors_row(line)]
    known = _known(rendered)
    return "".join(f"{line}\n" for line in rows if not leaks(known, {"": line}))


def _is_instructors_row(line: str) -> bool:
    return line.startswith("|") and re.search(r"\bsolution\b|\bbenchmarks\b", line) is not None


def students_makefile(text: str) -> str:
    """The Makefile without the targets of instructors."""
    for target in INSTRUCTORS_TARGETS:
        text = re.sub(rf"^{target}:.*\n(\t.*\n)*\n?", "", text, flags=re.MULTILINE)
        text = re.sub(rf"^(\.PHONY:.*) {target}\b", r"\1", text, flags=re.MULTILINE)
    return text.rstrip("\n") + "\n"


def with_year(text: str, year: str) -> str:
    """Settings with another year."""
    if not re.fullmatch(r"[\w .-]{0,40}", year):
        raise ReleaseError(f"--year {year!r}: expected letters, digits, blanks, dots and dashes")
    changed, count = _YEAR.subn(f'year = "{year}"', text)
    if count != 1:
        raise ReleaseError(f'{SETTINGS}: expected one line year = "…", found {count}')
    return changed


def told_of_year(given: str | None) -> str:
    """Lines for the instructor: of which year it is, and what to do if this clone is of another."""
    own = settings.load().year
    year = own if given is None else given
    told = f"year {year}" if year else "no year"
    if year == own:
        return f"{told}, as in {SETTINGS} here\n"
    here = f"the year {own}" if own else "no year"
    return (
        f"{told}; {SETTINGS} here says {here}.\n"
        f'Next: put year = "{year}" into {SETTINGS}, so that make class and explain use the same '
        "inputs\n"
    )


def leaked(files: Mapping[str, bytes], known: Iterable[Secret]) -> list[str]:
    """A sentence for every line of the solution in any byte of the files, packed ones included."""
    known, texts = list(known), dict(_texts(files))
    return leaks(known, texts)


def _texts(files: Mapping[str, bytes]) -> Iterable[tuple[str, str]]:
    """All text in files, by name: of notebooks and JSON their strings, of zips their files."""
    for name, content in files.items():
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(BytesIO(content)) as archive:
                yield from _texts({f"{name}/{n}": archive.read(n) for n in archive.namelist()})
        elif content.startswith(b"\x1f\x8b"):
            yield name, _printable(gzip.decompress(content))
        elif name.endswith((".json", ".ipynb")):
            yield name, "\n".join(strings(_lines_together(json.loads(content))))
        else:
            try:
                yield name, content.decode("utf-8")
            except UnicodeDecodeError:
                yield name, _printable(content)


def _lines_together(node: Any) -> Any:
    """JSON whose lists of lines have each line's end, as those of a notebook have."""
    if isinstance(node, list) and all(isinstance(item, str) for item in node):
        return [item if item.endswith("\n") else f"{item}\n" for item in node]
    if isinstance(node, list):
        return [_lines_together(item) for item in node]
    if isinstance(node, dict):
        return {key: _lines_together(value) for key, value in node.items()}
    return node


def _printable(content: bytes) -> str:
    """What can be read in binary data, without its blanks."""
    runs = _TELLING_RUN.findall(content.translate(None, b" \t\r\n"))
    return "\n".join(run.decode("ascii") for run in runs)


def _known(rendered: Rendered) -> list[Secret]:
    """The telling lines, each once."""
    found = secrets(rendered.sources, rendered.regions)
    return list({secret.text: secret for secret in found}.values())


def _rooms() -> dict[str, bytes]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*")]
    paths += [path for pattern in FILES for path in ROOT.glob(pattern)]
    return {
        name: path.read_bytes()
        for path in sorted(paths)
        if path.is_file() and not path.is_symlink()
        for name in [path.relative_to(ROOT).as_posix()]
        if not _LITTER.search(name) or name.startswith((".devcontainer/", ".gitignore"))
    }


def _text(files: Mapping[str, bytes], name: str) -> str:
    return files[name].decode("utf-8")
