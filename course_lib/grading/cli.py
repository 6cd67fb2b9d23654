"""The command line of grading: one verb for each step of an assignment's way.

Exit codes: 0, everything was done; 1, it was done, and something needs a look (a submission was
rejected, a file could not be matched); 2, nothing was done, the message says why.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course_lib.grading import verbs
from course_lib.grading.verbs import NOTHING_DONE, PROGRAM

OVERVIEW = """\
A class, from the first release to the marks:

  {p} students roster.csv         who takes part
  {p} release cost-functions      the notebook for the class, in _class/release
  {p} collect cost-functions      what was handed in, from a JupyterHub ...
  {p} gather cost-functions DIR   ... or from e-mail or an LMS
  {p} grade cost-functions        judged in a sandbox, into the gradebook
  {p} rubric cost-functions       how to mark by hand what was explained
  {p} feedback cost-functions     a page for each student, in _class/feedback
  {p} marks                       CSV for Canvas, Moodle and a spreadsheet

Exit codes: 0 all is done; 1 done, but something needs a look; 2 nothing was done.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        What stands on the command line after the program; by default `sys.argv`.

    Returns
    -------
    int
        The exit code.
    """
    parser = build_parser()
    options = parser.parse_args(arguments)
    if getattr(options, "action", None) is None:
        parser.print_help()
        return NOTHING_DONE
    # Loading nbgrader takes a second, which --help need not wait for.
    from course_lib.grading.assignment import MasterError
    from course_lib.grading.course import CourseError

    try:
        return options.action(options)
    except (CourseError, MasterError) as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
        return NOTHING_DONE
    except KeyboardInterrupt:
        print(f"\n{options.verb}: stopped; run it again to go on from here", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Assignments for a class: release, collect, grade, feedback, marks.",
        epilog=OVERVIEW.format(p=PROGRAM),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="verb", metavar="VERB")

    def verb(
        name: str, action: Callable[[Any], int], about: str, examples: str, *, named: bool = True
    ) -> argparse.ArgumentParser:
        lines = "\n".join(f"  {PROGRAM} {line}" for line in textwrap.dedent(examples).splitlines())
        made = commands.add_parser(
            name,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            epilog=f"examples:\n{lines}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(action=action)
        if named:
            made.add_argument("name", metavar="ASSIGNMENT", help="such as cost-functions")
        made.add_argument(
            "--class",
            dest="folder",
            default="_class",
            metavar="DIR",
            help="folder of the class (default: _class)",
        )
        made.add_argument(
            "--masters",
            metavar="DIR",
            help="folder of the instructor's notebooks (default: what class.toml says)",
        )
        return made

    made = verb(
        "students",
        verbs.students,
        "bring the students of a CSV table into the gradebook",
        "students roster.csv\nstudents roster.csv --class ~/fall",
        named=False,
    )
    made.add_argument(
        "roster", type=Path, help="CSV with the columns id, first_name, last_name, email, lms_id"
    )

    made = verb(
        "release",
        verbs.release,
        "make the notebook that students get, without solutions and hidden checks",
        """\
        release cost-functions
        release cost-functions --due "2026-10-12 23:59 UTC"
        release cost-functions --per-student        # numbers of their own, for e-mail or an LMS
        release cost-functions --exchange           # and put it where a JupyterHub's users look
        """,
    )
    made.add_argument("--due", metavar="TIME", help="when it is due; none takes the date away")
    made.add_argument(
        "--seed", type=int, help="numbers (default: as released before, or of class.toml)"
    )
    made.add_argument(
        "--per-student", action="store_true", help="write one notebook for each student as well"
    )
    made.add_argument("--exchange", action="store_true", help="put it on the exchange as well")
    made.add_argument(
        "--force", action="store_true", help="change the numbers though students handed in"
    )

    verb(
        "collect",
        verbs.collect,
        "bring in what was handed in on a JupyterHub's exchange",
        "collect cost-functions",
    )

    made = verb(
        "gather",
        verbs.gather,
        "bring in notebooks that came by e-mail or from an LMS",
        """\
        gather cost-functions ~/Downloads/submissions
        gather cost-functions inbox --any-name --file-times
        """,
    )
    made.add_argument("source", type=Path, metavar="DIR", help="where the notebooks are, unpacked")
    made.add_argument(
        "--any-name", action="store_true", help="also files whose name is not the assignment's"
    )
    made.add_argument(
        "--file-times", action="store_true", help="a file's time is when it was handed in"
    )

    made = verb(
        "grade",
        verbs.grade,
        "judge what was handed in and write the points into the gradebook",
        """\
        grade cost-functions
        grade cost-functions --student ada --force   # again, though nothing changed
        grade cost-functions --dask tcp://scheduler:8786
        """,
    )
    _student_option(made)
    made.add_argument("--workers", type=int, metavar="N", help="judged at once (default: 2)")
    made.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler whose workers judge")
    made.add_argument("--force", action="store_true", help="grade again what did not change")
    made.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run students' code with your rights; only where you have read it",
    )
    made.add_argument("--quiet", action="store_true", help="no progress bar, and no table")

    verb(
        "rubric",
        verbs.rubric,
        "print how the questions that are answered in words are to be marked",
        "rubric cost-functions",
    )

    made = verb(
        "feedback",
        verbs.feedback,
        "write a page for each student, safe to open, and put it on the exchange if asked",
        "feedback cost-functions\nfeedback cost-functions --student ada --exchange",
    )
    _student_option(made)
    made.add_argument("--exchange", action="store_true", help="let students fetch their pages")

    made = verb(
        "marks",
        verbs.marks,
        "write marks as CSV for Canvas, Moodle and a spreadsheet",
        """\
        marks                                  # all three, all assignments
        marks --format canvas --to canvas.csv --assignment cost-functions
        """,
        named=False,
    )
    made.add_argument("--format", choices=("canvas", "moodle", "sheet"), help="only this one")
    made.add_argument("--to", type=Path, metavar="FILE", help="where to write it, with --format")
    made.add_argument(
        "--assignment", action="append", default=[], metavar="NAME", help="only this one; repeats"
    )
    made.add_argument(
        "--blank",
        action="store_true",
        help="leave what was not handed in empty, instead of giving it zero",
    )

    made = verb(
        "new",
        verbs.new,
        "begin a new assignment from a template that passes its own check",
        'new step-size --title "Choosing a step" --chapter part1/gradient-descent',
    )
    made.add_argument("--title", help="what students read on top (default: from the name)")
    made.add_argument("--chapter", default="", help="the page it belongs to")

    made = verb(
        "check",
        verbs.check,
        "try an assignment: solution, mistakes, alternatives, release",
        "check cost-functions\ncheck --all",
        named=False,
    )
    made.add_argument("names", nargs="*", metavar="ASSIGNMENT", help="such as cost-functions")
    made.add_argument("--all", action="store_true", help="every assignment there is")
    made.add_argument("--seed", type=int, default=0, help="numbers to try it with")
    return parser


def _student_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--student", action="append", default=[], metavar="ID", help="only this one; repeats"
    )
