"""Assignments: from the instructor's master notebook to marks.

For instructors; the chapters do not use it. A master notebook becomes a release for students, what
they hand in is run in a sandbox and judged from outside of it, and the marks go into nbgrader's
gradebook. ``python -m course_lib.grading --help`` lists the commands.

This package holds no answer: solutions and hidden checks are in the masters, which only instructors
have.
"""
