import inspect
import re
import sys

import pytest

from course_lib import rates, validation
from course_lib.lesson import Choice, Question, Quiz, parse_quiz, quiz, quiz_names, show_source
from course_lib.lesson.page import asset, check_name
from course_lib.lesson.quiz_html import inline_html
from course_lib.objectives import Objective, Quadratic
from course_lib.optimizers import GradientDescent

RIGHT = Choice("yes", "It is.", correct=True)
WRONG = Choice("no", "It is not.")

GOOD = """
title = "Two questions"
[[question]]
prompt = "Is $1 < 2$?"
[[question.choice]]
text = "yes"
correct = true
feedback = "It is."
[[question.choice]]
text = "no"
feedback = "It is not."
"""


# ------------------------------------------------------------------ quizzes


def test_quizzes_are_read_from_text():
    read = parse_quiz("two", GOOD)
    assert read.title == "Two questions"
    assert read.questions == (Question("Is $1 < 2$?", [RIGHT, WRONG]),)
    assert repr(read) == "Quiz('two', 1 questions)"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("correct = true\n", "", "bad.toml, question 1: .* exactly one correct choice, got 0"),
        ('text = "no"', 'text = "no"\ncorrect = true', "exactly one correct choice, got 2"),
        ('feedback = "It is not."', "", "question 1, choice 2 lacks 'feedback'"),
        ('"It is not."', '" "', "must have feedback that says why"),
        ('text = "no"', 'text = "yes"', "offers the same choice twice"),
        ('text = "no"', "text = 3", "choice 2: 'text' must be a str, got 3"),
        ("prompt", "promt", "question 1 lacks 'prompt'"),
        ("title", "titel", "unknown key 'titel': known are 'question', 'title'"),
        ("[[question]]", "[[question]", "bad.toml is not valid TOML"),
        ('"Is $1 < 2$?"', '""', "prompt of a question must not be empty"),
    ],
)
def test_faults_in_a_quiz_are_named(old, new, message):
    assert old in GOOD
    with pytest.raises(ValueError, match=message):
        parse_quiz("bad", GOOD.replace(old, new, 1), "bad.toml")


def test_a_question_with_several_answers_needs_one():
    assert Question("Which?", [RIGHT, Choice("also", "It is.", True)], multiple=True)
    with pytest.raises(ValueError, match="at least one correct choice, got none"):
        Question("Which?", [WRONG, Choice("neither", "It is not.")], multiple=True)
    with pytest.raises(ValueError, match="at least two choices, got 1"):
        Question("Which?", [RIGHT])
    with pytest.raises(ValueError, match="at least one question, got none"):
        Quiz("empty", [])


def test_unknown_quizzes_are_answered_with_the_known():
    with pytest.raises(
        ValueError, match=r"unknown chapter 'gradient': choose one of .*'gradient-d"
    ):
        quiz("gradient")


@pytest.mark.parametrize("name", quiz_names())
def test_stored_quizzes_teach(name):
    stored = quiz(name)
    assert 3 <= len(stored.questions) <= 6
    places = set()
    for question in stored.questions:
        places.add(tuple(choice.correct for choice in question.choices).index(True))
        for choice in question.choices:
            assert len(choice.feedback) > 30, choice.text
    assert len(places) > 1, "the correct answer always stands in the same place"
    assert stored.html() == quiz(name).html()


def test_a_quiz_is_fieldsets_with_labelled_buttons():
    html = parse_quiz("two", GOOD).html()
    assert html.count("<fieldset") == html.count("<legend") == 1
    assert html.count('type="radio" name="dh-quiz-two-1"') == 2
    assert len(re.findall(r"<label><input [^>]*><span class=\"letter\">[AB]</span>", html)) == 2
    assert html.count('role="status"') == 1
    assert 'data-verdict="right"' in html
    assert "✓ Correct.</strong> It is." in html
    assert "✗ Not so.</strong> It is not." in html
    assert re.findall(r"(?:https?:)?//[a-z]", html) == []
    assert parse_quiz("two", GOOD).html() == html
    several = GOOD.replace("[[question.choice]]", "multiple = true\n[[question.choice]]", 1)
    assert 'type="checkbox"' in parse_quiz("two", several).html()


