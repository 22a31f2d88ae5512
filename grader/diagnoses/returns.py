"""Exceptions, return values and what a function did beside: recognised or named by checks."""

from grader.diagnoses.mistake import Mistake

MISTAKES = (
    Mistake(
        "stub-left",
        "this is not written yet",
        "The function still raises NotImplementedError.",
        "Write it, or look at make hint.",
        raised=r"^NotImplementedError",
    ),
    Mistake(
        "returns-none",
        "nothing is returned",
        "The function ends without a return.",
        "Return the result.",
    ),
    Mistake(
        "host-array-returned",
        "a NumPy array is returned",
        "Results stay on the device, as GPUArrays: a copy to the host makes every caller wait.",
        "Return the GPUArray, without .get().",
    ),
    Mistake(
        "shape-transposed",
        "the result has the transposed shape",
        "Rows and columns are exchanged.",
        "Compare with the handout's Notation: N rows first, then features or classes.",
    ),
    Mistake(
        "shape-flat",
        "the result has the right size, but another shape",
        "The elements are all there.",
        "Use .reshape(rows, columns), which moves no element.",
    ),
    Mistake(
        "shape-wrong",
        "the result has the wrong shape",
        "Its size is not that of the contract.",
        "Compare with the shapes in the docstring.",
    ),
    Mistake(
        "float64-result",
        "the result is float64",
        "Kernels read 4 bytes an element; NumPy's default is float64.",
        "Allocate by empty(shape), or with dtype=np.float32.",
    ),
    Mistake(
        "dtype-wrong",
        "the result has the wrong type",
        "The homework's arrays are float32, labels int32.",
        "Allocate by empty(shape), or with dtype=np.float32.",
    ),
    Mistake(
        "input-modified",
        "an input was changed",
        "The caller still needs it, and other tasks rely on it.",
        "Write to an array of your own, empty(shape) or X.copy(), and pass a kernel its arguments "
        "in the order of its parameters.",
    ),
    Mistake(
        "same-memory",
        "each call returns the same memory",
        "A second call overwrites the first one's result, which its caller may still need: a "
        "gradient is several means.",
        "Take a new array in each call, by empty(shape): the pool makes that cheap.",
    ),
    Mistake(
        "parameter-replaced",
        "the step makes new parameters",
        "Parameters are updated in place: whoever holds them, a CUDA graph for example, would go "
        "on with the old ones, and each step would allocate.",
        "Let sgd_update change each parameter where it is, and assign nothing to self.parameters.",
    ),
    Mistake(
        "parameters-changed",
        "the parameters were changed",
        "scores, forward and gradients only compute; step alone updates.",
        "Call sgd_update in step only, and on no intermediate result.",
    ),
    Mistake(
        "loss-shape",
        "the loss is not one number",
        "gradients and step return the mean loss of the batch, a GPUArray of shape (1,) (eq. 4).",
        "Return mean_of(losses).",
    ),
    Mistake(
        "items-swapped",
        "what is returned comes in another order",
        "The shapes are those of the other item.",
        "Return them in the order of the docstring.",
    ),
    Mistake(
        "not-a-tuple",
        "not all that is asked for is returned",
        "The contract is a tuple, in the order of the docstring.",
        "Return all of it, (losses, dZ) for example.",
    ),
    Mistake(
        "key-missing",
        "a gradient is missing from the dict",
        "Its keys are the names of the parameters.",
        'Return {"W": …, "b": …}, in a network "W1", "b1", "W2" and "b2".',
    ),
    Mistake(
        "returns-instead-of-in-place",
        "something is returned where nothing should be",
        "The function works in place, on its argument.",
        "Write to the argument, and leave the return out.",
    ),
    Mistake(
        "no-kernel",
        "no kernel of yours did the work",
        "The task is to write a kernel; NumPy, gpuarray's arithmetic and cuBLAS are for checking.",
        "Launch your kernel.",
    ),
    Mistake(
        "serial-reduction",
        "one thread adds up a whole column",
        "All values of a column go one after the other through one running sum, while thousands "
        "of threads have nothing to do.",
        "Let the threads of a block add up a part each, then combine their sums by a tree.",
    ),
    Mistake(
        "kind-not-refused",
        "an unknown activation is accepted",
        "A typing error in kind would train another network.",
        "Raise ValueError unless kind is relu, sigmoid or tanh.",
    ),
    Mistake(
        "other-exception",
        "another exception is raised than the contract's",
        "Whoever calls the function catches what its docstring promises.",
        "Raise ValueError yourself, before the other error can happen.",
    ),
    Mistake(
        "shapes-not-refused",
        "shapes that don't fit are accepted",
        "cuBLAS knows no shapes: it would read whatever lies there.",
        "Compare the shapes, and beta with out, and raise ValueError before calling cuBLAS.",
    ),
    Mistake(
        "beta-not-refused",
        "beta without out is accepted",
        "There is no C that beta could multiply: without out, the result is fresh memory, which "
        "holds anything at all.",
        "Raise ValueError where beta is not 0 and out is None, before calling cuBLAS.",
    ),
    Mistake(
        "out-not-returned",
        "out is not what is returned",
        "Who passes out wants the result in it.",
        "Write into out, and return it.",
    ),
    Mistake(
        "kernel-does-not-compile",
        "the kernel does not compile",
        "nvcc stops at the line named above.",
        "Mend the first error first; others often follow from it.",
        raised=r"^CompileError",
    ),
    Mistake(
        "kernel-name",
        "the kernel has another name than compile_kernel was given",
        "The source compiles, but no __global__ function in it has that name.",
        "Use one name in both places.",
        raised=r"^LogicError: .*has no kernel of that name",
    ),
    Mistake(
        "launch-arguments",
        "the launch passes too many or too few arguments",
        "The signature given to compile_kernel has a letter for each parameter of the kernel.",
        "Pass one argument for each letter.",
        raised=r"^TypeError: .*its signature '.*' has \d+ parameters",
    ),
    Mistake(
        "cublas-address",
        "cuBLAS was given an array, not its address",
        "Functions of skcuda.cublas take addresses of the device's memory; kernels made by "
        "compile_kernel take the GPUArray itself.",
        "cuBLAS takes the address: A.gpudata.",
        raised=r"^TypeError: (?=.*(gemm|ublas)).*int\(\) argument must be .*not 'GPUArray'",
    ),
    Mistake(
        "float-for-integer",
        "a float stands where only an integer can",
        "A grid, a block and a shape count something, and / makes a float of two integers.",
        "Divide by //, or let blocks_for(size, threads) count the blocks: it rounds up.",
        raised=r"^TypeError: .*'[\w.]*float\d*' object cannot be interpreted as an integer",
    ),
    Mistake(
        "wrong-pointer-type",
        "a kernel's argument has the wrong type",
        "A pointer takes a GPUArray, an int an integer, a float a number, in the order of the "
        "kernel's parameters.",
        "Pass the GPUArray itself, not .get() nor a NumPy array, and check the order.",
        raised=r"^(error|ArgumentError): |"
        r"^TypeError: .*(only integer scalar|dimensional arrays|as an integer|real number"
        r"|has the letter '[^P]')",
    ),
    Mistake(
        "argument-dtype",
        "an array of another type is passed on",
        "Every array of the homework is float32, labels are int32; NumPy's default is float64.",
        "Convert with .astype(np.float32), or allocate by empty(shape).",
        raised=r"^TypeError: .*expected dtype (float32|int32), found",
    ),
    Mistake(
        "argument-none",
        "None is passed where a GPUArray is needed",
        "A function without a return gives None, and one that works in place is not assigned: "
        "bias_add and sgd_update change their array.",
        "Call it on a line of its own, or return the array.",
        raised=r"^TypeError: .*expected a GPUArray, found None",
    ),
    Mistake(
        "argument-on-host",
        "a NumPy array is passed where a GPUArray is needed",
        "A kernel cannot read the host's memory.",
        "Copy it by to_device(array), or leave the .get() out.",
        raised=r"^TypeError: .*expected a GPUArray, found (?!None)",
    ),
    Mistake(
        "argument-shape",
        "an array of the wrong shape is passed on",
        "Rows and columns are exchanged, or another array is meant.",
        "Compare with the docstring, and with the handout's Notation: X (N, D), W (D, C), "
        "Z (N, C); b1 has H elements, b2 has C.",
        raised=r"^ValueError: .*expected shape .*, found",
    ),
    Mistake(
        "launch-refused",
        "the device refuses the launch",
        "A block has at most 1,024 threads, a grid at least one block, and shared memory 48 KB.",
        "Check grid, block and shared_bytes for this size.",
        raised=r"^LogicError: .*cu(Launch|Func)\w+ failed",
    ),
    Mistake(
        "name-not-defined",
        "a name is not defined",
        "Python does not know it at this point: a typing error, or a missing import.",
        "Look at the line named above.",
        raised=r"^(NameError|UnboundLocalError): ",
    ),
    Mistake(
        "file-missing",
        "a file is missing",
        "The homework consists of five files.",
        "Copy it from assignment/, and start there.",
        raised=r"^: there is no \w+\.py",
    ),
    Mistake(
        "function-missing",
        "a function is missing",
        "The grader calls functions by the names of the handout.",
        "Give it back its name.",
        raised=r"^: \w+\.py has no ",
    ),
    Mistake(
        "input-called",
        "the program asks for input",
        "The grader has no keyboard.",
        "Take out input().",
        raised=r"^EOFError|it calls input\(\)",
    ),
    Mistake(
        "endless-loop",
        "a loop never ends",
        "The function, or a kernel that it launches, used up its time without returning.",
        "Look for a while or a for whose condition stays true.",
        raised=r"stopped after \d+ s",
    ),
    Mistake(
        "process-ended",
        "the program ends itself",
        "exit(), os._exit(), a signal, a crash, or more memory than there is: the whole process "
        "went away.",
        "Return, or raise an exception.",
        raised=r"your code (ended|crashed) the process|your code's process was killed",
    ),
    Mistake(
        "skcuda-module",
        "scikit-cuda's other modules do not work here",
        "Of scikit-cuda only skcuda.cublas is used in this homework; misc, linalg, fft and the "
        "others were written for an older NumPy and fail with this one.",
        "Call skcuda.cublas, and write the kernel yourself where a task asks for one.",
        raised=r"numpy' has no attribute 'typeDict'",
    ),
    Mistake(
        "launch-of-cuda-3",
        "a kernel is launched as in CUDA 3",
        "set_block_shape, param_setv, launch_grid and the like left PyCUDA with CUDA 4.",
        "Launch by kernel(…, block=(256, 1, 1), grid=(blocks, 1)), by prepared_call, or by "
        "device.compile_kernel.",
        raised=r"'function_attribute' has no attribute "
        r"'(SET_BLOCK_SHAPE|SET_SHARED_SIZE|PARAM_SET\w*|LAUNCH\w*)'",
    ),
    Mistake(
        "module-does-not-load",
        "the file cannot be loaded",
        "Python stops while it reads the file, so that nothing in it can be judged.",
        "Run .venv/bin/python on it: the first error is named above.",
        raised=r"^: \w+\.py does not load: ",
    ),
    Mistake(
        "xor-not-set",
        "the weights of the XOR network are not set",
        "They are the random ones that every network begins with.",
        "Set each by network.parameters[name].set(array).",
    ),
    Mistake(
        "xor-transposed",
        "a weight matrix is transposed",
        "Column h of W1 belongs to hidden unit h, column c of W2 to class c (eq. 11 and 12).",
        "Exchange rows and columns of that matrix.",
    ),
    Mistake(
        "xor-inverted",
        "the two classes are exchanged",
        "This is the negation of XOR: class 1 means true.",
        "Exchange the columns of W2, and the elements of b2.",
    ),
    Mistake(
        "xor-soft",
        "the gates are too soft",
        "The largest probability is the right one's each time, but it stays below 0.9.",
        "Multiply all weights and biases by the same larger number.",
    ),
    Mistake(
        "xor-other-gates",
        "the hidden units are other gates",
        "The network computes XOR, but not from two ORs.",
        "One unit is the OR of the inputs, the other the OR of their negations.",
    ),
    Mistake(
        "xor-hidden-gate",
        "a hidden unit is another gate",
        "The threshold between on and off is in the wrong place: OR asks for one input, AND for "
        "both.",
        "An OR of inputs that are 0 or 1 is on from a sum of 1/2, an AND from 3/2.",
    ),
    Mistake(
        "xor-top-gate",
        "the top is no AND",
        "The hidden units are the two ORs, but class 1 does not win exactly where both are on.",
        "An AND of two units is on from a sum of 3/2: mind the bias b2.",
    ),
)
