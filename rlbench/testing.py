"""A conformance kit for anybody's environment: `check_env("my/Env-v0")`, `check_vector_env("my/Env-v0")`.

Each check is one promise, a function of `make`. A broken one raises ConformanceError, an AssertionError, which says
what was promised and what happened, with the values. Actions are random and seeded, so that a failure repeats.

What every user of Gymnasium relies on is checked of every environment: spaces, types, seeds, time limits, frames. An
environment that is built on the adapters of `rlbench.core` promises more, which `strict` asks of any other as well:
actions, options and arguments that make no sense are refused, copies and states continue bit for bit.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
from gymnasium.error import DependencyNotInstalled

from rlbench.conformance import batch, single
from rlbench.conformance.compare import ConformanceError, Make, same

__all__ = ["ConformanceError", "check_env", "check_vector_env", "same"]

Promises = tuple[Callable[[Make], None], ...]


def check_env(id: str, *, strict: bool | None = None, **kwargs: Any) -> None:
    """Check the single environment of an id.

    Args:
        id: The registered name.
        strict: Whether it promises what the environments of rlbench do, beyond Gymnasium; by default where it is built
            on their adapters.
        **kwargs: Arguments of `gymnasium.make`.

    Raises:
        ConformanceError: A promise is not kept; the message names it.
    """
    _run(single.PROMISES, single.STRICT_PROMISES, id, functools.partial(gymnasium.make, id, **kwargs), strict)


def check_vector_env(id: str, *, strict: bool | None = None, **kwargs: Any) -> None:
    """Check that the batch of an id is the same task as N single environments, in every autoreset mode it has.

    A batch of others may draw its starts in a way of its own, as Gymnasium's cart-poles do, all of them from one
    generator. What differs from the first observations on is not compared unless `strict`.

    Arguments and errors are those of `check_env`, `kwargs` those of `gymnasium.make_vec`.
    """
    make = functools.partial(gymnasium.make_vec, id, **kwargs)
    _run(batch.PROMISES, batch.STRICT_PROMISES, id, make, strict)


def _run(promises: Promises, strict_promises: Promises, id: str, make: Make, strict: bool | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = make()  # an id or argument that is wrong is the caller's mistake
        if strict is None:
            strict = any(kind.__module__ == "rlbench.core.adapter" for kind in type(env.unwrapped).__mro__)
        env.close()
        for promise in strict_promises if strict else promises:
            with _named(id, promise.__doc__ or promise.__name__), _closing(make) as remembered:
                promise(remembered)


@contextlib.contextmanager
def _named(id: str, promise: str) -> Iterator[None]:
    """Make a broken promise of whatever goes wrong."""
    try:
        yield
    except DependencyNotInstalled:
        raise
    except ConformanceError as broken:
        raise ConformanceError(f"{id}: {promise.rstrip('.')}: {broken}") from None
    except Exception as error:
        raise ConformanceError(f"{id}: {promise.rstrip('.')}: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _closing(make: Make) -> Iterator[Make]:
    """The same function, whose environments are closed at the end."""
    with contextlib.ExitStack() as stack:

        def remembered(**kwargs: Any) -> Any:
            env = make(**kwargs)
            stack.callback(env.close)
            return env

        yield remembered
