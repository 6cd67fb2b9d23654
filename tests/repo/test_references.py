"""The bibliography is well formed, and every citation in the book points into it."""

from __future__ import annotations

import ast
import datetime
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pybtex", reason="pybtex comes with the build tools (requirements-build.txt)")
from pybtex.database import Entry, parse_file

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
BIBLIOGRAPHY = BOOK / "references.bib"

# What a reader needs to find the work, by entry type. "|" means: one of these.
REQUIRED_FIELDS = {
    "article": ("title", "journal", "volume", "year"),
    "book": ("title", "publisher", "year"),
    "incollection": ("title", "booktitle", "editor", "publisher", "year"),
    "inproceedings": ("title", "booktitle", "year"),
    "mastersthesis": ("title", "school", "year"),
    "phdthesis": ("title", "school", "year"),
    "techreport": ("title", "institution", "year"),
    "misc": ("title", "howpublished|eprint|url", "year"),
}
KNOWN_FIELDS = {
    "address", "archiveprefix", "booktitle", "doi", "edition", "eprint", "howpublished",
    "institution", "journal", "note", "number", "pages", "publisher", "school", "series", "title",
    "url", "volume", "year",
}  # fmt: skip

FIRST_PRINTED_WORK = 1805  # Legendre's least squares
DOI = re.compile(r"10\.\d{4,9}/[^\s{}\"]+")
ARXIV = re.compile(r"\d{4}\.\d{4,5}")
PAGES = re.compile(r"[A-Za-z]?\d+(--[A-Za-z]?\d+)?")
KEY = re.compile(r"[a-z]+(\d{4}[a-z]*|docs|reference)")

# {cite}`a,b`, {cite:t}`a`, {cite:p}`{see}a{ch. 2}`, and the twin :cite:t:`a` in docstrings.
WORDS_AROUND = re.compile(r"\{[^{}]*\}")
CITATION = re.compile(r"(?:\{cite(?::[a-z]+)?\}|:cite(?::[a-z]+)?:)`([^`]+)`")


def references() -> dict[str, Entry]:
    """Return the entries of the bibliography by key (a repeated key raises)."""
    return dict(parse_file(str(BIBLIOGRAPHY), bib_format="bibtex").entries)


ENTRIES = references()


def plain(text: str) -> str:
    """Return the letters and digits of `text` in lower case, without accents or braces."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ı", "i"))  # ı does not decompose
    return re.sub(r"[^a-z0-9]", "", decomposed.lower())


def has(entry: Entry, name: str) -> bool:
    """Tell whether `entry` carries one of the fields in `name` ("a|b" is either)."""
    return any(entry.fields.get(option) or entry.persons.get(option) for option in name.split("|"))


def cited_keys(text: str) -> list[str]:
    """Return the keys that the citations in `text` name."""
    groups = (WORDS_AROUND.sub("", group) for group in CITATION.findall(text))
    return [key.strip() for group in groups for key in group.split(",")]


def markdown_of(page: Path) -> str:
    """Return the prose of a page: all of a .md file, the markdown cells of a notebook."""
    if page.suffix == ".md":
        return page.read_text(encoding="utf-8")
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def book_pages() -> list[Path]:
    """Return every page of the book, without what a build leaves behind."""
    pages = [*BOOK.rglob("*.md"), *BOOK.rglob("*.ipynb")]
    return sorted(page for page in pages if ".ipynb_checkpoints" not in page.parts)


@pytest.mark.parametrize("key", ENTRIES)
def test_entry_is_complete(key: str) -> None:
    """The entry has its type's fields, an author, and a key made of name and year."""
    entry = ENTRIES[key]
    assert entry.type in REQUIRED_FIELDS, f"{key}: no rule for the type @{entry.type}"
    missing = [name for name in REQUIRED_FIELDS[entry.type] if not has(entry, name)]
    assert not missing, f"{key}: @{entry.type} needs {missing}"
    unknown = set(entry.fields) - KNOWN_FIELDS
    assert not unknown, f"{key}: field(s) {sorted(unknown)} are misspelt or new here"
    assert entry.persons.get("author"), f"{key}: no author"
    assert KEY.fullmatch(key), f"{key}: a key is the first author's name, the year, then a word"


@pytest.mark.parametrize("key", ENTRIES)
def test_entry_agrees_with_its_key(key: str) -> None:
    """The year is plausible and equals the key's; the first author's name opens the key."""
    entry = ENTRIES[key]
    year = int(entry.fields["year"])
    assert FIRST_PRINTED_WORK <= year <= datetime.date.today().year + 1, f"{key}: year {year}"
    stem = re.match(r"([a-z]+?)(\d{4})", key)
    if stem is None:
        return  # documentation: the key names a project
    assert int(stem[2]) == year, f"{key}: the key says {stem[2]}, the entry says {year}"
    author = entry.persons["author"][0]
    family = plain(" ".join([*author.prelast_names, *author.last_names]))
    assert family == stem[1], f"{key}: the first author is {author}"


