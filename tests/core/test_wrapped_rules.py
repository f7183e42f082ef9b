"""`wrap_rules`: modules, classes and notebooks as environments, the batch equal to the single environment."""

import importlib
import linecache
import math
import sys
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest

import rlbench
from rlbench.errors import RulesError, UserError

LIMITS = np.array([1.0, 2.0])


def pushed(x, force):
    return min(max(x + force, -LIMITS[0]), LIMITS[1])


class Slide:
    """A number that is pushed left and right until it is large, with a helper of its own and one outside."""

    class State(NamedTuple):
        x: float
        steps: int

    class Params(NamedTuple):
        force: float = 0.3

    DRAWS = (1, 1)
    LARGE = 1.5

    @staticmethod
    def observation_bounds(params):
        return (-2.0, 0.0), (2.0, 50.0)

    @staticmethod
    def action_bounds(params):
        return 2

    @staticmethod
    def initial(random_draws, params):
        return Slide.State(random_draws[0] - 0.5, 0)

    @staticmethod
    def doubled(action):
        return 2 * action - 1

    @staticmethod
    def transition(state, action, random_draws, params):
        force = params.force * Slide.doubled(action) + 0.1 * math.sin(random_draws[0])
        return Slide.State(pushed(state.x, force), state.steps + 1)

    @staticmethod
    def reward(state, action, next_state, params):
        return next_state.x - state.x

    @staticmethod
    def terminated(state, params):
        return state.x > Slide.LARGE

    @staticmethod
    def observe(state, params, out):
        out[0], out[1] = state.x, state.steps


CELL = """
from typing import NamedTuple
import numpy as np

class State(NamedTuple):
    x: float

class Params(NamedTuple):
    step: float = 0.25

DRAWS = (1, 0)
table = np.array([-1.0, 1.0])
x = list(range(10_000))  # a variable of the notebook that has the name of a field

def observation_bounds(params): return (-10.0,), (10.0,)
def action_bounds(params): return 2
def initial(random_draws, params): return State(random_draws[0])
def transition(state, action, random_draws, params): return State(state.x + params.step * table[action])
def reward(state, action, next_state, params): return abs(next_state.x)
def terminated(state, params): return abs(state.x) > 3
def observe(state, params, out): out[0] = state.x
"""


@pytest.fixture(autouse=True)
def restored():
    before, modules = dict(gymnasium.registry), set(sys.modules)
    yield
    gymnasium.registry.clear()
    gymnasium.registry.update(before)
    for name in [name for name in sys.modules if name.startswith("wrapped_") and name not in modules]:
        del sys.modules[name]


def cells(text, filename):
    """The names that cells of a notebook define; their text is kept as IPython keeps it."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace = {"__name__": "__main__"}
    exec(compile(text, filename, "exec"), namespace)
    return namespace


def check_equal(env_id, steps=120, num_envs=3):
    envs = gymnasium.make_vec(env_id, num_envs=num_envs)
    singles = [gymnasium.make(env_id) for _ in range(num_envs)]
    observations, _ = envs.reset(seed=3)
    np.testing.assert_array_equal(observations, [env.reset(seed=3 + i)[0] for i, env in enumerate(singles)])
    ended = np.zeros(num_envs, bool)
    draws = np.random.default_rng(0)
    for _ in range(steps):
        actions = draws.integers(0, 2, num_envs)
        observations, rewards, terminations, truncations, _ = envs.step(actions)
        for i, env in enumerate(singles):
            if ended[i]:
                observation, reward = env.reset()[0], 0.0
            else:
                observation, reward, *_ = env.step(int(actions[i]))
            np.testing.assert_array_equal(observations[i], observation)
            assert rewards[i] == reward
        ended = terminations | truncations


def test_the_rules_of_a_class():
    env_id = rlbench.wrap_rules(Slide, max_episode_steps=30)
    assert env_id == "wrapped/Slide-v0"
    assert gymnasium.spec(env_id).max_episode_steps == 30
    check_equal(env_id)


def test_the_rules_of_a_notebook_and_its_next_edition():
    env_id = rlbench.wrap_rules(cells(CELL, "cell-1"), id="own/Walk-v0")
    assert env_id == "own/Walk-v0"
    check_equal(env_id)
    assert gymnasium.make(
        rlbench.wrap_rules(cells(CELL.replace("0.25", "0.5"), "cell-2"), id=env_id)
    ).unwrapped.params == (0.5,)


def test_the_rules_of_a_module_are_the_module(tmp_path, monkeypatch):
    (tmp_path / "wrapped_own.py").write_text(CELL, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    env_id = rlbench.wrap_rules(importlib.import_module("wrapped_own"))
    assert env_id == "wrapped/Own-v0"
    assert gymnasium.spec(env_id).kwargs == {"rules": "wrapped_own"}
    assert gymnasium.make(env_id, step=2.0).reset(seed=0)[0].shape == (1,)


def test_rules_without_a_text_have_no_batch_and_say_so():
    namespace = {"__name__": "__main__"}
    exec(CELL, namespace)
    env = gymnasium.make(rlbench.wrap_rules(namespace))
    env.reset(seed=0)
    assert env.step(1)[1] > 0
    with pytest.raises(RulesError, match=r"the text of \w+, which cannot be had; define it by `def` in a file or a"):
        gymnasium.make_vec(env.spec.id, num_envs=2)


def test_what_is_missing_is_named():
    with pytest.raises(UserError, match=r"wrapped_Empty is not a rules module: it lacks .*DRAWS"):
        rlbench.wrap_rules(type("Empty", (), {}))
    with pytest.raises(RulesError, match="rules are a module, a class or a mapping of names, got int"):
        rlbench.wrap_rules(3)
