"""What nbgrader's own *autograde*, a command and a button of the form grader, does in such a class.

As it comes, nbgrader would run the student's notebook with the instructor's rights. Here it judges
from outside, in the sandbox, as ``grade`` does; one student at a time, and without resuming.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor, SaveAutoGrades

from course_lib.grading.course import Course
from course_lib.grading.jobs import Job, hiding, judge_job, sandbox_for
from course_lib.grading.master import read_master
from course_lib.grading.record import Outcome, graded_notebook
from course_lib.grading.release import seed_for


class JudgeOutside(NbGraderPreprocessor):
    """Puts the judge's verdict in the place of a run of the notebook."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        course = Course.open(self.config.CourseDirectory.root)
        student = resources["nbgrader"]["student"]
        name = resources["nbgrader"]["assignment"]
        assignment = read_master(course.master(name))
        with course.gradebook() as book:
            seed = seed_for(course, book, name, student)
        folder = str(course.at("submitted", student, name))
        # It raises where there is no sandbox: nbgrader then reports the student, and runs nothing.
        sandbox = hiding(sandbox_for(False), course.folder, course.masters)
        judged = judge_job(Job(student, assignment, seed, folder, sandbox=sandbox))
        outcome = Outcome(student, seed, judged.submission, judged.verdict, judged.rejection)
        return graded_notebook(assignment, outcome), resources


#: In the place of clearing outputs and restoring cells, and of running the notebook.
SANITIZE = [JudgeOutside]
AUTOGRADE = [SaveAutoGrades, AssignLatePenalties]
