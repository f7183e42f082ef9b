"""What the checks of single environments and of batches share: comparison, random play, bad actions, errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from gymnasium import spaces

STEPS = 300  # long enough for several episodes of the small environments
UNKNOWN = "no_such_name"  # no argument and no option has this name
Make = Callable[..., Any]


class ConformanceError(AssertionError):
    """An environment does not keep a promise. It is raised under `python -O`, too, unlike a failed `assert`."""


def same(a: Any, b: Any) -> bool:
    """Whether two observations, or anything nested of arrays, are equal bit for bit and of the same type."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return isinstance(b, tuple | list) and len(a) == len(b) and all(map(same, a, b))
    x, y = np.asarray(a), np.asarray(b)
    return x.dtype == y.dtype and x.shape == y.shape and bool(np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))


def require_same(a: Any, b: Any, what: str) -> None:
    """Raise ConformanceError where two things, nested of arrays, differ."""
    if not same(a, b):
        raise ConformanceError(f"{what}: {_described(a)} and {_described(b)}")


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype}{list(value.shape)} {value}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_described, value))})"
    return repr(value)


def reset(env: Any, **kwargs: Any) -> Any:
    """The first observation of an episode."""
    result = env.reset(**kwargs)
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
        raise ConformanceError(f"reset returns (observation, info), got {result!r}")
    return result[0]


def step(env: Any, action: Any) -> tuple[Any, ...]:
    """Observation, reward, terminated and truncated, each with an axis of N where it is a batch."""
    result = env.step(action)
    if not isinstance(result, tuple) or len(result) != 5 or not isinstance(result[4], dict):
        raise ConformanceError(f"step returns (observation, reward, terminated, truncated, info), got {result!r}")
    return result[:4]


def rollout(env: Any, seed: int, steps: int = STEPS) -> Iterator[tuple[Any, ...]]:
    """What a seeded random agent sees: the first observation, then every step; resets itself, without a seed."""
    env.action_space.seed(seed)
    yield (reset(env, seed=seed),)
    yield from play_on(env, steps)


def play_on(env: Any, steps: int) -> Iterator[tuple[Any, ...]]:
    """What a random agent sees from where the environment stands."""
    for _ in range(steps):
        seen = step(env, env.action_space.sample())
        yield seen
        if seen[2] or seen[3]:
            yield (reset(env),)


def raised(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Exception | None:
    """The error of a call; None where it has none."""
    try:
        call(*args, **kwargs)
    except Exception as error:
        return error
    return None


def require_error(call: Callable[..., Any], what: str, *args: Any, **kwargs: Any) -> Exception:
    """The error of a call that must have one."""
    error = raised(call, *args, **kwargs)
    if error is None:
        raise ConformanceError(f"{what} was taken")
    return error


def unknown_arguments_are_refused(make: Make) -> None:
    """An unknown argument of `make` raises TypeError in Python's own words, by which other libraries know it."""
    error = require_error(make, f"argument {UNKNOWN!r}", **{UNKNOWN: 1})
    if not isinstance(error, TypeError) or f"unexpected keyword argument {UNKNOWN!r}" not in str(error):
        raise ConformanceError(f"{type(error).__name__}: {error}")


def unknown_options_are_refused(make: Make) -> None:
    """An unknown option of `reset` raises an error, and leaves the environment as it was."""
    env, twin = make(), make()
    reset(env, seed=15), reset(twin, seed=15)
    require_error(env.reset, f"option {UNKNOWN!r}", options={UNKNOWN: 1})
    require_same(reset(env), reset(twin), "the next start differs after a refused option")


def copies(env: Any) -> Iterator[tuple[str, Any]]:
    """A deep copy, and one by pickle where the class can be found by its name, each with its kind."""
    yield "copy.deepcopy", copy.deepcopy(env)
    if raised(pickle.dumps, type(env.unwrapped)) is None and raised(pickle.dumps, env.spec) is None:
        yield "pickle", pickle.loads(pickle.dumps(env))


def outside(space: spaces.Space[Any]) -> list[Any]:
    """Values of the wrong number, dtype or shape for a Discrete space; for other spaces environments may clip."""
    if not isinstance(space, spaces.Discrete):
        return []
    start, n = int(space.start), int(space.n)
    return [start - 1, start + n, start + 0.5, np.array([start]), np.nan, None, "0"]


def bad_actions(space: spaces.Space[Any]) -> list[Any]:
    """Actions that no environment of rlbench takes: out of range, of the wrong dtype or shape, NaN."""
    if isinstance(space, spaces.Discrete):
        return [*outside(space), np.float32(space.start), True]
    if isinstance(space, spaces.Box):
        nan = np.full(space.shape, np.nan, space.dtype)
        above = [np.nextafter(space.high, np.inf)] if np.isfinite(space.high).all() else []
        return [nan, np.zeros((*space.shape, 2)), None, "0", *above]
    if isinstance(space, spaces.Dict):
        good = {key: np.zeros(one.shape or (), one.dtype) for key, one in space.items()}
        broken = ({**good, key: bad} for key, one in space.items() for bad in bad_actions(one))
        return [None, 0, {}, {**good, "unknown": 0}, *broken]
    return []
