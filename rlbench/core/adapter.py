"""Environment adapters: the base classes that make rules or a simulator a Gymnasium environment.

`EnvAdapter` is the base of the single environments, `VectorEnvAdapter` that of the batches. They check arguments, seeds
and the order of calls, and they render. A subclass says how an episode starts and what a frame is; it writes `step`
itself, since one call more would be felt there, and raises `ResetNeeded` in it where a reset is missing.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlbench.core.arguments import (
    BATCH_RENDER_MODES,
    RENDER_MODES,
    TEXT_MODE,
    Check,
    check_autoreset_mode,
    check_memory,
    check_num_envs,
    check_options,
    check_render_mode,
    step_limit,
)
from rlbench.core.autoreset import Bools, check_reset_mask
from rlbench.core.rng import check_seed, env_seeds
from rlbench.drawing.frame import shown_inline
from rlbench.space_tree import walk

COPIES = 5  # of an observation: the space's two bounds and their masks, and what a step writes
NOTHING_TO_RENDER = "there is nothing to render yet; call reset() first"

Image = NDArray[np.uint8]
Step = tuple[Any, float, bool, bool, dict[str, Any]]
BatchStep = tuple[Any, NDArray[np.float64], Bools, Bools, dict[str, Any]]


class EnvAdapter(gymnasium.Env[Any, Any]):
    """The base of a single environment. A subclass defines `state` where the state can be set."""

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012  # Gymnasium declares it so
    state: Any

    def __init__(self, title: str, render_mode: str | None) -> None:
        """Before the first reset. `title` is that of the window where the environment has no id."""
        self._title, self.render_mode = title, render_mode
        self._has_begun, self._has_ended = False, True
        self._window: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Seeds the stream of random numbers; without one it goes on.
            options: The environment's own, or `{"state": {field: value}}` to begin in that state where it can be set.
                The draws of the start are consumed either way, so that later episodes do not depend on the option.

        Returns:
            The first observation, and `info`.

        Raises:
            ArgumentError: The seed or an option is wrong; nothing has changed then.
        """
        seed = None if seed is None else check_seed(seed)
        checked = self._checked_options(options)
        super().reset(seed=seed)
        self._has_ended = False  # unless it begins in a state that is an end
        info = self._start(seed, checked)
        self._has_begun = True
        if self.render_mode == "human":
            self.render()
        return self._observation(), info

    def _option_checks(self) -> dict[str, Check]:
        """The options that `reset` takes, and the check of each; none by default."""
        return {}

    def _checked_options(self, options: Any) -> dict[str, Any]:
        return check_options(options, self._option_checks())

    @abstractmethod
    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        """Begin an episode, with options that were checked; returns `info`."""

    @abstractmethod
    def _observation(self) -> Any:
        """A new observation of the current state."""

    @abstractmethod
    def _frame(self) -> Image:
        """The frame of the current state, uint8[H, W, 3]."""

    def _text(self) -> str:
        """The current state as text, where the environment has the mode `ansi`."""
        raise NotImplementedError

    @abstractmethod
    def step(self, action: Any) -> Step:
        """One step. Raises InvalidAction for an action outside the space, ResetNeeded where a reset is missing."""

    def _reset_needed(self) -> ResetNeeded:
        return ResetNeeded("the episode has not begun or has ended; call reset() before step()")

    def render(self) -> Image | str | None:
        """The frame, uint8[H, W, 3]; in mode `ansi` the text; in mode `human` None, and the frame goes to a window.

        When the user closes the window, the environment goes on without one until `close()`.

        Raises ResetNeeded before the first reset.
        """
        if not self._has_begun:
            raise ResetNeeded(NOTHING_TO_RENDER)
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if self.render_mode == TEXT_MODE:
            return self._text()
        if self._window is not None and self._window.closed:
            return None
        frame = self._frame()
        if self.render_mode == "rgb_array":
            return shown_inline(frame)
        if self._window is None:
            self._window = self._open_window()
        self._window.show(self._enlarged(frame))
        return None

    def _open_window(self) -> Any:
        from rlbench.drawing.window import NoDisplayError, NoWindow, Viewer

        try:
            return Viewer(self.spec.id if self.spec else self._title, self.metadata["render_fps"])
        except NoDisplayError as error:  # as with Gymnasium's own, a program that asks for a window runs without one
            gymnasium.logger.warn(f"{error}; nothing is shown")
            return NoWindow()

    def _enlarged(self, frame: Image) -> Image:
        """The frame as large as a window shows it."""
        return frame

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle holds: all but the window."""
        return {**self.__dict__, "_window": None}

    def close(self) -> None:
        """Close the window, if one is open."""
        if self._window is not None:
            self._window.close()
            self._window = None


class VectorEnvAdapter(VectorEnv[Any, Any, Any]):
    """The base of N environments that are stepped together; environment i is the single one seeded `seed + i`.

    In SAME_STEP mode `final_obs[N, ...]` is what the step reached, before any reset, in every environment; `_final_obs`
    and `_final_info` mark those whose episode ended.
    """

    bytes_per_env = 100
    """Of memory, at least: what `num_envs` environments need is refused before any is made."""

    # A dict of its own: Gymnasium's own vector environments write their mode into the one of VectorEnv.
    metadata: dict[str, Any] = {"render_modes": list(BATCH_RENDER_MODES)}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        num_envs: int,
        render_mode: str | None,
        autoreset_mode: AutoresetMode | str,
        max_episode_steps: int | None = None,
    ) -> None:
        """Check the arguments; `_describe` completes the environment."""
        self.num_envs, self.render_mode = check_num_envs(num_envs), render_mode
        check_render_mode(render_mode, type(self).metadata["render_modes"])
        check_memory(f"num_envs={num_envs}", self.num_envs * self.bytes_per_env)
        self.autoreset_mode = check_autoreset_mode(autoreset_mode)
        self._never_resets = self.autoreset_mode == AutoresetMode.DISABLED
        self._limit, self._limit_by_id = step_limit(max_episode_steps), max_episode_steps is None
        self._spec: EnvSpec | None = None
        self._has_begun = self._was_seeded = False
        self._done = np.zeros(self.num_envs, np.bool_)  # whose episode has ended without a new one; kept by `step`

    def _describe(self, observation_space: Any, action_space: Any, metadata: Mapping[str, Any]) -> None:
        """Set the spaces of one environment and of the batch, and the instance's metadata."""
        leaves = [leaf for space in (observation_space, action_space) for _, leaf in walk(space)]
        size = sum(leaf.dtype.itemsize * math.prod(leaf.shape) for leaf in leaves)
        check_memory(f"num_envs={self.num_envs}", self.num_envs * (self.bytes_per_env + COPIES * size))
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, self.num_envs)
        self.action_space = batch_space(action_space, self.num_envs)
        self.metadata = {**metadata, "autoreset_mode": self.autoreset_mode}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every environment, or in some.

        Args:
            seed: An integer s seeds environment i with s + i; a list gives each its own; without one streams go on.
            options: `{"reset_mask": bool[N]}` selects environments; `{"state": {field: array[N, ...]}}` begins in given
                states where they can be set, their draws being consumed all the same; others are the environment's own.

        Returns:
            The observations [N, ...] of all environments, and `info`.

        Raises:
            ArgumentError: A seed or an option is wrong; nothing has changed then.
        """
        seeds, checked = env_seeds(seed, self.num_envs), self._checked_options(options)
        mask = checked.pop("reset_mask", np.ones(self.num_envs, np.bool_))
        observations, info = self._start(mask, seeds, checked)
        self._has_begun = True
        return observations, info

    def _option_checks(self) -> dict[str, Check]:
        """The options that `reset` takes, and the check of each; by default only which environments to reset."""
        return {"reset_mask": lambda mask: check_reset_mask(mask, self.num_envs, self._has_begun)}

    def _checked_options(self, options: Any) -> dict[str, Any]:
        return check_options(options, self._option_checks())

    @property
    def spec(self) -> EnvSpec | None:
        """What Gymnasium registered under the id."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        """Set by `gymnasium.make_vec`. As in `gymnasium.make`, `max_episode_steps=None` is the limit of the id."""
        self._spec = spec
        if self._limit_by_id and spec is not None:
            self._limit = step_limit(spec.max_episode_steps)

    @abstractmethod
    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in the environments of the mask, with options that were checked.

        Returns:
            The observations of all, and `info`.
        """

    @abstractmethod
    def step(self, actions: Any) -> BatchStep:
        """Step all environments.

        Args:
            actions: One per environment, [N, ...]; a dict of these where the action space is one.

        Returns:
            Observations [N, ...], rewards float64[N], terminations and truncations bool[N], and `info`.

        Raises:
            InvalidAction: An action is outside the space; nothing has moved then.
            ResetNeeded: A reset is missing.
        """

    def _new_seeds(self, mask: Bools, seeds: Sequence[int | None]) -> tuple[NDArray[np.int64], Sequence[int | None]]:
        """The environments whose streams a reset seeds, int64[n], and their seeds; None is left to the system."""
        first, self._was_seeded = not self._was_seeded, True
        if not first and not isinstance(seeds, range):
            mask = mask & np.array([seed is not None for seed in seeds])
        if mask.all():
            return np.arange(self.num_envs), seeds
        which = np.flatnonzero(mask)
        return which, [seeds[i] for i in which.tolist()]

    @abstractmethod
    def _frames(self) -> Iterable[Image | str]:
        """A frame uint8[H, W, 3] per environment; in mode `ansi` a text."""

    def render(self) -> tuple[Image | str, ...] | None:
        """A frame uint8[H, W, 3], or text, per environment; None without a mode. ResetNeeded before the first reset."""
        if not self._has_begun:
            raise ResetNeeded(NOTHING_TO_RENDER)
        if self.render_mode is None:
            return None
        return tuple(frame if isinstance(frame, str) else shown_inline(frame) for frame in self._frames())
