"""The checks: pytest tests, one file a part of the homework, each worth one named share of a task."""
