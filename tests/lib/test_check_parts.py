"""One value out of several, checked by itself."""

import numpy as np
import pytest

from course_lib.checks import AnswerError, Recorder, check, part_of, recording


def sums(x):
    return x.sum(), x.sum(axis=0)


def test_the_part_of_an_answer_is_checked(capsys):
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    check.value(part_of(sums, 0), x, expected=11.0, name="all")
    check.value(part_of(sums, 1), x, expected=[4.0, 7.0], name="columns")
    check.value(part_of(sums, 1), x, expected=[4.0, 8.0], name="wrong")
    printed = capsys.readouterr().out
    assert "✓ all" in printed
    assert "✓ columns" in printed
    assert "✗ wrong" in printed


def test_a_list_and_the_rows_of_an_array_have_parts():
    assert part_of(lambda: ["a", 3.0], 1)() == 3.0
    assert part_of(lambda: np.eye(2), 1)().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("answer", [1.5, None, (1.0,), np.float64(2.0), np.array(2.0), "ab"])
def test_an_answer_without_that_part_says_so(answer):
    with pytest.raises(AnswerError, match="at least 2 values"):
        part_of(lambda: answer, 1)()


def test_the_position_is_counted_from_zero():
    with pytest.raises(ValueError, match="position"):
        part_of(sums, -1)


def test_a_known_mistake_is_recognised_by_a_part():
    def averages(x):
        return x.sum(), x.mean(axis=0)

    averages.__name__ = "sums"
    x = np.arange(6.0).reshape(3, 2) + 1.0
    recorder = Recorder(mistakes=[("means, not sums", {"sums": averages}.__getitem__)])
    with recording(recorder):
        check.value(part_of(averages, 1), x, expected=sums(x)[1], name="columns")
        check.value(part_of(averages, 0), x, expected=sums(x)[0], name="all")
    columns, whole = recorder.results
    assert columns.hint.startswith("means, not sums")
    assert whole.passed
