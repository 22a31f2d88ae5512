import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.handout.markers import MarkerError, parse, solved, strip

TASKS = {"1.1", "2.3"}

SOURCE = '''\
BIAS_ADD = """
__global__ void bias_add(float *Z, const float *b, int n, int C) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  // BEGIN SOLUTION 1.1
  //| // TODO(1.1): one thread an element (eq. 1)
  if (i < n) Z[i] += b[i % C];
  // END SOLUTION
}
"""


class Model:
    def scores(self, X):
        # BEGIN SOLUTION 2.3
        #| # Z = X W + b (eq. 1).
        Z = gemm(X, self.W)
        return Z
        # END SOLUTION
'''

STUB = '''\
BIAS_ADD = """
__global__ void bias_add(float *Z, const float *b, int n, int C) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  // TODO(1.1): one thread an element (eq. 1)
}
"""


class Model:
    def scores(self, X):
        # TODO(2.3)
        # Z = X W + b (eq. 1).
        raise NotImplementedError("TODO(2.3): Model.scores in model.py")
'''


def test_strip_replaces_regions_in_python_and_in_cuda_strings() -> None:
    """Each region becomes its stub text, with a TODO, and an exception where Python runs."""
    assert strip(SOURCE, "model.py", TASKS) == STUB


def test_solved_keeps_the_solution_and_drops_everything_else() -> None:
    """Markers and stub texts go; nothing outside of regions differs from the stub."""
    text = solved(SOURCE, "model.py", TASKS)
    assert "SOLUTION" not in text
    assert "#|" not in text
    assert "  if (i < n) Z[i] += b[i % C];\n}" in text
    assert "        Z = gemm(X, self.W)\n        return Z\n" in text


def test_regions_know_their_place() -> None:
    """A region names its task, file, lines and indentation."""
    first, second = parse(SOURCE, "model.py", TASKS)
    assert (first.task, first.first_line, first.last_line, first.indent) == ("1.1", 4, 7, "  ")
    assert (second.task, second.file, second.indent) == ("2.3", "model.py", " " * 8)
    assert first.solution == ("  if (i < n) Z[i] += b[i % C];",)


def test_stub_text_with_code_of_its_own_gets_no_exception() -> None:
    """Code in the stub text stands for itself."""
    body = ("# BEGIN SOLUTION 1.1", "#| return None  # TODO(1.1)", "return 1", "# END SOLUTION")
    text = "".join(["def f():\n", *(f"    {line}\n" for line in body)])
    assert strip(text, "a.py", TASKS) == "def f():\n    return None  # TODO(1.1)\n"


def test_region_outside_of_a_function_does_not_raise_at_import() -> None:
    """A module-level region leaves its TODO only."""
    text = "# BEGIN SOLUTION 1.1\nblock = 256\n# END SOLUTION\n"
    assert strip(text, "a.py", TASKS) == "# TODO(1.1)\n"


def test_file_without_markers_is_unchanged() -> None:
    """Given files go through as they are."""
    assert strip("x = 1\n", "a.py", TASKS) == "x = 1\n"
    assert strip("", "a.py", TASKS) == ""


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# BEGIN SOLUTION 1.1\n# BEGIN SOLUTION 2.3\n", 2, "line 1 opened"),
        ("x = 1\n# BEGIN SOLUTION 1.1\nx = 2\n", 2, "never closed"),
        ("x = 1\n# END SOLUTION\n", 2, "without a BEGIN"),
        ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n", 1, "found nothing"),
        ("# BEGIN SOLUTION 1.1 2.3\nx = 1\n# END SOLUTION\n", 1, "'1.1 2.3'"),
        ("# BEGIN SOLUTION 9.9\nx = 1\n# END SOLUTION\n", 1, "unknown task '9.9'"),
        ("# BEGIN SOLUTION 1.1\nx = 1\n# END SOLUTION 1.1\n", 3, "stands alone"),
        ("# BEGIN SOLUTION 1.1\nx = 1\n# END SOLUTON\n", 3, "unknown directive END 'SOLUTON'"),
        ("# BEGIN SOLUTIONS 1.1\n", 1, "unknown directive"),
        ("# BEGIN HIDDEN TESTS\n", 1, "unknown directive"),
        ("# begin solution 1.1\n", 1, "not a marker as it stands"),
        ("x = 1  # BEGIN SOLUTION 1.1\n", 1, "not a marker as it stands"),
        ("    # BEGIN SOLUTION 1.1\n    x = 1\n  # END SOLUTION\n", 3, "must agree"),
        (
            "if x:\n    # BEGIN SOLUTION 1.1\n  x = 1\n    # END SOLUTION\n",
            3,
            "less than its BEGIN",
        ),
        ("# BEGIN SOLUTION 1.1\nx = 1\n// END SOLUTION\n", 3, "not in both"),
        ("# BEGIN SOLUTION 1.1\nx = 1\n#| late\n# END SOLUTION\n", 3, "directly below"),
        ("# BEGIN SOLUTION 1.1\n//| wrong\nx = 1\n# END SOLUTION\n", 2, "starts like its BEGIN"),
        ("# BEGIN SOLUTION 1.1\n  #| wrong\nx = 1\n# END SOLUTION\n", 2, "starts like its BEGIN"),
        ("x = 1\n#| stray\n", 2, "outside of a solution region"),
        ("# BEGIN SOLUTION 1.1\n#| only\n# END SOLUTION\n", 1, "holds no solution"),
        ("\t# BEGIN SOLUTION 1.1\n\tx = 1\n\t# END SOLUTION\n", 1, "a tab"),
        ("# BEGIN SOLUTION 1.1\nif x:\n\ty = 1\n# END SOLUTION\n", 3, "a tab"),
    ],
)
def test_broken_markers_name_file_and_line(text: str, line: int, words: str) -> None:
    """Every broken marker is an error that names its place, the fault and what was expected."""
    with pytest.raises(MarkerError) as info:
        parse(text, "a.py", TASKS)
    assert info.value.line == line
    assert words in info.value.message
    assert str(info.value).startswith(f"a.py:{line}: ")


def test_prose_about_beginnings_is_no_marker() -> None:
    """Comments that merely say BEGIN or END in prose stay comments."""
    text = "# END of the row\n# BEGIN here\n# THE END\n"
    assert strip(text, "a.py", TASKS) == text


line_of_code = st.from_regex(r"[a-z]{1,5} = [0-9]{1,3}", fullmatch=True)
blocks = st.lists(
    st.tuples(st.lists(line_of_code, max_size=3), st.lists(line_of_code, min_size=1, max_size=3)),
    max_size=4,
)


@given(blocks, st.sampled_from(["", "  ", "    "]))
def test_given_lines_survive_and_solution_lines_go(
    blocks: list[tuple[list[str], list[str]]], indent: str
) -> None:
    """Whatever the file, the stub is its given lines with a TODO for each region."""
    source, stub, answer = [], [], []
    for given_lines, solution in blocks:
        source += given_lines
        stub += given_lines
        answer += given_lines
        source += [f"{indent}// BEGIN SOLUTION 1.1", *(indent + s for s in solution)]
        source += [f"{indent}// END SOLUTION"]
        stub += [f"{indent}// TODO(1.1)"]
        answer += [indent + s for s in solution]
    text = "".join(f"{line}\n" for line in source)
    assert strip(text, "a.py", TASKS).splitlines() == stub
    assert solved(text, "a.py", TASKS).splitlines() == answer
