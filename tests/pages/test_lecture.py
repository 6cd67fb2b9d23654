"""Lecture mode, with the keys and screens of a lecture room."""

from __future__ import annotations

import json

import pytest

from tests.pages.book import BOOK, PHONE

ROOT = BOOK.parents[1]
CHAPTERS = sorted(p.relative_to(BOOK).as_posix() for p in BOOK.glob("book/part*/*.html"))
ONE = "book/part1/gradient-descent.html"
ROOM = {"width": 1280, "height": 720}

#: What is on the slide: the cell of each block, whether it is for the speaker, and its text.
SEEN = """() => {
    let cell = null;
    const seen = [];
    for (const node of document.querySelectorAll('.lecture-mark, [data-lecture]')) {
        if (node.matches('.lecture-mark')) cell = +node.dataset.cell;
        else if (node.offsetParent && !['path', 'above'].includes(node.dataset.lecture)) {
            const asked = node.querySelector('[data-lecture-asked]');
            seen.push([cell, node.dataset.lecture, (asked || node).textContent.trim()]);
        }
    }
    return seen;
}"""


@pytest.fixture
def lecture(visit):
    """Return a function that opens a chapter in lecture mode."""

    def begin(path: str, **how):
        page = visit(f"{path}?lecture", **({"viewport": ROOM} | how)).page
        page.wait_for_selector("html.lecture")
        return page

    return begin


def number(page) -> tuple[int, int]:
    """Return the number of the slide, and of all."""
    said = page.locator(".lecture-bar output").inner_text()
    return tuple(int(word) for word in said.split(",")[0].split(" of "))


def go_to(page, slide: int) -> None:
    page.evaluate(f"location.hash = '#lecture-{slide}'")
    page.wait_for_function(
        f"() => document.querySelector('.lecture-bar output').textContent.startsWith('{slide} of ')"
    )


def find_slide(page, selector: str) -> int:
    """Turn to the first slide that shows something, and return its number."""
    for slide in range(1, number(page)[1] + 1):
        go_to(page, slide)
        if page.locator(f"article [data-lecture] {selector}").first.is_visible():
            return slide
    raise AssertionError(f"no slide shows {selector}")


def too_long(page) -> int:
    return page.evaluate(
        """() => {
            const article = document.querySelector('article.bd-article');
            return article.scrollHeight - article.clientHeight;
        }"""
    )


@pytest.mark.parametrize("path", CHAPTERS)
def test_every_marked_cell_is_on_a_slide_and_nothing_twice(lecture, path):
    page = lecture(path)
    page.keyboard.press("n")
    last = number(page)[1]
    assert 15 <= last <= 42
    shown: dict[tuple, set[int]] = {}
    notes = set()
    at, longest = 0, 0
    for _ in range(12 * last):
        at, _all = number(page)
        for cell, kind, text in page.evaluate(SEEN):
            if kind in ("shown", "heading"):
                shown.setdefault((cell, text), set()).add(at)
            else:
                notes.add(cell)
        if page.locator(".lecture-next").is_disabled():
            break
        page.keyboard.press("PageDown")
    assert at == last, "Page Down does not reach the last slide"
    twice = {what: sorted(slides) for what, slides in shown.items() if len(slides) > 1 and what[1]}
    assert twice == {}

    cells = json.loads((ROOT / path.replace(".html", ".ipynb")).read_text("utf-8"))["cells"]
    marks = [cell["metadata"].get("slideshow", {}).get("slide_type") for cell in cells]
    on_slides = {at for at, mark in enumerate(marks) if mark in ("slide", "fragment")}
    assert {cell for cell, _ in shown} == on_slides
    for_speaker = {at for at, mark in enumerate(marks) if mark == "notes"}
    assert for_speaker <= notes

    page.keyboard.press("n")
    for slide in range(1, last + 1):
        go_to(page, slide)
        longest = max(longest, too_long(page))
    assert longest < ROOM["height"], "a slide is longer than two screens"


@pytest.mark.parametrize("path", CHAPTERS)
def test_slides_fit_a_phone_and_ask_no_other_host(visit, path):
    result = visit(f"{path}?lecture", viewport=PHONE, theme="dark")
    page = result.page
    page.wait_for_selector("html.lecture")
    for slide in range(1, number(page)[1] + 1):
        go_to(page, slide)
        wide = page.evaluate(
            "() => document.querySelector('article.bd-article').scrollWidth"
            " - document.querySelector('article.bd-article').clientWidth"
        )
        assert wide <= 0, f"slide {slide} is {wide} px too wide"
    for button in page.locator(".lecture-bar button:visible").all():
        box = button.bounding_box()
        assert box["height"] >= 44
        assert box["x"] + box["width"] <= PHONE["width"]
    assert result.foreign_requests == []
    assert result.failed_requests == []
    assert result.console_errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", CHAPTERS)
