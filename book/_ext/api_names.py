"""Names in docstrings become links.

A docstring of the library writes a name of the library in single backquotes, as numpydoc does.
Sphinx finds ``Trace`` only from inside its own module; here it is found from everywhere, as long as
one thing alone bears the name.
"""

from __future__ import annotations

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


def setup(app: Sphinx) -> dict[str, object]:
    """Look for names everywhere. ``default_role: py:obj`` in ``_config.yml`` makes them names."""
    app.connect("missing-reference", resolve_name)
    app.connect("autodoc-skip-member", skip_metadata_requests)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
