"""Imports that leave the generator of `random` and the warning filters as they were."""

import random
import signal
import sys
import warnings

import pytest

from rlbench.process import imports
from tests.process.program import run

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
        assert imports.import_library("a_library").random is random
        assert imports.import_library("a_library") is sys.modules["a_library"]
    finally:
        sys.modules.pop("a_library", None)
    assert (random.getstate(), list(warnings.filters)) == before


def test_an_import_that_a_signal_breaks_is_no_missing_library(tmp_path):
    (tmp_path / "mujoco.py").write_text(LIBRARY.format(killed=True), encoding="utf-8")
    done = run(
        "import sys\nfrom rlbench.process.termination import termination\n"
        "from rlbench.envs.locomotion.mujoco_bindings import import_mujoco\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "with termination():\n"
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
