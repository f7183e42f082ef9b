"""A conformance kit for anybody's environment: `check_env("my/Env-v0")`, `check_vector_env("my/Env-v0")`.

Each check is one promise that users of Gymnasium rely on, as a function of the id (and the arguments of `make`); a
broken promise raises AssertionError saying which one, with the values. The kit runs over every id that rlbench
registers. It uses random actions from the action space, seeded, so that a failure repeats.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

STEPS = 300  # long enough for several episodes of the small environments
Make = Callable[..., Any]


def check_env(id: str, **kwargs: Any) -> None:
    """Check the single environment of that id, made with these arguments."""
    _run(SINGLE_CHECKS, id, functools.partial(gymnasium.make, id, **kwargs))


def check_vector_env(id: str, **kwargs: Any) -> None:
    """Check that the batch of that id is the same task as N single environments, in every autoreset mode."""
    _run(VECTOR_CHECKS, id, functools.partial(gymnasium.make_vec, id, **kwargs))


def _run(checks: tuple[Callable[[Make], None], ...], id: str, make: Make) -> None:
    for check in checks:
        with warnings.catch_warnings(), _named(id, check.__doc__ or check.__name__):
            warnings.simplefilter("ignore")
            check(make)


@contextlib.contextmanager
def _named(id: str, promise: str) -> Iterator[None]:
    try:
        yield
    except AssertionError as broken:
        raise AssertionError(f"{id}: {promise.rstrip('.')}: {broken}") from None


def same(a: Any, b: Any) -> bool:
    """Whether two observations, or anything nested of arrays, are equal bit for bit and of the same type."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    x, y = np.asarray(a), np.asarray(b)
    return x.dtype == y.dtype and x.shape == y.shape and bool(np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))


def rollout(env: Any, seed: int, steps: int = STEPS) -> Iterator[tuple[Any, ...]]:
    """What a seeded random agent sees: the first observation, then every step; resets itself, without a seed."""
    env.action_space.seed(seed)
    yield (env.reset(seed=seed)[0],)
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        yield observation, reward, terminated, truncated
        if terminated or truncated:
            yield (env.reset()[0],)


def bad_actions(space: spaces.Space[Any]) -> list[Any]:
    """Actions that no environment may take: out of range, of the wrong dtype or shape, NaN."""
    if isinstance(space, spaces.Discrete):
        start, n = int(space.start), int(space.n)
        return [start - 1, start + n, 0.5, np.float32(start), np.array([start]), np.nan, None, "0", True]
    if isinstance(space, spaces.Box):
        nan = np.full(space.shape, np.nan, space.dtype)
        above = [np.nextafter(space.high, np.inf)] if np.isfinite(space.high).all() else []
        return [nan, np.zeros((*space.shape, 2)), None, "0", *above]
    if isinstance(space, spaces.Dict):
        good = {key: np.zeros(one.shape or (), one.dtype) for key, one in space.items()}
        broken = ({**good, key: bad} for key, one in space.items() for bad in bad_actions(one))
        return [None, 0, {}, {**good, "unknown": 0}, *broken]
    return []


# Promises of a single environment.


def observations_lie_in_the_space(make: Make) -> None:
    """Every observation lies in the observation space."""
    env = make()
    for step in rollout(env, 1):
        assert env.observation_space.contains(step[0]), f"{step[0]!r} is not in {env.observation_space}"


def steps_have_plain_types(make: Make) -> None:
    """The reward is a finite number, terminated and truncated are bools, info is a dict."""
    env = make()
    env.reset(seed=2)
    env.action_space.seed(2)
    _, reward, terminated, truncated, info = env.step(env.action_space.sample())
    assert np.ndim(reward) == 0, f"reward {reward!r}"
    assert np.isfinite(reward), f"reward {reward!r}"
    assert isinstance(terminated, bool), f"terminated is {type(terminated).__name__}"
    assert isinstance(truncated, bool), f"truncated is {type(truncated).__name__}"
    assert isinstance(info, dict), f"info is {type(info).__name__}"


def seeds_repeat(make: Make) -> None:
    """The same seed and the same actions give the same episodes, also after resets without a seed."""
    for i, (a, b) in enumerate(zip(rollout(make(), 3), rollout(make(), 3), strict=True)):
        assert same(a, b), f"entry {i} of the rollout differs: {a} and {b}"


