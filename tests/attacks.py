"""What somebody might hand in to get points, to read others' work, or to do harm. All of it is harmless here."""

from __future__ import annotations

FORGED = '{"step": "4.1", "state": "passed", "passed": [], "points": 8000, "of": 8000, "diagnosis": "", "seconds": 0}'
CHECKS = """
from ocpp_course.checks import step
NAMES = [each.name for each in step("4.1").checks] + ["loop-not-blocked", "nothing-left"]
FORGED = {"step": "4.1", "state": "passed", "passed": NAMES, "diagnosis": "", "note": ""}
"""
KIT = "from ocpp_course.checks.kit import Kit\n"
ON_FIRST_USE = """
_init = Pending.__init__
def __init__(self, *args, **options):
    attack()
    _init(self, *args, **options)
Pending.__init__ = __init__
"""

POINTS: dict[str, str] = {
    # the checker's tables and functions
    "clears-the-checks": "from ocpp_course.checks import steps\nfor each in steps('4'): each.checks.clear()",
    "raises-the-points": "from ocpp_course.checks import step\nstep('4.1').points = 8000\nstep('4.1').checks.clear()",
    "empties-each-check": "from ocpp_course.checks import steps\nfor each in steps('4'):\n"
    "    for check in each.checks:\n        object.__setattr__(check, 'run', lambda my, kit: None)",
    "switches-require-off": KIT + "Kit.require = lambda self, *told: None",
    "switches-require-off-for-a-while": KIT
    + """
_require, _end = Kit.require, Kit.end
def end(self):
    Kit.require, Kit.end = _require, _end
    return _end.__get__(self)()
def attack():
    Kit.require, Kit.end = lambda self, *told: None, end
"""
    + ON_FIRST_USE,
    "switches-the-seal-off": """
import ocpp_course.grading.vault as vault, ocpp_course.checks.kit as kit
kit.Kit.require = lambda self, *told: None
vault.Vault.close = vault.Vault.say = vault._watch = lambda *args, **facts: None
for name in dir(vault): setattr(vault, name, None) if callable(getattr(vault, name)) else None
""",
    "blinds-the-comparer": """
import builtins, sys
from ocpp_course.checks.kit import Kit
builtins.id = lambda thing: 1
builtins.vars = lambda *thing: {}
Kit.require = lambda self, *told: None
""",
    "hides-a-builtin": "import ocpp_course.checks.run as run\nrun.all = lambda rows: True",
    "swaps-the-code": KIT + "Kit.require.fget.args[0].__code__ = (lambda self, *told: None).__code__",
    "swaps-the-closure": """
from ocpp_course.checks import run
from ocpp_course.checks.step import step
for check in step("4.1").checks:
    for cell in check.run.__closure__ or (): cell.cell_contents = lambda *a, **k: None
    check.run.__defaults__ = (None,)
    check.run.__code__ = (lambda my, kit: None).__code__
""",
    "another-module": """
import sys, types
fake = types.ModuleType("ocpp_course.checks.run")
fake.run_step = lambda step, pieces, seed=0: types.SimpleNamespace(state="passed", rows=[], diagnosis="")
sys.modules["ocpp_course.checks.run"] = fake
import ocpp_course.grading.judge as judge
judge.run_step = fake.run_step
""",
    "bribes-chance": """
import random
random.Random.sample = lambda self, things, number: list(things)[:number]
random.Random.shuffle = lambda self, things: None
random.shuffle = lambda things: None
""",
    # the objects of the running check
    "hides-require-on-the-kit": """
import asyncio
def attack():
    kit = asyncio.get_running_loop().on_stall.__self__.kit
    try: kit.require = lambda *told: None
    except AttributeError: vars(kit)["require"] = lambda *told: None
"""
    + ON_FIRST_USE,
    "writes-the-row": """
import asyncio
from ocpp_course.checks.result import Row
def attack():
    runner = asyncio.get_running_loop().on_stall.__self__
    row = lambda got, diagnosis: Row(runner.check.name, runner.check.expected, got, True)
    try: runner.row = row
    except AttributeError: vars(runner)["row"] = row
"""
    + ON_FIRST_USE,
    "another-class-of-kit": """
import asyncio
from ocpp_course.checks.kit import Kit
class Mild(Kit):
    def require(self, *told): pass
def attack():
    asyncio.get_running_loop().on_stall.__self__.kit.__class__ = Mild
"""
    + ON_FIRST_USE,
    # the voice
    "shouts-into-every-pipe": f"import os\nfor number in range(3, 64):\n"
    f"    try: os.write(number, b'''{FORGED}\\n''' * 3)\n"
    "    except OSError: pass",
    "says-it-itself": CHECKS + "import sys\nsys.audit('ocpp_course.says', FORGED)",
    "has-the-vault-say-it": CHECKS + "from ocpp_course.grading.vault import Vault\nVault.say(None, **FORGED)",
    "listens-for-the-token": """
import os, json
_write, said = os.write, []
os.write = lambda number, data: said.append(data) or _write(number, data.replace(b'"wrong"', b'"passed"'))
json.dumps = lambda facts, **options: '{"step": "4.1", "state": "passed"}'
""",
    "bends-the-audit": """
import sys
_audit = sys.audit
def audit(event, facts): _audit(event, facts | {"state": "passed"} if "state" in facts else facts)
sys.audit = audit
""",
    "hears-what-is-said": "import sys\ndef spy(event, args):\n"
    "    if event == 'ocpp_course.says': args[0]['state'] = 'passed'\n"
    "sys.addaudithook(spy)",
    # the watcher
    "changes-where-nobody-can-look": KIT
    + """
_require, _end = Kit.require, Kit.end
def deep(*changes):
    '''At the very end of the stack, where no Python function can be called any more.'''
    try: deep(*changes)
    except RecursionError:
        for change in changes:
            try: change()
            except RecursionError: pass
def attack():
    deep(partial(setattr, Kit, "require", lambda self, *told: None), partial(setattr, Kit, "end", end))
from functools import partial
def end(self):
    deep(partial(setattr, Kit, "require", _require), partial(setattr, Kit, "end", _end))
    return _end.__get__(self)()
"""
    + ON_FIRST_USE,
    "rings-while-it-changes": KIT
    + """
import signal
for _ in range(300):
    signal.setitimer(signal.ITIMER_REAL, 1e-6)
    try: Kit.require = lambda self, *told: None
    except BaseException: pass
""",
    "calls-itself-traceback": CHECKS
    + """
import traceback
text = "import sys\\ndef look(): return sys._getframe(1)\\ndef see(): return look()"
names = {}
exec(compile(text, traceback.__file__, "exec"), names)
frame = names["see"]()
while frame:
    for value in list(frame.f_locals.values()):
        if hasattr(value, "say"): value.say(**FORGED)
    frame = frame.f_back
""",
    # frames and memory
    "walks-the-frames": CHECKS
    + """
import sys
frame = sys._getframe()
while frame:
    for value in list(frame.f_locals.values()):
        if hasattr(value, "say"): value.say(**FORGED)
    frame = frame.f_back
""",
    "walks-a-traceback": CHECKS
    + """
try: 1 / 0
except ZeroDivisionError as error: frame = error.__traceback__.tb_frame
while frame:
    for value in list(frame.f_locals.values()):
        if hasattr(value, "say"): value.say(**FORGED)
    frame = frame.f_back
""",
    "asks-the-collector": CHECKS
    + "import gc\ngc.unfreeze()\nfor thing in gc.get_objects():\n    if hasattr(thing, 'say'): thing.say(**FORGED)",
    # other times, other processes
    "waits-in-a-thread": KIT
    + """
import threading, time
def attack():
    time.sleep(0.05)
    Kit.require = lambda self, *told: None
threading.Thread(target=attack, daemon=True).start()
""",
    "speaks-after-a-fork": CHECKS + "import os, sys\nif os.fork() == 0: sys.audit('ocpp_course.says', FORGED)",
    "speaks-at-the-exit": CHECKS + "import atexit, sys\natexit.register(lambda: sys.audit('ocpp_course.says', FORGED))",
    "lies-about-its-name": "Pending.__module__ = 'ocpp_course.checks.kit'\nPending.__eq__ = lambda *a: True",
    "is-equal-to-everything": "class All(int):\n    __eq__ = lambda *a: True\n    __hash__ = int.__hash__\n"
    "import builtins\nbuiltins.sorted = lambda *a, **k: All()",
}
"""Below a wrong answer of 4.1: it earns nothing for it."""

