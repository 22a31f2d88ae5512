"""Write `assignment/` from `solution/`, and prove that it is a handout: `make handout`.

`render` says what belongs into every file, from the solution's files alone, so that two runs give
the same bytes. `main` writes that, proves it (see `grader.handout.proofs`), and puts the folder
back as it was if anything goes wrong.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.handout import proofs
from grader.handout.markers import MarkerError, Region, parse, solved, strip
from grader.handout.notebook import chapters, notebook
from grader.handout.sections import with_headings
from grader.handout.stubs import STUBS, Handout, stubs_of
from grader.tasks import FILES, TASKS

ROOT = Path(__file__).parents[2]
NOTEBOOK = "homework5.ipynb"
GIVEN_FILES = ("device.py",)
_README = Path(__file__).with_name("student.md")
_LITTER = {"__pycache__", ".ipynb_checkpoints", ".cache", "report"}  # left behind by running things


@dataclass(frozen=True)
class Rendered:
    """The handout, not yet written.

    Attributes:
        files: The content of every file of ``assignment/``, by its path there.
        handout: What the grader remembers of it.
        regions: The solution's regions; their lines are those of `sources`.
        sources: The solution's files with section headings, markers and all, by name.
    """

    files: Mapping[str, bytes]
    handout: Handout
    regions: tuple[Region, ...]
    sources: Mapping[str, str]

    def stub(self, file: str) -> str:
        """A task file as the student gets it."""
        return self.handout.files[file]

    def solved(self, file: str) -> str:
        """The same file with the TODO regions solved."""
        return _header(file, self.regions) + solved(self.sources[file], file)


def render(solution: Path) -> Rendered:
    """What `make handout` writes for a solution.

    Raises:
        FileNotFoundError: A file of the solution is missing.
        MarkerError: Markers are wrong, or a file with markers is not Python.
        ValueError: Text, figures and files don't fit together.
    """
    sources: dict[str, str] = {}
    regions: list[Region] = []
    for name in FILES:
        sources[name] = _with_headings(_read(solution / name), name)
        regions += parse(sources[name], name)
    stubs = {name: _header(name, regions) + strip(sources[name], name) for name in FILES}
    text = _read(solution / "handout.md")
    figures = {
        f"figures/{path.name}": path.read_bytes()
        for path in sorted((solution / "figures").glob("*.png"))
    }
    files: dict[str, bytes] = {name: stub.encode() for name, stub in stubs.items()}
    for name in GIVEN_FILES:
        sources[name] = _read(solution / name)
        files[name] = sources[name].encode()
    files["handout.md"] = text.encode()
    files["README.md"] = _readme(text, regions).encode()
    files[NOTEBOOK] = notebook(text, stubs, figures).encode()
    files.update(figures)
    places = {name: [r for r in regions if r.file == name] for name in FILES}
    handout = Handout(
        files=stubs,
        stubs=tuple(s for name in FILES for s in stubs_of(sources[name], places[name])),
        digests={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    return Rendered(files, handout, tuple(regions), sources)


def outdated(rendered: Rendered, target: Path, stubs: Path) -> list[str]:
    """The files that are not what `rendered` says, with the reason; empty if all is up to date."""
    differences = []
    for name, content in rendered.files.items():
        path = target / name
        if not path.is_file():
            differences.append(f"{path} is missing")
        elif path.read_bytes() != content:
            differences.append(f"{path} is not what solution/ says")
    known = set(rendered.files)
    differences += [f"{target / name} is no part of it" for name in _present(target) - known]
    if not stubs.is_file() or stubs.read_text(encoding="utf-8") != rendered.handout.to_json():
        differences.append(f"{stubs} is not what solution/ says")
    return differences


def edited(target: Path, stubs: Path) -> list[str]:
    """The files in `target` that differ from what the last run wrote: somebody's own work."""
    if not target.is_dir():
        return []
    digests = (
        Handout.from_json(stubs.read_text(encoding="utf-8")).digests if stubs.is_file() else {}
    )
    return [
        name
        for name in sorted(_present(target))
        if digests.get(name) != hashlib.sha256((target / name).read_bytes()).hexdigest()
    ]


