from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from backend.pycuda_python.setuptools import build_meta

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "PKG-INFO": "Metadata-Version: 2.4\nName: pycuda\nVersion: 2026.1\n\nVersion: not this\n",
    "LICENSE": "MIT\n",
    "setup.py": "raise SystemExit('setup.py must not run')\n",
    "pycuda/__init__.py": "",
    "pycuda/driver.py": "from pycuda._driver import *\n",
    "pycuda/sparse/cg.py": "",
    "pycuda/cuda/pycuda-helpers.hpp": "#pragma once\n",
    "src/cpp/cuda.cpp": "int main() {}\n",
}


@pytest.fixture
def sdist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unpacked sdist, as the working folder (PEP 517)."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_wheel_has_the_python_half_and_nothing_else(sdist: Path) -> None:
    """Python files, headers, licence and metadata; no C++ source, and `setup.py` has not run."""
    wheel = build_meta.build_wheel(str(sdist))
    assert wheel == "pycuda-2026.1-py3-none-any.whl"
    with zipfile.ZipFile(sdist / wheel) as archive:
        info = "pycuda-2026.1.dist-info"
        assert sorted(archive.namelist()) == sorted(
            [
                *(name for name in FILES if name.startswith("pycuda/")),
                *(f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")),
            ]
        )
        assert archive.read("pycuda/driver.py").decode() == FILES["pycuda/driver.py"]


def test_the_record_has_every_files_sum(sdist: Path) -> None:
    """Each line of RECORD: name, SHA-256 in URL-safe base64, size; its own line is empty."""
    with zipfile.ZipFile(sdist / build_meta.build_wheel(str(sdist))) as archive:
        text = archive.read("pycuda-2026.1.dist-info/RECORD").decode()
        rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(text))}
        assert set(rows) == set(archive.namelist())
        data = archive.read("pycuda/driver.py")
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    assert rows["pycuda/driver.py"] == [f"sha256={digest}", str(len(data))]
    assert rows["pycuda-2026.1.dist-info/RECORD"] == ["", ""]


def test_metadata_is_the_sdists_own(sdist: Path) -> None:
    """The first question that pip asks is answered without building."""
    name = build_meta.prepare_metadata_for_build_wheel(str(sdist / "out"))
    assert (sdist / "out" / name / "METADATA").read_text() == FILES["PKG-INFO"]
    assert build_meta.get_requires_for_build_wheel() == []


def test_another_folder_is_refused(sdist: Path) -> None:
    """A folder that is not PyCUDA's sdist gives an error that says so, not an empty wheel."""
    (sdist / "pycuda/driver.py").unlink()
    with pytest.raises(FileNotFoundError, match="not an unpacked sdist of PyCUDA"):
        build_meta.build_wheel(str(sdist))
