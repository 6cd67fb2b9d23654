"""The source of what a chapter imports, shown instead of copied.

A listing in a notebook is a second copy that grows old. `show_source` prints the very lines that
run.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from types import FunctionType, MethodType, ModuleType
from typing import Any


class Source:
    """The source of an object; shows itself highlighted as the last expression of a cell.

    Attributes
    ----------
    name : str
        The object's name in its module; the module's own name if it is shown whole.
    path : str
        The file, relative to the folder that holds the package.
    code : str
        The lines shown.
    """

    def __init__(self, name: str, path: str, code: str) -> None:
        self.name = name
        self.path = path
        self.code = code

    @property
    def markdown(self) -> str:
        """The listing under a caption, as Markdown: the book and JupyterLab highlight it alike."""
        # A fence must be longer than any run of backquotes inside.
        longest = max((len(run) for run in re.findall(r"`+", self.code)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"`{self.name}` *in* `{self.path}`\n\n{fence}python\n{self.code}\n{fence}\n"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/markdown": self.markdown, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {len(self.code.splitlines())} lines)"


def show_source(obj: Any, *, docstring: bool = True, signature_only: bool = False) -> Source:
    """Show the source of an imported function, class or module.

    Parameters
    ----------
    obj
        A function, method, class or module written in Python; properties and functions compiled by
        numba show the Python they were made from.
    docstring
        Whether to keep docstrings. Leave them out where the text around has just said it all.
    signature_only
        Whether to leave out the bodies of functions.

    Returns
    -------
    Source
        Make it the last expression of a cell.

    Raises
    ------
    TypeError
        If ``obj`` has no Python source, as the functions built into Python or compiled from C.
    ValueError
        If ``obj`` was defined in the notebook itself, where its source stands already.

    Examples
    --------
    >>> from course_lib.rates import largest_stable_step
    >>> print(show_source(largest_stable_step, docstring=False).code)
    def largest_stable_step(smoothness: float) -> float:
        return 2.0 / check_real("smoothness", smoothness, above=0)
    """
    written = _as_written(obj)
    module = inspect.getmodule(written)
    if module is None or module.__name__ == "__main__":
        name = getattr(written, "__qualname__", repr(obj))
        raise ValueError(
            f"obj must be imported from a module, got {name}, which is defined in this notebook: "
            "its source stands in the cell above"
        )
    try:
        code = textwrap.dedent(inspect.getsource(written)).strip("\n")
    except (OSError, TypeError):
        raise _no_source(obj) from None
    if not docstring or signature_only:
        code = _without(code, docstrings=not docstring, bodies=signature_only)
    name = module.__name__ if written is module else written.__qualname__
    return Source(name, _path_of(module), code)


def _as_written(obj: Any) -> Any:
    """Undo what decorators did, down to the function, class or module as it was written."""
    if isinstance(obj, property):
        obj = obj.fget
    obj = getattr(obj, "py_func", obj)  # numba
    if isinstance(obj, MethodType):
        obj = obj.__func__
    if not isinstance(obj, type | ModuleType):
        obj = inspect.unwrap(obj) if callable(obj) else obj
    if not isinstance(obj, type | FunctionType | ModuleType):
        raise _no_source(obj)
    return obj


def _no_source(obj: Any) -> TypeError:
    kind = type(obj).__name__
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or repr(obj)
    hint = ""
    if not callable(obj) and kind not in ("module", "builtin_function_or_method"):
        hint = f": to see its class, pass type(obj), which is {kind}"
    elif not isinstance(obj, type | ModuleType) and not hasattr(obj, "__name__"):
        hint = f": it is an instance, so pass its class, {kind}"
    return TypeError(
        f"obj must be a function, class or module written in Python, got {name} ({kind}){hint}"
    )


def _path_of(module: ModuleType) -> str:
    """Return the file relative to the folder of the package: the same on every machine."""
    is_package = hasattr(module, "__path__")
    parts = module.__name__.split(".")
    return "/".join(parts) + ("/__init__.py" if is_package else ".py")


def _without(code: str, *, docstrings: bool, bodies: bool) -> str:
    """Cut docstrings, or the bodies of functions, and leave every other line as it was written."""
    cuts: list[tuple[int, int, str]] = []  # first line, last line, what stands there instead
    inside: set[ast.AST] = set()
    for node in ast.walk(ast.parse(code)):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node in inside or not (is_function or isinstance(node, ast.Module | ast.ClassDef)):
            continue
        documented = ast.get_docstring(node, clean=False) is not None
        first = node.body[0] if node.body else None
        dots = " " * first.col_offset + "..." if first else ""
        if is_function and bodies:
            inside.update(ast.walk(node))
            start = _first_line(first)
            if documented and not docstrings:
                start = first.end_lineno + 1
            if node.lineno < start <= node.end_lineno:
                cuts.append((start, node.end_lineno, dots))
        elif documented and docstrings:
            is_all = len(node.body) == 1 and not isinstance(node, ast.Module)
            cuts.append((first.lineno, first.end_lineno, dots if is_all else ""))
    lines = code.splitlines()
    for start, end, instead in sorted(cuts, reverse=True):
        if not instead:
            # The blank line after a docstring goes with it.
            while end < len(lines) and not lines[end].strip():
                end += 1
        lines[start - 1 : end] = [instead] if instead else []
    return "\n".join(lines).strip("\n")


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
