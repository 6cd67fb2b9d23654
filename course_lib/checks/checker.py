"""The words in which exercises are checked."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from course_lib.checks.calls import (
    answer_of,
    axis_lengths,
    call,
    differences,
    fetched,
    identical,
    mistaken_values,
    plain,
    shown,
    what_is_wrong,
)
from course_lib.checks.diagnosis import Tolerance, compare
from course_lib.checks.errors import AnswerError
from course_lib.checks.recorder import CheckResult, current_recorder
from course_lib.validation import check_real


class Checker:
    """Checks of functions and values; use the instance `course_lib.checks.check`.

    Every method gives one outcome under a name. At a desk it is printed; in grading it is recorded,
    and a question's points are shared over its checks by ``weight``. A check never raises for a
    wrong answer, so the cells below it run.
    """

    def value(
        self,
        function: Callable,
        *arguments: Any,
        expected: Any,
        name: str = "a known answer",
        weight: float = 1.0,
        rtol: float = 1e-6,
        atol: float = 1e-9,
    ) -> None:
        """Compare one answer with a known one.

        Parameters
        ----------
        function
            The learner's function.
        *arguments
            What it is called with; it gets copies.
        expected
            What is right. Shown to the learner beside the answer, unless the check is hidden.
        name, weight
            What is checked, and its share in the points.
        rtol, atol
            How close numbers must come, as in `numpy.isclose`.
        """
        tolerance = Tolerance(rtol, atol)

        def problem() -> str | None:
            answer = answer_of(function, arguments)
            sizes = axis_lengths(arguments)
            told = what_is_wrong(function, arguments, answer, expected, tolerance, sizes)
            recorder = current_recorder()
            if told and (recorder is None or not recorder.hidden):
                told += f"\ntrue value {shown(expected)}\nyour value {shown(answer)}"
            return told

        self._report(name, weight, problem)

    def same(
        self,
        function: Callable,
        reference: Callable,
        cases: Iterable[Sequence[Any]],
        *,
        name: str,
        weight: float = 1.0,
        rtol: float = 1e-6,
        atol: float = 1e-9,
    ) -> None:
        """Compare answers with those of a reference, case by case.

        Parameters
        ----------
        function, reference
            The learner's function, and one that is right.
        cases
            The arguments of each call, as tuples.
        name, weight, rtol, atol
            As in `value`.
        """
        tolerance = Tolerance(rtol, atol)

        def problem() -> str | None:
            count = right = 0
            first = None
            for case in cases:
                count += 1
                answer = answer_of(function, case)
                expected = reference(*copy.deepcopy(tuple(case)))
                if first is None:
                    sizes = axis_lengths(case)
                    first = what_is_wrong(function, case, answer, expected, tolerance, sizes)
                    right += first is None
                else:
                    right += compare(answer, expected, tolerance) is None
            if first is not None and right:
                first += f" (right in {right} of {count} cases)"
            return first

        self._report(name, weight, problem)

    def gradient(
        self,
        gradient: Callable,
        of: Callable,
        at: Iterable[Any],
        *arguments: Any,
        name: str = "the gradient is the derivative of the value",
        weight: float = 1.0,
        rtol: float = 1e-5,
    ) -> None:
        """Compare a gradient with central differences of a function.

        Parameters
        ----------
        gradient
            Takes a point and the arguments; its answer has the point's shape.
        of
            Takes the same and returns a number.
        at
            Points, as numbers or arrays.
        *arguments
            What both take after the point.
        name, weight
            As in `value`.
        rtol
            The distance allowed, relative to the largest entry.
        """

        def problem() -> str | None:
            for point in at:
                point = np.asarray(point, dtype=np.float64)
                case = (plain(point), *arguments)
                answer = answer_of(gradient, case)
                expected = differences(of, point, arguments)
                scale = max(float(np.abs(expected).max()), 1e-3)
                tolerance = Tolerance(rtol, rtol * scale)
                sizes = axis_lengths(arguments)
                told = what_is_wrong(gradient, case, answer, expected, tolerance, sizes)
                if told is not None:
                    return told
            return None

        self._report(name, weight, problem)

    def keeps_arguments(
        self,
        function: Callable,
        *arguments: Any,
        name: str = "the arguments are left as they were",
        weight: float = 1.0,
    ) -> None:
        """Check that a function does not change what it is given."""

        def problem() -> str | None:
            if hasattr(function, "changed_arguments"):
                answer_of(function, arguments)
                changed = function.changed_arguments
            else:
                given = copy.deepcopy(arguments)
                call(function, given)
                changed = [
                    position
                    for position, (before, after) in enumerate(zip(arguments, given, strict=True))
                    if not identical(before, after)
                ]
            if not changed:
                return None
            places = ", ".join(str(position + 1) for position in changed)
            return f"argument {places} is changed by the call: work on a copy"

        self._report(name, weight, problem, needs_others=True)

    def number(
        self,
        value: Any,
        *,
        near: float | None = None,
        name: str,
        weight: float | None = None,
        rtol: float = 1e-2,
        atol: float = 0.0,
        variable: str | None = None,
    ) -> None:
        """Check a number that was to be predicted.

        Parameters
        ----------
        value
            The learner's number.
        near
            What is right. Without it only the form is checked: a finite real number.
        name, weight
            As in `value`; a check of the form alone has weight 0.
        rtol, atol
            How close it must come.
        variable
            The name of the variable, by which known mistakes are recognised.
        """

        def problem() -> str | None:
            number = fetched(value)
            if number is None or number is Ellipsis:
                return "no answer yet"
            if isinstance(number, bool | np.bool_) or not np.isscalar(number):
                if not (isinstance(number, np.ndarray) and number.size == 1):
                    return f"a number is expected, got {type(number).__name__}"
                number = number.item()
            if isinstance(number, str | complex | np.complexfloating):
                return f"a real number is expected, got {type(number).__name__}"
            if not np.isfinite(number):
                return f"a finite number is expected, got {number}"
            if near is None:
                return None
            tolerance = Tolerance(rtol, atol)
            found = compare(float(number), float(near), tolerance, tell_ratio=False)
            if found is None:
                return None
            for hint, mistaken in mistaken_values(variable):
                if compare(float(number), mistaken, tolerance) is None:
                    return hint
            return found

        self._report(name, _weight(weight, near), problem)

    def choice(
        self,
        value: Any,
        options: str | Sequence[str],
        *,
        correct: str | None = None,
        name: str,
        weight: float | None = None,
        variable: str | None = None,
    ) -> None:
        """Check an answer to choose: one letter or word out of ``options``.

        Parameters
        ----------
        value
            The learner's answer.
        options
            What may be answered, such as ``"abcd"`` or ``["grows", "shrinks"]``.
        correct
            The right one. Without it only the form is checked.
        name, weight, variable
            As in `number`.
        """

        def problem() -> str | None:
            answer = fetched(value)
            if answer is None or answer is Ellipsis or answer == "":
                return "no answer yet"
            if not isinstance(answer, str) or _word(answer) not in {_word(o) for o in options}:
                return f"choose one of {', '.join(map(repr, options))}"
            if correct is None or _word(answer) == _word(correct):
                return None
            for hint, mistaken in mistaken_values(variable):
                if isinstance(mistaken, str) and _word(mistaken) == _word(answer):
                    return hint
            return "another choice is right"

        self._report(name, _weight(weight, correct), problem)

    def selection(
        self,
        value: Any,
        options: str | Sequence[str],
        *,
        correct: Iterable[str] | None = None,
        name: str,
        weight: float | None = None,
        variable: str | None = None,
    ) -> None:
        """Check an answer that chooses any number of ``options``, as a text, list or set.

        Parameters
        ----------
        value, options, name, weight, variable
            As in `choice`.
        correct
            All the right ones. Without them only the form is checked.
        """

        def chosen(answer: Any) -> set[str] | None:
            if isinstance(answer, str):
                answer = answer.replace(",", " ").split() if len(options[0]) > 1 else list(answer)
            if not isinstance(answer, Iterable) or not all(isinstance(a, str) for a in answer):
                return None
            return {_word(a) for a in answer if _word(a) not in ("", ",")}

        def problem() -> str | None:
            answer = fetched(value)
            empty = isinstance(answer, str | list | tuple | set | dict) and not answer
            if answer is None or answer is Ellipsis or empty:
                return "no answer yet"
            letters = chosen(answer)
            if not letters or letters - {_word(o) for o in options}:
                return f"choose out of {', '.join(map(repr, options))}"
            if correct is None or letters == chosen(correct):
                return None
            for hint, mistaken in mistaken_values(variable):
                if letters == chosen(mistaken):
                    return hint
            return "another selection is right"

        self._report(name, _weight(weight, correct), problem)

    def property(
        self, name: str, *, weight: float = 1.0, needs_others: bool = False
    ) -> Callable[[Callable[[], None]], Callable[[], None]]:
        """Check something that asserts, as a decorator of a function without arguments.

        The message of the assertion that fails is the hint.

        Parameters
        ----------
        name, weight
            As in `value`.
        needs_others
            Whether it earns nothing alone, for what a function that does nothing would fulfil.

        Examples
        --------
        >>> @check.property("descends")
        ... def _():
        ...     assert 3.0 > 2.0, "the value grew: is the sign of the step right?"
        ✓ descends
        """

        def run(body: Callable[[], None]) -> Callable[[], None]:
            def problem() -> str | None:
                try:
                    body()
                except AssertionError as error:
                    return str(error) or "this does not hold"
                return None

            self._report(name, weight, problem, needs_others=needs_others)
            return body

        return run

    def _report(
        self,
        name: str,
        weight: float,
        problem: Callable[[], str | None],
        *,
        needs_others: bool = False,
    ) -> None:
        weight = check_real("weight", weight, at_least=0)
        recorder = current_recorder()
        try:
            hint = problem()
        except AnswerError as error:
            hint = str(error)
        except Exception as error:
            # In grading a foreign error here means that an answer could not be worked with.
            if recorder is None:
                hint = f"the check could not be made: {type(error).__name__}: {error}"
            else:
                hint = "the answer could not be worked with: is it of the right type and shape?"
        if recorder is not None:
            recorder.results.append(
                CheckResult(name, weight, hint is None, hint or "", needs_others)
            )
        elif hint is None:
            print(f"✓ {name}")
        else:
            print(f"✗ {name}")
            print(textwrap.indent(hint, "    "))


def _weight(weight: float | None, right: Any) -> float:
    return float(right is not None) if weight is None else weight


def _word(text: str) -> str:
    return text.strip().casefold()


#: The checker that notebooks use.
check = Checker()
