"""Mistakes in rules: each is one line that names the file and the line, and says what to write instead."""

import sys

import gymnasium
import pytest

import rlbench
from rlbench.errors import RulesError, UserError

RULES = """import math
from typing import NamedTuple

import numpy as np

DRAWS = (1, 1)
TABLE = np.array([0.1, 0.2, 0.3])


class State(NamedTuple):
    x: float
    n: int


class Params(NamedTuple):
    force: float = 0.1


def observation_bounds(params): return (-10.0, 0.0), (10.0, 100.0)
def action_bounds(params): return 3
def initial(random_draws, params): return State(random_draws[0], 0)


def transition(state, action, random_draws, params):
    x = state.x + params.force
    return State(x, state.n + 1)


def reward(state, action, next_state, params): return -1.0
def terminated(state, params): return state.x > 1.0
def observe(state, params, out): out[0], out[1] = state.x, state.n
"""
STEP = "    x = state.x + params.force\n"
TABLE = "np.array([0.1, 0.2, 0.3])"

MISTAKES = {
    "a list in the state": (
        {"x: float": "x: list", "State(random_draws[0], 0)": "State([0.0], 0)"},
        "own_rules: initial gives the field x of State [0.0]; a state holds numbers and arrays of fixed shape",
    ),
    "a string in the state": (
        {"State(random_draws[0], 0)": "State(random_draws[0], 'left')"},
        "own_rules: initial gives the field n of State 'left'; a state holds numbers",
    ),
    "an array in the state": (
        {"State(random_draws[0], 0)": "State(np.zeros(2), 0)"},
        "own_rules has an array in its State, x; it needs blank(params) to make it",
    ),
    "an integer that should be a float": (
        {"State(random_draws[0], 0)": "State(0, 0)"},
        "the field x of State, a float, the integer 0, and batches would round what follows; write 0.0",
    ),
    "an integer that becomes a float": (
        {"state.n + 1": "state.n + 0.5"},
        "the field n of State begins as the integer 0 and becomes the float 0.5, which batches would round",
    ),
    "a tuple for a state": (
        {"State(x, state.n + 1)": "(x, state.n + 1)"},
        "own_rules: transition gives a tuple; write State(...)",
    ),
    "a name that is not defined": (
        {STEP: STEP.replace("params.force", "FORCE")},
        "FILE, line 25: NameError: name 'FORCE' is not defined: x = state.x + FORCE",
    ),
    "an index beyond the observation": (
        {"out[0], out[1] = state.x, state.n": "out[2] = state.n"},
        "FILE, line 31: IndexError: index 2 is out of bounds",
    ),
    "an import inside": (
        {STEP: "    import random\n" + STEP},
        "own_rules, line 25, imports random; rules may import only math, numpy, typing",
    ),
}
"""What is found without Numba: changes of the rules, and the message."""

