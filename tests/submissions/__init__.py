"""Specimens: submissions with known verdicts, each a few edits of the solution."""
