"""The scopes of `rlbench.process`: what is set inside, and that afterwards all is as it was."""

import ast
import contextlib
import locale
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
import torch

from rlbench import children, process
from tests.blas import blas_threads, set_blas_threads


def run(program, **options):
    """A program of Python in a process of its own."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options, encoding="utf-8")


def test_torch_threads_return_also_after_an_error():
    before = torch.get_num_threads()
    with contextlib.suppress(KeyboardInterrupt), process.torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before


def test_matrices_are_multiplied_on_one_thread_inside():
    before = blas_threads()
    set_blas_threads(2)
    try:
        with contextlib.suppress(KeyboardInterrupt), process.one_blas_thread():
            assert blas_threads() == 1
            raise KeyboardInterrupt
        assert blas_threads() == 2
    finally:
        set_blas_threads(before)


def test_torch_generator_is_not_moved():
    before = torch.get_rng_state()
    with process.torch_generator():
        torch.nn.Linear(3, 3)
        torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_generator_holds_a_scope_only_while_it_computes():
    before, inside = torch.get_num_threads(), []

    def events():
        try:
            for event in (1, None, 3):
                inside.append(torch.get_num_threads())
                yield event
        finally:
            inside.append(torch.get_num_threads())

    for _ in process.within(lambda: process.torch_threads(before + 1), events()):
        assert torch.get_num_threads() == before
    given_up = process.within(lambda: process.torch_threads(before + 1), events())
    next(given_up)
    given_up.close()
    assert inside == [before + 1] * 6
    assert torch.get_num_threads() == before


def test_a_shared_scope_is_made_by_the_first_thread_and_undone_by_the_last():
    log, ready, go = [], threading.Event(), threading.Event()

    def change():
        log.append("made")
        return lambda: log.append("undone")

    scope = process.SharedScope(change)

    def stay():
        with scope():
            ready.set()
            go.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    ready.wait()
    with scope():
        pass
    assert log == ["made"]
    go.set()
    thread.join()
    assert log == ["made", "undone"]


def test_the_numeric_locale_returns():
    before = locale.setlocale(locale.LC_NUMERIC)
    with process.numeric_locale():
        assert locale.setlocale(locale.LC_NUMERIC) == "C"
    assert locale.setlocale(locale.LC_NUMERIC) == before


CHILD_OF_A_DEAF_PARENT = """
import signal, subprocess, sys
from rlbench import children, process
from tests.blas import blas_threads, set_blas_threads

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with process.waitable_children():
    child = subprocess.run([sys.executable, "-c", "raise SystemExit(7)"], env=children.child_environment())
print(child.returncode, subprocess.run(["sh", "-c", "exit 7"]).returncode)
"""


def test_the_exit_status_of_a_child_is_known_though_sigchld_is_ignored():
    assert run(CHILD_OF_A_DEAF_PARENT).stdout == "7 0\n"


ENDED = """
import os, signal, sys
from rlbench import children, process
from tests.blas import blas_threads, set_blas_threads

with children.temporary_folder() as folder:
    print(folder, flush=True)
    (folder / "file").write_text("")
    os.kill(os.getpid(), signal.{name})
    print("survived")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_the_program_removes_its_temporary_folders(name):
    done = run(ENDED.format(name=name))
    folder, *rest = done.stdout.splitlines()
    assert rest == []
    assert not os.path.exists(folder)
    assert done.returncode == -getattr(signal, name)


SWALLOWED = """
import os, signal, sys, time
from rlbench import children, process, program

class Finaliser:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

def swallow():
    try:
        Finaliser()  # what a finaliser raises is printed at most
        print("swallowed", flush=True)
    except BaseException:
        print("not swallowed", flush=True)

def fail():
    swallow()
    raise ImportError("a library", name="library")
"""

ENDS = {
    "a scope": ("with process.termination(): swallow()", "", -signal.SIGTERM),
    "an inner scope": (
        "with process.termination():\n    with children.temporary_folder(): swallow()\n    print('went on')",
        "",
        -signal.SIGTERM,
    ),
    "the next scope": (
        "with process.termination():\n    swallow()\n    with process.termination(): print('went on')",
        "",
        -signal.SIGTERM,
    ),
    "a second signal": (
        "with process.termination():\n    swallow()\n    os.kill(os.getpid(), signal.SIGTERM)\n    print('went on')",
        "",
        -signal.SIGTERM,
    ),
    "a program": ("sys.exit(program.run_program(swallow))", "terminated; run the same command again to go on", 143),
    "a failed import": ("sys.exit(program.run_program(fail))", "terminated; run the same command again to go on", 143),
}


@pytest.mark.parametrize(("text", "last", "status"), ENDS.values(), ids=ENDS)
def test_a_signal_that_is_swallowed_still_ends_the_program(text, last, status):
    done = run(SWALLOWED + text)
    assert (done.stdout, done.returncode) == ("swallowed\n", status)
    assert done.stderr.strip() == last


def test_a_second_signal_does_not_interrupt_cleaning_up():
    done = run(
        "import os, signal\nfrom rlbench import process\n"
        "with process.termination():\n"
        "    try: os.kill(os.getpid(), signal.SIGHUP)\n"
        "    finally:\n"
        "        with process.cleaning_up(): os.kill(os.getpid(), signal.SIGTERM); print('cleaned up', flush=True)\n"
    )
    assert (done.stdout, done.returncode) == ("cleaned up\n", -signal.SIGHUP)


