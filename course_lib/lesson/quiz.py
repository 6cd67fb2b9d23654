"""Questions whose wrong answers are worth more than the right ones.

Every wrong answer is there because people believe it, and its feedback names the misconception. The
questions of a chapter are data, ``course_lib/lesson/quizzes/<chapter>.toml``, so that no answer
stands in the notebook that asks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from course_lib.lesson.page import check_name
from course_lib.validation import check_choice

_FOLDER = files("course_lib.lesson").joinpath("quizzes")


@dataclass(frozen=True)
class Choice:
    """One answer.

    Parameters
    ----------
    text
        The answer. Here, in feedback and in prompts ``$…$`` is mathematics, ``*…*`` is emphasis
        and text between backquotes is code.
    feedback
        Why it is right, or which misconception makes it look right.
    correct
        Whether it is right.
    """

    text: str
    feedback: str
    correct: bool = False


@dataclass(frozen=True)
class Question:
    """A question with two or more answers.

    Parameters
    ----------
    prompt
        The question.
    choices
        At least two; exactly one of them correct unless ``multiple``.
    multiple
        Whether the reader is to find all correct answers, of which there may be any number but
        none.
    """

    prompt: str
    choices: Sequence[Choice]
    multiple: bool = False

    def __post_init__(self) -> None:
        where = f"question {_shorten(self.prompt)}"
        if not self.prompt.strip():
            raise ValueError("prompt of a question must not be empty")
        if len(self.choices) < 2:
            raise ValueError(f"{where} must have at least two choices, got {len(self.choices)}")
        for choice in self.choices:
            if not choice.text.strip():
                raise ValueError(f"{where} has a choice without text")
            if not choice.feedback.strip():
                raise ValueError(
                    f"{where}: choice {_shorten(choice.text)} must have feedback that says why it "
                    "is right, or names the misconception behind it"
                )
        texts = [choice.text for choice in self.choices]
        if len(set(texts)) != len(texts):
            raise ValueError(f"{where} offers the same choice twice")
        n_correct = sum(choice.correct for choice in self.choices)
        if self.multiple and n_correct == 0:
            raise ValueError(f"{where} must have at least one correct choice, got none")
        if not self.multiple and n_correct != 1:
            raise ValueError(
                f"{where} must have exactly one correct choice, got {n_correct}: set multiple = "
                "true if the reader is to find several"
            )


class Quiz:
    """Questions that answer back; shows itself as the last expression of a cell.

    Parameters
    ----------
    name
        Lower-case words joined by hyphens; unique on its page.
    questions
        At least one.
    title
        Its heading.
    """

    def __init__(
        self, name: str, questions: Sequence[Question], title: str = "Check yourself"
    ) -> None:
        self.name = check_name("name", name)
        self.questions = tuple(questions)
        self.title = title
        if not self.questions:
            raise ValueError(f"quiz {name!r} must have at least one question, got none")

    def html(self) -> str:
        """Return self-contained HTML, the same with a kernel and without."""
        from course_lib.lesson.quiz_html import quiz_html

        return quiz_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Quiz({self.name!r}, {len(self.questions)} questions)"


def quiz(chapter: str) -> Quiz:
    """Return the quiz of a chapter.

    Parameters
    ----------
    chapter
        The name of the chapter's file, such as ``"gradient-descent"``.

    Raises
    ------
    ValueError
        If there is no quiz of that name, or its file has a fault, which the message names.
    """
    return _load(check_choice("chapter", chapter, quiz_names()))


def quiz_names() -> list[str]:
    """Return the chapters that have a quiz."""
    names = [entry.name for entry in _FOLDER.iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


@cache
def _load(chapter: str) -> Quiz:
    source = f"{chapter}.toml"
    return parse_quiz(chapter, _FOLDER.joinpath(source).read_text(encoding="utf-8"), source)


def parse_quiz(name: str, text: str, source: str = "text") -> Quiz:
    """Return the quiz that a TOML text describes.

    Parameters
    ----------
    name
        The quiz's name.
    text
        A ``title`` (optional) and tables ``[[question]]`` with ``prompt``, ``multiple`` (optional)
        and tables ``[[question.choice]]`` with ``text``, ``feedback`` and ``correct`` (optional).
    source
        Where the text comes from, for messages.

    Raises
    ------
    ValueError
        If the text is not TOML or not a quiz; the message says where and why.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} is not valid TOML: {error}") from None
    _check_keys(source, data, {"question": list}, {"title": str})
    questions = []
    for number, entry in enumerate(data["question"], start=1):
        where = f"{source}, question {number}"
        _check_keys(where, entry, {"prompt": str, "choice": list}, {"multiple": bool})
        choices = []
        for letter, choice in enumerate(entry["choice"], start=1):
            required = {"text": str, "feedback": str}
            _check_keys(f"{where}, choice {letter}", choice, required, {"correct": bool})
            choices.append(Choice(**choice))
        try:
            questions.append(Question(entry["prompt"], choices, entry.get("multiple", False)))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    return Quiz(name, questions, data.get("title", "Check yourself"))


def _check_keys(
    where: str, table: Any, required: Mapping[str, type], optional: Mapping[str, type]
) -> None:
    if not isinstance(table, dict):
        raise ValueError(f"{where} must be a table, got {table!r}")
    if missing := [key for key in required if key not in table]:
        raise ValueError(f"{where} lacks {' and '.join(map(repr, missing))}")
    known = {**required, **optional}
    for key, value in table.items():
        if key not in known:
            raise ValueError(
                f"{where} has an unknown key {key!r}: known are {', '.join(map(repr, known))}"
            )
        if not isinstance(value, known[key]):
            raise ValueError(f"{where}: {key!r} must be a {known[key].__name__}, got {value!r}")


def _shorten(text: str, length: int = 48) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= length else flat[: length - 1] + "…")
