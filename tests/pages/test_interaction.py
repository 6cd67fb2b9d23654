"""The parts of the built pages that move: explorables and quizzes, by mouse and by keyboard."""

from __future__ import annotations

import pytest

from tests.pages.book import BOOK, DESKTOP

CHAPTERS = sorted(p.relative_to(BOOK).as_posix() for p in BOOK.glob("book/part*/*.html"))


def drawing(explorable) -> str:
    return "".join(explorable.locator("svg").evaluate_all("nodes => nodes.map(n => n.outerHTML)"))


@pytest.mark.parametrize("path", CHAPTERS)
def test_every_chapter_has_an_explorable_and_a_quiz(visit, path):
    page = visit(path).page
    assert page.locator(".dh-explorable").count() >= 1
    assert page.locator(".dh-quiz").count() >= 1


@pytest.mark.parametrize("path", CHAPTERS)
def test_sliders_move_by_mouse(visit, path):
    page = visit(path, viewport=DESKTOP).page
    for explorable in page.locator(".dh-explorable").all():
        for slider in explorable.locator("input[type=range]").all():
            slider.scroll_into_view_if_needed()
            box = slider.bounding_box()
            middle = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + box["width"] * 0.5, middle)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=5)
            right, value = drawing(explorable), slider.input_value()
            page.mouse.move(box["x"] + box["width"] * 0.15, middle, steps=5)
            page.mouse.up()
            assert slider.input_value() != value
            assert drawing(explorable) != right


@pytest.mark.parametrize("path", CHAPTERS)
def test_sliders_move_by_arrow_keys_and_say_so(visit, path):
    page = visit(path).page
    for explorable in page.locator(".dh-explorable").all():
        readout = explorable.locator(".readout")
        for slider in explorable.locator("input[type=range]").all():
            slider.focus()
            page.keyboard.press("Home")
            page.wait_for_timeout(50)
            before, said = drawing(explorable), readout.inner_text()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(50)
            assert drawing(explorable) != before
            assert readout.inner_text() != said
            assert slider.get_attribute("aria-valuetext")


@pytest.mark.parametrize("path", CHAPTERS)
def test_every_state_of_an_explorable_has_its_own_text(visit, path):
    page = visit(path).page
    for explorable in page.locator(".dh-explorable").all():
        readout = explorable.locator(".readout")
        slider = explorable.locator("input[type=range]").first
        slider.focus()
        page.keyboard.press("Home")
        said = set()
        for _ in range(5):
            page.wait_for_timeout(20)
            said.add(readout.inner_text())
            page.keyboard.press("ArrowRight")
        assert len(said) == 5


@pytest.mark.parametrize("path", CHAPTERS)
def test_quiz_answers_by_keyboard(visit, path):
    page = visit(path).page
    question = page.locator(".dh-quiz fieldset").first
    choices = question.locator("input[type=radio], input[type=checkbox]")
    assert choices.count() >= 3
    check = question.locator("button")

    def answer(key: str) -> str:
        page.keyboard.press(key)
        check.focus()
        page.keyboard.press("Enter")
        page.wait_for_timeout(50)
        return question.inner_text()

    choices.first.focus()
    untouched = question.inner_text()
    first = answer("Space")
    assert first != untouched, "no feedback came with the answer"
    choices.first.focus()
    assert answer("ArrowDown") != first, "the feedback did not change with the answer"
