"""Exchanges numbers for others that are as plausible, and back.

What is exchanged stays finite and in range, so that printing it, or a check in passing, does no
harm; a number is exchanged for the same one throughout a call, so that what is moved about
unchanged can be told and put right when it comes back. Zeros, labels and other small whole numbers
stay what they are, and so do the first single elements of a call: a loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Words = np.ndarray[Any, Any]

_LABELS = 1 << 16
"""Whole numbers up to here are labels, indices and sizes; as float32 they are 9e-41 at most."""

_SINGLE = 8
"""Single elements that stay what they are. Honest calls look at a loss or two; whoever copies an
array element by element needs more, of the smallest that a probe passes."""

_LOW_BITS = {4: 12, 8: 41}
"""Bytes of a float → bits by which it may shrink: less than a thousandth, and far beyond rounding,
so that numbers differ from all others."""

_there: dict[int, int] = {}
_back: dict[int, int] = {}
_singles = 0
_random = np.random.default_rng()


def begin() -> None:
    """Forget all numbers: another call begins."""
    global _singles  # noqa: PLW0603 - of the process, as the numbers are
    _there.clear()
    _back.clear()
    _singles = 0


def hide(words: Words) -> None:
    """Exchange numbers, in place.

    Args:
        words: as `words_of` gives them; any strides.
    """
    global _singles  # noqa: PLW0603 - as above
    if words.itemsize == 1:
        words[...] = _random.permuted(words.ravel()).reshape(words.shape)
        return
    if words.size == 1:
        _singles += 1
        if _singles <= _SINGLE:
            return
    distinct, places = np.unique(words, return_inverse=True)
    sign = 1 << (8 * words.itemsize - 1)
    large = distinct[distinct & ~words.dtype.type(sign) >= _LABELS]
    for word in large.tolist():
        if word not in _there:
            _there[word] = _another(large, _LOW_BITS[words.itemsize])
            _back[_there[word]] = word
    others = np.array([_there.get(word, word) for word in distinct.tolist()], words.dtype)
    words[...] = others[places.reshape(words.shape)]


def _another(among: Words, low_bits: int) -> int:
    """One of them, a little smaller, that no number is exchanged for yet."""
    while True:
        drawn = int(among[_random.integers(among.size)])
        made = drawn - int(_random.integers(1, 1 << low_bits))
        if made not in _back and made not in _there:
            return made


def reveal(words: Words) -> None:
    """Put the numbers in place of those that they were exchanged for."""
    if _back and words.itemsize > 1:
        distinct, places = np.unique(words, return_inverse=True)
        others = np.array([_back.get(word, word) for word in distinct.tolist()], words.dtype)
        words[...] = others[places.reshape(words.shape)]


def words_of(target: Any) -> Words:
    """A contiguous host buffer as whole numbers, in the order of memory; no copy."""
    array = np.asarray(target if isinstance(target, np.ndarray) else memoryview(target))
    raw = array.ravel(order="K").view(np.uint8)
    return raw.view(word_type(array.dtype, raw.size))


def word_type(dtype: np.dtype[Any], size_bytes: int) -> np.dtype[Any]:
    """What a number is taken for: eight bytes, or four, whatever the target calls them."""
    if dtype.kind in "fiu" and dtype.itemsize == 8:  # noqa: PLR2004 - bytes
        return np.dtype(np.uint64)
    return np.dtype(np.uint32 if size_bytes % 4 == 0 else np.uint8)