def test_axe_finds_no_violation(lecture, path, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = lecture(path, theme=theme)
    page.wait_for_timeout(300)
    slides = [1, find_slide(page, "img"), find_slide(page, ".dh-explorable"), number(page)[1] - 1]
    for slide in slides:
        go_to(page, slide)
        report = Axe().run(page)
        found = [
            f"slide {slide}, {violation['id']}: {node['html'][:160]}"
            for violation in report.response["violations"]
            for node in violation["nodes"]
        ]
        assert found == []
    page.keyboard.press("?")
    assert Axe().run(page).response["violations"] == []


def test_letters_can_be_read_from_the_last_row(lecture):
    page = lecture(ONE)
    size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
    assert page.evaluate(size) >= 28
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert page.evaluate(size) >= 42


def test_keys_turn_slides(lecture):
    page = lecture(ONE)
    last = number(page)[1]
    press = page.keyboard.press
    for key, slide in [("End", last), ("ArrowLeft", last - 1), ("Home", 1), ("ArrowLeft", 1)]:
        press(key)
        assert number(page)[0] == slide, key
    turned = []
    for key in ("ArrowRight", " ", "PageDown", "Shift+ ", "PageUp"):
        before = page.evaluate(SEEN), page.evaluate("document.querySelector('article').scrollTop")
        press(key)
        after = page.evaluate(SEEN), page.evaluate("document.querySelector('article').scrollTop")
        turned.append(before != after)
    assert turned == [True] * 5
    press("End")
    press("ArrowRight")
    assert number(page)[0] == last


def test_a_fragment_comes_at_the_next_press_and_goes_again(lecture):
    page = lecture(ONE)
    go_to(page, 2)
    alone = len(page.evaluate(SEEN))
    page.keyboard.press("ArrowRight")
    assert number(page)[0] == 2
    assert len(page.evaluate(SEEN)) == alone + 1
    page.keyboard.press("ArrowRight")
    assert number(page)[0] == 3
    page.keyboard.press("ArrowLeft")
    assert (number(page)[0], len(page.evaluate(SEEN))) == (2, alone + 1)
    page.keyboard.press("ArrowLeft")
    assert (number(page)[0], len(page.evaluate(SEEN))) == (2, alone)


def test_notes_text_and_code_are_switched(lecture):
    page = lecture(ONE)
    figure = find_slide(page, "img")
    assert not page.locator("article [data-lecture] .cell_input").first.is_visible()
    page.keyboard.press("c")
    assert page.locator("article [data-lecture] .cell_input").first.is_visible()
    page.keyboard.press("c")
    assert not page.locator("article [data-lecture] .cell_input").first.is_visible()

    go_to(page, figure + 1)
    plain = page.evaluate(SEEN)
    page.keyboard.press("n")
    noted = page.evaluate(SEEN)
    assert len(noted) > len(plain)
    positions = page.evaluate(
        """() => [...document.querySelectorAll('[data-lecture]')].filter((n) => n.offsetParent).map(
            (n) => [n.dataset.lecture, n.getBoundingClientRect().top])"""
    )
    on_slide = [top for kind, top in positions if kind not in ("text", "note")]
    assert min(top for kind, top in positions if kind in ("text", "note")) > max(on_slide)
    page.keyboard.press("n")
    assert page.evaluate(SEEN) == plain
    page.keyboard.press("t")
    assert len(page.evaluate(SEEN)) > len(plain)
    page.keyboard.press("t")
    assert page.evaluate(SEEN) == plain


def test_the_list_of_keys_opens_and_closes(lecture):
    page = lecture(ONE)
    page.keyboard.press("?")
    assert page.locator("dialog.lecture-keys").is_visible()
    page.keyboard.press("ArrowRight")
    assert number(page)[0] == 1, "a key that is read about must not turn the slide"
    page.keyboard.press("Escape")
    assert not page.locator("dialog.lecture-keys").is_visible()
    assert page.locator("html.lecture").count() == 1


@pytest.mark.parametrize("path", CHAPTERS)
def test_an_explorable_moves_on_its_slide(lecture, path):
    page = lecture(path)
    slide = find_slide(page, ".dh-explorable")
    explorable = page.locator("article [data-lecture] .dh-explorable").first
    slider = explorable.locator("input[type=range]").first
    slider.focus()
    page.keyboard.press("Home")
    before = explorable.locator("svg").evaluate_all("nodes => nodes.map((n) => n.outerHTML).join()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(50)
    after = explorable.locator("svg").evaluate_all("nodes => nodes.map((n) => n.outerHTML).join()")
    assert after != before
    assert number(page)[0] == slide, "the arrow keys belong to the slider"
    page.keyboard.press("Escape")
    assert page.locator("html.lecture").count() == 1
    page.keyboard.press("ArrowLeft")
    assert number(page)[0] != slide


def test_a_quiz_is_asked_one_question_at_a_time(lecture):
    page = lecture(ONE)
    first = find_slide(page, ".dh-quiz")
    questions = page.locator(".dh-quiz fieldset")
    for position in range(questions.count()):
        go_to(page, first + position)
        seen = [question.is_visible() for question in questions.all()]
        assert seen == [other == position for other in range(len(seen))]
        assert too_long(page) < 40
    answer = questions.last.locator("input").first
    answer.focus()
    page.keyboard.press("Space")
    assert answer.is_checked()
    assert number(page)[0] == first + questions.count() - 1, "space belongs to the answer"


@pytest.mark.parametrize("path", CHAPTERS)
def test_leaving_restores_the_page(visit, path):
    page = visit(path, viewport=ROOM).page
    page.wait_for_timeout(300)
    article = "() => document.querySelector('article.bd-article').outerHTML"
    before = page.evaluate(article)
    page.keyboard.press("l")
    page.wait_for_selector("html.lecture")
    for key in "cnt":
        page.keyboard.press(key)
    for slide in range(1, number(page)[1] + 1):
        go_to(page, slide)
    go_to(page, 5)
    title = page.evaluate(SEEN)[0][2]
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.documentElement.className.includes('lecture')")
    assert page.url.endswith(path)
    first = page.evaluate(
        """(title) => {
            const found = [...document.querySelectorAll('article section > *')];
            return found.find((n) => n.textContent.trim() === title).getBoundingClientRect().top;
        }""",
        title,
    )
    assert 0 <= first < ROOM["height"], "the page is not where the slide was"
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(400)
    assert page.evaluate(article) == before


def test_the_address_names_the_slide(lecture, site):
    page = lecture(ONE)
    page.keyboard.press("End")
    last = number(page)[1]
    assert page.url == f"{site}/{ONE}#lecture-{last}"
    page.reload(wait_until="load")
    page.wait_for_selector("html.lecture")
    assert number(page)[0] == last
    page.goto(f"{site}/{ONE}#lecture-3")
    assert number(page)[0] == 3


def test_a_link_on_a_slide_leads_to_its_slide_or_out_of_the_lecture(lecture):
    page = lecture(ONE)
    figure = page.evaluate("() => document.querySelector('article figure[id]').id")
    page.evaluate(f"location.hash = '#{figure}'")
    page.wait_for_timeout(100)
    assert page.locator(f"#{figure}").is_visible()
    assert page.locator("html.lecture").count() == 1
    page.evaluate("location.hash = '#' + document.querySelector('.exercise[id]').id")
    page.wait_for_timeout(100)
    assert page.locator("html.lecture").count() == 0
    assert page.locator(".exercise[id]").first.is_visible()


def test_letters_typed_into_a_field_start_nothing(visit):
    page = visit(ONE).page
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    page.locator("main > input").focus()
    page.keyboard.type("lecture")
    assert page.locator("html.lecture").count() == 0
    assert page.locator("main > input").input_value() == "lecture"


def test_the_lecture_begins_where_the_reader_is(visit):
    page = visit(ONE).page
    page.locator("section#quiz, section[id*=quiz]").first.scroll_into_view_if_needed()
    page.evaluate("document.querySelector('.dh-quiz').scrollIntoView()")
    page.wait_for_timeout(100)
    page.locator(".lecture-button").click()
    assert number(page)[0] > number(page)[1] / 2


def test_printing_gives_a_page_to_each_slide(lecture):
    page = lecture(ONE)
    slides = number(page)[1]
    pdf = page.pdf(prefer_css_page_size=True)
    pages = pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page/")
    assert slides <= pages <= 1.5 * slides
    assert number(page)[0] == 1


def test_only_chapters_load_it(visit):
    page = visit("book/glossary.html").page
    assert page.locator(".lecture-button").count() == 0
    assert page.locator("script[src*=lecture], link[href*=lecture]").count() == 0
    index = (BOOK / "searchindex.js").read_text("utf-8")
    assert "lecture-mark" not in index
