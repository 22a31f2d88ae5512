"""The enumerations of pycuda._driver, with Boost.Python's manners; the table is enums.txt."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import ClassVar


class BoostEnum(int):
    """A member of an enumeration: an int that prints as its name."""

    names: ClassVar[dict[str, BoostEnum]]
    values: ClassVar[dict[int, BoostEnum]]
    name: str

    def __repr__(self) -> str:
        if hasattr(self, "name"):
            return f"pycuda._driver.{type(self).__name__}.{self.name}"
        return f"pycuda._driver.{type(self).__name__}({int(self)})"

    def __str__(self) -> str:
        return self.name if hasattr(self, "name") else str(int(self))

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return (int, (int(self),))


def _enumeration(name: str, members: list[str]) -> type[BoostEnum]:
    names: dict[str, BoostEnum] = {}
    values: dict[int, BoostEnum] = {}
    body = {"__module__": "pycuda._driver", "names": names, "values": values}
    cls = type(name, (BoostEnum,), body)
    for member in members:
        key, _, number = member.partition("=")
        value = cls(int(number))
        value.name = key
        setattr(cls, key, value)
        names[key] = value
        values.setdefault(int(number), value)
    return cls


def _read(text: str) -> dict[str, type[BoostEnum]]:
    """Parse paragraphs of `name: MEMBER=number …`."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    result = {}
    for blank, paragraph in itertools.groupby(lines, key=lambda line: not line.strip()):
        if not blank:
            name, _, members = " ".join(paragraph).partition(":")
            result[name] = _enumeration(name, members.split())
    return result


ENUMS = _read((Path(__file__).parent / "enums.txt").read_text(encoding="utf-8"))


def number(enumeration: str, member: str) -> int:
    """The number that cuda.h gives to `member` of PyCUDA's `enumeration`."""
    return int(ENUMS[enumeration].names[member])


def _constants(name: str, **members: int) -> type:
    return type(name, (), {"__module__": "pycuda._driver", **members})


# Classes with plain ints, as in wrap_cudadrv.cpp; numbers from cuda.h as above.
FLAG_CLASSES = {
    "host_alloc_flags": _constants("host_alloc_flags", PORTABLE=1, DEVICEMAP=2, WRITECOMBINED=4),
    "mem_host_register_flags": _constants("mem_host_register_flags", PORTABLE=1, DEVICEMAP=2),
    "array3d_flags": _constants(
        "array3d_flags",
        ARRAY3D_2DARRAY=1,
        ARRAY3D_LAYERED=1,
        SURFACE_LDST=2,
        CUBEMAP=4,
        TEXTURE_GATHER=8,
        **{"2DARRAY": 1},
    ),
}
CONSTANTS = {
    "TRSA_OVERRIDE_FORMAT": 1,
    "TRSF_READ_AS_INTEGER": 1,
    "TRSF_NORMALIZED_COORDINATES": 2,
    "TR_DEFAULT": -1,
}
