"""Stands where pip looks for setuptools while it builds PyCUDA's Python half; see `build_meta`."""
