"""Promises of a single environment."""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from rlbench.conformance.compare import (
    STEPS,
    UNKNOWN,
    ConformanceError,
    Make,
    bad_actions,
    copies,
    outside,
    play_on,
    raised,
    require_error,
    require_same,
    reset,
    rollout,
    same,
    step,
    unknown_arguments_are_refused,
    unknown_options_are_refused,
)

SEEDS = (0, 2**32 - 1, 2**64 - 1)  # of few, 32 and 64 bits


def calls_return_what_gymnasium_says(make: Make) -> None:
    """`reset` returns two things and `step` five."""
    env = make().unwrapped  # wrappers would stumble over anything else
    reset(env, seed=0)
    env.action_space.seed(0)
    step(env, env.action_space.sample())


def observations_lie_in_the_space(make: Make) -> None:
    """Every observation lies in the observation space."""
    env = make()
    for name in ("observation_space", "action_space"):
        if not isinstance(getattr(env, name, None), spaces.Space):
            raise ConformanceError(f"{name} is {getattr(env, name, None)!r}")
    for seen in rollout(env, 1):
        if not env.observation_space.contains(seen[0]):
            raise ConformanceError(f"{seen[0]!r} is not in {env.observation_space}")


def steps_have_plain_types(make: Make) -> None:
    """The reward is a finite number, terminated and truncated are bools, info is a dict."""
    for seen in rollout(make(), 2):
        for reward in seen[1:2]:
            if np.ndim(reward) or not isinstance(reward, numbers.Real | np.generic) or not math.isfinite(reward):
                raise ConformanceError(f"reward {reward!r}")
        for name, flag in zip(("terminated", "truncated"), seen[2:], strict=False):
            if not isinstance(flag, bool | np.bool_):
                raise ConformanceError(f"{name} is {type(flag).__name__} {flag!r}")


def flags_are_pythons(make: Make) -> None:
    """The reward is a Python float, terminated and truncated are Python's bools."""
    for seen in rollout(make(), 2, 20):
        for value, kind in zip(seen[1:], (float, bool, bool), strict=False):
            if type(value) is not kind:
                raise ConformanceError(f"{value!r} is {type(value).__name__}, not {kind.__name__}")


def seeds_repeat(make: Make) -> None:
    """The same seed and the same actions give the same episodes, also after resets without a seed."""
    for i, (a, b) in enumerate(zip(rollout(make(), 3), rollout(make(), 3), strict=True)):
        require_same(a, b, f"entry {i} of the rollout differs")


def seeds_have_any_size(make: Make) -> None:
    """Any non-negative integer is a seed, also of 32 and 64 bits; a negative number, a float or a str is none."""
    env, twin = make(), make()
    for seed in SEEDS:
        require_same(reset(env, seed=seed), reset(twin, seed=seed), f"seed {seed} does not repeat")
    for bad in (-1, 1.5, "1"):
        require_error(env.reset, f"seed {bad!r}", seed=bad)


def seeds_are_integers(make: Make) -> None:
    """A bool or a float is no seed; NumPy integers are integers."""
    env = make()
    for bad in (True, 1.0):
        require_error(env.reset, f"seed {bad!r}", seed=bad)
    require_same(reset(env, seed=np.int64(5)), reset(env, seed=5), "np.int64(5) is not 5")


def observations_are_kept(make: Make) -> None:
    """An observation returned earlier is not overwritten by later steps."""
    kept, before = [], []
    for seen in rollout(make(), 4, 20):
        kept.append(seen[0])
        before.append(copy.deepcopy(seen[0]))
    require_same(kept, before, "an earlier observation has changed")


def observations_are_the_callers(make: Make) -> None:
    """Writing to an observation does not change the environment."""
    env, twin = make(), make()
    for seen, expected in zip(rollout(env, 4, 20), rollout(twin, 4, 20), strict=True):
        require_same(seen, expected, "it differs after the observation before was overwritten")
        _overwrite(seen[0])


