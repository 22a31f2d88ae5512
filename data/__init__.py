"""The data of the homework: Fashion-MNIST, and the two toy problems XOR and spiral."""

from data.fashion_mnist import (
    CLASS_NAMES,
    DataError,
    FashionMNIST,
    load_fashion_mnist,
    load_test_images,
)
from data.toys import spiral, xor

__all__ = [
    "CLASS_NAMES",
    "DataError",
    "FashionMNIST",
    "load_fashion_mnist",
    "load_test_images",
    "spiral",
    "xor",
]