def seeds_are_checked(make: Make) -> None:
    """A negative, bool or float seed raises an error; NumPy integers are integers."""
    env = make()
    for seed in (-1, True, 1.0, "1"):
        assert _raises(env.reset, seed=seed), f"seed {seed!r} was taken"
    assert same(env.reset(seed=np.int64(5))[0], env.reset(seed=5)[0]), "np.int64(5) is not 5"


def observations_are_kept(make: Make) -> None:
    """An observation returned earlier is not overwritten by later steps."""
    kept, copies = [], []
    for step in rollout(make(), 4, 20):
        kept.append(step[0])
        copies.append(copy.deepcopy(step[0]))
    assert same(kept, copies), "an earlier observation has changed"


def bad_actions_change_nothing(make: Make) -> None:
    """An action outside the space raises an error and leaves the environment as it was."""
    env, twin = make(), make()
    env.reset(seed=5), twin.reset(seed=5)
    for action in bad_actions(env.action_space):
        assert _raises(env.step, action), f"action {action!r} was taken"
    env.action_space.seed(5)
    action = env.action_space.sample()
    assert same(env.step(action)[:4], twin.step(action)[:4]), "a refused action has changed the state"


def integers_of_any_kind(make: Make) -> None:
    """An integer action may be a Python int, a NumPy integer or a 0-d array of any integer dtype."""
    space = make().action_space
    if not isinstance(space, spaces.Discrete):
        return
    start = int(space.start)
    for action in (
        start,
        *(dtype(start) for dtype in (np.int8, np.uint8, np.int32, np.int64)),
        np.array(start),
    ):
        env, twin = make(), make()
        env.reset(seed=6), twin.reset(seed=6)
        assert same(env.step(action)[:4], twin.step(start)[:4]), f"{action!r} is not {start}"


def time_limits_truncate(make: Make) -> None:
    """An episode ends no later than max_episode_steps, and an end by time alone is a truncation."""
    env = make()
    limit = env.spec.max_episode_steps
    length = 0
    for step in rollout(env, 7, 3 * (limit or STEPS)):
        length = 0 if len(step) == 1 else length + 1
        assert limit is None or length <= limit, f"an episode is longer than {limit}"
        if len(step) > 1 and step[3]:
            assert length == limit, f"truncated after {length} steps, the limit is {limit}"


def frames_are_images(make: Make) -> None:
    """Rendering with "rgb_array" gives uint8[H, W, 3], the same frame twice, without changing the state."""
    env, twin = make(render_mode="rgb_array"), make()
    env.reset(seed=8), twin.reset(seed=8)
    frame = env.render()
    assert frame.dtype == np.uint8, f"frame of {frame.dtype}"
    assert frame.ndim == 3, f"frame of shape {frame.shape}"
    assert frame.shape[2] == 3, f"frame of shape {frame.shape}"
    assert same(frame, env.render()), "two frames of one state differ"
    env.action_space.seed(8)
    action = env.action_space.sample()
    assert same(env.step(action)[:4], twin.step(action)[:4]), "rendering has changed the state"


def states_can_be_set(make: Make) -> None:
    """Where `state` can be read, setting it in another environment continues there alike."""
    env, twin = make(), make()
    env.reset(seed=9), twin.reset(seed=9)
    if not hasattr(env.unwrapped, "state"):
        return
    env.action_space.seed(9)
    env.step(env.action_space.sample()), twin.reset(seed=9)
    twin.unwrapped.state = env.unwrapped.state
    assert same(tuple(twin.unwrapped.state), tuple(env.unwrapped.state)), "the state read is not the state set"


# Promises of a batch.