@contextlib.contextmanager
def replaced(rendered: Rendered, target: Path, stubs: Path) -> Iterator[None]:
    """Write the handout; if the body raises, put back everything as it was.

    The old folder is renamed, not copied, and removed only after the body.
    """
    new, old = target.with_name(target.name + ".new"), target.with_name(target.name + ".old")
    if old.exists():
        raise FileExistsError(
            f"{old} was left by a run that was killed: look whether {target} lacks anything that"
            " is in it, then remove it"
        )
    shutil.rmtree(new, ignore_errors=True)
    for name, content in rendered.files.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(content)
    remembered = stubs.read_bytes() if stubs.is_file() else None
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
        _write(stubs, rendered.handout.to_json().encode())
        yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        if old.exists():
            old.rename(target)
        if remembered is None:
            stubs.unlink(missing_ok=True)
        else:
            _write(stubs, remembered)
        raise
    shutil.rmtree(old, ignore_errors=True)


def main(argv: Sequence[str]) -> int:
    """Write or check the handout as `argv` says; returns the exit status."""
    options = _options(argv)
    solution, target = ROOT / "solution", ROOT / "assignment"
    try:
        rendered = render(solution)
        if options.check:
            return _check(rendered, target)
        if not options.force:
            _refuse_to_overwrite(edited(target, STUBS))
        with replaced(rendered, target, STUBS):
            for statement in proofs.prove(rendered, target, solution, graded=not options.no_grade):
                print(f"  {statement}", flush=True)
    except (ValueError, OSError, proofs.ProofError) as error:
        print(f"handout not written: {error}", file=sys.stderr)
        return 1
    print(f"assignment/ written: {len(rendered.files)} files, {len(rendered.regions)} regions")
    return 0


def _check(rendered: Rendered, target: Path) -> int:
    differences = outdated(rendered, target, STUBS)
    for difference in differences:
        print(difference, file=sys.stderr)
    print("run `make handout`" if differences else "assignment/ is what solution/ says")
    return 1 if differences else 0


def _refuse_to_overwrite(mine: Sequence[str]) -> None:
    if mine:
        raise FileExistsError(
            f"assignment/ holds work that `make handout` did not write: {', '.join(mine)}; copy it"
            " elsewhere, or overwrite it by `python -m grader handout --force`"
        )


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m grader handout", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    parser.add_argument("--force", action="store_true", help="overwrite edits in assignment/")
    parser.add_argument("--no-grade", action="store_true", help="skip the proofs by grading")
    return parser.parse_args(argv)


def _read(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the handout is made from solution/ as a whole")
    return path.read_text(encoding="utf-8")


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    os.replace(temporary, path)  # noqa: PTH105 - replaces in one step, on every system


def _with_headings(text: str, file: str) -> str:
    regions = parse(text, file)
    try:
        return with_headings(text, regions)
    except SyntaxError as error:
        raise MarkerError(file, error.lineno or 1, f"not Python: {error.msg}") from None


def _header(file: str, regions: Sequence[Region]) -> str:
    """The comment above a stub: what it is, and how it is graded."""
    tasks = sorted({region.task for region in regions if region.file == file})
    first = tasks[0] if tasks else TASKS[0].id
    listed = f"task{'s' * (len(tasks) > 1)} {', '.join(tasks)}"
    return (
        f"# Homework 5, {listed}. The text is in handout.md and homework5.ipynb.\n"
        f"# Write at the TODOs, then: make grade TASK={first}. Stuck? make hint TASK={first}\n\n"
    )


def _readme(text: str, regions: Sequence[Region]) -> str:
    """The student's first page: a template with the table of tasks filled in."""
    rows = []
    for chapter in sorted(chapters(text), key=lambda chapter: chapter.task or ""):
        if chapter.task is not None:
            what = chapter.title.partition("· ")[2].rpartition(" (")[0]
            found = dict.fromkeys(r.file for r in regions if r.task == chapter.task)
            rows.append(f"| {chapter.task} | {what} | {', '.join(found)} | {chapter.points} |")
    return _README.read_text(encoding="utf-8").replace("{tasks}", "\n".join(rows))


def _present(target: Path) -> set[str]:
    """The files in a folder by their paths there, without what running leaves behind."""
    if not target.is_dir():
        return set()
    paths = (p.relative_to(target) for p in target.rglob("*") if p.is_file())
    return {path.as_posix() for path in paths if not _LITTER.intersection(path.parts)}
