"""A quiz as HTML: fieldsets, radio buttons and a few lines of script."""

from __future__ import annotations

import re
from html import escape
from string import ascii_uppercase

from course_lib.lesson.page import script, style
from course_lib.lesson.quiz import Choice, Question, Quiz

_HERE = "course_lib.lesson"
_INLINE = re.compile(r"\$(?P<maths>[^$]+)\$|`(?P<code>[^`]+)`|\*(?P<emphasis>[^*\s][^*]*)\*")


def quiz_html(quiz: Quiz) -> str:
    """Return the quiz as self-contained HTML.

    Without script the feedback to a choice shows as soon as it is chosen. With it, the reader
    commits to an answer first, the feedback is announced, and a score is kept.
    """
    identifier = f"dh-quiz-{quiz.name}"
    questions = "".join(
        f"<li>{_question(question, f'{identifier}-{number}')}</li>"
        for number, question in enumerate(quiz.questions, start=1)
    )
    return (
        style((_HERE, "quiz.css")) + f'<div class="dh dh-quiz" id="{identifier}" role="group" '
        f'aria-label="{escape(quiz.title)}">'
        f'<div class="head"><p class="title">{escape(quiz.title)}</p>'
        f'<p class="score" data-total="{len(quiz.questions)}"></p></div>'
        f"<ol>{questions}</ol></div>" + script(_HERE, "quiz.js")
    )


def inline_html(text: str) -> str:
    r"""Return text with mathematics, code and emphasis as HTML.

    MathJax looks only at elements of class ``math`` on the book's pages, and JupyterLab's at every
    output; both know the delimiters ``\(…\)``.

    Examples
    --------
    >>> inline_html("Is $a < b$ *always* `True`?")
    'Is <span class="math notranslate nohighlight">\\(a &lt; b\\)</span> <em>always</em> ...'
    """
    pieces, end = [], 0
    for match in _INLINE.finditer(text):
        pieces.append(escape(text[end : match.start()], quote=False))
        inner = match[match.lastgroup]
        content = escape(inner, quote=False)
        if match.lastgroup == "maths":
            pieces.append(f'<span class="math notranslate nohighlight">\\({content}\\)</span>')
        elif match.lastgroup == "code":
            pieces.append(f"<code>{content}</code>")
        else:
            pieces.append(f"<em>{inline_html(inner)}</em>")
        end = match.end()
    pieces.append(escape(text[end:], quote=False))
    return " ".join("".join(pieces).split())


def _question(question: Question, identifier: str) -> str:
    kind = "checkbox" if question.multiple else "radio"
    hint = ' <span class="hint">Choose all that apply.</span>' if question.multiple else ""
    choices = "".join(
        _choice(choice, letter, kind, identifier)
        for letter, choice in zip(ascii_uppercase, question.choices, strict=False)
    )
    return (
        f'<fieldset data-kind="{kind}"><legend>{inline_html(question.prompt)}{hint}</legend>'
        f'{choices}<button type="button">Check</button>'
        '<span class="verdict" role="status"></span></fieldset>'
    )


def _choice(choice: Choice, letter: str, kind: str, group: str) -> str:
    verdict = "right" if choice.correct else "wrong"
    words = "✓ Correct." if choice.correct else "✗ Not so."
    return (
        f'<div class="choice" data-verdict="{verdict}">'
        f'<label><input type="{kind}" name="{group}" autocomplete="off">'
        f'<span class="letter">{letter}</span> <span>{inline_html(choice.text)}</span></label>'
        f'<p class="feedback"><strong>{words}</strong> {inline_html(choice.feedback)}</p></div>'
    )