def _overwrite(observation: Any) -> None:
    if isinstance(observation, dict | tuple):
        for one in observation.values() if isinstance(observation, dict) else observation:
            _overwrite(one)
    elif isinstance(observation, np.ndarray) and observation.flags.writeable:
        observation.fill(1)


def actions_outside_are_refused(make: Make) -> None:
    """An action outside the space raises an error and leaves the environment as it was."""
    _refuse(make, outside)


def bad_actions_are_refused(make: Make) -> None:
    """An action of another dtype or shape, beyond the bounds, or NaN raises an error and changes nothing."""
    _refuse(make, bad_actions)


def _refuse(make: Make, bad: Callable[[spaces.Space[Any]], list[Any]]) -> None:
    env = make()
    actions = bad(env.action_space)
    if not actions:
        return
    twin = make()
    reset(env, seed=5), reset(twin, seed=5)
    for action in actions:
        require_error(env.step, f"action {action!r}", action)
    env.action_space.seed(5)
    good = env.action_space.sample()
    require_same(step(env, good), step(twin, good), "a refused action has changed the state")


def numpy_integers_are_actions(make: Make) -> None:
    """An integer action may be a Python int or what the action space samples."""
    _take(make, (int, np.int64))


def integers_of_any_kind(make: Make) -> None:
    """An integer action may be a Python int, a NumPy integer or a 0-d array of any integer dtype."""
    _take(make, (np.int8, np.uint8, np.int32, np.int64, np.array))


def _take(make: Make, kinds: tuple[Any, ...]) -> None:
    env, twin = make(), make()
    if not isinstance(env.action_space, spaces.Discrete):
        return
    start, over = int(env.action_space.start), True
    for kind in kinds:
        if over:
            reset(env, seed=6), reset(twin, seed=6)
        expected = step(twin, start)
        require_same(step(env, kind(start)), expected, f"{kind(start)!r} is not {start}")
        over = bool(expected[2] or expected[3])


def time_limits_truncate(make: Make) -> None:
    """An episode ends no later than max_episode_steps."""
    _limit(make, only_then=False)


def only_time_limits_truncate(make: Make) -> None:
    """An episode is truncated at max_episode_steps, and never before."""
    _limit(make, only_then=True)


def _limit(make: Make, only_then: bool) -> None:
    env = make()
    limit = None if env.spec is None else env.spec.max_episode_steps
    length = 0
    for seen in rollout(env, 7, min(3 * (limit or STEPS), 10 * STEPS)):
        length = 0 if len(seen) == 1 else length + 1
        if limit is not None and (length > limit or (length == limit and not seen[2] and not seen[3])):
            raise ConformanceError(f"an episode is longer than {limit}")
        if only_then and len(seen) > 1 and seen[3] and limit is not None and length < limit:
            raise ConformanceError(f"truncated after {length} steps, the limit is {limit}")


def frames_are_images(make: Make) -> None:
    """Rendering with "rgb_array" gives uint8[H, W, 3], the same frame twice, without changing the state."""
    twin = make()
    if "rgb_array" not in (twin.metadata.get("render_modes") or ()):
        return
    env = make(render_mode="rgb_array")
    reset(env, seed=8), reset(twin, seed=8)
    frame = env.render()
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.shape[2:] != (3,):
        raise ConformanceError(f"a frame is {getattr(frame, 'dtype', type(frame))} of {np.shape(frame)}")
    if not same(frame, env.render()):
        raise ConformanceError("two frames of one state differ")
    env.action_space.seed(8)
    action = env.action_space.sample()
    require_same(step(env, action), step(twin, action), "rendering has changed the state")


def texts_are_strings(make: Make) -> None:
    """Rendering with "ansi", where that is a mode, gives a text, the same twice, without changing the state."""
    twin = make()
    if "ansi" not in (twin.metadata.get("render_modes") or ()):
        return
    env = make(render_mode="ansi")
    reset(env, seed=8), reset(twin, seed=8)
    text = env.render()
    if not isinstance(text, str) or not text.strip():
        raise ConformanceError(f"a text is {text!r}")
    if text != env.render():
        raise ConformanceError("two texts of one state differ")
    env.action_space.seed(8)
    action = env.action_space.sample()
    require_same(step(env, action), step(twin, action), "writing the text has changed the state")


