"""Sphinx extension of the book: whatever its pages need is put into the book itself.

- Notebook kernels of a build run with ``COURSE_STATIC=1``, so that explorables and quizzes come
  out as HTML that works without a kernel.
- MathJax is copied from the Python package ``sphinx-mathjax-offline``, only the parts that the
  pages can ask for.
- The book's typefaces are cut down to the characters it uses and stored as woff2.
- Scripts of features that the book does not offer (running cells through Thebe) are left out.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
from logging import ERROR, getLogger
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
# TeX in, HTML with hidden MathML for screen readers out; TeX packages on demand; fonts.
MATHJAX_SCRIPTS = ("startup", "core", "input/tex", "output/chtml", "output/chtml/fonts/tex")
MATHJAX_SCRIPTS += ("a11y/assistive-mml",)
MATHJAX_PARTS = re.compile(
    rf"static/mathjax/((?:{'|'.join(MATHJAX_SCRIPTS)})\.js"
    r"|input/tex/extensions/(?!all-packages).*\.js|output/chtml/fonts/woff-v2/.*)$"
)

# Latin, Greek, punctuation, arrows, and the mathematical signs that occur in running text.
CHARACTERS = "U+0020-024F,U+0370-03FF,U+2000-206F,U+2070-209F,U+20AC,U+2100-214F,U+2190-21FF,"
CHARACTERS += "U+2200-22FF,U+25A0-25FF,U+2713,U+2717,U+FB01-FB02"
FEATURES = ("kern", "mark", "mkmk", "liga", "calt", "ccmp", "locl", "lnum", "onum", "tnum")
# file in the book: (package, file in the package, variable axes: one value, or a range kept)
TYPEFACES = {
    "literata.woff2": (
        "fontpkg-literata",
        "Literata[opsz,wght].ttf",
        {"opsz": 18, "wght": (400, 700)},
    ),
    "literata-italic.woff2": (
        "fontpkg-literata",
        "Literata-Italic[opsz,wght].ttf",
        {"opsz": 18, "wght": (400, 700)},
    ),
    "inter.woff2": ("fontpkg-inter", "Inter[opsz,wght].ttf", {"opsz": 16, "wght": (400, 700)}),
    "jetbrains-mono.woff2": (
        "fontpkg-jetbrains-mono",
        "JetBrainsMono[wght].ttf",
        {"wght": (400, 700)},
    ),
}


def package_files(package: str) -> list[importlib.metadata.PackagePath]:
    """Files of an installed distribution."""
    try:
        files = importlib.metadata.files(package)
    except importlib.metadata.PackageNotFoundError:
        files = None
    if not files:
        raise ExtensionError(
            f"The package {package} is not installed, and the book takes files from it. "
            "Build with `make book`, which installs requirements-build.txt."
        )
    return files


def copy_mathjax(static: Path) -> None:
    """Put the parts of MathJax that pages can ask for under ``_static/mathjax``."""
    copied = set()
    for file in package_files(MATHJAX_PACKAGE):
        match = MATHJAX_PARTS.search(file.as_posix())
        if match is None:
            continue
        target = static / "mathjax" / match.group(1)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)
        copied.add(match.group(1))
    missing = {f"{name}.js" for name in MATHJAX_SCRIPTS} - copied
    if missing:
        raise ExtensionError(f"{MATHJAX_PACKAGE} does not hold {', '.join(sorted(missing))}.")


def cut_typeface(source: Path, target: Path, axes: dict[str, object]) -> None:
    """Write a part of a variable font: fewer characters, fewer or narrower axes, compressed."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    font = TTFont(source)
    options = subset.Options(
        layout_features=list(FEATURES), name_IDs=["*"], hinting=False, layout_closure=False
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(CHARACTERS))
    subsetter.subset(font)
    font = instancer.instantiateVariableFont(font, axes)
    font.flavor = "woff2"
    font.save(target)


def copy_typefaces(static: Path, kept: Path) -> None:
    """Put the typefaces and their licences under ``_static/fonts``; cutting is done once."""
    getLogger("fontTools").setLevel(ERROR)  # it reports every table it drops
    target = static / "fonts"
    target.mkdir(parents=True, exist_ok=True)
    for name, (package, file_name, axes) in TYPEFACES.items():
        files = package_files(package)
        source = next(Path(str(f.locate())) for f in files if f.name == file_name)
        licence = next(Path(str(f.locate())) for f in files if f.name == "LICENSE")
        recipe = f"{importlib.metadata.version(package)} {CHARACTERS} {FEATURES} {axes}"
        cut = kept / f"{hashlib.sha256(recipe.encode()).hexdigest()[:12]}-{name}"
        if not cut.exists():
            kept.mkdir(parents=True, exist_ok=True)
            unfinished = cut.with_suffix(".part")
            cut_typeface(source, unfinished, axes)
            unfinished.replace(cut)
        shutil.copyfile(cut, target / name)
        shutil.copyfile(licence, target / f"{package.removeprefix('fontpkg-')}-LICENSE.txt")


def serve_from_the_book(app: Sphinx) -> None:
    """Copy what the pages load, before the first page is written."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copy_mathjax(static)
    copy_typefaces(static, Path(app.outdir).parent / ".fonts")


def leave_out_thebe(app: Sphinx, *_: object) -> None:
    """Detach sphinx-thebe, which Jupyter Book always loads.

    It declares the same constant twice on every page, a script error, and names a foreign
    host as the source of its own script.
    """
    for listeners in app.events.listeners.values():
        listeners[:] = [
            listener
            for listener in listeners
            if not getattr(listener.handler, "__module__", "").startswith("sphinx_thebe")
        ]
    styles = app.registry.css_files
    styles[:] = [entry for entry in styles if "thebe" not in entry[0]]


def print_references_as_list(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Turn the numbered references of a numpydoc docstring into plain text and a list.

    As footnotes they would carry the same number many times on one page.
    """
    for position, line in enumerate(lines):
        line = re.sub(r"^\.\. \[(\d+)\] ", r"* [\1] ", line)
        lines[position] = re.sub(r"\[(\d+)\]_(?!\w)", r"[\1]", line)
    in_item = False
    for position, line in enumerate(lines):
        if line.startswith("* ["):
            in_item = True
        elif in_item and line.strip():
            # Continuation lines of an item stand below its text.
            lines[position] = "  " + line.strip()
        else:
            in_item = False


def drop_repeated_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Exercises and solutions give the same name to the body of each; a name stands once."""
    for section in doctree.findall(nodes.section):
        if re.fullmatch(r"(exercise|solution|proof)-content", " ".join(section["ids"])):
            section["ids"] = []


def setup(app: Sphinx) -> dict[str, object]:
    os.environ["COURSE_STATIC"] = "1"
    app.connect("config-inited", leave_out_thebe, priority=1)
    app.connect("builder-inited", serve_from_the_book)
    app.connect("doctree-resolved", drop_repeated_names)
    # Before napoleon (priority 500) reads the sections of the docstring.
    app.connect("autodoc-process-docstring", print_references_as_list, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
