"""What holds for every page of the built book, in a real browser."""

from __future__ import annotations

import pytest

from tests.pages.book import BOOK, PHONE, pages

PAGES = pages()
#: The whole page with everything it loads, in bytes before compression; a third of it is MathJax.
PAGE_BUDGET = 3_500_000


@pytest.mark.parametrize("path", PAGES)
def test_page_is_complete_and_asks_no_other_host(visit, path):
    result = visit(path)
    assert result.foreign_requests == []
    assert result.failed_requests == []
    assert result.console_errors == []

    unrendered = result.page.eval_on_selector_all(
        ".math",
        "nodes => nodes.filter(n => !n.querySelector('mjx-container')).map(n => n.textContent)",
    )
    assert unrendered == [], "formulas left as source"
    assert result.page.locator("mjx-merror, .mjx-error, [data-mjx-error]").count() == 0

    without_alt = result.page.eval_on_selector_all(
        "img",
        "nodes => nodes.filter(n => !(n.alt || '').trim()).map(n => n.outerHTML.slice(0, 120))",
    )
    assert without_alt == [], "images without alt text"

    broken = result.page.eval_on_selector_all(
        "img", "nodes => nodes.filter(n => n.complete && !n.naturalWidth).map(n => n.src)"
    )
    assert broken == [], "images that do not show"


@pytest.mark.parametrize("path", PAGES)
def test_page_weight(visit, site, path):
    sizes = {}
    result = visit(path)
    entries = result.page.evaluate(
        "() => performance.getEntriesByType('resource').map(e => [e.name, e.decodedBodySize])"
    )
    sizes.update({name: size for name, size in entries if name.startswith(site)})
    total = sum(sizes.values()) + (BOOK / path).stat().st_size
    assert total <= PAGE_BUDGET, sorted(sizes.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize("path", PAGES)
def test_no_sideways_scrolling_on_a_phone(visit, path):
    page = visit(path, viewport=PHONE).page
    width = page.evaluate("document.scrollingElement.scrollWidth")
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(n => n.getBoundingClientRect().right > 361)
            .filter(n => getComputedStyle(n).position !== 'fixed')
            .slice(0, 5).map(n => n.tagName + '.' + n.className)"""
    )
    assert width <= PHONE["width"], f"page is {width} px wide; sticking out: {wide}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_violation(visit, path, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(path, theme=theme).page
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    report = Axe().run(page)
    found = [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in report.response["violations"]
        for node in violation["nodes"]
    ]
    assert found == []
