"""Programs of a caller who has set Numba's switches for code of his own."""

import os
import subprocess
import sys

import gymnasium
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.errors import UserError

STEP = """
import gymnasium, numpy, rlbench
envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=4)
print(envs.reset(seed=0)[0].sum(), envs.step(numpy.zeros(4, int))[0].sum())
"""
CALLERS = """
import os, numba
assert numba.config.DISABLE_JIT, "the caller's own setting"
assert numba.njit(plain := lambda: 0) is plain
"""


def run(program, folder, **variables):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "RLBENCH_CACHE": str(folder), "TMPDIR": str(folder), **variables},  # no other cache
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def plain(folder):
    return run(STEP, folder)


@pytest.mark.parametrize(
    "program",
    [STEP + CALLERS, CALLERS + STEP + CALLERS],
    ids=["we import numba", "the caller imports numba"],
)
def test_a_caller_who_compiles_nothing_gets_our_loops_and_keeps_his_setting(program, plain, folder):
    done = run(program, folder, NUMBA_DISABLE_JIT="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, "")


def test_a_setting_that_the_caller_has_made_in_numba_is_kept(plain, folder):
    program = "import numba; numba.config.DISABLE_JIT = 1; numba.config.THREADING_LAYER = 'workqueue'\n"
    after = "assert numba.config.THREADING_LAYER == 'workqueue'\n"
    done = run(program + STEP + CALLERS + after, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, "")


def test_settings_for_other_code_do_not_reach_the_compiler(plain, tmp_path):
    observe = """
from numba.core import compiler, config
begin, seen = compiler.CompilerBase.__init__, set()
def observed(self, *arguments):
    begin(self, *arguments)
    seen.add((config.DISABLE_JIT, int(config.OPT), config.BOUNDSCHECK, config.DEBUGINFO_DEFAULT))
compiler.CompilerBase.__init__ = observed
"""
    program = observe + STEP + "assert seen == {(0, 3, 0, 0)}, seen; assert config.OPT == 0 and config.DISABLE_JIT"
    switches = {"DISABLE_JIT": "1", "OPT": "0", "BOUNDSCHECK": "1", "DEBUGINFO": "1"}
    done = run(program, tmp_path, **{f"NUMBA_{name}": value for name, value in switches.items()})
    assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, "")


@pytest.mark.parametrize("count", ["0", "-1", "abc", "", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused_in_one_line(count, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", count)
    with pytest.raises(UserError, match=rf"^NUMBA_NUM_THREADS is '{count}'[^\n]* unset it$"):
        gymnasium.make_vec("rlbench/CartPole-v0", num_envs=4)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="agents are evaluated on Linux only")
def test_an_evaluation_with_a_number_of_threads_that_is_none_is_the_users_mistake(folder):
    command = [sys.executable, "-m", "rlbench", "evaluate", "random", "-t", "grid-world@1", "--results", str(folder)]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "0"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 2
    assert "NUMBA_NUM_THREADS is '0'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
