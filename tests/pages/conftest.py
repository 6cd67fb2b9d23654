"""The built book, served on localhost, and pages of it with every other host blocked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pages.book import BOOK, DESKTOP


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the served book."""
    if not (BOOK / "index.html").exists():
        pytest.fail(f"there is no built book in {BOOK}: run `make book` first", pytrace=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(BOOK)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@dataclass
class Visit:
    """An open page and what it tried to do behind the reader's back."""

    page: object
    foreign_requests: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def visit(site: str, browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a page of the book with every other host blocked."""
    contexts = []

    def open_page(path: str, *, theme: str = "light", viewport: dict | None = None) -> Visit:
        # One page is open at a time: pages left open would slow down those that follow.
        while contexts:
            contexts.pop().close()
        context = browser.new_context(
            viewport=viewport or DESKTOP, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        result = Visit(page)

        def route(handler) -> None:
            url = handler.request.url
            if url.startswith(site):
                handler.continue_()
            else:
                result.foreign_requests.append(url)
                handler.abort()

        def listen(message) -> None:
            if message.type == "error":
                result.console_errors.append(message.text)

        def look(response) -> None:
            if response.status >= 400:
                result.failed_requests.append(f"{response.status} {response.url}")

        context.route("**/*", route)
        page.on("console", listen)
        page.on("pageerror", lambda error: result.console_errors.append(str(error)))
        page.on("response", look)
        page.goto(f"{site}/{path}", wait_until="load")
        page.wait_for_function(
            "() => !window.MathJax || !window.MathJax.startup"
            " || window.MathJax.startup.promise.then(() => true)"
        )
        page.wait_for_load_state("networkidle")
        return result

    yield open_page
    while contexts:
        contexts.pop().close()
