"""Kernels for GPUs: their text on the CPU against the loops, and their PTX through NVIDIA's assembler."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rlbench.core.compiler import ptx
from rlbench.core.compiler.compile import compiled, working_memory
from rlbench.core.world import World
from rlbench.errors import UserError
from tests.core.compiler.host_kernel import HostKernel, flat, lowered
from tests.core.compiler.ship_kernels import shipped_worlds

RULES = {name: f"rlbench.envs.{name}.rules" for name in ("grid_world", "cart_pole", "glimpse", "go")}
CASES = {
    "grid world, whose starts are in Fortran's order": ("grid_world", {"maze": "four-rooms", "slip": 0.1}),
    "cart-pole": ("cart_pole", {}),
    "cart-pole with forces": ("cart_pole", {"continuous": True}),
    "glimpse": ("glimpse", {}),
    "glimpse of three scales": ("glimpse", {"size": 60, "patch": 12, "scales": 3, "clutter": 4}),
    "go": ("go", {"size": 5}),
}
LIMITS = {"grid_world": 40, "cart_pole": 30}


class Arrays:
    """The arrays of N environments, as the generated functions take them."""

    def __init__(self, world, count, memory):
        zeros, state = np.zeros, world.example_state()
        self.params = tuple(np.ascontiguousarray(each) if np.ndim(each) else each for each in world.params)
        self.fields = tuple(zeros((count, *np.shape(each)), np.asarray(each).dtype) for each in state)
        self.memory = memory
        self.streams = np.random.default_rng(1).integers(0, 2**64, (count, 4), np.uint64) | np.uint64(1)
        self.elapsed, self.done = zeros(count, np.int64), zeros(count, np.bool_)
        self.observations, self.final = (world.observations.empty_batch(count) for _ in range(2))
        self.flags = (zeros(count), zeros(count, np.bool_), zeros(count, np.bool_))
        self.results = tuple(zeros(count, np.asarray(each).dtype) for each in world.result(state))
        self.refused = zeros(count, np.bool_)

    @property
    def state(self):
        return (*self.fields, self.streams, self.elapsed, self.done)

    @property
    def outputs(self):
        return (*self.observations, *self.flags, *self.results)

    def before(self):
        return (*self.params, *self.fields, *self.memory, self.streams, self.elapsed, self.done)

    def of_reset(self, mask, options):
        return (*self.before(), mask, *options, *self.observations)

    def of_step(self, world, actions, mode, limit):
        sizes = world.actions.sizes
        outputs = (*self.observations, *self.flags, *self.final, *self.results)
        return (*self.before(), *actions, *sizes, *outputs, mode, limit, 1)


def drawn_actions(world, rng, count, invalid):
    """Random actions, some of which are invalid where that is asked for; and which ones."""
    actions, wrong = [], np.zeros(count, np.bool_)
    for leaf in world.actions.leaves.values():
        if hasattr(leaf, "n"):
            array = rng.integers(0, leaf.n, count)
            bad = rng.random(count) < (0.02 if invalid else 0.0)
            array[bad] = rng.choice([-1, leaf.n, 2**40, -(2**63)], bad.sum())
        else:
            array = rng.uniform(leaf.low, leaf.high, (count, *leaf.shape))
            bad = rng.random(count) < (0.02 if invalid else 0.0)
            array[bad] = rng.choice([np.nan, np.inf, -1.5], (bad.sum(), *leaf.shape))
        actions.append(array)
        wrong |= bad
    return actions, wrong


def play_both(kernels, world, count, mode, limit, steps):
    """Step the kernels on the host and the production loops, and compare all that they write; episodes that ended."""
    loops = compiled(world)
    ours = Arrays(
        world, count, tuple(np.zeros((count, *each.shape), each.dtype) for each in world.working_memory().values())
    )
    theirs = Arrays(world, count, working_memory(world))
    options = world.batch_options({}, count)
    mask = np.ones(count, np.bool_)
    reset_kernel, step_kernel = kernels
    arguments = flat(ptx.kinds(world, "reset"), ours.of_reset(mask, options))
    arguments.set_range(0, count)
    reset_kernel.launch(arguments)
    loops.reset(*theirs.of_reset(mask, options))
    rng, ended = np.random.default_rng(2), 0
    for step in range(steps):
        for a, b in zip((*ours.state, *ours.outputs), (*theirs.state, *theirs.outputs), strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
        actions, wrong = drawn_actions(world, rng, count, invalid=step % 3 == 0)
        seen = [each.copy() for each in theirs.observations]
        kept = [each.copy() for each in theirs.state]
        kept_results = [each.copy() for each in theirs.results]
        arguments = flat(ptx.kinds(world, "step"), (*ours.of_step(world, actions, mode, limit), ours.refused))
        arguments.set_range(0, count)
        step_kernel.launch(arguments)
        valid = [np.where(wrong.reshape(-1, *[1] * (each.ndim - 1)), 0, each) for each in actions]
        assert loops.step_serial(*theirs.of_step(world, valid, mode, limit)) >= 0
        for array, old in zip((*theirs.state, *theirs.results), (*kept, *kept_results), strict=True):
            array[wrong] = old[wrong]
        for array, old in zip(theirs.observations, seen, strict=True):
            array[wrong] = old[wrong]
        for array in theirs.flags:
            array[wrong] = 0
        if mode == 1:
            for array, now, own in zip(theirs.final, theirs.observations, ours.final, strict=True):
                array[wrong] = now[wrong]
                np.testing.assert_array_equal(own, array, strict=True)
        np.testing.assert_array_equal(ours.refused, wrong)
        ours.refused[:] = False
        ended += int((theirs.flags[1] | theirs.flags[2]).sum())
        if mode == 2:
            mask = theirs.done.copy()
            arguments = flat(ptx.kinds(world, "reset"), ours.of_reset(mask, options))
            arguments.set_range(0, count)
            reset_kernel.launch(arguments)
            loops.reset(*theirs.of_reset(mask, options))
    return ended


def check_equality(case, count, steps):
    """Whether a case is equal in all autoreset modes."""
    name, kwargs = CASES[case]
    world = World(RULES[name], None, kwargs)
    kernels = [HostKernel(lowered(world, kernel), libm=True) for kernel in ("reset", "step")]
    for mode in (0, 1, 2):
        assert play_both(kernels, world, count, mode, LIMITS.get(name, 10**6), steps) > count / 2


@pytest.mark.parametrize("case", [next(iter(CASES)), "cart-pole"])
def test_a_kernel_equals_the_loops(case):
    check_equality(case, 7, 150)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "steps"), [(1, 3_000), (37, 2_703)])
@pytest.mark.parametrize("case", CASES)
def test_a_kernel_equals_the_loops_for_100000_steps(case, count, steps):
    check_equality(case, count, steps)


def test_a_launch_of_some_environments_leaves_the_others():
    world = World(RULES["cart_pole"], None, {})
    kernel = HostKernel(lowered(world, "reset"))
    arrays = Arrays(world, 9, ())
    arguments = flat(ptx.kinds(world, "reset"), arrays.of_reset(np.ones(9, np.bool_), world.batch_options({}, 9)))
    arguments.set_range(3, 5)
    kernel.launch(arguments)
    assert [bool(each) for each in arrays.fields[0]] == [False] * 3 + [True] * 2 + [False] * 4


REGISTERS = {
    "grid_world.reset": 31,
    "grid_world.step": 52,
    "cart_pole.reset": 32,
    "cart_pole.step": 63,
    "glimpse.reset": 88,
    "glimpse.step": 167,
    "go.reset": 152,
    "go.step": 205,
}
"""The most registers of a thread on either GPU, by ptxas 12.9: a ceiling, as 255 is all that there are."""


def assembler():
    """NVIDIA's assembler, of its wheel or on the path; the test is skipped where there is none."""
    try:
        files = importlib.metadata.files("nvidia-cuda-nvcc-cu12") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [str(each.locate()) for each in files if each.name == "ptxas"] or [shutil.which("ptxas")]
    return found[0] or pytest.skip("needs nvidia-cuda-nvcc-cu12")


