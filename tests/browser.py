"""A browser for the tests that look at pages: one for a whole run, or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

#: Set where a missing browser must not pass unseen, as in continuous integration.
REQUIRED = os.environ.get("DOWNHILL_REQUIRE_BROWSER") == "1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def skip_or_fail(reason: str) -> None:
    if REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium, from Debian's package or wherever DOWNHILL_CHROMIUM says."""
    named = os.environ.get("DOWNHILL_CHROMIUM")
    executable = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        skip_or_fail(
            "no browser: install Chromium (Debian: apt-get install chromium) "
            "or set DOWNHILL_CHROMIUM"
        )
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium refuses its sandbox to root, and containers run as root.
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield chromium
        chromium.close()
