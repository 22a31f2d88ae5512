"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747), read from its IDX files.

An IDX file, gzipped here, is a header and then unsigned bytes: two zero bytes, the type 0x08 of
unsigned bytes, the number of axes, and the size of each axis as a big-endian 32-bit integer.
"""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).resolve().parent

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class _File(NamedTuple):
    """What a file has to contain: its axes, and the SHA-256 of its uncompressed content."""

    name: str
    shape: tuple[int, ...]
    sha256: str


TRAIN_IMAGES = _File(
    "train-images-idx3-ubyte.gz",
    (60000, 28, 28),
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
)
TRAIN_LABELS = _File(
    "train-labels-idx1-ubyte.gz",
    (60000,),
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
)
TEST_IMAGES = _File(
    "t10k-images-idx3-ubyte.gz",
    (10000, 28, 28),
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
)
TEST_LABELS = _File(
    "t10k-labels-idx1-ubyte.gz",
    (10000,),
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)


class DataError(Exception):
    """A data file is missing, unreadable, or not the original; the message says how to get it."""


class FashionMNIST(NamedTuple):
    """28 × 28 grey-scale images of clothes in 10 classes (CLASS_NAMES), one image a row.

    Pixels are float32 from 0 (background) to 1, labels int32 from 0 to 9.
    """

    X_train: npt.NDArray[np.float32]  # (60000, 784)
    y_train: npt.NDArray[np.int32]  # (60000,)
    X_test: npt.NDArray[np.float32]  # (10000, 784)
    y_test: npt.NDArray[np.int32]  # (10000,)


def load_fashion_mnist(folder: Path = FOLDER) -> FashionMNIST:
    """Read the data set, and check that it is the original.

    Raises:
        DataError: a file is missing, truncated or altered.
    """
    X_test, y_test = load_test_images(folder)
    return FashionMNIST(
        X_train=_images(folder, TRAIN_IMAGES),
        y_train=_read(folder, TRAIN_LABELS).astype(np.int32),
        X_test=X_test,
        y_test=y_test,
    )


def load_test_images(
    folder: Path = FOLDER,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Read the 10,000 test images alone, in a tenth of the time: X_test (10000, 784), y_test.

    Raises:
        DataError: a file is missing, truncated or altered.
    """
    return _images(folder, TEST_IMAGES), _read(folder, TEST_LABELS).astype(np.int32)


def _images(folder: Path, file: _File) -> npt.NDArray[np.float32]:
    pixels = _read(folder, file)
    return np.divide(pixels.reshape(len(pixels), -1), 255, dtype=np.float32)


def _read(folder: Path, file: _File) -> npt.NDArray[np.uint8]:
    """Return the bytes of an IDX file in the shape its header gives."""
    path = folder / file.name
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise _error(path, "expected the file there, found none") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        size = path.stat().st_size
        raise _error(path, f"its {size:,} bytes are not a whole gzip file ({error})") from None
    except OSError as error:
        raise _error(path, f"it cannot be read ({error})") from error

    header = struct.pack(f">HBB{len(file.shape)}I", 0, 0x08, len(file.shape), *file.shape)
    if not content.startswith(header):
        found = content[: len(header)].hex(" ", 4) or "an empty file"
        raise _error(
            path, f"expected the IDX header {header.hex(' ', 4)} for {file.shape}, found {found}"
        )
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != file.sha256:
        raise _error(
            path,
            f"its content is not the original: expected SHA-256 {file.sha256}, found {sha256}",
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(file.shape)


def _error(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: {what}. Next: restore it (in a clone: git checkout -- data; otherwise unpack the "
        "homework again, or take it from https://github.com/zalandoresearch/fashion-mnist)."
    )
