"""What holds for every page of the built book, in a real browser."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from tests.pages.book import BOOK, DESKTOP, PHONE, pages

#: A page and everything that it loads, in bytes: as stored, and as a web server sends it.
PAGE_BUDGET = 2_500_000
SENT_BUDGET = 1_500_000
#: What a web server compresses; fonts and pictures are compressed already.
TEXT = {".html", ".css", ".js", ".json", ".svg"}


# Every page is opened once, and looked at in turn on a desk, on a phone, in light and in dark.
@pytest.fixture(scope="module", params=pages())
def opened(request, visit):
    result = visit(request.param)
    result.path = request.param
    return result


def test_page_is_complete_and_asks_no_other_host(opened):
    assert opened.foreign_requests == []
    assert opened.failed_requests == []
    assert opened.console_errors == []

    unrendered = opened.page.eval_on_selector_all(
        ".math",
        "nodes => nodes.filter(n => !n.querySelector('mjx-container')).map(n => n.textContent)",
    )
    assert unrendered == [], "formulas left as source"
    assert opened.page.locator("mjx-merror, .mjx-error, [data-mjx-error]").count() == 0
    unspoken = opened.page.eval_on_selector_all(
        "mjx-container",
        "nodes => nodes.filter(n => !n.querySelector('mjx-assistive-mml > math')).length",
    )
    assert unspoken == 0, "formulas without the MathML that screen readers read"

    without_alt = opened.page.eval_on_selector_all(
        "img",
        "nodes => nodes.filter(n => !(n.alt || '').trim()).map(n => n.outerHTML.slice(0, 120))",
    )
    assert without_alt == [], "images without alt text"

    broken = opened.page.eval_on_selector_all(
        "img", "nodes => nodes.filter(n => n.complete && !n.naturalWidth).map(n => n.src)"
    )
    assert broken == [], "images that do not show"


def test_page_weight(opened, site):
    loaded = opened.page.evaluate(
        "() => performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    own = {unquote(urlparse(name).path).lstrip("/") for name in loaded if name.startswith(site)}
    files = [BOOK / name for name in own | {opened.path} if (BOOK / name).is_file()]
    assert len(files) > 10, "the browser did not say what it loaded"
    assert_weight(files, lambda path: path.stat().st_size, PAGE_BUDGET)
    assert_weight(files, sent_size, SENT_BUDGET)


def assert_weight(files: list[Path], weigh: Callable[[Path], int], budget: int) -> None:
    heaviest = sorted(((weigh(path), path.name) for path in files), reverse=True)
    assert sum(weight for weight, _ in heaviest) <= budget, heaviest[:5]


def sent_size(path: Path) -> int:
    content = path.read_bytes()
    return len(gzip.compress(content)) if path.suffix in TEXT else len(content)


def test_no_sideways_scrolling_on_a_phone(opened):
    page = opened.page
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(100)
    width = page.evaluate("document.scrollingElement.scrollWidth")
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(n => n.getBoundingClientRect().right > 361)
            .filter(n => getComputedStyle(n).position !== 'fixed')
            .slice(0, 5).map(n => n.tagName + '.' + n.className)"""
    )
    page.set_viewport_size(DESKTOP)
    assert width <= PHONE["width"], f"page is {width} px wide; sticking out: {wide}"


#: Boxes in the text that hold more than they show. Formulas in a line count by what is seen of
#: them: the MathML for screen readers is wider.
SCROLLING = """() => {
    const width = box => box.matches('span.math')
        ? (box.querySelector('mjx-math')?.getBoundingClientRect().width ?? 0) : box.scrollWidth;
    return [...document.querySelectorAll('.bd-article *')].filter(box =>
        box.clientWidth > 1 && width(box) > box.clientWidth + 1
        && ['auto', 'scroll', 'hidden'].includes(getComputedStyle(box).overflowX)
        && !box.closest('mjx-assistive-mml'));
}"""


def test_what_scrolls_is_reached_by_keyboard_and_shows_that_it_goes_on(opened):
    page = opened.page
    page.set_viewport_size(PHONE)
    page.evaluate(
        """() => document.querySelectorAll('details:not([open])').forEach(details => {
            details.open = true;
            details.dataset.opened = '';
        })"""
    )
    # The theme looks at its own boxes some 300 ms after a change of size.
    page.wait_for_timeout(500)
    boxes = page.evaluate_handle(SCROLLING)
    mute = boxes.evaluate(
        """boxes => boxes.filter(box => box.tabIndex !== 0 || !box.role || !box.ariaLabel
            || getComputedStyle(box).overflowX === 'hidden'
            || !getComputedStyle(box).backgroundImage.includes('gradient')
        ).map(box => box.outerHTML.slice(0, 120))"""
    )
    first = boxes.evaluate_handle("boxes => boxes[0]").as_element()
    moved = None
    if first is not None:
        first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
        moved = first.evaluate("box => [box.scrollLeft > 0, box.dataset.dhMore.split(' ')[0]]")
        first.evaluate("box => box.scrollLeft = 0")
    page.evaluate(
        "() => document.querySelectorAll('[data-opened]').forEach(details => details.open = false)"
    )
    page.set_viewport_size(DESKTOP)
    assert mute == [], "boxes that scroll without a word, a key or a sign"
    assert moved in (None, [True, "left"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation(opened, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened.page
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(f"() => document.documentElement.dataset.theme === '{theme}'")
    # Colours change in transitions, and axe must not read them half-way.
    page.wait_for_timeout(400)
    report = Axe().run(page)
    found = [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in report.response["violations"]
        for node in violation["nodes"]
    ]
    assert found == []
