"""A build backend (PEP 517) that packs the Python half of an unpacked PyCUDA sdist into a wheel.

pip calls it under the name that PyCUDA's `pyproject.toml` implies, in the folder of the unpacked
sdist. Standard library only: nothing else need be installed, neither NumPy nor a compiler nor nvcc.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import zipfile
from pathlib import Path

__legacy__ = sys.modules[__name__]  # the backend's name where pyproject.toml names none (PEP 517)

Settings = dict[str, object] | None

WHEEL = "Wheel-Version: 1.0\nGenerator: pycuda_python\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:  # noqa: ARG001
    """Nothing has to be installed first."""
    return []


def prepare_metadata_for_build_wheel(
    metadata_directory: str,
    config_settings: Settings = None,  # noqa: ARG001
) -> str:
    """Write the sdist's own metadata; return the folder's name."""
    folder = Path(metadata_directory) / f"{_release()}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("METADATA").write_bytes(Path("PKG-INFO").read_bytes())
    folder.joinpath("WHEEL").write_text(WHEEL, encoding="utf-8")
    return folder.name


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,  # noqa: ARG001
    metadata_directory: str | None = None,  # noqa: ARG001
) -> str:
    """Pack Python files, headers, licence and metadata; return the wheel's file name."""
    info = f"{_release()}.dist-info"
    contents = {path.as_posix(): path.read_bytes() for path in sorted(_python_half())}
    contents[f"{info}/METADATA"] = Path("PKG-INFO").read_bytes()
    contents[f"{info}/licenses/LICENSE"] = Path("LICENSE").read_bytes()
    contents[f"{info}/WHEEL"] = WHEEL.encode()
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()

    wheel = f"{_release()}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return wheel


def _python_half() -> list[Path]:
    """The files that PyCUDA's `setup.py` would install, but for the compiled `_driver`."""
    files = [*Path("pycuda").rglob("*.py"), *Path("pycuda/cuda").glob("*.hpp")]
    if Path("pycuda/driver.py") not in files:
        raise FileNotFoundError(
            f"{Path.cwd()} is not an unpacked sdist of PyCUDA: no pycuda/driver.py"
        )
    return files


def _release() -> str:
    """Name and version as wheels spell them, from the sdist's PKG-INFO."""
    fields = dict(
        re.findall(r"^(Name|Version): (\S+)$", Path("PKG-INFO").read_text("utf-8"), re.MULTILINE)
    )
    return f"{fields['Name'].lower()}-{fields['Version']}"


def _digest(data: bytes) -> str:
    """A SHA-256 sum as RECORD wants it (PEP 427): URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