@pytest.mark.parametrize("key", ENTRIES)
def test_identifiers_have_the_right_form(key: str) -> None:
    """DOI without resolver, arXiv number, page range with an en dash, https or http links."""
    fields = ENTRIES[key].fields
    if "doi" in fields:
        assert DOI.fullmatch(fields["doi"]), f"{key}: doi {fields['doi']!r}"
    if "eprint" in fields:
        assert fields.get("archiveprefix") == "arXiv", f"{key}: say archiveprefix = {{arXiv}}"
        assert ARXIV.fullmatch(fields["eprint"]), f"{key}: eprint {fields['eprint']!r}"
    if "pages" in fields:
        assert PAGES.fullmatch(fields["pages"]), f"{key}: pages {fields['pages']!r}"
        first, _, last = fields["pages"].partition("--")
        if last:
            assert int(first) < int(last), f"{key}: pages run backwards: {fields['pages']}"
    if "url" in fields:
        assert re.match(r"https?://\S+$", fields["url"]), f"{key}: url {fields['url']!r}"


def test_no_work_stands_twice() -> None:
    """Titles with year, DOIs and arXiv numbers are unique."""
    titles = Counter((plain(e.fields["title"]), e.fields["year"]) for e in ENTRIES.values())
    dois = Counter(e.fields["doi"].lower() for e in ENTRIES.values() if "doi" in e.fields)
    eprints = Counter(e.fields["eprint"] for e in ENTRIES.values() if "eprint" in e.fields)
    repeated = [name for seen in (titles, dois, eprints) for name, n in seen.items() if n > 1]
    assert not repeated


def test_entries_are_sorted() -> None:
    """The file is in the order of its keys, so that two additions rarely collide."""
    assert list(ENTRIES) == sorted(ENTRIES)


@pytest.mark.parametrize("page", book_pages(), ids=lambda page: str(page.relative_to(BOOK)))
def test_every_citation_has_an_entry(page: Path) -> None:
    """Each key cited on the page stands in the bibliography."""
    unknown = sorted(set(cited_keys(markdown_of(page))) - set(ENTRIES))
    assert not unknown, f"{page.relative_to(ROOT)} cites {unknown}: add them to references.bib"


def test_every_citation_in_the_library_has_an_entry() -> None:
    """Each key cited in a docstring of course_lib stands in the bibliography."""
    unknown = {
        f"{module.relative_to(ROOT)}: {key}"
        for module in sorted((ROOT / "course_lib").rglob("*.py"))
        for key in cited_keys(module.read_text(encoding="utf-8"))
        if key not in ENTRIES
    }
    assert not unknown


def test_the_citation_pattern_sees_all_forms() -> None:
    """The pattern above reads the forms that the book uses."""
    text = "{cite}`a1,b2` {cite:t}`c3` {cite:p}`{see}d4{ch. 1, 2}, e5` :cite:t:`f6` {term}`g`"
    assert cited_keys(text) == ["a1", "b2", "c3", "d4", "e5", "f6"]


# ".. [1] D. Author, "Title", Journal 1 (1900)" in a docstring, or "D. Author, Title of a book".
NUMBERED = re.compile(r"^ *\.\. \[\d+\] +(.*(?:\n +(?!\.\. ).*)*)", re.MULTILINE)


def works_in_docstrings() -> list[tuple[str, str]]:
    """Return the numbered references of every docstring of the library, and where they stand."""
    found = []
    for path in sorted((ROOT / "course_lib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                works = (" ".join(work.split()) for work in NUMBERED.findall(text))
                found += [(path.relative_to(ROOT).as_posix(), work) for work in works]
    return found


def is_the_work(entry: Entry, reference: str) -> bool:
    """Tell whether a reference in words names the first author, the title and the year."""
    author = entry.persons["author"][0]
    family = plain(" ".join([*author.prelast_names, *author.last_names]))
    # The main title, as docstrings leave out what follows the colon of a long one.
    title = entry.fields["title"].partition(":")[0]
    said = plain(reference)
    return family in said and plain(title) in said and entry.fields["year"] in reference


def test_works_cited_in_docstrings_have_an_entry() -> None:
    works = works_in_docstrings()
    assert len(works) > 80
    missing = [
        f"{where}: {work}"
        for where, work in works
        if not any(is_the_work(entry, work) for entry in ENTRIES.values())
    ]
    assert not missing, "\n".join(missing)
