"""Standard streams, children and the locale of the process: what is set inside is afterwards as it was."""

import locale

from rlbench.process import system
from tests.process.program import run


def test_the_numeric_locale_returns():
    before = locale.setlocale(locale.LC_NUMERIC)
    with system.numeric_locale():
        assert locale.setlocale(locale.LC_NUMERIC) == "C"
    assert locale.setlocale(locale.LC_NUMERIC) == before


CHILD_OF_A_DEAF_PARENT = """
import signal, subprocess, sys
from rlbench import children
from rlbench.process import system

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with system.waitable_children():
    child = subprocess.run([sys.executable, "-c", "raise SystemExit(7)"], env=children.child_environment())
print(child.returncode, subprocess.run(["sh", "-c", "exit 7"]).returncode)
"""


def test_the_exit_status_of_a_child_is_known_though_sigchld_is_ignored():
    assert run(CHILD_OF_A_DEAF_PARENT).stdout == "7 0\n"


CLOSED = """
import os
from rlbench.process import system

os.close(0), os.close(2)
with system.standard_streams():
    inside = os.dup(1)
print(inside, os.dup(1))
"""


def test_closed_standard_streams_are_open_inside():
    assert run(CLOSED).stdout == "3 0\n"
