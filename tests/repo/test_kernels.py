"""The kernels that build, store and check chapters have the same surroundings everywhere."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
sys.path.insert(0, "tools")
from kernels import isolate_kernels
isolate_kernels()
import nbformat
from nbclient import NotebookClient
cells = [
    "from course_lib.compiled import numba_is_available\\nnumba_is_available()",
    "'os' in globals()",
]
notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
print([cell["outputs"][0]["data"]["text/plain"] for cell in notebook["cells"]])
"""


def test_outputs_do_not_depend_on_numba():
    run = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['False', 'False']", done.stderr
