"""Say what is wrong with notebooks as they are stored, without running them.

Used by the tests and by the pre-commit hook: ``python tools/check_notebooks.py FILE …``.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

FORBIDDEN = {
    ast.FunctionDef: "defines a function",
    ast.AsyncFunctionDef: "defines a function",
    ast.ClassDef: "defines a class",
    ast.While: "contains a while loop",
}


def python_of(source: str) -> str:
    """A cell's source without IPython's own lines (%magic, !shell)."""
    lines = source.splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def find_cell_problems(
    cell: dict, expected_count: int, *, defines_functions: bool = False
) -> Iterator[str]:
    """Problems of one code cell, as text that follows "cell n"."""
    source = "".join(cell["source"])
    if cell.get("execution_count") != expected_count:
        yield (
            f"has execution count {cell.get('execution_count')} instead of {expected_count}: "
            "outputs are not stored from one run, top to bottom (make outputs)"
        )
    if any(output["output_type"] == "error" for output in cell["outputs"]):
        tags = cell.get("metadata", {}).get("tags", [])
        if "raises-exception" not in tags:
            yield "stores an error without the tag raises-exception"
    if source.rstrip().endswith(";"):
        yield "ends with a semicolon, which nbval does not honour; end with plt.show()"
    try:
        tree = ast.parse(python_of(source))
    except SyntaxError as error:
        yield f"is not Python: {error.msg}"
        return
    if defines_functions:
        return
    for node in ast.walk(tree):
        for kind, what in FORBIDDEN.items():
            if isinstance(node, kind):
                yield f"{what} (line {node.lineno}): algorithms live in course_lib"


def find_problems(path: Path) -> list[str]:
    """Everything wrong with one stored notebook; empty when it is fine."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    problems = []
    kernel = notebook["metadata"].get("kernelspec", {})
    if (kernel.get("name"), kernel.get("display_name")) != ("python3", "Python 3"):
        problems.append(f"kernelspec is {kernel}; make outputs writes the common one")
    # Assignments are there to be filled with functions.
    may_define = path.parent.name == "exercises"
    count = 0
    any_output = False
    for position, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        count += 1
        any_output = any_output or bool(cell["outputs"])
        found = find_cell_problems(cell, count, defines_functions=may_define)
        problems += [f"cell {position} {problem}" for problem in found]
    if count and not any_output:
        problems.append("stores no output at all (make outputs)")
    return problems


def main() -> None:
    """Print the problems of the notebooks named on the command line."""
    found = [(path, problem) for path in sys.argv[1:] for problem in find_problems(Path(path))]
    for path, problem in found:
        print(f"{path}: {problem}")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