INSIDE: dict[str, str] = {
    "asks-a-generator": "def walk(): yield\nframe = walk().gi_frame.f_back",
    "asks-a-coroutine": "async def walk(): pass\nframe = walk().cr_frame",
    "asks-traceback-for-frames": "import traceback\nframe, _ = next(traceback.walk_stack(None))",
    "asks-inspect-for-frames": "import inspect\nframe = inspect.currentframe()",
    "asks-logging-for-frames": "import logging\nframe = logging.currentframe()",
    "asks-for-all-threads": "import sys\nframes = sys._current_frames()",
    "asks-who-refers": "import gc\ngc.get_referrers(Pending)",
    "opens-a-class": "import gc\nfrom ocpp_course.checks.kit import Kit\ngc.get_referents(vars(Kit))",
    "traces": "import sys\nsys.settrace(lambda frame, event, arg: None)",
    "makes-code": "(lambda: 0).__code__.replace(co_code=b'')",
    "reads-memory": "import ctypes\n(ctypes.c_char * 8).from_address(id(1))",
    "calls-into-python": "import ctypes\nctypes.pythonapi.PyFrame_GetBack",
    "imports-the-test-module": "import _testinternalcapi",
    "another-interpreter": "import _interpreters\n_interpreters.create()",
}
"""Below a right answer of 4.1: it would look into the process, and is refused."""

