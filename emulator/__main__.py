"""`python -m emulator run script.py …`: a PyCUDA script on the emulated device."""

from __future__ import annotations

import argparse
import runpy
import sys
import traceback
from pathlib import Path

import emulator
from emulator import profile


def main(argv: list[str] | None = None) -> int:
    """Run a script and return its exit status."""
    options = _parser().parse_args(argv)
    script = Path(options.script)
    if not script.is_file():
        sys.stderr.write(f"emulator: there is no file {script}: name a Python script\n")
        return 2
    try:
        emulator.install(check=options.check)
    except (RuntimeError, ValueError) as error:  # a setting, the compiler, the cache folder
        sys.stderr.write(f"emulator: {error}\n")
        return 2
    if options.profile:
        profile.start()
    sys.argv = [options.script, *options.arguments]
    sys.path[0] = str(script.resolve().parent)  # as `python script.py` has it
    try:
        return _run(script)
    finally:
        if options.profile:
            sys.stderr.write(profile.table())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=emulator.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="run")
    run = commands.add_parser("run", help="run a PyCUDA script on the emulated device")
    run.add_argument(
        "--check",
        action=argparse.BooleanOptionalAction,
        help="check every memory access of kernels (default: EMULATOR_CHECK, else yes)",
    )
    run.add_argument("--profile", action="store_true", help="print what each kernel cost")
    run.add_argument("script", help="a Python script")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    return parser


def _run(script: Path) -> int:
    """The script as __main__; its errors are printed as Python would, without our frames."""
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as exit_:
        if isinstance(exit_.code, str):
            sys.stderr.write(f"{exit_.code}\n")
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # what a script raises is printed, not handled
        _print_without_own_frames(error)
        return 1
    return 0


def _print_without_own_frames(error: BaseException) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in _OWN_FILES:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)


_OWN_FILES = (__file__, runpy.__file__, "<frozen runpy>")


if __name__ == "__main__":
    sys.exit(main())
