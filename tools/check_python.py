"""Say whether this Python can build the book, and what to do when it cannot.

Run by ``make`` with whatever interpreter it found, so this file keeps to the syntax
that Python 2.7 and every Python 3 understand.
"""

from __future__ import print_function

import sys

SUPPORTED = ((3, 11), (3, 12), (3, 13))


def name_of(version):
    return "%d.%d" % (version[0], version[1])


def names_of(versions):
    names = [name_of(version) for version in versions]
    return ", ".join(names[:-1]) + " and " + names[-1]


def find_problem(version, modules_needed=("venv", "ensurepip")):
    """Return what is wrong with an interpreter as text, or None when it will do."""
    if tuple(version[:2]) not in SUPPORTED:
        return (
            "Downhill supports Python %s; this is Python %s (%s).\n"
            "Choose another interpreter by name or path, for example\n"
            "    make book PYTHON=python%s\n"
            "    make book PYTHON=/path/to/python%s"
            % (
                names_of(SUPPORTED),
                ".".join(str(part) for part in version[:3]),
                sys.executable,
                name_of(SUPPORTED[-1]),
                name_of(SUPPORTED[0]),
            )
        )
    for module in modules_needed:
        try:
            __import__(module)
        except ImportError:
            return (
                "Python %s (%s) lacks the standard module '%s',\n"
                "so it cannot create the virtual environment .venv.\n"
                "On Debian and Ubuntu: apt-get install python%s-venv; or choose another\n"
                "interpreter, for example make book PYTHON=/path/to/python%s"
                % (
                    name_of(version),
                    sys.executable,
                    module,
                    name_of(version),
                    name_of(SUPPORTED[0]),
                )
            )
    return None


if __name__ == "__main__":
    problem = find_problem(sys.version_info)
    if problem is not None:
        if "--quiet" not in sys.argv[1:]:
            sys.stderr.write(problem + "\n")
        sys.exit(1)