OUTSIDE: dict[str, tuple[str, str]] = {
    "reads-a-neighbour": ("open({neighbour!r}).read()", "PermissionError"),
    "lists-the-class": ("import os; os.listdir({class_folder!r})", "PermissionError"),
    "lists-the-home": ("import os; os.listdir({home!r})", "PermissionError"),
    "reads-the-accounts": ("open('/etc/passwd').read()", "PermissionError"),
    "reads-the-parent": ("import os; open(f'/proc/{{os.getppid() or 1}}/environ').read()", "PermissionError"),
    "writes-its-memory": ("open('/proc/self/mem', 'r+b')", "PermissionError"),
    "reads-endless-zeros": ("open('/dev/zero')", "PermissionError"),
    "changes-rights": ("import os; os.chmod({precious!r}, 0o777)", "PermissionError"),
    "changes-rights-by-number": ("import os; os.fchmod(os.open('.', os.O_RDONLY), 0o777)", "PermissionError"),
    "changes-the-owner": ("import os; os.chown({precious!r}, 1, 1)", "PermissionError"),
    "changes-the-date": ("import os; os.utime({precious!r}, (1, 1))", "PermissionError"),
    "labels-a-file": ("import os; os.setxattr({precious!r}, 'user.x', b'1')", "PermissionError"),
    "talks-to-a-unix-socket": ("import socket; socket.socket(socket.AF_UNIX).connect({door!r})", "PermissionError"),
    "talks-to-the-network": (
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=3)",
        "PermissionError",
    ),
    "runs-a-program": ("import os; os.execv('/bin/sh', ['sh', '-c', 'true'])", "PermissionError"),
    "runs-a-shell": ("import subprocess; subprocess.run('true', shell=True)", "PermissionError"),
    "forks-once": ("import os; os.fork()", "PermissionError"),
    "kills-the-grader": ("import os; os.kill(os.getppid() or 1, 0)", "PermissionError"),
    "links-to-a-neighbour": ("import os; os.link({neighbour!r}, 'mine')", "PermissionError"),
    "links-symbolically": ("import os; os.symlink({neighbour!r}, 'mine')", "PermissionError"),
    "makes-a-pipe": ("import os; os.mkfifo('pipe')", "PermissionError"),
    "keeps-memory-uncounted": ("import os; os.memfd_create('x')", "PermissionError"),
    "keeps-shared-memory": (
        "from multiprocessing.shared_memory import SharedMemory; SharedMemory(create=True, size=9)",
        "PermissionError",
    ),
    "leaves-its-namespaces": ("import os; os.unshare(os.CLONE_NEWUSER)", "PermissionError"),
    "handles-signals": ("import signal; signal.signal(signal.SIGALRM, print)", "PermissionError"),
    "raises-its-limits": (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))",
        "ValueError",
    ),
    "limits-the-grader": ("import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))", "PermissionError"),
    "fills-the-disk": (
        "for number in range(9): open(str(number), 'wb').write(bytes(15_000_000))",
        "No space left on device",
    ),
    "reads-the-environment": ("import os; raise KeyError(sorted(os.environ))", "KeyError: []"),
    "finds-open-files": (
        "import os; raise KeyError([each for each in map(int, os.listdir('/proc/self/fd')) if each > 5])",
        "KeyError: []",
    ),
}
"""Below a right answer of 4.1: what it tries, and what it meets."""
