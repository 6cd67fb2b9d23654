"""Checks of a learner's functions: what they say, and what they never say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from course_lib.checks import AnswerError, Recorder, check, compare, recording, variant

N = 7
RIGHT = np.array([1.5, -2.25, 4.0])
MATRIX = np.array([[1.0, 2.5, 3.0], [4.0, 5.0, 7.0]])
SQUARE = np.array([[1.0, 2.5], [4.0, 5.0]])


def outcome_of(call, hidden=False, mistakes=()):
    """The one result that a check records."""
    recorder = Recorder(hidden=hidden, mistakes=mistakes)
    with recording(recorder):
        call()
    (result,) = recorder.results
    return result


@pytest.mark.parametrize(
    ("got", "right", "words"),
    [
        (None, 1.0, "return"),
        ("1", 1.0, "numbers are expected, got a str"),
        (-2.0, 2.0, "sign"),
        (14.0, 2.0, "7 times too large: a sum"),
        (2.0, 14.0, "7 times too small: a mean"),
        (2.0 * 7 / 6, 2.0, "7/6"),
        (4.2, 2.1, "twice"),
        (1.05, 2.1, "half"),
        (2.1 / np.log(2), 2.1, "base of a logarithm"),
        (1.2, 1.44, "square root"),
        (1.44, 1.2, "the square of"),
        (0.3, 0.7, "one minus"),
        (np.exp(0.3), 0.3, "exponential"),
        (np.nan, 1.0, "NaN"),
        (1j, 1.0, "complex"),
        (0.0, 3.3, "zero"),
        (3.31, 3.3, "close, but not equal"),
        (9.0, 3.3, "too large"),
        (1.3, 3.3, "too small"),
        (RIGHT[::-1], RIGHT, "reverse"),
        (np.trunc(RIGHT), RIGHT, "cut off"),
        (np.array([0.0, 1.5, -2.25]), RIGHT, "shifted"),
        (RIGHT + 0.3, RIGHT, "the same amount"),
        (RIGHT * 1.7, RIGHT, "the same factor, 1.7"),
        (np.abs(RIGHT), RIGHT, "the sign is not everywhere"),
        (RIGHT * [1, 1, 9], RIGHT, "1 of 3 entries are wrong, the first at index 2"),
        (RIGHT[:, None], RIGHT, "laid out differently"),
        (np.ones((3, 3)), RIGHT, "broadcast"),
        (1.0, RIGHT, "an axis too many"),
        (RIGHT, float(RIGHT.sum()), "must be summed"),
        (RIGHT, float(RIGHT.mean()), "must be averaged"),
        (MATRIX.T, MATRIX, "transposed"),
        (MATRIX * [[2.0], [3.0]], MATRIX, "sum over the wrong axis"),
        ((1.0,), (1.0, 2.0), "2 values are expected, got 1"),
        ((1.0, -2.0), (1.0, 2.0), "value 2 of 2: the sign"),
        (3.0, (1.0, 2.0), "2 values are expected"),
        ({"a": 1.0}, {"b": 1.0}, "keys 'b'"),
        ({"a": -1.0}, {"a": 1.0}, "under 'a', the sign"),
        ("grow", "shrink", "another text"),
        ([[1.0], [1.0, 2.0]], RIGHT, "rectangular"),
        (1.0, "grow", "a text is expected, got a float"),
        (1.0, {"a": 1.0}, "a dict is expected, got a float"),
        (np.array(["1"]), RIGHT, "numbers are expected, got an array of <U1"),
        (RIGHT, 99.0, "one number is asked for"),
        (np.zeros(0), 99.0, "one number is asked for"),
        (np.ones((3, 2)), RIGHT, "has shape (3, 2) where (3,) is expected"),
        (SQUARE.T, SQUARE, "transposed"),
        (RIGHT * [1.3, 7.0, -2.0], RIGHT, "no entry is right"),
        (MATRIX * [[1.0, 2.0, 3.0], [5.0, 1.0, 2.0]], MATRIX, "4 of 6 entries are wrong"),
    ],
)
def test_a_wrong_answer_is_told_by_its_mistake(got, right, words):
    assert words in compare(got, right, sizes=[N])


@pytest.mark.parametrize(
    ("got", "right"),
    [
        (list(RIGHT), RIGHT),
        (RIGHT.astype(np.float32), RIGHT),
        (np.array([2.5]), 2.5),
        (2, 2.0),
        ([1.0, RIGHT], (1.0, RIGHT)),
        (np.array([1.0, 2.0]), (1.0, 2.0)),
        (" Shrinks ", "shrinks"),
        (np.nan, np.nan),
        ({"b": 2.0, "a": 1.0}, {"a": 1.0, "b": 2.0}),
    ],
)
def test_another_form_of_the_right_answer_is_right(got, right):
    assert compare(got, right) is None


@given(
    right=npst.arrays(
        np.float64,
        npst.array_shapes(max_dims=3, max_side=4),
        elements=st.floats(-1e6, 1e6, allow_nan=False),
    ),
    factor=st.floats(1.001, 1e3),
)
@settings(max_examples=60, deadline=None)
def test_no_wrong_answer_passes_and_no_hint_gives_it_away(right, factor):
    wrong = right * factor + 1.0
    hint = compare(wrong, right, tell_ratio=False)
    assert hint
    assert compare(right, right) is None


def test_the_factor_of_a_predicted_number_is_not_told():
    assert compare(4.0, 2.0, tell_ratio=False) == "the number is not right"


def test_a_shown_check_prints_both_values_and_a_hidden_one_neither(capsys):
    def wrong(x):
        return float(np.sum(x))

    x = np.array([1.0, 2.0, 6.0])
    check.value(wrong, x, expected=3.0, name="three numbers")
    printed = capsys.readouterr().out
    assert "✗ three numbers" in printed
    assert "true value 3" in printed
    assert "your value 9" in printed
    hidden = outcome_of(lambda: check.value(wrong, x, expected=3.0, name="n"), hidden=True)
    assert not hidden.passed
    assert "9" not in hidden.hint
    assert "value" not in hidden.hint


def test_a_check_passes_what_is_right(capsys):
    check.value(np.mean, np.arange(4.0), expected=1.5)
    check.gradient(lambda w: 2 * w, lambda w: float(w @ w), [np.array([1.0, -3.0])])
    check.gradient(lambda x: 3 * x**2, lambda x: x**3, [2.0], name="one number")
    check.keeps_arguments(np.sort, np.array([3.0, 1.0]))
    check.number(0.5, name="form")
    check.choice("B", "abc", name="letter")
    check.selection("a, c", "abc", correct="ca", name="letters")
    assert capsys.readouterr().out.count("✓") == 7


def test_functions_that_raise_or_are_none_do_not_stop_the_notebook(capsys):
    check.value(lambda x: 1 / 0, 1.0, expected=1.0)
    check.value(None, 1.0, expected=1.0)
    printed = capsys.readouterr().out
    assert "ZeroDivisionError" in printed
    assert "a function is expected" in printed


def test_arguments_are_copies_and_damage_is_told():
    def damages(x):
        x *= 0
        return x.sum()

    x = np.ones(3)
    assert outcome_of(lambda: check.value(damages, x, expected=0.0)).passed
    assert x.sum() == 3
    result = outcome_of(lambda: check.keeps_arguments(damages, x))
    assert not result.passed
    assert result.needs_others
    assert "argument 1" in result.hint
    nested = outcome_of(lambda: check.keeps_arguments(lambda d: d["a"].append(1), {"a": [0]}))
    assert not nested.passed


def test_same_counts_what_is_right():
    result = outcome_of(
        lambda: check.same(
            lambda x: abs(x), lambda x: x, [(1.0,), (2.0,), (-3.0,)], name="three numbers"
        )
    )
    assert "right in 2 of 3 cases" in result.hint


def test_a_wrong_gradient_is_told():
    result = outcome_of(
        lambda: check.gradient(lambda w: w @ np.eye(2), lambda w: float(w @ w), [np.ones(2)])
    )
    assert not result.passed
    assert "half" in result.hint


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "no answer yet"),
        (..., "no answer yet"),
        ("3", "a real number"),
        (True, "a number is expected"),
        ([1.0, 2.0], "a number is expected"),
        (np.inf, "finite"),
        (1j, "a real number"),
        (3.0, "not right"),
        (-2.0, "sign"),
    ],
)
def test_a_predicted_number_is_checked_in_form_and_value(value, words):
    result = outcome_of(lambda: check.number(value, near=2.0, name="n"), hidden=True)
    assert words in result.hint
    assert result.weight == 1.0


def test_the_form_alone_has_no_weight():
    assert outcome_of(lambda: check.number(2.0, name="n")).weight == 0.0
    assert outcome_of(lambda: check.choice("a", "ab", name="n")).weight == 0.0
    assert outcome_of(lambda: check.selection("a", "ab", name="n")).weight == 0.0
    assert outcome_of(lambda: check.number(np.array([2.0]), near=2.0, name="n")).passed


@pytest.mark.parametrize(("value", "words"), [("", "no answer"), ("z", "choose"), ("b", "another")])
def test_a_choice_is_checked(value, words):
    assert words in outcome_of(lambda: check.choice(value, "abc", correct="a", name="n")).hint


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "no answer"), ("az", "choose"), (["b"], "another"), (3, "choose"), ([], "no answer")],
)
def test_a_selection_is_checked(value, words):
    result = outcome_of(lambda: check.selection(value, "abc", correct=["a", "c"], name="n"))
    assert words in result.hint


def test_a_known_mistake_names_itself():
    def wrong(x):
        return float(np.sum(x))

    def make(name):
        return {"wrong": np.sum, "answer": 7.0, "letter": "b", "letters": "bc"}[name]

    mistakes = [("Is it a mean?", make)]
    x = np.arange(5.0)
    value = outcome_of(lambda: check.value(wrong, x, expected=2.0), True, mistakes)
    assert value.hint == "Is it a mean?"
    number = outcome_of(
        lambda: check.number(7.0, near=2.0, name="n", variable="answer"), True, mistakes
    )
    assert number.hint == "Is it a mean?"
    letter = outcome_of(
        lambda: check.choice("b", "abc", correct="a", name="n", variable="letter"), True, mistakes
    )
    assert letter.hint == "Is it a mean?"
    letters = outcome_of(
        lambda: check.selection("cb", "abc", correct="a", name="n", variable="letters"),
        True,
        mistakes,
    )
    assert letters.hint == "Is it a mean?"


def test_mistakes_that_fail_or_answer_otherwise_are_not_the_one_that_was_made():
    def stops(x):
        raise ValueError

    def hint_of(mistaken):
        mistakes = [("not made", lambda name: mistaken), ("made", lambda name: np.max)]

        def wrong(x):
            return float(np.max(x))

        return outcome_of(lambda: check.value(wrong, RIGHT, expected=2.0), True, mistakes).hint

    assert hint_of(stops) == "made"
    assert hint_of(np.min) == "made"

    def unlike(value):
        return [("not made", lambda name: value)]

    result = outcome_of(
        lambda: check.number(7.0, near=2.0, name="n", variable="v"), True, unlike(3.0)
    )
    assert result.hint == "the number is not right"
    result = outcome_of(
        lambda: check.choice("b", "abc", correct="a", name="n", variable="v"), True, unlike("c")
    )
    assert result.hint == "another choice is right"
    result = outcome_of(
        lambda: check.selection("b", "abc", correct="a", name="n", variable="v"), True, unlike("c")
    )
    assert result.hint == "another selection is right"


@pytest.mark.parametrize(
    ("spoil", "changed"),
    [
        (lambda d, seq, rng: None, False),
        (lambda d, seq, rng: d["a"].sort(), True),
        (lambda d, seq, rng: d.update(b=1), True),
        (lambda d, seq, rng: seq[1].append(0), True),
        (lambda d, seq, rng: seq.append(0), True),
        # Drawing from a generator is what it is for.
        (lambda d, seq, rng: rng.normal(), False),
    ],
)
def test_damage_inside_of_containers_is_told(spoil, changed):
    arguments = {"a": np.array([2.0, 1.0])}, [1, [2]], np.random.default_rng(0)
    result = outcome_of(lambda: check.keeps_arguments(spoil, *arguments))
    assert result.passed is not changed


def test_an_answer_that_no_check_can_use_is_said_to_be_one():
    result = outcome_of(lambda: check.choice(np.ones(2), "abc", correct="a", name="n"), True)
    assert "could not be worked with" in result.hint


def test_a_long_answer_is_not_shown_whole(capsys):
    check.value(lambda: ["x" * 10_000], expected="right", name="n")
    told = capsys.readouterr().out
    assert "x" * 400 in told
    assert len(told) < 700


def test_a_placeholder_of_zeros_is_no_mistake_by_name():
    mistakes = [("Is it a mean?", lambda name: lambda x: 0.0 * x)]
    result = outcome_of(
        lambda: check.value(np.zeros_like, np.ones(3), expected=RIGHT), True, mistakes
    )
    assert result.hint == "the answer is zero"


def test_properties_pass_fail_and_survive_errors(capsys):
    @check.property("holds")
    def _():
        assert True

    @check.property("fails")
    def _():
        assert 1 > 2, "one is not larger"

    @check.property("breaks")
    def _():
        raise KeyError("x")

    printed = capsys.readouterr().out
    assert "✓ holds" in printed
    assert "one is not larger" in printed
    assert "could not be made: KeyError" in printed


def test_errors_of_answers_are_told_in_judging():
    def lost(x):
        raise AnswerError("timeout", "it took longer than 5 s")

    assert "longer than 5 s" in outcome_of(lambda: check.value(lost, 1.0, expected=1.0)).hint


def test_variants_are_the_same_for_a_seed_and_independent_of_each_other():
    one = variant(5, step=[0.1, 0.2, 0.5], rows=range(3, 90))
    two = variant(5, rows=range(3, 90))
    assert one.rows == two.rows
    assert {variant(s, step=[0.1, 0.2]).step for s in range(20)} == {0.1, 0.2}
    assert list(one) == ["step", "rows"]
    assert repr(two) == f"rows = {two.rows}"
    with pytest.raises(ValueError, match="step must offer"):
        variant(1, step=[])
    with pytest.raises(TypeError, match="seed"):
        variant(1.5, step=[1])
