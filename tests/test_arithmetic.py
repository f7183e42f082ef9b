"""Agents' processes, and programs that train, use the same kernels whatever the caller or the CPU would choose."""

import json
import os
import subprocess
import sys

import pytest

from rlbench import arithmetic
from rlbench.harness import submission
from rlbench.harness.blocks import environment_and_agent
from rlbench.harness.isolation.agent import AgentFault
from rlbench.harness.tasks.suite import get_task

pytestmark = pytest.mark.skipif(arithmetic.name() != arithmetic.PINNED, reason="this CPU has no pinned arithmetic")

PROGRAM = """
import sys
from rlbench import arithmetic
arithmetic.start_anew()
import numpy, os
print(arithmetic.current(), sys.argv[1:], sys.flags.dev_mode, "NPY_ENABLE_CPU_FEATURES" in os.environ)
"""

SUMS = """
import hashlib, numpy as np
def load(task, spaces, seed):
    x = np.random.default_rng(0).standard_normal((64, 111))
    y = x.astype(np.float32)
    results = [y @ y.T, np.linalg.solve(x[:, :64], x), np.exp(x), np.arctan(y)]
    raise ValueError("|".join(hashlib.sha256(each.tobytes()).hexdigest()[:8] for each in results))
"""

MANIFEST = 'name = "sums"\nversion = "1"\nauthors = ["us"]\ntasks = ["grid-world@1"]\nentry = "agent:load"\n'


def python(*arguments, environment=(), text=None):
    changed = {**os.environ, **dict(environment)}
    done = subprocess.run([sys.executable, *arguments], env=changed, input=text, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def bits_of_agent(tmp_path):
    (tmp_path / "agent.py").write_text(SUMS, encoding="utf-8")
    (tmp_path / "submission.toml").write_text(MANIFEST, encoding="utf-8")
    entrant = submission.read(tmp_path)
    with (
        environment_and_agent(get_task("grid-world@1"), entrant, [0], 0, isolation="process") as (_, process),
        pytest.raises(AgentFault) as fault,
    ):
        process.load()
    return str(fault.value).split("ValueError: ")[1].split()[0]


def test_an_agent_gets_the_same_bits_whatever_kernels_the_caller_has_chosen(tmp_path, monkeypatch):
    bits = {bits_of_agent(tmp_path)}
    for kernel in ("SkylakeX", "Zen", "Sandybridge"):
        monkeypatch.setenv("OPENBLAS_CORETYPE", kernel)
        monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V3 X86_V4")
        bits.add(bits_of_agent(tmp_path))
    assert len(bits) == 1


def test_the_kernels_of_this_process_differ_from_the_pinned_ones(tmp_path):
    """Else the test above could not fail; a CPU without AVX-512 has to be told to take others."""
    source = SUMS + "\ntry: load(0, 0, 0)\nexcept ValueError as error: print(error)\n"
    assert python("-c", source, environment={"OPENBLAS_CORETYPE": "Sandybridge"}) != bits_of_agent(tmp_path)


def test_what_libraries_have_not_taken_is_named():
    """They are asked: the variables are set to what they should be after the libraries were loaded."""
    program = """
import os
import torch
torch.ones(2, 2) @ torch.ones(2, 2)
from rlbench import arithmetic
os.environ.update(arithmetic.variables())
print(arithmetic.current(), *arithmetic.deviations(), sep="; ")
"""
    wrong = {"OPENBLAS_CORETYPE": "Sandybridge", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "AUTO"}
    name, *found = python("-c", program, environment=arithmetic.variables() | wrong).split("; ")
    assert name == "native"
    for words in (
        "OpenBLAS has the kernels of Sandybridge",
        "PyTorch has the kernels of ",
        "MKL_CBWR has not been taken",
    ):
        assert [each for each in found if words in each]
    assert len(found) == 3


def test_an_agent_is_refused_a_process_that_did_not_take_it(tmp_path, monkeypatch):
    wrong = arithmetic.variables() | {"OPENBLAS_CORETYPE": "Sandybridge"}
    monkeypatch.setattr(arithmetic, "variables", lambda: wrong)
    from rlbench.errors import HarnessError

    with pytest.raises(HarnessError, match="OPENBLAS_CORETYPE is 'Sandybridge' instead of 'Haswell'"):
        bits_of_agent(tmp_path)


def test_a_program_starts_itself_anew_with_its_arguments_and_options(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    said = "x86-64-avx2 ['--a', 'b c'] True False"
    hostile = {"OPENBLAS_CORETYPE": "SkylakeX", "NPY_ENABLE_CPU_FEATURES": "AVX2", "PYTHONPATH": os.getcwd()}
    assert python("-X", "dev", str(tmp_path / "program.py"), "--a", "b c", environment=hostile) == said
    assert python("-X", "dev", "-m", "program", "--a", "b c", environment={"PYTHONPATH": tmp_path}) == said


def test_native_arithmetic_can_be_chosen(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    chosen = {"RLBENCH_ARITHMETIC": "native", "PYTHONPATH": os.getcwd()}
    assert python(str(tmp_path / "program.py"), environment=chosen).startswith("native")


def test_a_program_that_cannot_be_read_again_goes_on_natively():
    assert python("-c", PROGRAM, "a").startswith("native ['a']")
    assert python("-", "a", text=PROGRAM).startswith("native ['a']")


def test_other_machines_have_their_own_arithmetic():
    program = """
import platform
platform.machine = lambda: "aarch64"
from rlbench import arithmetic
print(arithmetic.name(), arithmetic.variables(), arithmetic.current())
"""
    assert python("-c", program) == "native {} native"


def test_a_training_run_says_which_arithmetic_it_had(tmp_path):
    from rlbench.cli import main

    words = ["train", "value-iteration", "--quiet", "--out"]
    python("-m", "rlbench", *words, str(tmp_path / "program"))
    assert main([*words, str(tmp_path / "function")]) == 0
    heads = {
        each: json.loads((tmp_path / each / "curve.jsonl").read_text(encoding="utf-8").split("\n")[0])
        for each in ("program", "function")
    }
    assert heads["program"]["arithmetic"] == arithmetic.PINNED
    assert heads["function"]["arithmetic"] == arithmetic.current()


def test_a_description_names_versions():
    described = arithmetic.describe()
    assert list(described) == ["name", "numpy", "torch", "safetensors", "libc"]
    assert described["name"] == arithmetic.PINNED
