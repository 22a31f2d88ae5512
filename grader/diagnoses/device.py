"""What the checked device finds in a kernel, in a student's words."""

from grader.diagnoses.mistake import Mistake

MISTAKES = (
    Mistake(
        "wrong-leading-dimension",
        "a size or a leading dimension does not fit the memory",
        "cuBLAS reads columns: the leading dimension of each matrix is the length of a row as it "
        "lies in memory, transposed or not.",
        "lda = A.shape[1], ldb = B.shape[1], ldc = N; then m = N, n = M, k = K with B first. What "
        "is named above is cuBLAS's: its A is the matrix that you pass first, so with B first its "
        "A and lda are your B and ldb.",
        kinds=("invalid-argument", "out-of-bounds"),
        words=r"cublas",
        raised=r"^cublas\w+: ",
    ),
    Mistake(
        "missing-barrier",
        "a barrier is missing",
        "Threads of a block exchange values through shared memory, and one may read before "
        "another has written, or write before another has read.",
        "Put __syncthreads() between the two accesses, where every thread of the block reaches it.",
        kinds=("race",),
        words=r"shared memory[\s\S]*no __syncthreads\(\)",
    ),
    Mistake(
        "race-between-blocks",
        "two blocks work on the same element",
        "Blocks run in any order, at the same time; no barrier reaches across them.",
        "Give each block its own elements, add by atomicAdd, or combine in a second launch.",
        kinds=("race",),
        words=r"nothing orders the blocks",
    ),
    Mistake(
        "race-in-global-memory",
        "two threads work on the same element",
        "Two threads of a block touch one element of an array, one of them writing, in no "
        "certain order.",
        "Give each element to one thread, add by atomicAdd, or put __syncthreads() between.",
        kinds=("race",),
        words=r"(global memory|__device__ variable)[\s\S]*no __sync",
    ),
    Mistake(
        "missing-syncwarp",
        "threads of a warp are not synchronised",
        "Since Volta, the threads of a warp don't run in step by themselves.",
        "Put __syncwarp() between the two accesses, or use __shfl_*_sync.",
        kinds=("missing-syncwarp",),
    ),
    Mistake(
        "barrier-in-branch",
        "not every thread reaches the barrier",
        "__syncthreads() stands in a branch or a loop that some threads of the block leave, or "
        "behind an early return: they wait for each other for ever.",
        "Move the barrier out of the branch; guard the work, not the barrier.",
        kinds=("barrier-divergence",),
    ),
    Mistake(
        "shuffle-in-branch",
        "not every thread of the mask reaches the warp's exchange",
        "A __…_sync function names its threads by a mask, and all of them have to call it.",
        "Call it outside of branches, or narrow the mask to the threads that are there.",
        kinds=("warp-divergence",),
    ),
    Mistake(
        "out-of-bounds",
        "a kernel leaves its array",
        "The last block often has more threads than elements are left, and an index may count "
        "rows where columns are meant.",
        "Guard the access: if (i < size); check the index that is named above; and are the "
        "launch's arguments in the order of the kernel's parameters?",
        kinds=("out-of-bounds",),
        words=r"outside global memory|outside memory|outside a __device__",
    ),
    Mistake(
        "outside-shared-array",
        "a kernel leaves its shared or local array",
        "The array is smaller than the index: often an array of one size and a block of another, "
        "or a tree whose partner does not exist.",
        "Compare the array's size with the number of threads, and guard the partner's index.",
        kinds=("out-of-bounds", "index-out-of-range"),
        words=r"outside (dynamic )?shared memory|outside local memory|outside an array",
    ),
    Mistake(
        "no-dynamic-shared",
        "the launch gives too little dynamic shared memory",
        "An extern __shared__ array has as many bytes as the launch says, and none by itself.",
        "Pass shared_bytes=4 * elements to the launch.",
        kinds=("shared-too-small",),
    ),
    Mistake(
        "shared-not-initialised",
        "shared memory is read before anyone wrote it",
        "Its contents are undefined when a block begins; threads without work have to write their "
        "0, too.",
        "Let every thread of the block write its element before the barrier.",
        kinds=("unwritten-read",),
        words=r"shared memory",
    ),
    Mistake(
        "memory-not-initialised",
        "memory is read before anyone wrote it",
        "Fresh memory holds anything at all: empty() fills nothing, and a local variable starts "
        "with no value. An accumulator has to start at 0.",
        "Use zeros(), initialise the variable, or write before you read or add.",
        kinds=("unwritten-read",),
        words=r"^(?![\s\S]*shared memory)",
    ),
    Mistake(
        "misaligned",
        "a vector access is not aligned",
        "A float4 lies at a multiple of 16 bytes; rows of a length that is no multiple of 4 don't "
        "all begin there.",
        "Use float4 only where index and row length are multiples of 4, and floats elsewhere.",
        kinds=("misaligned",),
    ),
    Mistake(
        "not-a-device-pointer",
        "a kernel got a pointer that is none of the device's",
        "A number, a null pointer or a host array was passed where a device array belongs.",
        "Pass the GPUArray itself, in the order of the kernel's parameters and its signature.",
        kinds=("null-pointer", "host-pointer"),
    ),
    Mistake(
        "use-after-free",
        "an array was freed before the kernel used it",
        "Its memory went back when Python dropped the last reference.",
        "Keep the GPUArray in a variable as long as its memory is used.",
        kinds=("use-after-free",),
    ),
    Mistake(
        "endless-kernel",
        "a kernel never ends, or does far more work than was asked for",
        "A loop whose condition stays true, threads that wait for each other, or a launch or a "
        "loop far longer than the arrays are.",
        "Does the loop's variable change on each round, by more than 0 and towards the end? Are "
        "grid and sizes what you meant, or rows and columns exchanged?",
        kinds=("time-limit",),
    ),
    Mistake(
        "division-by-zero",
        "an integer is divided by zero",
        "A size or a stride is 0, often one that was rounded down.",
        "Round it up, or keep it at 1 at least.",
        kinds=("division-by-zero",),
    ),
    Mistake(
        "stack-overflow",
        "a thread runs out of memory of its own",
        "Recursion without an end, or a local array that is too large.",
        "Use a loop, or shared memory.",
        kinds=("stack-overflow",),
    ),
    Mistake(
        "constant-memory-written",
        "a kernel writes to constant memory",
        "__constant__ variables are set by the host, before the launch.",
        "Write to an argument.",
        kinds=("constant-write",),
    ),
)