@pytest.mark.parametrize("gpu", ["sm_80", "sm_90"])
@pytest.mark.parametrize("path", sorted(ptx.SHIPPED.glob("*.ptx")), ids=lambda path: path.name.rpartition(".")[0])
def test_the_assembler_accepts_a_kernel_without_spills(path, gpu, tmp_path):
    command = [assembler(), "-v", "--gpu-name", gpu, str(path), "-o", str(tmp_path / "kernel.cubin")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in done.stderr
    (registers,) = re.findall(r"Used (\d+) registers", done.stderr)
    assert int(registers) <= REGISTERS[".".join(path.name.split(".")[:2])]


@pytest.mark.parametrize("path", sorted(ptx.SHIPPED.glob("*.ptx")), ids=lambda path: path.name.rpartition(".")[0])
def test_a_kernel_has_no_calls_and_rounds_every_operation(path):
    """A multiplication that does not say how it rounds may be joined with the addition after it."""
    text = path.read_text(encoding="utf-8")
    assert text.count(".entry") == 1
    assert not re.search(r"\bcall\b|\.func\b|\.extern\b|\.local\b|\bfma\.|\bmad\.rn\.f|\.approx|\.ftz", text)
    operations = re.findall(r"\b((?:add|sub|mul|div|sqrt)\.\S*f(?:32|64))\b", text)
    assert {each for each in operations if ".rn." not in each} == set()
    assert operations


def test_kernels_of_all_registered_ids_come_with_the_package():
    """Asked in a fresh process, where nobody else has registered, imported or compiled anything."""
    program = (
        "from tests.core.compiler.ship_kernels import shipped_worlds as made\nprint(*{n for k in made() for n in k})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert {path.name for path in ptx.SHIPPED.iterdir()} == set(done.stdout.split()), "make kernels"


def test_a_kernel_holds_no_code_that_it_does_not_run():
    """Of Go's search, for one: its edits change no kernel."""
    text = ptx.kernel_source(World(RULES["go"], None, {}))
    assert "def searched_action(" in text
    assert "math.log" not in text
    assert "np.count_nonzero" not in text  # of `valid`
    assert "def turn(" in text
    compile(text, "kernel.py", "exec")


def test_shipped_kernels_are_made_by_the_pinned_versions():
    """So that the next test makes them anew wherever the pinned versions are."""
    pins = Path(__file__).parents[3].joinpath("constraints.txt").read_text(encoding="utf-8")
    for path in ptx.SHIPPED.iterdir():
        head = path.read_text(encoding="utf-8").split("\n", 1)[0]
        numba, llvmlite = re.search(r"numba (\S+), llvmlite (\S+)\.$", head).groups()
        assert f"\nnumba=={numba}\n" in pins
        assert f"\nllvmlite=={llvmlite}\n" in pins


SLOW = ("glimpse", "go")  # to make
MADE = [pytest.param(names, marks=[pytest.mark.slow] * names[0].startswith(SLOW)) for names in shipped_worlds()]


@pytest.mark.parametrize("names", MADE, ids=lambda names: names[0].split(".")[0])
def test_kernels_made_anew_are_the_shipped_ones(names):
    world = shipped_worlds()[names]
    for name, kernel in zip(names, ptx.KERNELS, strict=True):
        head, text = (ptx.SHIPPED / name).read_text(encoding="utf-8").split("\n", 1)
        if ptx.versions() not in head:
            pytest.skip(f"the shipped one is not by {ptx.versions()}")
        assert ptx.to_ptx(lowered(world, kernel)) == text, "make kernels"


def test_a_kernel_that_is_not_shipped_is_made_once(monkeypatch, tmp_path):
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path))
    world = World(RULES["cart_pole"], None, {"continuous": True})
    made = ptx.ptx(world, "reset")
    assert ".entry launch(" in made
    monkeypatch.setattr(ptx, "make_ptx", None)
    assert ptx.ptx(world, "reset") == made
    assert ".entry launch(" in ptx.ptx(world, "step")


