"""PyCUDA's own Python half, from its released sdist, for machines without CUDA.

PyCUDA is published as source only, and building it needs the CUDA toolkit; but only its lowest
layer, `_driver`, is compiled, and that is what the emulator supplies. So pip is asked to fetch and
verify the sdist as always, and to build it without isolation, with the folder `setuptools` in here
in front of the real setuptools: PyCUDA's `setup.py` never runs, and the wheel holds PyCUDA's Python
files, its headers, its licence and its metadata, unchanged. `requirements.txt` pins version and
SHA-256. `backend.setup` runs the command (`install_command`).
"""
