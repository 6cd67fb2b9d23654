"""The pages of assignments are what their masters make."""

import pytest

from tools.exercises import MASTERS, PAGES, pages, stale


@pytest.mark.skipif(not MASTERS.is_dir(), reason="the public tree holds no masters")
def test_pages_are_written_from_the_masters():
    assert stale(pages()) == [], (
        "run `make exercises`, then `make outputs` for the notebooks it names"
    )


def test_every_page_of_an_assignment_can_be_handed_in():
    """Readers may solve the page itself: nbgrader's marks are still on its cells."""
    notebooks = sorted(PAGES.glob("*.ipynb"))
    assert len(notebooks) == 10
    for page in notebooks:
        assert '"nbgrader"' in page.read_text(encoding="utf-8"), page.name
