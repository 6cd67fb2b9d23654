"""What goes wrong on the instructor's side."""


class CourseError(Exception):
    """Something about a class that a person has to mend; the message says what to do."""
