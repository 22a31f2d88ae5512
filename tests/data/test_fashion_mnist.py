import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

import data
from data import fashion_mnist

LABELS = fashion_mnist.TEST_LABELS.name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the data files, to be spoilt."""
    for file in fashion_mnist.FOLDER.glob("*.gz"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_the_data_set() -> None:
    """All images are rows of float32 in [0, 1], all labels int32, every class as often."""
    images = data.load_fashion_mnist()
    assert images.X_train.shape == (60000, 784)
    assert images.X_test.shape == (10000, 784)
    for X in (images.X_train, images.X_test):
        assert X.dtype == np.float32
        assert X.flags.c_contiguous
        assert (X.min(), X.max()) == (0, 1)
    for y in (images.y_train, images.y_test):
        assert y.dtype == np.int32
        assert set(np.bincount(y)) == {len(y) // 10}
    assert len(data.CLASS_NAMES) == 10


def test_the_test_images_alone() -> None:
    """The test images alone are those of the whole set, and need no other file."""
    X, y = data.load_test_images()
    images = data.load_fashion_mnist()
    np.testing.assert_array_equal(X, images.X_test)
    np.testing.assert_array_equal(y, images.y_test)


def test_pixels_are_bytes_over_255() -> None:
    """A pixel is its byte / 255, rounded once."""
    X = data.load_fashion_mnist().X_test
    content = gzip.decompress((fashion_mnist.FOLDER / fashion_mnist.TEST_IMAGES.name).read_bytes())
    pixels = np.frombuffer(content, np.uint8, offset=16).reshape(10000, 784)
    np.testing.assert_array_equal(X, (pixels / 255).astype(np.float32))


def error_of(folder: Path) -> str:
    """Return the error of loading, after checking that it names the file and the next step."""
    with pytest.raises(data.DataError) as error:
        data.load_fashion_mnist(folder)
    message = str(error.value)
    assert str(folder / LABELS) in message
    assert "Next: restore it" in message
    return message


def test_a_missing_file(folder: Path) -> None:
    """A missing file is named, with where to get it."""
    (folder / LABELS).unlink()
    assert "found none" in error_of(folder)


def test_a_truncated_file(folder: Path) -> None:
    """A truncated file is an error that gives its size."""
    content = (folder / LABELS).read_bytes()
    (folder / LABELS).write_bytes(content[:1000])
    assert "its 1,000 bytes are not a whole gzip file" in error_of(folder)


def test_an_empty_file(folder: Path) -> None:
    """An empty file, as an interrupted download leaves it, is an error that says so."""
    (folder / LABELS).write_bytes(b"")
    assert "found an empty file" in error_of(folder)


def test_a_file_that_is_no_gzip(folder: Path) -> None:
    """An error page saved under the file's name is not taken for data."""
    (folder / LABELS).write_bytes(b"<html>404</html>")
    assert "not a whole gzip file" in error_of(folder)


def test_a_damaged_file(folder: Path) -> None:
    """Flipped bytes in the compressed stream are an error that names the file."""
    content = bytearray((folder / LABELS).read_bytes())
    content[2000:2010] = bytes(10)
    (folder / LABELS).write_bytes(content)
    assert "gzip" in error_of(folder)


def test_an_altered_file(folder: Path) -> None:
    """One altered label is an error with the expected and the found SHA-256."""
    content = bytearray(gzip.decompress((folder / LABELS).read_bytes()))
    content[-1] ^= 1
    (folder / LABELS).write_bytes(gzip.compress(content, 1))
    message = error_of(folder)
    assert f"expected SHA-256 {fashion_mnist.TEST_LABELS.sha256}, found " in message


def test_another_file_under_its_name(folder: Path) -> None:
    """The training labels under the test labels' name are an error that shows both headers."""
    shutil.copy(folder / fashion_mnist.TRAIN_LABELS.name, folder / LABELS)
    assert "expected the IDX header 00000801 00002710" in error_of(folder)


def test_a_folder_under_its_name(folder: Path) -> None:
    """A folder in the place of a file is an error, too."""
    (folder / LABELS).unlink()
    (folder / LABELS).mkdir()
    assert "cannot be read" in error_of(folder)
