"""The compiled batch against the single environment, which is the readable text."""

import importlib
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from rlbench.core.compiler import compile
from rlbench.core.compiler.cache import cache_folder
from rlbench.core.compiler.compile import compiled
from rlbench.core.compiler.template import source
from rlbench.core.vector import RulesVectorEnv
from rlbench.core.world import World
from rlbench.testing import same


@pytest.fixture(autouse=True)
def every_step_is_shared(monkeypatch):
    """By five threads, an environment at a time, however short it is."""
    monkeypatch.setattr(compile, "WORTH_SHARING", 0)
    monkeypatch.setattr(compile, "CHUNK_TIME", 1)
    monkeypatch.setattr(compile, "thread_count", lambda: 5)


IDS = [("rlbench/CartPole-v0", {}), ("rlbench/CartPole-v0", {"continuous": True})]
IDS += [("rlbench/GridWorld-v0", {"slip": 0.3}), ("rlbench/GridWorldFourRooms-v0", {})]


def single_rollouts(id, kwargs, width, seed, actions, mode):
    """What N single environments give under an autoreset mode, one environment at a time, in plain Python."""
    rollouts = []
    for i in range(width):
        env = gymnasium.make(id, **kwargs)
        rows, over = [(env.reset(seed=seed + i)[0], 0.0, False, False)], False
        for step in actions:
            if over and mode == AutoresetMode.NEXT_STEP:
                rows.append((env.reset()[0], 0.0, False, False))
                over = False
                continue
            row = env.step(step[i])[:4]
            over = row[2] or row[3]
            if over and mode != AutoresetMode.NEXT_STEP:
                row = (env.reset()[0], *row[1:])
            rows.append(row)
        rollouts.append(rows)
    return rollouts


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("width", [1, 5, 300])
@pytest.mark.parametrize(("id", "kwargs"), IDS)
def test_every_environment_is_the_single_one(id, kwargs, width, parallel):
    steps = 120 if width < 300 else 60
    space = gymnasium.make(id, **kwargs).action_space
    space.seed(0)
    actions = [np.array([space.sample() for _ in range(width)]) for _ in range(steps)]
    for mode in AutoresetMode:
        envs = gymnasium.make_vec(id, num_envs=width, parallel=parallel, autoreset_mode=mode, **kwargs)
        rollouts = single_rollouts(id, kwargs, width, 40, actions, mode)
        observations, _ = envs.reset(seed=40)
        assert same(observations, np.array([rows[0][0] for rows in rollouts]))
        for t, step in enumerate(actions, start=1):
            observations, rewards, terminations, truncations, _ = envs.step(step)
            if mode == AutoresetMode.DISABLED and (terminations | truncations).any():
                observations, _ = envs.reset(options={"reset_mask": terminations | truncations})
            expected = [np.array(column) for column in zip(*(rows[t] for rows in rollouts), strict=True)]
            for ours, theirs in zip((observations, rewards, terminations, truncations), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs, err_msg=f"{mode}, step {t}")


def test_many_autoresets_stay_equal():
    """2,000 steps of a random policy are about 90 episodes each, all begun from its own stream."""
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=5, parallel=True)
    singles = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=5, vectorization_mode="sync")
    envs.reset(seed=3), singles.reset(seed=3)
    rng = np.random.default_rng(0)
    for _ in range(2_000):
        actions = rng.integers(2, size=5)
        assert same(envs.step(actions)[:4], singles.step(actions)[:4])


@pytest.mark.parametrize("opponent", [None, "random", "mcts:5"])
def test_games_of_go_do_not_share_the_memory_that_threads_work_in(opponent):
    serial, parallel = (
        gymnasium.make_vec("rlbench/Go5x5-v0", num_envs=23, opponent=opponent, parallel=each) for each in (False, True)
    )
    rng = np.random.default_rng(0)
    observation, _ = serial.reset(seed=0)
    parallel.reset(seed=0)
    for _ in range(60):
        actions = (rng.random((23, 26)) * observation["action_mask"]).argmax(1)
        step = serial.step(actions)
        assert same(step[:4], parallel.step(actions)[:4])
        observation = step[0]


