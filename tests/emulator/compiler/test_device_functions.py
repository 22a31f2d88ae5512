# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.emulator.compiler.bench import Bench


def test_atomics(bench: Bench) -> None:
    """Every atomic returns the old value and leaves the documented new one; 32 threads lose nothing."""
    image = bench.load(
        'extern "C" __global__ void k(int *i, unsigned *u, float *f, double *d, unsigned long long *l, int *old) {'
        " atomicAdd(i, 1); atomicSub(i + 1, 2); atomicMax(i + 2, (int)threadIdx.x); atomicMin(i + 3, -(int)threadIdx.x);"
        " atomicInc(u, 9u); atomicDec(u + 1, 9u); atomicOr(u + 2, 1u << threadIdx.x); atomicXor(u + 3, 1u);"
        " atomicAnd(u + 4, ~(1u << threadIdx.x)); atomicAdd(f, 0.5f); atomicAdd(d, 0.25); atomicAdd_block(l, 2ull);"
        " atomicExch(f + 1, 3.0f); if (threadIdx.x == 0) { old[0] = atomicCAS(i + 4, 0, 5);"
        " old[1] = atomicCAS(i + 4, 0, 6); } }"
    )
    i, u = np.zeros(5, np.int32), np.zeros(5, np.uint32)
    u[4] = 0xFFFFFFFF
    f, d, wide = np.zeros(2, np.float32), np.zeros(1), np.zeros(1, np.uint64)
    old = np.zeros(2, np.int32)
    assert bench.run(image, "k", i, u, f, d, wide, old, threads=32) == []
    assert i.tolist() == [32, -64, 31, -31, 5]
    assert u.tolist() == [32 % 10, (0 - 32) % 10, 0xFFFFFFFF, 0, 0]
    assert (f.tolist(), d.tolist(), wide.tolist()) == ([16.0, 3.0], [8.0], [64])
    assert old.tolist() == [0, 5]


