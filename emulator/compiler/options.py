"""nvcc's command line, as strict as nvcc's own. Source.

Nvcc documentation, "Command Option Description".
"""

from __future__ import annotations

import os
import re

# Short names and the long ones they stand for. Spellings with one and two dashes are the same.
_LONG = {
    "-I": "--include-path",
    "-isystem": "--include-path",
    "-D": "--define-macro",
    "-U": "--undefine-macro",
    "-include": "--pre-include",
    "-o": "--output-file",
    "-odir": "--output-directory",
    "-arch": "--gpu-architecture",
    "-code": "--gpu-code",
    "-gencode": "--generate-code",
    "-std": "--std",
    "-x": "--x",
    "-ccbin": "--compiler-bindir",
    "-Xcompiler": "--compiler-options",
    "-Xptxas": "--ptxas-options",
    "-Xlinker": "--linker-options",
    "-Xcudafe": "--Xcudafe",
    "-Xnvlink": "--nvlink-options",
    "-maxrregcount": "--maxrregcount",
    "-O": "--optimize",
    "-L": "--library-path",
    "-l": "--library",
    "-diag-suppress": "--diag-suppress",
    "-diag-error": "--diag-error",
    "-diag-warn": "--diag-warn",
    "-Werror": "--Werror",
    "-ftz": "--ftz",
    "-prec-div": "--prec-div",
    "-prec-sqrt": "--prec-sqrt",
    "-fmad": "--fmad",
    "-rdc": "--relocatable-device-code",
    "-m": "--machine",
    "-cubin": "--cubin",
    "-ptx": "--ptx",
    "-fatbin": "--fatbin",
    "-E": "--preprocess",
    "-V": "--version",
    "-h": "--help",
    "-g": "--debug",
    "-G": "--device-debug",
    "-lineinfo": "--generate-line-info",
    "-use_fast_math": "--use_fast_math",
    "-keep": "--keep",
    "-keep-dir": "--keep-dir",
    "-w": "--disable-warnings",
    "-res-usage": "--resource-usage",
    "-extended-lambda": "--extended-lambda",
    "-expt-extended-lambda": "--extended-lambda",
    "--expt-extended-lambda": "--extended-lambda",
    "-expt-relaxed-constexpr": "--expt-relaxed-constexpr",
    "-extra-device-vectorization": "--extra-device-vectorization",
    "-restrict": "--restrict",
    "-dc": "--device-c",
    "-m64": "--m64",
    "-Wno-deprecated-gpu-targets": "--Wno-deprecated-gpu-targets",
}
_WITH_VALUE = {
    *("--include-path", "--define-macro", "--undefine-macro", "--pre-include", "--output-file"),
    *("--output-directory", "--gpu-architecture", "--gpu-code", "--generate-code", "--std", "--x"),
    *(
        "--compiler-bindir",
        "--compiler-options",
        "--ptxas-options",
        "--linker-options",
        "--Xcudafe",
    ),
    *("--nvlink-options", "--maxrregcount", "--optimize", "--library-path", "--library"),
    *("--diag-suppress", "--diag-error", "--diag-warn", "--Werror", "--ftz", "--prec-div"),
    *("--prec-sqrt", "--fmad", "--relocatable-device-code", "--machine", "--keep-dir"),
}
_FLAGS = set(_LONG.values()) - _WITH_VALUE
# These may be glued to their value without a space or an equals sign: -I/path, -DN=3, -O3.
_GLUED = ("-I", "-D", "-U", "-O", "-L", "-l")
_STANDARDS = ("c++03", "c++11", "c++14", "c++17", "c++20")
# Compute capabilities that CUDA 12.8 compiles for; 80 is the emulated device's.
_ARCHITECTURES = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90, 100, 101, 120}
DEFAULT_ARCHITECTURE = 80
# What people give to the host's compiler without meaning it (and PyCUDA, -P): all that has no
# effect here.
_HARMLESS = {
    "--compiler-options": re.compile(
        r"|-P|-W(?!l,|p,|a,)[\w=-]*|-w|-O[0-3s]?|-g\d?|-fPIC|-fpic|-fPIE|-fopenmp|-fpermissive|"
        r"-fno-strict-aliasing|-ffast-math|-march=native|-m64|-mavx\d?|-std=[\w+]+|-pthread|/\w+"
    ),
    "--library": re.compile(r"cudadevrt|cudart|cudart_static|curand|cublas"),
    "--linker-options": re.compile(r""),
    "--x": re.compile(r"cu"),
}
_HOST_ONLY = {*_HARMLESS, "--compiler-bindir"}
_NO_HEADERS = ("/proc", "/sys", "/dev", "/etc", "/run")


class OptionError(Exception):
    """A command line that nvcc refuses; the message is nvcc's own."""


class Options:
    """What a command line asks for.

    Attributes:
        mode: "cubin", "ptx", "fatbin", "preprocess", "version" or "help".
        files: the input files.
        output: the output file, or None for the input's name with the mode as its suffix.
        include_paths: folders given by -I, in order.
        prelude: -D, -U and -include as lines of source, in order.
        architecture: compute capability times ten, as in __CUDA_ARCH__ / 10.
        standard: the C++ standard, at least "c++17" (which the device headers need).
        flags: the long names of all flags given.
        bare_output: --compiler-options -P was given: as PyCUDA does for the key of its cache.
    """

    def __init__(self) -> None:
        self.mode = ""
        self.files: list[str] = []
        self.output: str | None = None
        self.include_paths: list[str] = []
        self.prelude: list[str] = []
        self.architecture = DEFAULT_ARCHITECTURE
        self.standard = "c++17"
        self.flags: set[str] = set()
        self.bare_output = False


