from grader.handout.leaks import leaks, secrets, squeezed
from grader.handout.markers import parse, strip

SOURCE = """\
def total(x):
    shown_in_given_code = x * 2 + 1
    # BEGIN SOLUTION 1.1
    #| # shown_in_stub = text + 1
    shown_in_given_code = x * 2 + 1
    answer = x * 42 + shown_in_given_code  # why
    n = 1
    return answer
    # END SOLUTION
"""
REGIONS = parse(SOURCE, "a.py", {"1.1"})
KNOWN = list(secrets({"a.py": SOURCE}, REGIONS))


def test_telling_lines_are_those_that_nothing_else_shows() -> None:
    """Short lines, and lines that given code has as well, are no secrets."""
    assert [(s.line, s.text) for s in KNOWN] == [(6, "answer=x*42+shown_in_given_code")]


def test_stub_holds_no_secret() -> None:
    """Stripping removes all of them."""
    assert leaks(KNOWN, {"stub": strip(SOURCE, "a.py", {"1.1"})}) == []


def test_leak_is_found_in_any_disguise() -> None:
    """Indentation, blanks, and a comment sign in front hide nothing."""
    for text in (
        "answer = x * 42 + shown_in_given_code",
        "x\n      #   answer=x*42+shown_in_given_code",
        '"source": "answer = x*42 +  shown_in_given_code\\n"',
    ):
        (found,) = leaks(KNOWN, {"page": text})
        assert found == (f"page:{1 + text.count(chr(10))} holds line 6 of the solution's a.py"), (
            "place and origin are named"
        )


def test_lines_of_given_files_are_no_secrets() -> None:
    """What device.py shows may be used in a solution."""
    given = {"a.py": SOURCE, "device.py": "answer = x * 42 + shown_in_given_code\n"}
    assert list(secrets(given, REGIONS)) == []


def test_squeezed_keeps_whole_comments() -> None:
    """A comment is dropped behind code only."""
    assert squeezed("  x = 1  # one") == "x=1"
    assert squeezed("  # all of it") == "#allofit"


def test_barrier_alone_says_nothing() -> None:
    """A barrier on a line of its own is in every text about CUDA."""
    source = "# BEGIN SOLUTION 1.1\n#| # TODO(1.1): sum\n    __syncthreads();\n# END SOLUTION\n"
    assert not list(secrets({"a.py": source}, parse(source, "a.py", {"1.1"})))
