"""What is CUDA but not emulated, or C++ but not CUDA.

Said by name, with the line and the next step.
"""

from __future__ import annotations

from .diagnostics import Diagnostic
from .tokens import NAME, STRING, Tokens

_LEGACY_WARP = {
    "__shfl": "__shfl_sync(0xffffffff, …)",
    "__shfl_up": "__shfl_up_sync(0xffffffff, …)",
    "__shfl_down": "__shfl_down_sync(0xffffffff, …)",
    "__shfl_xor": "__shfl_xor_sync(0xffffffff, …)",
    "__ballot": "__ballot_sync(0xffffffff, …)",
    "__any": "__any_sync(0xffffffff, …)",
    "__all": "__all_sync(0xffffffff, …)",
}
_TEXTURES = {
    "texture",
    "cudaTextureObject_t",
    "tex1Dfetch",
    "tex1D",
    "tex2D",
    "tex3D",
    "tex2DLayered",
}
_SURFACES = {
    "surface",
    "cudaSurfaceObject_t",
    "surf1Dread",
    "surf2Dread",
    "surf2Dwrite",
    "surf3Dread",
}
_GROUPS = {
    "this_grid": "to wait for all blocks, end the kernel and launch another",
    "this_cluster": "clusters need compute capability 9.0, and this device has 8.0",
}
_OBJECTS = "texture and surface objects are not emulated; pass a pointer"
_CLUSTERS = (
    "clusters of blocks and their distributed shared memory are not emulated: they need compute "
    "capability 9.0, and this device has 8.0; give block=(…) at the launch, and let blocks "
    "exchange values through global memory"
)
_NEVER = {
    "cudaTextureObject_t": _OBJECTS,
    "cudaSurfaceObject_t": _OBJECTS,
    "__cluster_dims__": _CLUSTERS,
    "__block_size__": _CLUSTERS,
}
_OTHER_GENERATORS = (
    *("curandStatePhilox", "curandStateMRG32k3a", "curandStateMtgp32", "curandStateSobol"),
    *("curandStateScrambledSobol", "curandDirectionVectors"),
)
_HOST_STD = {"max", "min", "swap", "clamp", "fill", "copy", "sort", "accumulate"}
_LAUNCH = (
    "kernel launch (<<<…>>>) in a kernel source: kernels are launched from Python, "
    "as kernel(..., grid=..., block=...); dynamic parallelism is not emulated"
)


def complain(tokens: Tokens) -> list[Diagnostic]:
    """All restricted words of a source, once each."""
    found: dict[str, int] = {}
    for position, index in enumerate(tokens.code):
        text = tokens.text[index]
        if tokens.kind[index] == STRING:
            continue
        following = _following(tokens, position)
        before = tokens.text[tokens.code[position - 1]] if position else ""
        message = _message(text, before, following, tokens.kind[index] == NAME)
        if message:
            found.setdefault(message, index)
    return [Diagnostic(*tokens.place(index), message) for message, index in found.items()]


def _following(tokens: Tokens, position: int) -> tuple[str, str]:
    code = tokens.code[position + 1 : position + 3]
    words = [tokens.text[i] for i in code] + ["", ""]
    return words[0], words[1]


def _message(  # noqa: PLR0911 - one line for each restriction
    text: str, before: str, following: tuple[str, str], is_name: bool
) -> str:
    if text == "<<<":
        return _LAUNCH
    if not is_name:
        return ""
    if text in _LEGACY_WARP and following[0] == "(":
        return f'identifier "{text}" is undefined: CUDA removed it; write {_LEGACY_WARP[text]}'
    if text in _TEXTURES and following[0] in {"<", "("}:
        return f'"{text}": texture references are not emulated; read the array through a pointer'
    if text in _SURFACES and following[0] in {"<", "("}:
        return f'"{text}": surface references are not emulated; write the array through a pointer'
    if text in _NEVER:
        return f'"{text}": {_NEVER[text]}'
    if text in _GROUPS and following[0] == "(":
        return f"{text}() is not emulated: {_GROUPS[text]}"
    if text.startswith(_OTHER_GENERATORS):
        return f'"{text}" is not emulated: of cuRAND the generator XORWOW is: curandStateXORWOW'
    if text == "std" and before != "::" and following[0] == "::" and following[1] in _HOST_STD:
        return (
            f'calling a __host__ function("std::{following[1]}") from device code is not allowed '
            f"({_std_advice(following[1])})"
        )
    return ""


def _std_advice(name: str) -> str:
    if name in {"max", "min"}:
        return f"write {name}(…), without std::"
    return "the C++ library's algorithms run on the host; write the loop"
