"""Parts of a lesson: the source of what is imported, quizzes, and the claims of the sources.

The claims have a package of their own, `course_lib.lesson.claims`, for their checks import much of
the library.
"""

from course_lib.lesson.quiz import Choice, Question, Quiz, parse_quiz, quiz, quiz_names
from course_lib.lesson.source import Source, show_source

__all__ = [
    "Choice",
    "Question",
    "Quiz",
    "Source",
    "parse_quiz",
    "quiz",
    "quiz_names",
    "show_source",
]