def test_width_does_not_matter():
    rng = np.random.default_rng(1)
    actions = rng.integers(4, size=(100, 64))
    seen = []
    for width in (64, 7):
        envs = gymnasium.make_vec("rlbench/GridWorld8x8-v0", num_envs=width, slip=0.1)
        envs.reset(seed=9)
        seen.append([envs.step(step[:width])[0][:7] for step in actions])
    assert same(seen[0], seen[1])


RULES = """
from typing import NamedTuple

DRAWS = (1, 0)


class State(NamedTuple):
    level: float


class Params(NamedTuple):
    gain: float = 1.0


def observation_bounds(params):
    return (-100.0,), (100.0,)


def action_bounds(params):
    return 2


def initial(random_draws, params):
    return State(random_draws[0])


def transition(state, action, random_draws, params):
    return State(state.level + params.gain * action)


def reward(state, action, next_state, params):
    return next_state.level


def terminated(state, params):
    return state.level > 50.0


def observe(state, params, out):
    out[0] = state.level
"""


@pytest.fixture
def rules_folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path / "cache"))
    yield tmp_path
    sys.modules.pop("edited_rules", None)


def one_step(world):
    envs = RulesVectorEnv(rules=world, num_envs=2)
    before = envs.reset(seed=0)[0]
    return envs.step(np.array([1, 1]))[0] - before


def test_an_edited_rule_takes_effect(rules_folder):
    path = rules_folder / "edited_rules.py"
    path.write_text(RULES, encoding="utf-8")
    np.testing.assert_allclose(one_step("edited_rules"), 1.0, rtol=1e-6)
    path.write_text(RULES.replace("params.gain * action", "2 * params.gain * action"), encoding="utf-8")
    importlib.invalidate_caches()
    sys.modules.pop("edited_rules")
    np.testing.assert_allclose(one_step("edited_rules"), 2.0, rtol=1e-6)
    assert len(list((rules_folder / "cache").glob("*.py"))) == 2


@pytest.mark.parametrize("message", ['"above 2"', 'f"above {bound}"'], ids=["a fixed message", "a formatted one"])
def test_an_exception_of_rules_is_the_same_from_every_thread(message, rules_folder):
    """Every environment but the first and the last raises, so that a worker's chunk does, too."""
    raising = f"""def reward(state, action, next_state, params):
    bound = 2
    if next_state.level > bound:
        raise ValueError({message})
    return next_state.level
"""
    plain = "def reward(state, action, next_state, params):\n    return next_state.level\n"
    (rules_folder / "edited_rules.py").write_text(RULES.replace(plain, raising), encoding="utf-8")
    serial, parallel = (RulesVectorEnv(rules="edited_rules", num_envs=999, parallel=each) for each in (False, True))
    serial.reset(seed=0), parallel.reset(seed=0)
    for chosen in ([0], [998], range(1, 998)):
        actions = np.isin(np.arange(999), chosen).astype(np.int64)
        for envs in (serial, parallel):
            envs.reset(seed=0)
            envs.step(actions)
            with pytest.raises(ValueError, match=r"^above 2$"):
                envs.step(actions)
    serial.reset(seed=1), parallel.reset(seed=1)
    for _ in range(3):
        assert same(serial.step(np.zeros(999, int)), parallel.step(np.zeros(999, int)))


def test_the_same_rules_are_loaded_once(rules_folder):
    (rules_folder / "edited_rules.py").write_text(RULES, encoding="utf-8")
    world = World("edited_rules", None, {})
    assert compiled(world) is compiled(World("edited_rules", None, {"gain": 3.0}))


def test_foreign_imports_are_refused(rules_folder):
    (rules_folder / "edited_rules.py").write_text("import json\n" + RULES, encoding="utf-8")
    with pytest.raises(TypeError, match="imports json; rules may import only math, numpy, typing"):
        source(World("edited_rules", None, {}))


def test_an_unwritable_cache_falls_back(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("RLBENCH_CACHE", str(blocked / "cache"))
    assert cache_folder().is_dir()
    assert blocked not in cache_folder().parents
