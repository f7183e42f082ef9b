"""Signals that end a program: it ends in order, whoever swallows the exception."""

import contextlib
import os
import signal

import pytest

from rlbench.process.termination import termination, uninterrupted
from tests.process.program import run

ENDED = """
import os, signal
from rlbench import children

with children.temporary_folder() as folder:
    print(folder, flush=True)
    (folder / "file").write_text("")
    os.kill(os.getpid(), signal.{name})
    print("survived")
"""


@pytest.fixture(autouse=True)
def programs_answer_signals():
    """What `nohup`, and shells in their background, start with SIGHUP or SIGINT ignored, hands that on."""
    answers = {signal.SIGHUP: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, answer) for number, answer in answers.items()}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_the_program_removes_its_temporary_folders(name):
    done = run(ENDED.format(name=name))
    folder, *rest = done.stdout.splitlines()
    assert rest == []
    assert not os.path.exists(folder)
    assert done.returncode == -getattr(signal, name)


SWALLOWED = """
import os, signal, sys, time
from rlbench import children, program
from rlbench.process.termination import termination

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
    "a scope": ("with termination(): swallow()", "", -signal.SIGTERM),
    "an inner scope": (
        "with termination():\n    with children.temporary_folder(): swallow()\n    print('went on')",
        "",
        -signal.SIGTERM,
    ),
    "the next scope": (
        "with termination():\n    swallow()\n    with termination(): print('went on')",
        "",
        -signal.SIGTERM,
    ),
    "a second signal": (
        "with termination():\n    swallow()\n    os.kill(os.getpid(), signal.SIGTERM)\n    print('went on')",
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
        "import os, signal\nfrom rlbench.process.termination import cleaning_up, termination\n"
        "with termination():\n"
        "    try: os.kill(os.getpid(), signal.SIGHUP)\n"
        "    finally:\n"
        "        with cleaning_up(): os.kill(os.getpid(), signal.SIGTERM); print('cleaned up', flush=True)\n"
    )
    assert (done.stdout, done.returncode) == ("cleaned up\n", -signal.SIGHUP)


def test_a_signal_that_the_program_ignores_stays_ignored():
    done = run("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ENDED.format(name="SIGTERM"))
    assert done.stdout.splitlines()[1:] == ["survived"]
    assert done.returncode == 0


def test_a_scope_that_ends_within_one_without_signals_leaves_none_of_its_answers():
    before, stack = signal.getsignal(signal.SIGTERM), contextlib.ExitStack()
    stack.enter_context(termination())
    assert signal.getsignal(signal.SIGTERM) != before
    with uninterrupted():
        stack.close()
    assert signal.getsignal(signal.SIGTERM) == before
