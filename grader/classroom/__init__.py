"""Grades a whole class: finds submissions, grades them on Dask workers, keeps the gradebook.

`command` is the way in (`python -m grader class`, `make class`). `entries` finds what students
handed in, `folder` is the run on disk, `grading` and `cluster` are the work, `schedule` hands it
out, and `gradebook` and `pages` show what came of it.
"""
