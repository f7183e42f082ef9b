"""Promises of a batch: it is N single environments, step for step, and as careful as they are.

Gymnasium promises less of the batches of others: they may draw from one generator for all environments, and reward in
another precision. Where none of the environments begins as the single one does, nothing more can be compared than what
a batch says of itself.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from rlbench.conformance.compare import (
    STEPS,
    ConformanceError,
    Make,
    bad_actions,
    copies,
    raised,
    require_error,
    require_same,
    reset,
    same,
    step,
    unknown_arguments_are_refused,
    unknown_options_are_refused,
)

NAMES = ("observations", "rewards", "terminations", "truncations")


def batch_equals_singles(make: Make) -> None:
    """Environment i of a batch is the single one seeded `seed + i`, step for step, in every autoreset mode."""
    _compare_with_singles(make, strict=True)


def batch_goes_on_as_singles(make: Make) -> None:
    """Environment i of a batch is the single one seeded `seed + i`, step for step, in every autoreset mode it has."""
    _compare_with_singles(make, strict=False)


def _compare_with_singles(make: Make, *, strict: bool) -> None:
    """Raise ConformanceError where a batch is not N single environments.

    Args:
        make: Makes the batch, and the single environments.
        strict: Whether it draws as they do, and rewards in the same type.
    """
    for mode, arguments in _modes(make):
        for width in (1, 3):
            batch = make(num_envs=width, **arguments)
            singles = make(num_envs=width, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
            if batch.metadata["autoreset_mode"] != mode:
                raise ConformanceError(f"metadata says {batch.metadata['autoreset_mode']} in mode {mode}")
            batch.action_space.seed(10)
            ours, theirs = reset(batch, seed=10), reset(singles, seed=10)
            if not strict and not _begins_alike(ours, theirs, width):
                continue
            require_same(ours, theirs, f"{mode}: first observations differ")
            for i in range(STEPS):
                _compare_step(batch, singles, mode, i, strict=strict)


def _begins_alike(ours: Any, theirs: Any, width: int) -> bool:
    """Whether any environment of a batch begins as the single one of its seed, and so seeds each by itself."""
    return any(same(_row(ours, i), _row(theirs, i)) for i in range(width))


def _modes(make: Make) -> Iterator[tuple[AutoresetMode, dict[str, Any]]]:
    """The autoreset modes of a batch, with the arguments of `make` that choose them; its only one if it has no choice.

    An environment without a batch of its own is stepped by Gymnasium's, which has all modes.
    """
    batch = make(num_envs=1)
    own = batch.spec is not None and batch.spec.vector_entry_point is not None
    if own and not _takes(type(batch.unwrapped), "autoreset_mode"):
        yield batch.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP), {}
        return
    for mode in AutoresetMode:
        yield mode, {"autoreset_mode": mode} if own else {"vector_kwargs": {"autoreset_mode": mode}}


def _takes(kind: type, argument: str) -> bool:
    parameters = inspect.signature(kind).parameters.values()
    return any(each.name == argument or each.kind is each.VAR_KEYWORD for each in parameters)


def _compare_step(batch: Any, singles: Any, mode: AutoresetMode, i: int, *, strict: bool) -> None:
    actions = batch.action_space.sample()
    ours, theirs = batch.step(actions), singles.step(actions)
    if not strict and getattr(ours[1], "dtype", None) == np.float32:
        theirs = (theirs[0], theirs[1].astype(np.float32), *theirs[2:])
    for name, a, b in zip(NAMES, ours, theirs, strict=False):
        require_same(a, b, f"{mode}, step {i}: {name} differ")
    over = ours[2] | ours[3]
    if mode == AutoresetMode.SAME_STEP and over.any():
        require_same(ours[4]["_final_obs"], over, f"step {i}: _final_obs is not where episodes ended")
        wrong = _different_entries(ours[4]["final_info"], theirs[4]["final_info"], over)
        if wrong:
            raise ConformanceError(f"step {i}: {', '.join(wrong)} of final_info differ from the single environment's")
        for env in np.flatnonzero(over).tolist():
            a, b = _row(ours[4]["final_obs"], env), _row(theirs[4]["final_obs"], env)
            require_same(a, b, f"step {i}: final_obs of environment {env} differs")
    if mode == AutoresetMode.DISABLED and over.any():
        a, b = (reset(envs, options={"reset_mask": over.copy()}) for envs in (batch, singles))
        require_same(a, b, f"step {i}: observations after a masked reset differ")


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


def a_batch_is_its_seeds(make: Make) -> None:
    """The same seed and the same actions give the same episodes in all environments of a batch."""
    a, b = make(num_envs=3), make(num_envs=3)
    a.action_space.seed(8)
    actions = [a.action_space.sample() for _ in range(STEPS)]
    for seed in (8, 2**31 - 1):
        require_same(reset(a, seed=seed), reset(b, seed=seed), f"first observations of seed {seed} differ")
        for i, action in enumerate(actions):
            seen = step(a, action)
            require_same(seen, step(b, action), f"seed {seed}, step {i}")
            if a.metadata.get("autoreset_mode") == AutoresetMode.DISABLED and (seen[2] | seen[3]).any():
                break


def batch_results_are_what_it_says(make: Make) -> None:
    """A batch of N returns observations in its space, N finite rewards, and N bools for terminated and truncated."""
    batch = make(num_envs=3)
    batch.action_space.seed(9)
    _require_in_space(batch, reset(batch, seed=9))
    for _ in range(STEPS):
        observations, rewards, *ends = step(batch, batch.action_space.sample())
        _require_in_space(batch, observations)
        if np.shape(rewards) != (3,) or not np.isfinite(rewards).all():
            raise ConformanceError(f"rewards are {rewards!r}")
        for name, flags in zip(NAMES[2:], ends, strict=True):
            if np.shape(flags) != (3,) or np.asarray(flags).dtype != bool:
                raise ConformanceError(f"{name} are {flags!r}")
        if batch.metadata.get("autoreset_mode") == AutoresetMode.DISABLED and (ends[0] | ends[1]).any():
            reset(batch, options={"reset_mask": ends[0] | ends[1]})


def _require_in_space(batch: Any, observations: Any) -> None:
    if not batch.observation_space.contains(observations):
        raise ConformanceError(f"{observations!r} is not in {batch.observation_space}")


def seed_lists_are_taken_where_seeds_are_singles(make: Make) -> None:
    """Where environment i begins as the single one seeded `seed + i`, reset(seed=[...]) gives each its own seed."""
    batch, singles = make(num_envs=2), make(num_envs=2, vectorization_mode="sync")
    if _begins_alike(reset(batch, seed=11), reset(singles, seed=11), 2):
        seed_lists_seed_environments(make)


def seed_lists_seed_environments(make: Make) -> None:
    """Seeds: reset(seed=[...]) gives each environment its own; reset(seed=s) gives environment i the seed s + i."""
    a, b = make(num_envs=2), make(num_envs=2)
    for first in (11, 2**31 - 1, 2**64 - 1):
        seeds = [first, first + 1]
        require_same(reset(a, seed=first), reset(b, seed=seeds), f"seeds {seeds} are not seed {first}")
    for bad in (-1, 1.5, [1, 2, 3], [1, -3]):
        require_error(a.reset, f"seed {bad!r}", seed=bad)


def seeds_are_integers(make: Make) -> None:
    """A bool or a float is no seed."""
    batch = make(num_envs=2)
    for bad in (True, 1.0, [1, 2.0], [1, True]):
        require_error(batch.reset, f"seed {bad!r}", seed=bad)


def batch_arrays_are_kept(make: Make) -> None:
    """Arrays returned earlier are not overwritten by later steps."""
    batch = make(num_envs=3)
    batch.action_space.seed(12)
    kept: list[Any] = [reset(batch, seed=12)]
    before = copy.deepcopy(kept)
    for _ in range(20):
        kept.append(step(batch, batch.action_space.sample()))
        before.append(copy.deepcopy(kept[-1]))
    require_same(kept, before, "an earlier array has changed")


def bad_batch_actions_change_nothing(make: Make) -> None:
    """An action outside the space, for any environment, raises an error and moves none."""
    batch, twin = make(num_envs=2), make(num_envs=2)
    reset(batch, seed=13), reset(twin, seed=13)
    batch.action_space.seed(13)
    good = batch.action_space.sample()
    for action in bad_actions(batch.single_action_space):
        require_error(batch.step, f"action {action!r}", _beside(good, action))
    require_same(step(batch, good), step(twin, good), "a refused action has moved an environment")


def _beside(good: Any, action: Any) -> Any:
    """Actions of two environments, the first one good where arrays allow it, the second one bad."""
    if isinstance(good, dict):
        if not isinstance(action, dict) or action.keys() != good.keys():
            return action
        return {key: _beside(value, action[key]) for key, value in good.items()}
    fits = np.shape(action) == np.shape(good[0]) and np.asarray(action).dtype.kind in "iuf"
    return np.array([good[0], action] if fits else [action, action])


def frames_are_those_of_singles(make: Make) -> None:
    """Rendering gives a frame, or a text, per environment, each that of the single one; it needs a reset."""
    for mode in {"rgb_array", "ansi"} & {"rgb_array", *make(num_envs=2).metadata.get("render_modes", ())}:
        batch = make(num_envs=2, render_mode=mode)
        singles = make(num_envs=2, render_mode=mode, vectorization_mode="sync")
        if not isinstance(raised(batch.render), ResetNeeded):
            raise ConformanceError("render before a reset does not raise ResetNeeded")
        reset(batch, seed=14), reset(singles, seed=14)
        batch.action_space.seed(14)
        for _ in range(3):
            require_same(tuple(batch.render()), tuple(singles.render()), f"frames of mode {mode} differ")
            actions = batch.action_space.sample()
            step(batch, actions), step(singles, actions)


def copies_continue_alike(make: Make) -> None:
    """A batch can be copied and pickled; each copy goes on as the original does, bit for bit."""
    batch = make(num_envs=2)
    batch.action_space.seed(16)
    actions = [batch.action_space.sample() for _ in range(30)]
    reset(batch, seed=16)
    for each in actions[:10]:
        step(batch, each)
    others = [*copies(batch)]
    expected = [step(batch, each) for each in actions[10:]]
    for kind, other in others:
        require_same([step(other, each) for each in actions[10:]], expected, f"the copy by {kind} differs")
        other.close()


def states_continue_alike(make: Make) -> None:
    """Where `state` can be read, the state read is the one that was set."""
    batch, twin = make(num_envs=2), make(num_envs=2)
    reset(batch, seed=17), reset(twin, seed=18)
    if hasattr(batch, "state"):
        step(batch, batch.action_space.sample())
        twin.state = batch.state
        require_same(tuple(twin.state), tuple(batch.state), "the state read is not the state set")


def closed_batches_begin_anew(make: Make) -> None:
    """A batch can be closed twice, and begins anew with a reset."""
    batch, twin = make(num_envs=1), make(num_envs=1)
    reset(batch, seed=19)
    batch.close(), batch.close()
    require_same(reset(batch, seed=20), reset(twin, seed=20), "a reset after closing differs")


PROMISES = (
    batch_goes_on_as_singles,
    batch_results_are_what_it_says,
    a_batch_is_its_seeds,
    seed_lists_are_taken_where_seeds_are_singles,
    batch_arrays_are_kept,
)
STRICT_PROMISES = (
    batch_equals_singles,
    seed_lists_seed_environments,
    batch_arrays_are_kept,
    seeds_are_integers,
    bad_batch_actions_change_nothing,
    frames_are_those_of_singles,
    copies_continue_alike,
    states_continue_alike,
    closed_batches_begin_anew,
    unknown_options_are_refused,
    unknown_arguments_are_refused,
)