def a_reset_comes_first(make: Make) -> None:
    """Before a reset, `step` and `render` raise ResetNeeded."""
    env = make(render_mode="rgb_array")
    for call in (env.render, lambda: env.step(env.action_space.sample())):
        error = raised(call)
        if not isinstance(error, ResetNeeded):
            raise ConformanceError(f"{error!r} instead of ResetNeeded")


def closed_environments_begin_anew(make: Make) -> None:
    """An environment can be closed twice, and begins anew with a reset."""
    env, twin = make(), make()
    reset(env, seed=16), reset(twin, seed=16)
    env.close(), env.close()
    require_same(reset(env, seed=17), reset(twin, seed=17), "a reset after closing differs")


def arguments_are_known(make: Make) -> None:
    """An unknown argument of `make` raises an error."""
    require_error(make, f"argument {UNKNOWN!r}", **{UNKNOWN: 1})


def empty_options_are_none(make: Make) -> None:
    """Resetting with no options is resetting with none."""
    env = make()
    require_same(reset(env, seed=14, options={}), reset(env, seed=14), "options={} differs")


def copies_can_be_made(make: Make) -> None:
    """An environment can be copied and pickled, which leaves it as it was; a copy begins with a reset alike."""
    env, twin = make(), make()
    first, _ = reset(env, seed=18), reset(twin, seed=18)
    for kind, other in copies(env):
        require_same(reset(other, seed=18), first, f"the start of the copy by {kind} differs")
        other.close()
    env.action_space.seed(18)
    action = env.action_space.sample()
    require_same(step(env, action), step(twin, action), "copying has changed the original")


def copies_continue_alike(make: Make) -> None:
    """A copy, also by pickle, goes on as the original does, bit for bit."""
    env = make()
    for _ in rollout(env, 20, 10):
        pass
    for kind, other in [*copies(env)]:
        twin = copy.deepcopy(env)
        require_same([*play_on(other, 20)], [*play_on(twin, 20)], f"the copy by {kind} differs")
        other.close(), twin.close()


def step_within_an_episode(env: Any) -> bool:
    """Step until a step does not end its episode; False where every episode seen has one step."""
    return any(len(seen) == 4 and not (seen[2] or seen[3]) for seen in play_on(env, STEPS))


def states_continue_alike(make: Make) -> None:
    """Where `state` can be read, setting it and the random stream in another environment continues there alike."""
    env, twin = make(), make()
    for _ in rollout(env, 9, 5):
        pass
    reset(env), reset(twin, seed=10)
    if not hasattr(env.unwrapped, "state") or not step_within_an_episode(env):
        return
    twin.unwrapped.state = env.unwrapped.state
    twin.unwrapped.np_random = copy.deepcopy(env.unwrapped.np_random)
    require_same(tuple(twin.unwrapped.state), tuple(env.unwrapped.state), "the state read is not the state set")
    for _ in range(20):
        action = env.action_space.sample()
        seen = step(env, action)
        require_same(step(twin, action)[:3], seen[:3], "a step after setting the state differs")
        if seen[2] or seen[3]:
            return


PROMISES = (
    calls_return_what_gymnasium_says,
    observations_lie_in_the_space,
    steps_have_plain_types,
    seeds_repeat,
    seeds_have_any_size,
    observations_are_kept,
    observations_are_the_callers,
    actions_outside_are_refused,
    numpy_integers_are_actions,
    time_limits_truncate,
    frames_are_images,
    texts_are_strings,
    empty_options_are_none,
    arguments_are_known,
    closed_environments_begin_anew,
    copies_can_be_made,
)
STRICT_PROMISES = (
    *PROMISES,
    flags_are_pythons,
    seeds_are_integers,
    bad_actions_are_refused,
    integers_of_any_kind,
    only_time_limits_truncate,
    a_reset_comes_first,
    copies_continue_alike,
    states_continue_alike,
    unknown_options_are_refused,
    unknown_arguments_are_refused,
)
