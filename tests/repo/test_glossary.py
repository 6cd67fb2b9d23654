"""The glossary is in order, bilingual, and long enough to be relied on."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

GLOSSARY = Path(__file__).resolve().parents[2] / "book" / "glossary.md"
# A heading with the first letter, then a glossary of its terms.
SECTION = re.compile(r"^## ([^\n]+)\n\n```\{glossary\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CHINESE = re.compile(r"\[([^\]]+)\]\{\.language-zh\} — (.+)")


def place(term: str) -> str:
    """Return what a term is sorted by: letters and digits, dashes as spaces."""
    letters = unicodedata.normalize("NFKD", re.sub("[–-]", " ", term.lower().replace("ł", "l")))
    return re.sub(r"[^a-z0-9 ]", "", letters)


def entries() -> dict[str, str]:
    """Return the definitions by term; a repeated term fails."""
    found: dict[str, str] = {}
    for initial, body in SECTION.findall(GLOSSARY.read_text(encoding="utf-8")):
        for block in body.strip().split("\n\n"):
            term, _, definition = block.partition("\n")
            assert term not in found, f"{term} stands twice"
            assert place(term)[0].upper() in initial, f"{term} stands under {initial}"
            found[term] = definition.strip()
    return found


ENTRIES = entries()


def test_terms_are_in_alphabetical_order() -> None:
    """A reader finds a term where the alphabet puts it."""
    assert list(ENTRIES) == sorted(ENTRIES, key=place)


@pytest.mark.parametrize("term", ENTRIES)
def test_entry_has_a_chinese_term_and_a_sentence(term: str) -> None:
    """The entry opens with the Chinese term, marked as such, and closes with a full stop."""
    match = CHINESE.fullmatch(ENTRIES[term])
    assert match, f"{term}: write '[中文]{{.language-zh}} — Definition.'"
    assert match[2].endswith((".", ".)")), f"{term}: end with a full stop"
    assert match[2][0].isupper() or match[2][0] in "$0123456789{", f"{term}: begin a sentence"