COMPILED = {
    "changing a field": (
        {STEP: "    x = state.x\n    if x > 9:\n        state.x = 0.0\n"},
        "FILE, line 27: the field x of a State cannot be changed; return a new State(...) that has the new value",
    ),
    "a dict": (
        {TABLE: "{0: 0.1, 1: 0.2}", STEP: "    x = state.x + TABLE[action]\n"},
        "FILE, line 25: TABLE is a dict, which compiled code does not have; write a tuple or np.array([...])",
    ),
    "a list at the top": (
        {TABLE: "[0.1, 0.2]", STEP: "    x = state.x + TABLE[action]\n"},
        "FILE, line 25: TABLE is a list at the top of the module; write a tuple, or np.array([...])",
    ),
    "an empty list": (
        {STEP: STEP + "    seen = []\n    x = x + len(seen)\n"},
        "FILE, line 26: the type of what seen holds is not known; keep values in arrays of the State",
    ),
    "an object": (
        {
            "class Params": "class Wind:\n    speed = 1.0\n\n\nWIND = Wind()\n\n\nclass Params",
            STEP: "    x = WIND.speed\n",
        },
        "FILE, line 32: WIND is of the class Wind, which compiled code does not have; use numbers, tuples, arrays",
    ),
    "an array at the top that is changed": (
        {STEP: "    TABLE[0] = state.x\n" + STEP},
        "FILE, line 25: an array at the top of the module is a constant; keep what changes in the State",
    ),
    "np.clip of numbers": (
        {STEP: "    x = np.clip(state.x, -1.0, 1.0)\n"},
        "FILE, line 25: compiled code has no clip of (float64, float64, float64); write it for numbers, such as min(",
    ),
    "a function of math that Numba lacks": (
        {STEP: "    x = math.fsum((state.x, 1.0))\n"},
        "FILE, line 25: compiled code has no math.fsum; write it with other functions of math or numpy",
    ),
    "state._replace": (
        {"return State(x, state.n + 1)": "return state._replace(x=x)"},
        "FILE, line 26: compiled code has no _replace; write State(...) with all of its fields",
    ),
    "an index beyond a tuple": (
        {STEP: "    x = state.x\n    if x > 9:\n        x = random_draws[3]\n"},
        "FILE, line 27: a tuple has not so many elements; as many random draws are given as DRAWS says",
    ),
    "a tuple of different types": (
        {STEP: "    x = state.x + len((0.5, 'a', 2)[action] if action else '')\n"},
        "FILE, line 25: a tuple whose elements have different types cannot be indexed by a variable",
    ),
    "two types of one variable": (
        {STEP: STEP + "    name = 'left' if action else 3\n    x = x + (name == 'left')\n"},
        "FILE, line 26: a variable's type is int on one way and str on another; give it one type",
    ),
    "a field that is not there": (
        {STEP: "    x = state.x\n    if x > 9:\n        x = params.speed\n"},
        "FILE, line 27: a Params has no speed; add the field, or use one that it has",
    ),
    "formatted text": (
        {STEP: STEP + "    if x > 9:\n        print(f'{x:.2f}')\n"},
        "FILE, line 27: compiled code does not format text; leave print and f-strings out",
    ),
    "an exception that is caught": (
        {STEP: "    try:\n        x = 1 / state.x\n    except ZeroDivisionError:\n        x = 0.0\n"},
        "FILE, line 27: compiled code does not catch errors by their class; ask before, as `if x != 0`",
    ),
    "numbers and text": (
        {STEP: STEP + "    if x > 9:\n        x = x + 'a'\n"},
        "FILE, line 27: add of (float64, str) does not exist in compiled code; use numbers of one type",
    ),
}
"""What Numba finds."""

FAST = ("changing a field", "a dict")


@pytest.fixture
def batch_of(tmp_path, monkeypatch):
    """Makes a batch of rules with changes, and steps it."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(changes):
        text = RULES
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "own_rules.py").write_text(text, encoding="utf-8")
        rlbench.register(rlbench.Environment("own/Rules-v0", rules="own_rules", max_episode_steps=50))
        envs = gymnasium.make_vec("own/Rules-v0", num_envs=2)
        envs.reset(seed=0)
        return envs.step([0, 0])

    yield make
    sys.modules.pop("own_rules", None)
    gymnasium.registry.pop("own/Rules-v0", None)


def refused(batch_of, changes, message, folder):
    with pytest.raises(UserError) as raised:
        batch_of(changes)
    assert isinstance(raised.value, RulesError)
    assert message.replace("FILE", str(folder / "own_rules.py")) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_before_anything_is_compiled(mistake, batch_of, tmp_path):
    refused(batch_of, *MISTAKES[mistake], tmp_path)


@pytest.mark.parametrize(
    "mistake", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in COMPILED]
)
def test_what_numba_says_is_told_by_the_line_of_the_rules(mistake, batch_of, tmp_path):
    refused(batch_of, *COMPILED[mistake], tmp_path)


@pytest.mark.slow
def test_the_rules_without_mistakes_are_compiled(batch_of):
    observations, rewards, *_ = batch_of({})
    assert observations.shape == (2, 2)
    assert rewards.tolist() == [-1.0, -1.0]
