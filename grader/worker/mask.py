"""Exchanges numbers for others that are as plausible, and back.

What is exchanged stays finite and in range, so that printing it, or a check in passing, does no
harm; a number is exchanged for the same one throughout a call, so that what is moved about
unchanged can be told and put right when it comes back, in double precision, too. Zeros, labels and
other small whole numbers stay what they are, and so do the first single elements of a call: a loss.

What the host has seen is remembered, and what it sends that it has not: numbers that it made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Words = np.ndarray[Any, Any]

FLOAT_BYTES = 4

_LABELS = 1 << 16
"""Whole numbers up to here are labels, indices and sizes; as float32 they are 9e-41 at most."""

_SINGLE = 8
"""Single elements, or bytes, that stay what they are. Honest calls look at a loss or two; whoever
copies an array element by element needs more, of the smallest that a probe passes."""

_CONSTANTS = 2
"""Numbers that the host may make for kernels' arguments, such as 1/N."""

_ROUND_BITS = 12
"""A float32 whose last bits are zero is round, such as 1.0: nobody computed it from data."""

_SCALES = (1e-12, 1e12)
"""Between these, an argument's four bytes may be a float32; else they are a whole number."""

_LOW_BITS = {4: 12, 8: 41}
"""Bytes of a float → bits by which it may shrink: less than a thousandth, and far beyond rounding,
so that numbers differ from all others."""

_there: dict[int, int] = {}
_back: dict[int, int] = {}
_seen: set[int] = set()
_made: set[int] = set()
_sent: set[int] = set()
_constants: set[int] = set()
_singles: set[int] = set()
_bytes = 0
_has_sent = False
_random = np.random.default_rng()


def begin() -> None:
    """Forget all numbers: another call begins."""
    global _bytes, _has_sent
    for numbers in (_there, _back, _seen, _made, _sent, _constants, _singles):
        numbers.clear()
    _bytes, _has_sent = 0, False


def hide(words: Words) -> None:
    """Exchange numbers, in place.

    Args:
        words: as `words_of` gives them; any strides.
    """
    if words.itemsize == 1:
        _hide_bytes(words)
        return
    sign = 1 << (8 * words.itemsize - 1)
    places = (words & ~words.dtype.type(sign)) >= _LABELS
    large, order = np.unique(words[places], return_inverse=True)
    if words.size == 1 and large.size and _stays(int(large[0])):
        see(words)
        return
    for word in large.tolist():
        if word not in _there:
            _there[word] = _another(large, _LOW_BITS[words.itemsize])
            _back[_there[word]] = word
            if words.itemsize > FLOAT_BYTES:
                _back.setdefault(_as_float(_there[word]), _as_float(word))
    others = np.array([_there[word] for word in large.tolist()], words.dtype)
    words[places] = others[order.ravel()]
    see(others)


def _stays(word: int) -> bool:
    """Whether it is one of the single elements that the host may look at; the same one again is."""
    if word not in _there and len(_singles) < _SINGLE:
        _singles.add(word)
    return word in _singles


def _hide_bytes(words: Words) -> None:
    global _bytes  # noqa: PLW0603 - as above
    if words.size > 1:
        words[...] = _random.permuted(words.ravel()).reshape(words.shape)
        return
    _bytes += words.size
    if _bytes > _SINGLE and words.size and words.ravel()[0] > 1:  # else a flag
        words[...] = _random.integers(2, 256)


def see(words: Words) -> None:
    """The host knows these numbers."""
    _seen.update(_floats(words))


def sent(words: Words, *, copied: bool = True) -> None:
    """The host sends these numbers to the device, before they are revealed.

    Args:
        words: as `words_of` gives them.
        copied: in a copy, not as an argument of a kernel.
    """
    global _has_sent  # noqa: PLW0603 - as above
    numbers = _floats(words)
    _sent.update(numbers)
    if not copied:
        low, high = _SCALES
        sizes = [(word, abs(_value(word))) for word in numbers]
        numbers = {word for word, size in sizes if low < size < high}
    _has_sent = _has_sent or bool(numbers & _seen)
    (_made if copied else _constants).update(
        word for word in numbers - _seen if word & ((1 << _ROUND_BITS) - 1)
    )


def only_moved() -> bool:
    """Whether the host sent numbers that it has seen, and has made none."""
    return _has_sent and not _made and len(_constants) <= _CONSTANTS


def _floats(words: Words) -> set[int]:
    """The distinct numbers apart from labels, each as a float32's bits."""
    if words.itemsize == 1:
        return set()
    distinct = np.unique(words)
    if words.itemsize > FLOAT_BYTES:
        with np.errstate(all="ignore"):
            distinct = distinct.view(np.float64).astype(np.float32).view(np.uint32)
    large: set[int] = set(distinct[distinct & np.uint32(0x7FFFFFFF) >= _LABELS].tolist())
    return large


def _as_float(word: int) -> int:
    """A double's bits → those of the float32 next to it."""
    with np.errstate(all="ignore"):
        number = np.array(word, np.uint64).view(np.float64).astype(np.float32)
    return int(number.view(np.uint32))


def _as_double(word: int) -> int:
    return int(np.array(word, np.uint32).view(np.float32).astype(np.float64).view(np.uint64))


def _value(word: int) -> float:
    return float(np.array(word, np.uint32).view(np.float32))


def _another(among: Words, low_bits: int) -> int:
    """One of them, a little smaller, that stands for no other number."""
    while True:
        drawn = int(among[_random.integers(among.size)])
        made = drawn - int(_random.integers(1, 1 << low_bits))
        if made not in _back and made not in _there and made not in _sent:
            return made


def reveal(words: Words) -> None:
    """Put the numbers in place of those that they were exchanged for."""
    if _back and words.itemsize > 1:
        distinct, places = np.unique(words, return_inverse=True)
        one = _one if words.itemsize == FLOAT_BYTES else _one_double
        others = np.array([one(word) for word in distinct.tolist()], words.dtype)
        words[...] = others[places.reshape(words.shape)]


def _one(word: int) -> int:
    return _back.get(word, word)


def _one_double(word: int) -> int:
    """What a double stands for: an exchanged double, or an exchanged float32 made longer."""
    if word in _back:
        return _back[word]
    short = _as_float(word)
    is_exact = short in _back and _as_double(short) == word
    return _as_double(_back[short]) if is_exact else word


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
