"""`python -m grader release`: the zip that students get."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader.release import archive
from grader.release.copy import students_files, told_of_year
from grader.release.machine_code import CompilerError
from grader.release.reference import ReleaseError
from grader.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "homework5"
COULD_NOT = 2


def main(argv: Sequence[str]) -> int:
    """Write the zip; 0, or 2 with a message if that is not possible."""
    parser = argparse.ArgumentParser("python -m grader release", description=__doc__)
    parser.add_argument("--year", help="of this edition, e.g. 2027: other numbers for the checks")
    parser.add_argument("--output", type=Path, default=Path("homework5.zip"), metavar="FILE")
    options = parser.parse_args(argv)
    try:
        told = told_of_year(options.year)
        files = students_files(options.year)
        archive.write({f"{FOLDER}/{name}": data for name, data in files.items()}, options.output)
    except (ReleaseError, CompilerError, SettingsError, ValueError, OSError) as error:
        sys.stderr.write(f"nothing released: {error}\n")
        return COULD_NOT
    size_mb = options.output.stat().st_size / 1e6
    print(f"{options.output}: {len(files)} files, {size_mb:.0f} MB, no line of the solution in it")
    print(told, end="")
    return 0