LIBRARY = """
import os, random, signal, warnings
random.random()
warnings.simplefilter("ignore")
if {killed}:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        raise ImportError("initialisation failed")
"""


def test_an_import_leaves_the_generator_and_the_filters(tmp_path, monkeypatch):
    (tmp_path / "a_library.py").write_text(LIBRARY.format(killed=False), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = random.getstate(), list(warnings.filters)
    try:
        assert process.import_library("a_library").random is random
        assert process.import_library("a_library") is sys.modules["a_library"]
    finally:
        sys.modules.pop("a_library", None)
    assert (random.getstate(), list(warnings.filters)) == before


def test_an_import_that_a_signal_breaks_is_no_missing_library(tmp_path):
    (tmp_path / "mujoco.py").write_text(LIBRARY.format(killed=True), encoding="utf-8")
    done = run(
        "import sys\nfrom rlbench import process\n"
        "from rlbench.envs.locomotion.mujoco_bindings import import_mujoco\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "with process.termination():\n"
        "    try: import_mujoco()\n"
        "    except Exception as error: print(error, flush=True)\n"
    )
    assert (done.stdout, done.returncode) == ("", -signal.SIGTERM)


FIRST_CALLS = """
import os, random, sys, warnings
from rlbench import cli
from rlbench.envs.atari import ale_bindings
from rlbench.harness.ranking import intervals
from rlbench.progress import progress

random.seed(5)
before = random.getstate(), list(warnings.filters)
os.environ["FORCE_COLOR"] = "1"
for call in ({calls},):
    call()
    sys.stderr.write("" if before == (random.getstate(), warnings.filters) else "changed")
"""


@pytest.mark.parametrize(
    "calls",
    [
        'lambda: progress("title").__enter__()(0.5, 1), ale_bindings.import_ale_py',
        'lambda: cli.main(["list", "grid-world", "--csv"]), lambda: intervals.student_quantile(0.95, 5)',
    ],
)
def test_first_calls_leave_the_generator_and_the_filters(calls):
    """In a program of their own, where nothing has imported the libraries before."""
    done = run(FIRST_CALLS.format(calls=calls))
    assert done.returncode == 0, done.stderr
    assert "changed" not in done.stderr


def test_a_signal_that_the_program_ignores_stays_ignored():
    done = run("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ENDED.format(name="SIGTERM"))
    assert done.stdout.splitlines()[1:] == ["survived"]
    assert done.returncode == 0


CLOSED = """
import os
from rlbench import children, process
from tests.blas import blas_threads, set_blas_threads

os.close(0), os.close(2)
with process.standard_streams():
    inside = os.dup(1)
print(inside, os.dup(1))
"""


def test_closed_standard_streams_are_open_inside():
    assert run(CLOSED).stdout == "3 0\n"


def test_a_child_looks_for_modules_where_this_process_does(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["lib", b"/bytes", Path("/a/path"), None, 3, "/lib.zip"])
    assert children.search_path() == [str(tmp_path / "lib"), "/lib.zip"]


def test_a_child_sees_what_is_stated_and_nothing_else(monkeypatch, tmp_path):
    stated = {"PATH": "/bin", "PYTHONPATH": f"here{os.pathsep}/there", "RLBENCH_CACHE": "/c", "HOME": "/home/me"}
    hostile = {"LC_ALL": "de_DE", "PYTHONIOENCODING": "ascii", "OMP_NUM_THREADS": "bogus", "MPLBACKEND": "bogus"}
    monkeypatch.setattr(os, "environ", {**stated, **hostile, "API_TOKEN": "secret"})
    monkeypatch.chdir(tmp_path)
    text = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    path = f"{tmp_path}/here{os.pathsep}/there"
    assert children.child_environment() == {**stated, **text, "PYTHONPATH": path}
    assert children.child_environment(["PATH"], HOME="/tmp", LANG=None) == {
        "PATH": "/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }


def test_torch_has_its_defaults_inside_whatever_the_caller_has_set():
    def modes():
        return (
            *(torch.get_default_dtype(), torch.get_default_device().type, torch.is_grad_enabled()),
            *(torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        )

    plain = modes()
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.inference_mode(), torch.autocast("cpu"):
            outside = modes()
            with process.torch_defaults():
                assert modes() == plain == (torch.float32, "cpu", True, False, False)
            assert modes() == outside
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert modes() == plain


def test_threads_that_train_at_once_leave_the_number_that_the_first_found():
    before, entered, leave = torch.get_num_threads(), threading.Barrier(3), threading.Event()

    def inside():
        with process.torch_threads(before + 1):
            entered.wait(30)
            leave.wait(30)
        counts.append(torch.get_num_threads())

    counts = []
    threads = [threading.Thread(target=inside) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait(30)
    leave.set()
    for thread in threads:
        thread.join()
    fresh = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    fresh.start()
    fresh.join()
    assert counts == [before] * 3


STARTERS = {"subprocess.Popen", "subprocess.run", "subprocess.check_output", "subprocess.check_call", "os.system"}


def started_programs(path):
    """The calls in a file that start a program, as (line, names of their arguments)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in STARTERS:
            yield node.lineno, {keyword.arg for keyword in node.keywords}


def test_every_helper_program_starts_from_a_stated_environment():
    root = Path(process.__file__).parents[1]
    paths = [path for package in ("rlbench", "baselines") for path in (root / package).rglob("*.py")]
    starts = {f"{path}:{line}": names for path in paths for line, names in started_programs(path)}
    assert len(starts) >= 4
    assert [place for place, names in starts.items() if "env" not in names] == []
