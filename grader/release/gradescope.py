"""`python -m grader gradescope`: the autograder that an instructor uploads to Gradescope.

Its layout is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/: setup.sh runs
once, when the image is built; run_autograder runs for each submission. The grader in it is the
student's copy, and a secret seed lies beside it, the same for everybody.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader import seeds
from grader.release import archive
from grader.release.copy import students_files, told_of_year
from grader.release.machine_code import CompilerError
from grader.release.main import COULD_NOT, FOLDER
from grader.release.reference import ReleaseError
from grader.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED = ("assignment/", "backend/", "data/", "emulator/", "grader/", "requirements", "pyproject")
"""What of the student's copy grades."""

SETUP = f"""\
#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image: the only time that needs the network.
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
if command -v apt-get >/dev/null; then
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \\
    ca-certificates g++ python3 python3-venv >/dev/null
fi
chmod -R go+rX .  # student code runs under an own user id, and reads the device's own files
chmod 600 seed {FOLDER}/grader/timing/reference.zip
export EMULATOR_CACHE=$PWD/cache
cd {FOLDER}
python3 -m backend.setup
"""

RUN = f"""\
#!/usr/bin/env bash
# Runs as root for each submission. Whatever goes wrong, there is a valid results/results.json.
root=$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)
mkdir -p "$root/results" && chmod 700 "$root/results"
cat > "$root/results/results.json" <<'END'
{{"score": 0, "visibility": "visible", "stdout_visibility": "hidden", "output_format": "text",
 "output":
 "The autograder could not start, and nothing of yours was looked at: tell your instructor."}}
END
export EMULATOR_CACHE=$root/source/cache
cd "$root/source/{FOLDER}" && .venv/bin/python -m grader.release.autograder "$root"
exit 0
"""


def autograder_files(year: str | None, seed: int) -> dict[str, bytes]:
    """Every file of the autograder, by its path in /autograder/source.

    Args:
        year: as for the student's copy.
        seed: of all gradings.

    Raises:
        ReleaseError, CompilerError: as `grader.release.copy.students_files`.
    """
    copy = {
        f"{FOLDER}/{name}": content
        for name, content in students_files(year).items()
        if name.startswith(NEEDED)
    }
    own = {"setup.sh": SETUP.encode(), "run_autograder": RUN.encode(), "seed": f"{seed}\n".encode()}
    return own | copy


def main(argv: Sequence[str]) -> int:
    """Write the zip; 0, or 2 with a message if that is not possible."""
    parser = argparse.ArgumentParser("python -m grader gradescope", description=main.__doc__)
    parser.add_argument("--year", help="of this edition, as for release")
    parser.add_argument("--seed", type=seeds.seed, help="of all gradings; by default a random one")
    parser.add_argument("--output", type=Path, default=Path("autograder.zip"), metavar="FILE")
    options = parser.parse_args(argv)
    seed = seeds.new_seed() if options.seed is None else options.seed
    try:
        told = told_of_year(options.year)
        archive.write(autograder_files(options.year, seed), options.output)
        options.output.chmod(0o600)  # it holds the seed
    except (ReleaseError, CompilerError, SettingsError, ValueError, OSError) as error:
        sys.stderr.write(f"no autograder made: {error}\n")
        return COULD_NOT
    print(
        f"{options.output}: upload it to Gradescope as the autograder of a programming assignment"
    )
    print(f"seed {seed}: keep it secret, and by it explain a score")
    print(told, end="")
    return 0
