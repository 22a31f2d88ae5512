"""Known mistakes, recognised by what they make of the inputs; says nothing rather than guess."""

from grader.diagnoses.matching import recognise

__all__ = ["recognise"]
