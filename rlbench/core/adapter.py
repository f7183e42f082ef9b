"""Environment adapters: the base classes that make rules or a simulator a Gymnasium environment.

`EnvAdapter` is the base of the single environments, `VectorEnvAdapter` that of the batches. They check arguments, seeds
and the order of calls, and they render. A subclass says how an episode starts and what a frame is; it writes `step`
itself, since one call more would be felt there, and raises `ResetNeeded` in it where a reset is missing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded, UnsupportedMode
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlbench.core.autoreset import Bools, check_reset_mask
from rlbench.core.rng import check_seed, env_seeds

RENDER_MODES = ("human", "rgb_array")
NO_LIMIT = np.iinfo(np.int64).max
NOTHING_TO_RENDER = "there is nothing to render yet; call reset() first"

Image = NDArray[np.uint8]
Step = tuple[Any, float, bool, bool, dict[str, Any]]
BatchStep = tuple[Any, NDArray[np.float64], Bools, Bools, dict[str, Any]]


def check_render_mode(render_mode: str | None) -> None:
    """Raise UnsupportedMode for a render mode that does not exist."""
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise UnsupportedMode(f"render_mode {render_mode!r} is not one of {', '.join(RENDER_MODES)}")


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
        """
        super().reset(seed=None if seed is None else check_seed(seed))
        options = options or {}
        info = self._start(seed, options)
        self._has_begun, self._has_ended = True, False
        if "state" in options and hasattr(self, "state"):
            self.state = options["state"]
        if self.render_mode == "human":
            self.render()
        return self._observation(), info

    @abstractmethod
    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        """Draw the start of an episode; returns `info`."""

    @abstractmethod
    def _observation(self) -> Any:
        """A new observation of the current state."""

    @abstractmethod
    def _frame(self) -> Image:
        """The frame of the current state, uint8[H, W, 3]."""

    @abstractmethod
    def step(self, action: Any) -> Step:
        """One step. Raises InvalidAction for an action outside the space, ResetNeeded where a reset is missing."""

    def _reset_needed(self) -> ResetNeeded:
        return ResetNeeded("the episode has not begun or has ended; call reset() before step()")

    def render(self) -> Image | None:
        """The frame, uint8[H, W, 3]; in mode `human` None, and the frame goes to a window.

        Raises ResetNeeded before the first reset.
        """
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if not self._has_begun:
            raise ResetNeeded(NOTHING_TO_RENDER)
        frame = self._frame()
        if self.render_mode == "rgb_array":
            return frame
        if self._window is None:
            from rlbench.drawing.window import Viewer

            self._window = Viewer(self.spec.id if self.spec else self._title, self.metadata["render_fps"])
        self._window.show(self._enlarged(frame))
        return None

    def _enlarged(self, frame: Image) -> Image:
        """The frame as large as a window shows it."""
        return frame

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

    # A dict of its own: Gymnasium's own vector environments write their mode into the one of VectorEnv.
    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        num_envs: int,
        render_mode: str | None,
        autoreset_mode: AutoresetMode | str,
        max_episode_steps: int | None = None,
    ) -> None:
        """Check the arguments; `_describe` completes the environment. Raises ValueError for a bad `num_envs`."""
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise ValueError(f"num_envs is a positive integer, got {num_envs!r}")
        self.num_envs, self.render_mode = int(num_envs), render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self._never_resets = self.autoreset_mode == AutoresetMode.DISABLED
        self._limit = NO_LIMIT if max_episode_steps is None else max_episode_steps
        self._has_begun = self._was_seeded = False
        self._done = np.zeros(self.num_envs, np.bool_)  # whose episode has ended without a new one; kept by `step`

    def _describe(self, observation_space: Any, action_space: Any, metadata: Mapping[str, Any]) -> None:
        """Set the spaces of one environment and of the batch, and the instance's metadata."""
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
        """
        options = options or {}
        mask = check_reset_mask(options.get("reset_mask"), self.num_envs, self._has_begun)
        observations, info = self._start(mask, env_seeds(seed, self.num_envs), options)
        self._has_begun = True
        return observations, info

    @abstractmethod
    def _start(self, mask: Bools, seeds: list[int | None], options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in the environments of the mask; returns the observations of all, and `info`."""

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

    def _new_seeds(self, mask: Bools, seeds: list[int | None]) -> list[tuple[int, int | None]]:
        """(i, seed) of every environment whose stream a reset seeds; for None the operating system gives the seed."""
        first, self._was_seeded = not self._was_seeded, True
        return [(i, seed) for i, seed in enumerate(seeds) if mask[i] and (first or seed is not None)]

    @abstractmethod
    def _frames(self) -> Iterable[Image]:
        """A frame uint8[H, W, 3] per environment."""

    def render(self) -> tuple[Image, ...] | None:
        """A frame uint8[H, W, 3] per environment; None without a render mode. ResetNeeded before the first reset."""
        if self.render_mode is None:
            return None
        if not self._has_begun:
            raise ResetNeeded(NOTHING_TO_RENDER)
        return tuple(self._frames())
