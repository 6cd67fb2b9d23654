"""What can be seen of the built pages without a browser."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
FOREIGN = re.compile(r"^(https?:)?//", re.IGNORECASE)
# Tags whose address a browser requests while it shows a page, and the attribute that holds it.
REQUESTED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
}
# Relations of <link> that make the browser fetch something.
FETCHED = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "manifest"}
STYLE_ADDRESS = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)")

pytestmark = pytest.mark.built


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.images_without_text: list[str] = []
        self.identifiers: list[str] = []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if values.get("id"):
            self.identifiers.append(values["id"])
        for name in REQUESTED.get(tag, ()):
            self.requests.append(values.get(name) or "")
        if tag == "link" and FETCHED & set((values.get("rel") or "").lower().split()):
            self.requests.append(values.get("href") or "")
        if tag == "img" and not (values.get("alt") or "").strip():
            self.images_without_text.append(values.get("src") or "")
        if values.get("style"):
            self.requests += STYLE_ADDRESS.findall(values["style"])


def pages() -> list[Path]:
    found = sorted(HTML.rglob("*.html"))
    assert found, f"there is no built book in {HTML}: run make book first"
    return [path for path in found if "_static" not in path.parts]


def read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_pages_request_nothing_from_other_hosts():
    foreign = {
        path.relative_to(HTML).as_posix(): [
            url for url in read(path).requests if FOREIGN.match(url)
        ]
        for path in pages()
    }
    assert {name: urls for name, urls in foreign.items() if urls} == {}


def test_styles_request_nothing_from_other_hosts():
    foreign = {
        path.name: STYLE_ADDRESS.findall(path.read_text(encoding="utf-8"))
        for path in HTML.rglob("*.css")
    }
    assert {name: urls for name, urls in foreign.items() if urls} == {}


def test_local_files_that_pages_request_exist():
    missing = []
    for path in pages():
        for url in read(path).requests:
            address = url.split("?")[0].split("#")[0]
            if not address or ":" in address.split("/")[0] or " " in address:
                continue
            if not (path.parent / address).resolve().exists():
                missing.append(f"{path.relative_to(HTML)}: {address}")
    assert missing == []


def test_images_have_alternative_text():
    without = {
        path.relative_to(HTML).as_posix(): read(path).images_without_text for path in pages()
    }
    assert {name: images for name, images in without.items() if images} == {}


def test_what_pages_need_is_in_the_book():
    static = HTML / "_static"
    assert (static / "mathjax" / "startup.js").is_file()
    assert len(list((static / "mathjax/output/chtml/fonts/woff-v2").glob("*.woff"))) > 15
    assert len(list((static / "fonts").glob("*.woff2"))) == 4
    assert len(list((static / "fonts").glob("*-LICENSE.txt"))) == 3


def test_no_script_of_thebe():
    assert [path.name for path in pages() if "THEBE" in path.read_text(encoding="utf-8")] == []


def test_numbered_and_named_places_are_unique():
    doubled = {}
    for path in pages():
        names = read(path).identifiers
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            doubled[path.relative_to(HTML).as_posix()] = twice
    assert doubled == {}


def test_listings_of_chapters_lead_to_the_library_pages():
    """The caption of a listing is a link: from an equation's code to its documentation."""
    captions = [
        caption
        for path in sorted((HTML / "book").glob("part*/*.html"))
        for caption in re.findall(
            r"<p>(.*) <em>in</em> <code[^>]*><span class=\"pre\">course_lib/",
            path.read_text("utf-8"),
        )
    ]
    assert captions
    assert [caption for caption in captions if "/api/" not in caption] == []


def test_library_pages_lead_to_the_chapters():
    pages = "".join(path.read_text("utf-8") for path in (HTML / "book" / "api").glob("*.html"))
    for path in sorted((HTML / "book").glob("part*/*.html")):
        assert re.search(rf"Chapters?: .*{path.parent.name}/{path.name}\"", pages), path.name
