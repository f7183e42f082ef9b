"""Environments of others: their faults as one line, and batches of them whose reset options differ."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs import registration
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper

from rlbench.errors import UserError, one_line
from rlbench.process.screens import drawing_into_memory

PASSED_OVER = (__file__, importlib.__file__, contextlib.__file__, registration.__file__)
"""Files that a traceback goes through on the way to an environment's own."""

OPENGL = "OpenGL", "; without a screen, MUJOCO_GL=osmesa in the environment may help, or libegl1"


class ForeignEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment of others, whose exceptions become a UserError that names it, and the line of its file.

    Args:
        env: the environment.
        index: its place in a batch, whose reset options are arrays over all of its environments.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], index: int | None = None) -> None:
        super().__init__(env)
        self._name, self._index = env.spec.id if env.spec else type(env.unwrapped).__name__, index

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, in a batch with its own part of the options."""
        if options is not None and self._index is not None:
            options = _part(options, self._index)
        with blamed(self._name), self._drawing():
            return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step; an action that the environment refuses is the player's mistake."""
        with blamed(self._name, gymnasium.error.InvalidAction):
            return self.env.step(action)

    def render(self) -> Any:
        """A frame, uint8[H, W, 3], in mode rgb_array."""
        with blamed(self._name), self._drawing():
            frame: Any = self.env.render()
        if self.render_mode == "rgb_array" and (np.ndim(frame) != 3 or getattr(frame, "dtype", None) != np.uint8):
            raise UserError(f"{self._name}: render() gives no frame, uint8[H, W, 3], but {type(frame).__name__}")
        return frame

    def _drawing(self) -> contextlib.AbstractContextManager[None]:
        return drawing(self.render_mode)


class ForeignBatch(VectorWrapper):
    """A batch of an environment of others, whose exceptions become a UserError, too."""

    def __init__(self, env: gymnasium.vector.VectorEnv[Any, Any, Any], name: str) -> None:
        super().__init__(env)
        self._name = name

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every environment."""
        with blamed(self._name):
            return self.env.reset(seed=seed, options=options)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step all environments."""
        with blamed(self._name):
            return self.env.step(actions)


def make(name: str, render_mode: str | None, kwargs: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    """One environment of others.

    Args:
        name: its registered id.
        render_mode: as of `gymnasium.make`.
        kwargs: its arguments.

    Raises:
        UserError: it cannot be made, or has not that render mode.
        DependencyNotInstalled: a package that it needs is missing.
    """
    with blamed(name):
        if render_mode is not None:
            _check_render_mode(gymnasium.spec(name), render_mode)
        with drawing(render_mode):
            return ForeignEnv(gymnasium.make(name, render_mode=render_mode, disable_env_checker=True, **kwargs))


def make_vec(name: str, num_envs: int, autoreset_mode: AutoresetMode, kwargs: Mapping[str, Any]) -> ForeignBatch:
    """N environments of others: their own batch where it has the autoreset mode, else Gymnasium's `SyncVectorEnv`.

    Args and errors are those of `make`.
    """
    with blamed(name):
        batch = _own_batch(name, num_envs, autoreset_mode, kwargs)
        if batch is None:
            makers = [functools.partial(_make_part, name, kwargs, i) for i in range(num_envs)]
            batch = SyncVectorEnv(makers, autoreset_mode=autoreset_mode)
            batch.spec = gymnasium.spec(name)
    return ForeignBatch(batch, name)


def drawing(render_mode: str | None) -> contextlib.AbstractContextManager[None]:
    """What an environment draws with looks for no screen inside, where it draws into arrays."""
    return drawing_into_memory() if render_mode == "rgb_array" else contextlib.nullcontext()


@contextlib.contextmanager
def blamed(name: str, allowed: type[Exception] = UserError) -> Iterator[None]:
    """Exceptions inside become a UserError that names an environment.

    Args:
        name: the environment's id.
        allowed: passes unchanged, as do UserErrors, missing packages and memory.
    """
    try:
        yield
    except (allowed, UserError, DependencyNotInstalled, MemoryError):
        raise
    except Exception as error:
        raise UserError(f"{name}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """An exception of somebody else's code as one line: its class, its message, and the line of the file."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {one_line(error.msg)} ({error.filename}, line {error.lineno})"
    if isinstance(error.__cause__, TypeError) and str(error).startswith(str(error.__cause__)):
        error = error.__cause__  # Gymnasium adds all arguments to a TypeError
    frames = [each for each in traceback.extract_tb(error.__traceback__) if os.path.isabs(each.filename)]
    frames = [each for each in frames if each.filename not in PASSED_OVER]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    said = one_line(error)
    hint = OPENGL[1] if OPENGL[0] in said and "MUJOCO_GL" not in os.environ else ""
    return f"{type(error).__name__}{': ' if said else ''}{said}{where}{hint}"


def _own_batch(
    name: str, num_envs: int, autoreset_mode: AutoresetMode, kwargs: Mapping[str, Any]
) -> gymnasium.vector.VectorEnv[Any, Any, Any] | None:
    """The batch that an environment has itself; None where it has none, or not in this mode."""
    if gymnasium.spec(name).vector_entry_point is None:
        return None
    try:
        batch = gymnasium.make_vec(name, num_envs=num_envs, autoreset_mode=autoreset_mode, **kwargs)
    except TypeError as error:
        if "autoreset_mode" in str(error):
            return None
        raise
    if batch.metadata.get("autoreset_mode") == autoreset_mode:
        return batch
    batch.close()
    return None


def _make_part(name: str, kwargs: Mapping[str, Any], index: int) -> gymnasium.Env[Any, Any]:
    return ForeignEnv(gymnasium.make(name, disable_env_checker=True, **kwargs), index)


def _part(options: Any, index: int) -> Any:
    """Of options whose leaves are arrays over a batch, those of one environment, as Python's own numbers."""
    if isinstance(options, Mapping):
        return {key: _part(value, index) for key, value in options.items()}
    value = options[index]
    return value.item() if np.ndim(value) == 0 and hasattr(value, "item") else value


def _check_render_mode(spec: EnvSpec, mode: str) -> None:
    """Raise UserError where the class of an environment does not list a render mode."""
    entry_point: Any = spec.entry_point
    creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    metadata = getattr(creator, "metadata", None)  # a function has none: what it makes will say so
    modes = metadata.get("render_modes", ()) if isinstance(metadata, Mapping) else (mode,)
    if mode not in modes:
        raise UserError(
            f"{spec.id} draws no frames: this needs the render mode {mode}, it has {', '.join(modes) or 'none'}"
        )
