"""What the title page shows is what the library does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TITLE_PAGE = ROOT / "book" / "intro.md"
PICTURE = ROOT / "book" / "assets" / "downhill-hero.svg"

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def test_the_example_runs_and_prints_what_the_page_says(capsys) -> None:
    """The Python example shrinks the distance to 0.8 of itself twenty-four times."""
    example = re.search(r"```python\n(.*?)```", TITLE_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    names: dict = {}
    exec(compile(example[1], str(TITLE_PAGE), "exec"), names)
    ratios = names["distance"][1:] / names["distance"][:-1]
    np.testing.assert_allclose(ratios, np.full(24, 0.8), rtol=1e-9)
    assert capsys.readouterr().out.startswith("[0.8 0.8")


def test_the_picture_is_the_run_it_says_it_is(tmp_path, monkeypatch) -> None:
    """Drawing the picture anew gives the stored file, up to a tenth of a pixel."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import draw_title_picture

    fresh = tmp_path / "picture.svg"
    monkeypatch.setattr(sys, "argv", ["draw_title_picture", str(fresh)])
    draw_title_picture.main()
    drawn, stored = (file.read_text(encoding="utf-8") for file in (fresh, PICTURE))
    assert NUMBER.sub("#", drawn) == NUMBER.sub("#", stored), "run tools/draw_title_picture.py"
    np.testing.assert_allclose(
        *([float(number) for number in NUMBER.findall(text)] for text in (drawn, stored)),
        atol=0.11,
    )
