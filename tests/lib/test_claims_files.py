"""The files of the claims ledger: what is said of a malformed one, and how their texts are set."""

from __future__ import annotations

import pytest

from course_lib.lesson.claims.ledger import LedgerError, read_chapter
from course_lib.lesson.claims.markup import fill, to_html

GOOD = """
title = "Steps"
[[claim]]
id = "C001"
source = "000 §1"
claim = "It falls."
verdict = "holds"
statement = "It does."
references = ["nocedal2006, §3.1"]
check = "falls"
shows = "By {{much}}."
"""


def _read(folder, subject=GOOD, chapter='title = "A chapter"\nsubjects = ["steps"]\n'):
    (folder / "chapter.toml").write_text(chapter, encoding="utf-8")
    (folder / "steps.toml").write_text(subject, encoding="utf-8")
    return read_chapter(folder, "a-chapter")


def test_good_file_is_read(tmp_path):
    (claim,) = _read(tmp_path).claims
    assert (claim.id, claim.verdict, claim.subject) == ("C001", "holds", "steps")
    assert [(ref.key, ref.place) for ref in claim.references] == [("nocedal2006", "§3.1")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"holds"', '"true"', r"claim C001: unknown verdict 'true': choose one of 'holds', 'cond"),
        ('id = "C001"', 'id = "C1"', r"id must be C or U and digits"),
        ('id = "C001"\n', "", r"\(without id\): the entry lacks id"),
        ('check = "falls"\n', "", r"claim C001: the entry lacks check"),
        ('"falls"', '"it falls"', r"check must name a function in steps.py, got 'it falls'"),
        ('"It does."', '""', r"statement must be a non-empty text, got ''"),
        ('"It does."', "3", r"statement must be a non-empty text, got 3"),
        ('["nocedal2006, §3.1"]', "[]", r"references must be a non-empty list"),
        ('["nocedal2006, §3.1"]', '["§3.1"]', r"a reference is a bibliography key .* '§3.1'"),
        ('["nocedal2006, §3.1"]', '["nobody1900"]', r"what 'nobody1900' is called"),
        ('source = "000 §1"', 'souce = "000 §1"', r"lacks source and has unknown fields souce"),
        ("[[claim]]", 'kind = "x"\n[[claim]]', r"steps.toml: the entry has unknown fields kind"),
        ("[[claim]]", "[[claim]", r"steps.toml is not valid TOML"),
        ('id = "C001"', 'id = "C001"\nkind = "rumour"', r"unknown kind 'rumour'"),
    ],
)
def test_malformed_file_is_refused(tmp_path, old, new, message):
    assert GOOD.count(old) == 1
    with pytest.raises(LedgerError, match=message):
        _read(tmp_path, GOOD.replace(old, new))


def test_repeated_id_is_refused(tmp_path):
    twice = GOOD + GOOD[GOOD.index("[[claim]]") :]
    with pytest.raises(LedgerError, match=r"id 'C001' is taken by an entry of steps.toml"):
        _read(tmp_path, twice)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(LedgerError, match=r"paths.toml is missing"):
        _read(tmp_path, chapter='title = "A chapter"\nsubjects = ["paths"]\n')


# The little language


@pytest.mark.parametrize(
    ("template", "number", "filled"),
    [
        ("{{x}}", 20829, "20,829"),
        ("${{x}}$", 20829, "$20{,}829$"),
        ("{{x:.2f}}", -1.5, "−1.50"),
        ("${{x:.2f}}$", -1.5, "$-1.50$"),
        ("{{x:.1e}}", 1.8e-5, "1.8 × 10⁻⁵"),
        ("${{x:.1e}}$", 1.8e-5, r"$1.8 \times 10^{-5}$"),
        ("${{x:.0e}}$", 1e-9, "$10^{-9}$"),
        ("{{x:.2f}}", -0.001, "0.00"),
        ("${{x:+.3f}}$", 0.96, "$+0.960$"),
        ("{{x}}", 0.123456, "0.123"),
        ("{{x}}", "two", "two"),
        (r"$\frac{1}{2} = {{x}}$, $10^{{{x}}}$", 3, r"$\frac{1}{2} = 3$, $10^{3}$"),
    ],
)
def test_numbers_are_typeset(template, number, filled):
    assert fill(template, {"x": number}, where="here") == filled


def test_forgotten_numbers_are_named():
    with pytest.raises(LookupError, match=r"claim C9: the check returned no number called b"):
        fill("{{a}} {{b}}", {"a": 1}, where="claim C9")
    with pytest.raises(LookupError, match=r"claim C9: the text has no place for b"):
        fill("{{a}}", {"a": 1, "b": 2}, where="claim C9")


def test_punctuation_stays_with_its_formula():
    assert to_html("so $x$, it's") == (
        'so <span class="together"><span class="math notranslate nohighlight">'
        r"\(x\)</span>,</span> it’s"
    )


def test_markup_becomes_html():
    assert to_html("a < b & *so* `f(x)`: $x < 1$ & 2 * 3 * 4") == (
        "a &lt; b &amp; <em>so</em> <code>f(x)</code>: "
        r'<span class="math notranslate nohighlight">\(x &lt; 1\)</span> &amp; 2 * 3 * 4'
    )
