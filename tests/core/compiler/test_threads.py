"""The threads of compiled loops, seen from a program that has torch, and from its forked child."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, os, sys
import torch

torch.randn(300, 300).exp().sum()  # torch starts threads of its own
torch.set_num_threads(1)

import gymnasium
import numpy as np
from numba.np.ufunc import parallel
import rlbench

def step(envs):
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(2, size=(3, 1024))
    return [float(envs.step(each)[0].sum()) for each in actions]

facts = {}
gymnasium.make_vec("rlbench/CartPole-v0", num_envs=8)
facts["serial starts threads"] = parallel._is_initialized
facts["torch after serial"] = torch.get_num_threads()
envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=1024, parallel=True)
facts["parallel starts threads"] = parallel._is_initialized
facts["torch after parallel"] = torch.get_num_threads()
facts["variables"] = [name for name in os.environ if name.startswith("GOMP")]
facts["parent"] = step(envs)
reader, writer = os.pipe()
if not os.fork():
    new = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=1024, parallel=True)
    os.write(writer, json.dumps([step(envs), step(new)]).encode())
    os._exit(0)
os.close(writer)
facts["status"] = os.wait()[1]
facts["child"] = json.loads(os.read(reader, 10_000) or "null")
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts():
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_serial_batch_starts_no_threads(facts):
    assert not facts["serial starts threads"]
    assert facts["torch after serial"] == 1


def test_starting_threads_leaves_torch_as_many_as_it_had(facts):
    assert facts["parallel starts threads"]
    assert facts["torch after parallel"] == 1
    assert facts["variables"] == []


def test_a_forked_child_steps_the_batches_of_its_parent_and_new_ones(facts):
    assert facts["status"] == 0
    assert facts["child"] == [facts["parent"]] * 2


def test_a_program_that_is_forked_before_it_imports_rlbench_steps_too():
    """OpenMP would wait for the threads of its parent, for ever."""
    fork = """
import os, sys
import torch
torch.randn(1_000_000).exp().sum()
if pid := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
from rlbench import children
from rlbench.core.compiler.compile import launch_threads
sys.exit(7 if children.is_forked() and not launch_threads() else 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", fork], capture_output=True, text=True, timeout=120, check=False, encoding="utf-8"
    )
    assert done.returncode == 7, done.stderr