def test_a_quiz_shows_the_same_with_a_kernel_and_without(monkeypatch):
    bundles = []
    for value in ("0", "1"):
        monkeypatch.setenv("COURSE_STATIC", value)
        bundles.append(parse_quiz("two", GOOD)._repr_mimebundle_())
    assert bundles[0] == bundles[1]
    assert set(bundles[0]) == {"text/html", "text/plain"}


def test_text_in_a_quiz():
    maths = '<span class="math notranslate nohighlight">\\({}\\)</span>'
    assert inline_html("$a < b$") == maths.format("a &lt; b")
    assert inline_html("*all of $x$*, `x*y`") == f"<em>all of {maths.format('x')}</em>, " + (
        "<code>x*y</code>"
    )
    assert inline_html("2 * 3 * 4 <b> & so on") == "2 * 3 * 4 &lt;b&gt; &amp; so on"


# ------------------------------------------------------------------ sources


@pytest.mark.parametrize(
    "obj", [rates.optimal_step, Quadratic, Quadratic.value, GradientDescent.update, rates]
)
def test_the_source_shown_is_the_source(obj):
    shown = show_source(obj)
    assert inspect.cleandoc(inspect.getsource(obj)) == inspect.cleandoc(shown.code)
    assert f"```python\n{shown.code}\n```" in shown.markdown
    compile(shown.code, "shown", "exec")


def test_names_and_paths_are_the_same_on_every_machine():
    shown = show_source(Quadratic.with_spectrum)
    assert shown.name == "Quadratic.with_spectrum"
    assert shown.path == "course_lib/objectives/quadratic.py"
    assert not re.search(r"\d", shown.markdown.split("```")[0])
    assert show_source(rates).name == "course_lib.rates"
    assert show_source(sys.modules["course_lib.objectives"]).path.endswith("objectives/__init__.py")


def test_properties_show_their_function():
    assert show_source(Quadratic.condition_number).code.startswith("@property\ndef condition_n")


def test_docstrings_can_be_left_out():
    for obj in (rates, Quadratic, Objective, rates.optimal_step, validation):
        code = show_source(obj, docstring=False).code
        assert '"""' not in code
        compile(code, "shown", "exec")
    full, short = show_source(rates).code, show_source(rates, docstring=False).code
    left = iter(full.splitlines())
    assert all(line in left for line in short.splitlines()), "other lines are as written"


def test_bodies_can_be_left_out():
    for docstring in (True, False):
        code = show_source(Quadratic, signature_only=True, docstring=docstring).code
        compile(code, "shown", "exec")
        assert "def with_spectrum(" in code
        assert "eigvalsh(matrix)" not in code
        assert ('"""' in code) is docstring


def test_backquotes_in_the_source_do_not_end_the_listing():
    def fenced():
        """Show ```python fences```."""

    assert show_source(fenced).markdown.count("````") == 2


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (len, "got len .builtin_function_or_method."),
        (3, "got 3 .int.: to see its class, pass type.obj., which is int"),
        (GradientDescent(0.1), "got .*: to see its class, pass type.obj., which is Grad"),
    ],
)
def test_objects_without_python_source_are_refused(obj, words):
    message = f"obj must be a function, class or module written in Python, {words}"
    with pytest.raises(TypeError, match=message):
        show_source(obj)


def test_what_the_notebook_defines_is_refused(monkeypatch):
    def mine():
        pass

    monkeypatch.setattr(mine, "__module__", "__main__")
    with pytest.raises(ValueError, match=r"mine, which is defined in this notebook"):
        show_source(mine)


# ------------------------------------------------------------------ the page


def test_names_become_identifiers():
    assert check_name("name", "step-size-2") == "step-size-2"
    for bad in ("Step", "a b", "", "-a", 'a"'):
        with pytest.raises(ValueError, match="name must be lower-case words joined by hyphens"):
            check_name("name", bad)


def test_assets_travel_light():
    for package, name in [
        ("course_lib.lesson", "palette.css"),
        ("course_lib.lesson", "quiz.js"),
        ("course_lib.explorables", "explorable.js"),
    ]:
        text = asset(package, name)
        assert "/*" not in text
        assert not re.search(r"^//|^\s", text, re.MULTILINE)
