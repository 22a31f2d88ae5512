"""The seeds of gradings, from which all inputs are drawn."""

from __future__ import annotations

import argparse
import secrets
import sys

_BITS = 32


def new_seed() -> int:
    """One that nobody can foresee."""
    return secrets.randbits(_BITS)


def seed(text: str) -> int:
    """The seed of an option `--seed`; with "-" it is read from stdin.

    Every process can read a command line, and no other process a pipe.

    Raises:
        argparse.ArgumentTypeError: it is no number of 0 or more.
    """
    found = sys.stdin.readline().strip() if text == "-" else text
    if not (found.isascii() and found.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more, found {found!r}")
    return int(found)