def parse(arguments: list[str]) -> Options:
    """Read a command line (without the program's name).

    Raises:
        OptionError: unknown option, missing or unknown value, or not exactly one input file.
    """
    options = Options()
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            options.files.append(argument)
            continue
        name, value = _split(argument)
        if name in _FLAGS:
            _set_flag(options, name)
        elif name in _WITH_VALUE:
            if value is None:
                value = next(rest, None)
            if value is None:
                raise OptionError(f"argument expected after '{argument}'")
            _set_value(options, name, value)
        else:
            raise OptionError(f"Unknown option '{argument}'")
    _check_files(options)
    return options


def _split(argument: str) -> tuple[str, str | None]:
    """The long name of an option, and the value that it carries in itself."""
    head, equals, tail = argument.partition("=")
    for spelling in (head, "-" + head if head.startswith("-") else head):
        name = _LONG.get(spelling, spelling)
        if name in _FLAGS or name in _WITH_VALUE:
            return name, tail if equals else None
    for short in _GLUED:
        if argument.startswith(short):
            return _LONG[short], argument[len(short) :]
    return argument, None


def _set_flag(options: Options, name: str) -> None:
    if name in {"--cubin", "--ptx", "--fatbin", "--preprocess", "--version", "--help"}:
        options.mode = name[2:]
    options.flags.add(name)


def _set_value(options: Options, name: str, value: str) -> None:
    if name in _HOST_ONLY:
        _refuse_host(name, value)
    if name == "--include-path":
        options.include_paths += [_folder(path) for path in value.split(",")]
    elif name in {"--define-macro", "--undefine-macro", "--pre-include"}:
        options.prelude.append(_line(name, value))
    elif name == "--output-file":
        options.output = value
    elif name == "--gpu-architecture":
        options.architecture = _architecture(value)
    elif name == "--compiler-options":
        options.bare_output = options.bare_output or value == "-P"
    elif name == "--std":
        if value not in _STANDARDS:
            raise OptionError(f"Value '{value}' is not defined for option 'std'")
        options.standard = max(value, "c++17") if value != "c++03" else "c++17"


def _refuse_host(name: str, value: str) -> None:
    """Options that reach the host's compiler or linker, except for what changes nothing here.

    Raises:
        OptionError: it would change something.
    """
    if name == "--compiler-bindir":
        raise OptionError(
            "'-ccbin': the emulator's compiler is chosen by the variable CXX, before Python "
            "starts; leave it out"
        )
    harmless = _HARMLESS[name]
    for word in re.split(r"[\s,]+", value):
        if not harmless.fullmatch(word):
            what = "is linked with nothing of the host's" if "li" in name else "has no host code"
            raise OptionError(f"'{word}' for option '{name[2:]}': a kernel {what}; leave it out")


def _folder(path: str) -> str:
    real = os.path.realpath(path)
    if real == "/" or real.startswith(_NO_HEADERS):
        raise OptionError(f"'{path}' is no folder of headers: name the one that they lie in")
    return path


def _line(name: str, value: str) -> str:
    """A definition is one line of source, and stays one.

    Raises:
        OptionError: it is more.
    """
    head, equals, text = value.partition("=")
    line, pattern = {
        "--define-macro": (f"#define {head} {text if equals else '1'}", r"\w+(\([\w, .]*\))?"),
        "--undefine-macro": (f"#undef {value}", r"\w+"),
        "--pre-include": (f'#include "{value}"', r'[^"\\]+'),
    }[name]
    if not re.fullmatch(pattern, head) or re.search(r"[\n\r\0]|\\$", value):
        raise OptionError(f"Value {value!r} is not defined for option '{name[2:]}'")
    return line


def _architecture(value: str) -> int:
    if value in {"native", "all", "all-major"}:
        return DEFAULT_ARCHITECTURE
    match = re.fullmatch(r"(?:sm|compute|lto)_(\d+)[af]?", value)
    if not match:
        raise OptionError(f"Value '{value}' is not defined for option 'gpu-architecture'")
    if int(match[1]) not in _ARCHITECTURES:
        raise OptionError(f"Unsupported gpu architecture '{value}'")
    return int(match[1])


def _check_files(options: Options) -> None:
    if options.mode in {"version", "help"}:
        return
    if not options.files:
        raise OptionError("No input files specified; use option --help for more information")
    for file in options.files:
        if not file.endswith((".cu", ".cuh", ".cpp", ".cc", ".c")):
            raise OptionError(f"Don't know what to do with '{file}'")
    if len(options.files) > 1:
        raise OptionError(
            "The emulator compiles one source file at a time; compile them one by one"
        )
    if not options.mode:
        raise OptionError(
            "The emulator makes device code only: "
            "say --cubin (as PyCUDA does), --ptx or --preprocess"
        )
