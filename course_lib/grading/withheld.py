"""What must not leave the instructor's hands, and whether a text or a notebook shows any of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from nbformat import NotebookNode

from course_lib.grading.assignment import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    END_HIDDEN,
    END_SOLUTION,
    Assignment,
)
from course_lib.grading.master import is_card

# A shorter line, such as `return x`, may well stand elsewhere too.
_TELLING = 12
# Nor does one that only imports, makes a random generator, or counts.
_COMMON = re.compile(
    r"rng = np\.random\.default_rng\(\d+\)|(from \S+ )?import .*|for \w+ in range\(\w+\):"
)
_MARKER = re.compile(r"#+\s*(BEGIN|END)\b|\b(BEGIN|END)[ _]+(SOLUTION|HIDDEN|MARK)", re.IGNORECASE)


@lru_cache
def withheld_lines(assignment: Assignment) -> frozenset[str]:
    """Return the lines of solutions and hidden checks that the release does not hold.

    Lines are stripped of the space around them. Very short ones are left out: they tell nothing.
    """
    released = {
        line.strip()
        for question in assignment.questions
        for line in f"{question.starter}\n{question.shown}".splitlines()
    }
    withheld = {
        line.strip()
        for question in assignment.questions
        for line in f"{question.solution}\n{question.hidden}".splitlines()
    }
    markers = {BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN}
    return frozenset(
        line
        for line in withheld - released - markers
        if len(line) >= _TELLING and not _COMMON.fullmatch(line)
    )


@lru_cache
def withheld_texts(assignment: Assignment) -> frozenset[str]:
    """Return what only the cards say: hints of mistakes, and the rubric."""
    return frozenset(_said(assignment))


def _said(assignment: Assignment) -> Iterator[str]:
    for question in assignment.questions:
        yield from (mistake.hint for mistake in question.mistakes if mistake.hint)
        yield from (criterion.text for criterion in question.rubric)


def leaks_in(text: str, assignment: Assignment) -> list[str]:
    """Return what a text shows of an assignment though it must not."""
    lines = {line.strip() for line in text.splitlines()}
    found = sorted(lines & withheld_lines(assignment))
    return found + sorted(said for said in withheld_texts(assignment) if said in text)


def leaks_of(notebook: NotebookNode, assignment: Assignment) -> list[str]:
    """Return what a released notebook shows though it must not, wherever in it that stands.

    Besides what `leaks_in` finds: a marker, a card, and solutions of which nothing is marked.
    """
    texts = list(strings_of(notebook))
    found = [f"the marker {text.strip()!r}" for text in texts if _MARKER.search(text)]
    found += ["a raw cell" for cell in notebook.cells if is_card(cell)]
    found += [
        f"the whole solution of {question.id}: nothing of it is marked"
        for question in assignment.questions
        if question.starter == question.solution
    ]
    return found + [repr(text) for text in leaks_in("\n".join(texts), assignment)]


def strings_of(node: Any) -> Iterator[str]:
    """Yield every text in a notebook or another piece of JSON, wherever it stands."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings_of(value)
