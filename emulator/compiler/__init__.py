"""The compiler of the emulated device: an nvcc on PATH, and the loader of what it makes."""
