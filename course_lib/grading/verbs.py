"""What each verb of the command line does; it prints, and returns the exit code.

Modules are loaded where they are used: nbgrader takes a second, which ``--help`` need not wait for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_lib.grading.course import Course
    from course_lib.grading.grade import Row

DONE, LOOK, NOTHING_DONE = 0, 1, 2
PROGRAM = "python -m course_lib.grading"


def _course(options: Any, *, create: bool = False) -> Course:
    from course_lib.grading.course import SETTINGS, Course

    begins = create and not (Path(options.folder) / SETTINGS).is_file()
    course = Course.open(options.folder, masters=options.masters, create=create)
    if begins:
        print(f"A class begins in {course.folder}; its settings are in {SETTINGS}.")
    return course


def students(options: Any) -> int:
    """Bring a roster into the gradebook."""
    from course_lib.grading.roster import import_roster

    course = _course(options, create=True)
    with course.gradebook() as book:
        enrolled = import_roster(book, options.roster)
        count = len(book.students)
    print(
        f"{len(enrolled.added)} new, {len(enrolled.changed)} changed, {len(enrolled.unchanged)} as "
        f"before; the class has {count} student(s)."
    )
    if enrolled.ignored:
        print(f"Not read: the column(s) {', '.join(enrolled.ignored)}.")
    return DONE


def release(options: Any) -> int:
    """Make what students get."""
    from course_lib.grading.course import CourseError
    from course_lib.grading.exchange import publish
    from course_lib.grading.release import PERSONAL, generate, generate_for, set_due_date

    course = _course(options, create=True)
    release = generate(course, options.name, seed=options.seed, force=options.force)
    assignment = release.assignment
    print(
        f"{assignment.title}: {len(assignment.questions)} questions, {assignment.points:g} points, "
        f"some {assignment.minutes} minutes; numbers of seed {release.seed}."
    )
    print(f"For the class: {release.path}")
    if options.due is not None:
        due = set_due_date(course, options.name, options.due)
        print(f"Due: {due:%Y-%m-%d %H:%M} UTC" if due else "Due: no date")
    if options.per_student or course.settings.per_student:
        with course.gradebook() as book:
            students = [student.id for student in book.students]
        if not students:
            raise CourseError("there is no student yet: import them with `students ROSTER.csv`")
        generate_for(course, release, students)
        print(f"For each of {len(students)} student(s): {course.at(PERSONAL)}/ID/{options.name}")
    if options.exchange:
        publish(course, options.name)
        print(f"On the exchange, for users of the class {course.settings.course}.")
    return DONE


def collect(options: Any) -> int:
    """Bring in what is on the exchange."""
    from course_lib.grading.exchange import collect as bring_in

    course = _course(options)
    found = bring_in(course, options.name)
    where = course.at("submitted")
    print(f"{len(found.students)} student(s) handed in {options.name}; it lies in {where}")
    for note in found.notes:
        print(f"  {note}")
    return LOOK if found.notes else DONE


def gather(options: Any) -> int:
    """Bring in files."""
    from course_lib.grading.gather import gather as bring_in
    from course_lib.grading.text import one_line

    course = _course(options)
    course.master(options.name)
    with course.gradebook() as book:
        found = bring_in(
            course,
            book,
            options.name,
            options.source,
            any_name=options.any_name,
            file_times=options.file_times,
        )
        everybody = [student.id for student in book.students]
    handed_in = course.at("submitted")
    absent = [s for s in everybody if not (handed_in / s / options.name).is_dir()]
    print(f"{len(found.taken)} taken, {len(found.unchanged)} were there already.")
    for path, why in sorted(found.left.items()):
        print(f"  not taken: {one_line(path)}: {why}")
    if absent:
        print(f"Nothing yet from {len(absent)}: {_some(absent)}")
    if found.taken and not options.file_times:
        print("No times are known, so nobody is late; --file-times takes those of the files.")
    return LOOK if found.left else DONE


def grade(options: Any) -> int:
    """Judge and record."""
    from course_lib.grading.grade import grade as run

    course = _course(options)
    started = time.monotonic()
    rows = run(
        course,
        options.name,
        students=options.student,
        workers=options.workers,
        dask=options.dask,
        force=options.force,
        unsafe=options.unsafe_no_sandbox,
        progress=not options.quiet,
    )
    if not rows:
        print(f"Nobody handed in {options.name}: there is nothing in {course.at('submitted')}")
        return DONE
    if not options.quiet:
        print(table_of(rows))
    seconds = time.monotonic() - started
    counts = {state: sum(row.state == state for row in rows) for state in _STATES}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    print(f"{options.name}: {told}; {seconds:.1f} s.")
    waiting = sum(row.mark.by_hand for row in rows if row.mark)
    if waiting:
        print(f"{waiting} answer(s) are to be marked by hand in the form grader.")
    if counts["failed"]:
        print("Run the command again for those that failed; nothing of the others is repeated.")
    return LOOK if counts["rejected"] or counts["failed"] else DONE


def rubric(options: Any) -> int:
    """Print criteria and model answers."""
    from course_lib.grading.assignment import BEGIN_SOLUTION, END_SOLUTION
    from course_lib.grading.master import read_master

    questions = [
        question
        for question in read_master(_masters(options) / options.name).questions
        if question.kind == "explain"
    ]
    if not questions:
        print(f"{options.name} has no question that is marked by hand.")
    for question in questions:
        print(f"{question.title} ({question.id}, {question.points:g} points)")
        for criterion in question.rubric:
            print(f"  {criterion.points:g}  {criterion.text}")
        lines = question.solution.splitlines()
        answer = [line for line in lines if line.strip() not in (BEGIN_SOLUTION, END_SOLUTION)]
        print("\n  A model answer:\n" + "\n".join(f"    {line}" for line in answer) + "\n")
    return DONE


def feedback(options: Any) -> int:
    """Write pages of feedback."""
    from course_lib.grading.exchange import publish_feedback
    from course_lib.grading.pages import write_pages

    course = _course(options)
    written, failed = write_pages(course, options.name, students=options.student)
    print(f"{len(written)} page(s) in {course.at('feedback')}/ID/{options.name}")
    for student, why in failed.items():
        print(f"  no page for {student}: {why}")
    if options.exchange:
        count = publish_feedback(course, options.name)
        print(f"{count} of them on the exchange: students fetch them with the assignment list.")
    return LOOK if failed else DONE


def marks(options: Any) -> int:
    """Write marks as CSV."""
    from course_lib.grading.course import CourseError
    from course_lib.grading.marks import EXPORTERS, line_of
    from course_lib.grading.record import refresh_penalties
    from course_lib.grading.release import gathered_log

    if options.to and not options.format:
        raise CourseError("--to names one file, so it needs --format")
    course = _course(options)
    waiting = 0
    with course.gradebook() as book, gathered_log():
        known = [assignment.name for assignment in book.assignments]
        unknown = sorted(set(options.assignment) - set(known))
        if unknown:
            raise CourseError(
                f"the gradebook has no {', '.join(unknown)}; it has {', '.join(known) or 'nothing'}"
            )
        for name in options.assignment or known:
            refresh_penalties(course, name, book)
        for format_ in [options.format] if options.format else EXPORTERS:
            exporter = EXPORTERS[format_](config=course.config())
            exporter.to = str(options.to or course.folder / exporter.default_name)
            exporter.assignment = options.assignment
            exporter.missing_is_zero = not options.blank
            exporter.export(book)
            print(f"{format_}: {exporter.to}")
        for assignment in exporter.assignments(book):
            lines = [line_of(book, assignment, student) for student in book.students]
            waiting += sum(line.waiting for line in lines)
    if waiting:
        print(
            f"{waiting} answer(s) wait to be marked by hand: their points are not in these marks."
        )
    return LOOK if waiting else DONE


def new(options: Any) -> int:
    """Begin an assignment."""
    from course_lib.grading.new import create_master

    title = options.title or options.name.replace("-", " ").capitalize()
    path = create_master(_masters(options), options.name, title=title, chapter=options.chapter)
    print(f"{path}\nChange it in JupyterLab, then: {PROGRAM} check {options.name}")
    return DONE


def check(options: Any) -> int:
    """Try assignments."""
    from course_lib.grading.course import CourseError
    from course_lib.grading.master import find_masters, read_master
    from course_lib.grading.trials import faults_of

    masters = _masters(options)
    if bool(options.names) == options.all:
        raise CourseError("name an assignment, or say --all")
    names = options.names or [path.stem for path in find_masters(masters)]
    if not names:
        raise CourseError(f"there is no assignment in {masters}")
    wrong = 0
    for name in names:
        assignment = read_master(masters / name)
        chapter = masters.parent / f"{assignment.chapter}.ipynb"
        faults = faults_of(assignment, chapter if chapter.is_file() else None, options.seed)
        wrong += bool(faults)
        print(f"{name}: {'can be released' if not faults else f'{len(faults)} fault(s)'}")
        for fault in faults:
            print(f"  {fault}")
    return LOOK if wrong else DONE


def _masters(options: Any) -> Path:
    """Return the folder of masters; neither writing nor checking one needs a class."""
    from course_lib.grading.course import SETTINGS, Course, CourseError

    if options.masters:
        return Path(options.masters)
    if (Path(options.folder) / SETTINGS).is_file():
        return Course.open(options.folder).masters
    usual = Path("book") / "assignments"
    if not usual.is_dir():
        raise CourseError(f"there is no folder {usual} here: name one with --masters DIR")
    return usual


_STATES = ("graded", "unchanged", "rejected", "failed")


def table_of(rows: Sequence[Row]) -> str:
    """Return what a run did as a table, a line a submission."""
    lines = [("student", "result", "points", "late", "by hand", "to know")]
    for row in rows:
        mark = row.mark
        lines.append(
            (
                row.student,
                row.state,
                f"{mark.total:g} of {mark.max_score:g}" if mark else "",
                f"-{mark.late_penalty:g}" if mark and mark.late_penalty else "",
                str(mark.by_hand) if mark and mark.by_hand else "",
                " ".join([row.reason, *row.notes] if row.reason else row.notes),
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join(
        "  ".join(
            [*(part.ljust(w) for part, w in zip(line, widths, strict=False)), line[5]]
        ).rstrip()
        for line in lines
    )


def _some(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
