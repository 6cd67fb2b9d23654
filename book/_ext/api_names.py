"""Names become links, between the library pages and the chapters, both ways.

- A docstring of the library writes a name of the library in single backquotes, as numpydoc does.
  Sphinx finds ``Trace`` only from inside its own module; here it is found from everywhere, as long
  as one thing alone bears the name.
- A module's docstring names the chapters that teach it (``Chapter: *Gradient descent*.``). Where
  the book has that chapter, the name leads there.
- A listing in a chapter stands under the name of what it shows. The name leads to the library page.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import yaml
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode


def resolve_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.reference | None:
    """Return a link to the one object whose name ends in the target, if there is one."""
    if node.get("refdomain") != "py" or node["reftype"] != "obj":
        return None
    domain = env.domains["py"]
    found = domain.find_obj(
        env, node.get("py:module"), node.get("py:class"), node["reftarget"], None, searchmode=1
    )
    # What is imported from a package is known under the name of its own module, too.
    found = [(name, target) for name, target in found if not target.aliased]
    if len(found) != 1:
        return None
    name, target = found[0]
    return make_refnode(
        app.builder, node["refdoc"], target.docname, target.node_id, text, title=name
    )


def skip_metadata_requests(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out the ``set_…_request`` methods that scikit-learn adds to every estimator."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def chapter_titles(source: Path) -> dict[str, str]:
    """Return where each chapter of the contents stands, by its title."""
    contents = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    titles = {}
    for part in contents["parts"]:
        for chapter in part["chapters"]:
            path = source / f"{chapter['file']}.ipynb"
            if path.is_file():
                first = nbformat.read(path, as_version=4).cells[0].source
                titles[re.search(r"^# (.+)$", first, re.MULTILINE).group(1)] = chapter["file"]
    return titles


def link_chapters(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Turn the chapters that a docstring names into links, where the book has them."""
    for position, line in enumerate(lines):
        if re.match(r"Chapters?: \*", line):
            lines[position] = re.sub(
                r"\*([^*]+)\*",
                lambda match: (
                    f":doc:`{match[1]} </{app.chapter_titles[match[1]]}>`"
                    if match[1] in app.chapter_titles
                    else match[0]
                ),
                line,
            )


def link_listings(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Lead from the caption of a listing to the library page of what it shows."""
    objects = app.env.domains["py"].objects
    for caption in doctree.findall(nodes.paragraph):
        parts = caption.children
        if len(parts) != 5 or parts[2].astext() != "in" or not isinstance(parts[0], nodes.literal):
            continue
        path = re.fullmatch(r"(course_lib/[\w/]+?)(/__init__)?\.py", parts[4].astext())
        name = path and documented_name(path[1].replace("/", "."), parts[0].astext(), objects)
        if name:
            target = objects[name]
            caption[0] = make_refnode(
                app.builder, docname, target.docname, target.node_id, parts[0].deepcopy(), name
            )


def documented_name(module: str, shown: str, objects: dict[str, object]) -> str | None:
    """Return the name under which the library pages have an object, its class or its package.

    A class of ``course_lib.optimizers.adam`` stands there as one of ``course_lib.optimizers``.
    """
    if shown == module:
        return module if module in objects else None
    for ending in (shown, shown.partition(".")[0]):
        place = module
        while "." in place:
            if f"{place}.{ending}" in objects:
                return f"{place}.{ending}"
            place = place.rpartition(".")[0]
    # What no library page lists is at home in a module that one does.
    while module and module not in objects:
        module = module.rpartition(".")[0]
    return module or None


def load_titles(app: Sphinx) -> None:
    """Read the titles once, before the first docstring."""
    app.chapter_titles = chapter_titles(Path(app.srcdir))


def setup(app: Sphinx) -> dict[str, object]:
    """Look for names everywhere. ``default_role: py:obj`` in ``_config.yml`` makes them names."""
    app.connect("builder-inited", load_titles)
    # Before napoleon (priority 500) reads the sections of the docstring.
    app.connect("autodoc-process-docstring", link_chapters, priority=400)
    app.connect("doctree-resolved", link_listings)
    app.connect("missing-reference", resolve_name)
    app.connect("autodoc-skip-member", skip_metadata_requests)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
