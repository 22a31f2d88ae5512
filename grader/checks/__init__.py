"""The checks: pytest tests, one file a part of the homework, one test a named share of a task."""