def test_warp_functions(bench: Bench) -> None:
    """Shuffles of all types, votes, matches and reductions."""
    image = bench.load(
        'extern "C" __global__ void k(double *d, long long *l, float *f, unsigned *u) { int t = threadIdx.x;'
        " d[t] = __shfl_down_sync(0xffffffff, (double)t, 1); l[t] = __shfl_xor_sync(0xffffffff, (long long)t << 40, 1);"
        " f[t] = __shfl_sync(0xffffffff, (float)t, 3, 8); u[t] = __shfl_up_sync(0xffffffff, (unsigned)t, 2);"
        " u[32 + t] = __ballot_sync(0xffffffff, t & 1); u[64 + t] = __any_sync(0xffffffff, t == 5);"
        " u[96 + t] = __all_sync(0xffffffff, t < 31); u[128 + t] = __match_any_sync(0xffffffff, t / 16);"
        " u[160 + t] = __reduce_add_sync(0xffffffff, (unsigned)t); u[192 + t] = __reduce_max_sync(0xffffffff, t); }"
    )
    d, wide, f = np.zeros(32), np.zeros(32, np.int64), np.zeros(32, np.float32)
    u = np.zeros(224, np.uint32)
    assert bench.run(image, "k", d, wide, f, u, threads=32) == []
    t = np.arange(32)
    assert d.tolist() == [*range(1, 32), 31]
    assert wide.tolist() == ((t ^ 1) << 40).tolist()
    assert f.tolist() == (t // 8 * 8 + 3).tolist()
    assert u[:32].tolist() == [0, 1, *range(30)]
    assert set(u[32:64].tolist()) == {0xAAAAAAAA}
    assert (u[64:96].tolist(), u[96:128].tolist()) == ([1] * 32, [0] * 32)
    assert u[128:160].tolist() == [0xFFFF] * 16 + [0xFFFF0000] * 16
    assert (set(u[160:192].tolist()), set(u[192:].tolist())) == ({496}, {31})


def test_cooperative_groups(bench: Bench) -> None:
    """Blocks, tiles, reduce and scan."""
    image = bench.load(
        "#include <cooperative_groups.h>\n#include <cooperative_groups/reduce.h>\n"
        "namespace cg = cooperative_groups;\n"
        'extern "C" __global__ void k(int *o) { auto block = cg::this_thread_block();'
        " auto tile = cg::tiled_partition<8>(block); int t = block.thread_rank();"
        " o[t] = cg::reduce(tile, t, cg::plus<int>()); o[64 + t] = tile.shfl(t, 0) + tile.meta_group_rank();"
        " o[128 + t] = cg::inclusive_scan(tile, 1); block.sync(); cg::sync(tile);"
        " o[192 + t] = tile.ballot(tile.thread_rank() == 2) + block.size(); }"
    )
    o = np.zeros(256, np.int32)
    assert bench.run(image, "k", o, threads=64) == []
    t = np.arange(64)
    assert o[:64].tolist() == (t // 8 * 64 + 28).tolist()
    assert o[64:128].tolist() == (t // 8 * 8 + t // 8).tolist()
    assert o[128:192].tolist() == (t % 8 + 1).tolist()
    assert set(o[192:].tolist()) == {4 + 64}


def test_printf_writes_nothing(bench: Bench) -> None:
    """%n, by which the host would write through a kernel's pointer, ends the launch; %%n is text."""
    source = (
        'extern "C" __global__ void k(int *n, int which) {\n'
        '  printf("%%n 100%%\\n");\n'
        '  if (which == 1) printf("ab%*n", 3, n);\n  if (which == 2) printf("%lln", n);\n}'
    )
    image = bench.load(source)
    for which in (0, 1, 2):
        n = np.array([7], np.int32)
        found = bench.run(image, "k", n, np.int32(which))
        assert n[0] == 7
        assert [f.place.line for f in found if f.place] == ([which + 2] if which else [])
        assert ("%n" in found[0].text()) if which else bench.printed == "%n 100%\n"


def test_printf_and_assert(bench: Bench) -> None:
    """A printf takes the index variables; a failed assert ends the launch with its place."""
    image = bench.load(
        '#include <stdio.h>\n#include <assert.h>\nextern "C" __global__ void k(int n) {\n'
        '  printf("%d %u %s\\n", n, blockDim.x, "ok");\n  assert(n == 1);\n}'
    )
    assert bench.run(image, "k", np.int32(1), threads=1) == []
    assert bench.printed == "1 1 ok\n"
    (finding,) = bench.run(image, "k", np.int32(2), threads=1)
    assert (finding.kind, finding.fatal) == ("assert", True)
    assert finding.place is not None
    assert finding.place.line == 5


def test_results_behind_pointers_are_seen(bench: Bench) -> None:
    """modf, frexp, remquo and sincos write where the checks can see it."""
    image = bench.load(
        'extern "C" __global__ void k(float *o) { float w, s, c; int e, q; o[0] = modff(o[0], &w); o[1] = w;'
        " o[2] = frexp(8.0f, &e) + e; o[3] = remquof(7.0f, 2.0f, &q) + q; sincosf(0.0f, &s, &c); o[4] = s + c;"
        " sincospif(0.5f, &s, &c); o[5] = s; double dw; o[6] = modf(2.5, &dw) + dw; }"
    )
    o = np.array([3.25, 0, 0, 0, 0, 0, 0], np.float32)
    assert bench.run(image, "k", o) == []
    assert o.tolist() == [0.25, 3.0, 4.5, 3.0, 1.0, 1.0, 2.5]


def test_shared_arrays_of_several_shapes(bench: Bench) -> None:
    """One declaration of several shared arrays, and macros of the host's headers inside a kernel."""
    image = bench.load(
        'extern "C" {\n__global__ void k(float *o) { __shared__ float a[8][8], b[8][9], c;'
        " a[1][1] = 1; b[7][8] = 2; c = 3; o[0] = a[1][1] + b[7][8] + c; o[1] = -INFINITY; } }"
    )
    o = np.zeros(2, np.float32)
    assert bench.run(image, "k", o) == []
    assert o.tolist() == [6, -np.inf]


def test_vectors_in_unions_and_flat_tables(bench: Bench) -> None:
    """A vector is a plain structure: in a union that is copied, in a table without inner braces."""
    image = bench.load(
        "union U { float4 v; float f[4]; };\nstruct S { U u; int n; };\n"
        "__device__ float4 table[2] = {1, 2, 3, 4, 5, 6, 7, 8};\n"
        'extern "C" __global__ void k(U *u, S *s, float4 p) {'
        " U a = u[0]; a.v.y = table[1].z; u[1] = a; s[1] = s[0]; float4 z = {1, 2};"
        " u[2].v = z.w ? z : p; }"
    )
    u, s = np.arange(12, dtype=np.float32), np.arange(16, dtype=np.float32)
    assert bench.run(image, "k", u, s, np.frombuffer(b"\0" * 16, "V16")[0]) == []
    assert u.tolist() == [0, 1, 2, 3, 0, 7, 2, 3, 0, 0, 0, 0]
    assert s[8:].tolist() == s[:8].tolist()


def test_asserts_can_be_switched_off(bench: Bench) -> None:
    """NDEBUG, on the command line or before <assert.h>, and only that, silences assert."""
    kernel = 'extern "C" __global__ void k(int n) { assert(n == 1); }'
    for source, options in (
        ("#define NDEBUG\n#include <assert.h>\n" + kernel, ()),
        (kernel, ("-DNDEBUG",)),
    ):
        assert bench.run(bench.load(source, *options), "k", np.int32(2)) == []
    assert len(bench.run(bench.load(kernel), "k", np.int32(2))) == 1