def batch_equals_singles(make: Make) -> None:
    """Environment i of a batch is the single one seeded `seed + i`, step for step, in every autoreset mode."""
    for mode in AutoresetMode:
        for width in (1, 3):
            batch = make(num_envs=width, autoreset_mode=mode)
            singles = make(num_envs=width, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
            assert batch.metadata["autoreset_mode"] == mode, f"metadata says {batch.metadata['autoreset_mode']}"
            batch.action_space.seed(10)
            assert same(batch.reset(seed=10)[0], singles.reset(seed=10)[0]), f"{mode}: first observations differ"
            for i in range(STEPS):
                _compare_step(batch, singles, mode, i)


def _compare_step(batch: Any, singles: Any, mode: AutoresetMode, i: int) -> None:
    actions = batch.action_space.sample()
    ours, theirs = batch.step(actions), singles.step(actions)
    for name, a, b in zip(("observations", "rewards", "terminations", "truncations"), ours, theirs, strict=False):
        assert same(a, b), f"{mode}, step {i}: {name} {a} and {b}"
    over = ours[2] | ours[3]
    if mode == AutoresetMode.SAME_STEP and over.any():
        assert same(ours[4]["_final_obs"], over), f"step {i}: _final_obs is {ours[4]['_final_obs']}, not {over}"
        wrong = _different_entries(ours[4]["final_info"], theirs[4]["final_info"], over)
        assert not wrong, f"step {i}: {', '.join(wrong)} of final_info differ from the single environment's"
        for env in np.flatnonzero(over).tolist():
            a, b = _row(ours[4]["final_obs"], env), _row(theirs[4]["final_obs"], env)
            assert same(a, b), f"step {i}: final_obs of environment {env} is {a}, not {b}"
    if mode == AutoresetMode.DISABLED and over.any():
        mask = {"reset_mask": over}
        a, b = batch.reset(options=dict(mask))[0], singles.reset(options=dict(mask))[0]
        assert same(a, b), f"step {i}: after a masked reset {a} and {b}"


def _different_entries(ours: dict[str, Any], theirs: dict[str, Any], over: Any) -> list[str]:
    """The entries of a batch's `final_info` that differ from the single environments' where `over`, bool[N], holds.

    The batch may leave entries out, and its values elsewhere mean nothing.
    """
    names = [name for name in ours if not name.startswith("_")]
    return [name for name in names if name not in theirs or not np.array_equal(ours[name][over], theirs[name][over])]


def _row(observations: Any, i: int) -> Any:
    if isinstance(observations, dict):
        return {key: _row(value, i) for key, value in observations.items()}
    return observations[i]


def seed_lists_seed_environments(make: Make) -> None:
    """Seeds: reset(seed=[...]) gives each environment its own; reset(seed=s) gives environment i the seed s + i."""
    a, b = make(num_envs=3), make(num_envs=3)
    assert same(a.reset(seed=11)[0], b.reset(seed=[11, 12, 13])[0]), "[11, 12, 13] is not 11"
    for seed in (-1, True, 1.0, [1, 2], [1, 2, -3]):
        assert _raises(a.reset, seed=seed), f"seed {seed!r} was taken"


def batch_arrays_are_kept(make: Make) -> None:
    """Arrays returned earlier are not overwritten by later steps."""
    batch = make(num_envs=3)
    batch.action_space.seed(12)
    kept = [batch.reset(seed=12)[:1]]
    copies = copy.deepcopy(kept)
    for _ in range(20):
        kept.append(batch.step(batch.action_space.sample())[:4])
        copies.append(copy.deepcopy(kept[-1]))
    assert same(kept, copies), "an earlier array has changed"


def bad_batch_actions_change_nothing(make: Make) -> None:
    """An action outside the space, for any environment, raises an error and moves none."""
    batch, twin = make(num_envs=2), make(num_envs=2)
    batch.reset(seed=13), twin.reset(seed=13)
    batch.action_space.seed(13)
    good = batch.action_space.sample()
    for action in bad_actions(batch.single_action_space):
        assert _raises(batch.step, _beside(good, action)), f"action {action!r} was taken"
    assert same(batch.step(good)[:4], twin.step(good)[:4]), "a refused action has moved an environment"


def _beside(good: Any, action: Any) -> Any:
    """Actions of two environments, the first one good where arrays allow it, the second one bad."""
    if isinstance(good, dict):
        if not isinstance(action, dict) or action.keys() != good.keys():
            return action
        return {key: _beside(value, action[key]) for key, value in good.items()}
    fits = np.shape(action) == np.shape(good[0]) and np.asarray(action).dtype.kind in "iuf"
    return np.array([good[0], action] if fits else [action, action])


def _raises(call: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    try:
        call(*args, **kwargs)
    except Exception:
        return True
    return False


SINGLE_CHECKS = (
    observations_lie_in_the_space,
    steps_have_plain_types,
    seeds_repeat,
    seeds_are_checked,
    observations_are_kept,
    bad_actions_change_nothing,
    integers_of_any_kind,
    time_limits_truncate,
    frames_are_images,
    states_can_be_set,
)
VECTOR_CHECKS = (
    batch_equals_singles,
    seed_lists_seed_environments,
    batch_arrays_are_kept,
    bad_batch_actions_change_nothing,
)
