"""The threads of batches, seen from programs that have torch, fork, are interrupted and end."""

import json
import os
import signal
import subprocess
import sys

import pytest

OF_FORK = "ignore:This process (pid:DeprecationWarning"  # since Python 3.12, of each fork beside threads
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are read from /proc")

BEGIN = """
import gc, json, os, signal, sys, threading
import gymnasium
import numpy as np
import rlbench
from rlbench.core.compiler import compile

compile.WORTH_SHARING, compile.CHUNK_TIME = 0, 1  # every step is shared, however short

def make(num_envs=1024, parallel=True, id="CartPole"):
    return gymnasium.make_vec(f"rlbench/{id}-v0", num_envs=num_envs, parallel=parallel)

def step(envs, steps=3):
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(2, size=(steps, envs.num_envs))
    return [float(envs.step(each)[0].sum()) for each in actions]

def threads():
    return set(os.listdir("/proc/self/task"))

def says(name, thread):
    lines = open(f"/proc/self/task/{thread}/status", encoding="utf-8").read().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))

facts = {}
"""


def run(program, threads=3):
    """What a program says of itself, which has three threads on every machine."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-W", OF_FORK, "-c", BEGIN + program],
        env={**environment, "NUMBA_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def facts():
    return run("""
import torch
torch.randn(300, 300).exp().sum()  # torch starts threads of its own
torch.set_num_threads(1)
step(make(8, False))  # as do libraries that are imported with Numba
before = threads()
step(make(8, None)), step(make(1024, False))
facts["serial"] = len(threads() - before)
batches = [make() for _ in range(100)]
facts["made"] = len(threads() - before)
returns = [step(envs) for envs in batches]
facts["equal"] = all(each == returns[0] for each in returns)
workers = threads() - before
facts["a hundred"] = len(workers)
facts["unblocked signals"] = [~int(says("SigBlk", each), 16) & 1 << signal.SIGINT - 1 for each in workers]
facts["torch"] = torch.get_num_threads()
facts["variables"] = [name for name in os.environ if name.startswith("GOMP")]
facts["names"] = [thread.name for thread in threading.enumerate()]
for envs in batches[1:]:
    envs.close()
facts["one left"] = len(threads() - before)
facts["after closing"] = step(batches[1]) == returns[0]
del batches, envs
gc.collect()
facts["none left"] = len(threads() - before)
print(json.dumps(facts))
""")


@linux_only
def test_threads_begin_with_the_first_step_that_needs_them_and_end_with_the_last_batch(facts):
    assert facts["serial"] == facts["made"] == 0
    assert facts["a hundred"] == facts["one left"] == 2
    assert facts["none left"] == 0
    assert facts["equal"]
    assert facts["after closing"]


@linux_only
def test_threads_take_no_signals_and_leave_torch_its_own(facts):
    assert facts["unblocked signals"] == [0, 0]
    assert facts["torch"] == 1
    assert facts["variables"] == []
    assert facts["names"] == ["MainThread"]


@linux_only
def test_forked_children_step_the_batches_of_their_parent_and_new_ones_on_threads_of_their_own():
    """One child is forked between steps, another one while a thread of the parent steps."""
    facts = run("""
def in_child(work):
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        signal.alarm(60)
        os.write(writer, json.dumps(work()).encode())
        os._exit(0)
    os.close(writer)
    status = os.waitpid(pid, 0)[1]
    return [status, json.loads(os.read(reader, 10_000) or "null")]

envs = make()
facts["parent"] = step(envs)
facts["child"] = in_child(lambda: [step(envs), step(make()), len(threads())])
other, stop = make(4096), threading.Event()
def keep_stepping():
    while not stop.is_set():
        step(other, 10)
stepping = threading.Thread(target=keep_stepping)
stepping.start()
facts["children"] = [in_child(lambda: [step(envs), step(make()), len(threads())]) for _ in range(10)]
stop.set()
stepping.join()
facts["parent again"] = step(envs)
print(json.dumps(facts))
""")
    expected = [0, [facts["parent"], facts["parent"], 3]]
    assert facts["child"] == expected
    assert facts["children"] == [expected] * 10
    assert facts["parent again"] == facts["parent"]


def test_a_program_that_is_forked_before_it_imports_rlbench_has_threads_too():
    """As by a server that forks its workers: torch's threads of OpenMP are the parent's."""
    program = BEGIN.replace(
        "import gymnasium",
        """
import torch
torch.randn(1_000_000).exp().sum()
if pid := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
import gymnasium""",
    )
    program += "sys.exit(7 if step(make()) == step(make(parallel=False)) else 1)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, check=False)
    assert done.returncode == 7, done.stderr


@linux_only
def test_an_interrupted_step_goes_through_and_the_next_one_is_right():
    facts = run("""
envs, alone, seen = make(20_000), make(20_000, False), []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
facts["equal"] = step(envs, 50) == step(alone, 50)
signal.setitimer(signal.ITIMER_REAL, 0)
facts["signals"] = len(seen)
print(json.dumps(facts))
""")
    assert facts["equal"]
    assert facts["signals"] > 10


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGINT)"])
def test_programs_end_at_once_while_workers_look_for_the_next_call(end):
    program = BEGIN + "envs = make(); step(envs, 20)\n" + end
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGINT, 1)
    assert b"Segmentation" not in done.stderr
