"""Commands of nbgrader's as a user of a JupyterHub, in a process of its own.

``python -m tests.grading.one_user USER HOME COMMANDS``, a JSON list of lists: everything is loaded
first, since the interpreter may lie where that user cannot look.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
from contextlib import suppress


def main() -> None:
    """Become the user, and run the commands."""
    user, home, commands = sys.argv[1:]
    os.environ.update(HOME=home, JUPYTER_DATA_DIR=f"{home}/data", JUPYTER_CONFIG_DIR=f"{home}/cfg")
    # What the tests' own surroundings name may be closed to this user.
    os.environ.update(JUPYTER_NO_CONFIG="1", IPYTHONDIR=f"{home}/ipython", MPLCONFIGDIR=home)
    from jupyter_core.application import NoStart
    from nbgrader.apps.nbgraderapp import NbGraderApp

    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.umask(0o022)
    os.chdir(home)
    for command in json.loads(commands):
        if command[0] == "names":
            try:
                print(os.listdir(command[1]))
            except PermissionError:
                print(f"not allowed: {command[1]}")
        elif command[0] == "answer":
            answer(home, *command[1:])
        else:
            app = NbGraderApp.instance()
            app.initialize(command)
            with suppress(NoStart):
                app.start()
            app.reset()


def answer(home: str, assignment: str, answers: dict[str, str]) -> None:
    """Write answers into the notebook that was fetched."""
    path = f"{home}/{assignment}/{assignment}.ipynb"
    with open(path, encoding="utf-8") as file:
        notebook = json.load(file)
    for cell in notebook["cells"]:
        name = cell["metadata"]["nbgrader"]["grade_id"]
        cell["source"] = answers.get(name, cell["source"])
    with open(path, "w", encoding="utf-8") as file:
        json.dump(notebook, file)


if __name__ == "__main__":
    main()