def test_a_shipped_kernel_needs_no_compiler(monkeypatch):
    monkeypatch.setattr(ptx, "make_ptx", None)
    assert ".entry launch(" in ptx.ptx(World(RULES["go"], None, {"size": 9}), "step")


def test_rules_that_cannot_be_compiled_are_a_mistake_of_one_line(monkeypatch):
    world = World(RULES["grid_world"], None, {})
    text = ptx.kernel_source(world).replace("return -1.0", "return {}")
    monkeypatch.setattr(ptx, "kernel_source", lambda world: text)
    with pytest.raises(
        UserError, match=r"grid_world.rules cannot be compiled for a GPU: .*; leave out device=$"
    ) as error:
        ptx.lower(world)
    assert "\n" not in str(error.value)


OPERATIONS = [
    ("math.exp(state.x)", "no exp of the same bits"),
    ("math.log(2.0 + abs(state.x)) + math.tan(state.x)", "no log and no tan of the same bits"),
    ("(2.0 + state.x) ** 0.3", "no pow of the same bits"),
    ("state.x % 0.7", "no remainder of floats of the same bits"),
]


@pytest.mark.parametrize(
    ("formula", "message"), [OPERATIONS[0], *(pytest.param(*e, marks=pytest.mark.slow) for e in OPERATIONS[1:])]
)
def test_what_a_gpu_computes_otherwise_is_named(monkeypatch, tmp_path, formula, message):
    """LLVM would end the process for some of these, and give other bits for others."""
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path))
    text = ptx.kernel_source(World(RULES["cart_pole"], None, {})).replace("return 1.0\n", f"return {formula}\n")
    monkeypatch.setattr(ptx, "kernel_source", lambda world: text)
    with pytest.raises(UserError, match=f"cart_pole.rules cannot be compiled for a GPU, which has {message}"):
        ptx.make_ptx(World(RULES["cart_pole"], None, {}))
