"""AtariVectorEnv: N copies of an Atari game, with all three of Gymnasium's autoreset modes."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
from gymnasium.error import ClosedEnvironmentError, InvalidAction, ResetNeeded, UnsupportedMode
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rlbench.core.rng import lane_seeds
from rlbench.core.spaces import Layout
from rlbench.envs.atari.emulator import SEEDS, SIDE, STACK, Games, Outcome, check_seeds
from rlbench.envs.atari.protocol import DEFAULT, protocol
from rlbench.envs.atari.render import picture
from rlbench.errors import UserError

Bools = NDArray[np.bool_]


class AtariVectorEnv(VectorEnv[Any, Any, Any]):
    """N copies of a game, stepped together; lane i is the single environment seeded `seed + i`.

    Observations are uint8[N, 4, 84, 84], new arrays in every step. `preset` names the protocol, and each field of it
    is a keyword argument as well. `info["score"]`, float64[N], holds the points won in this step, also where rewards
    are clipped; `info["lives"]` and `info["episode_frame_number"]`, int32[N], those after it, and after a reset in the
    same step; `info["life_lost"]`, bool[N], with `life_loss`, where one was lost and the game goes on. In SAME_STEP
    mode `final_obs` is what the step reached, in every lane; `_final_obs` and `_final_info` mark the lanes whose
    episode ended. `threads` is how many the emulator may use, 0 for one per core.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        game: str,
        num_envs: int = 1,
        preset: str = DEFAULT,
        render_mode: str | None = None,
        show_observation: bool = False,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 0,
        max_episode_steps: int | None = None,
        **fields: Any,
    ) -> None:
        if isinstance(num_envs, bool) or num_envs < 1:
            raise ValueError(f"num_envs is a positive integer, got {num_envs!r}")
        if render_mode not in (None, "rgb_array"):
            raise UnsupportedMode(f"render_mode {render_mode!r} of a batch is not rgb_array")
        if show_observation and render_mode is None:
            raise UserError("show_observation draws what the agent sees: give a render_mode with it")
        self.protocol = protocol(preset, fields)
        if max_episode_steps is not None:
            # The emulator breaks off before the last frame is seen, Gymnasium's TimeLimit of a single game after it.
            frames = max_episode_steps * self.protocol.frame_skip
            raise UserError(f"Atari episodes are limited in frames: give max_frames={frames}, not max_episode_steps")
        self.num_envs, self.render_mode, self.show_observation = num_envs, render_mode, show_observation
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        self._games = Games(game, self.protocol, num_envs, same_step, threads)
        self._all = [self._games]
        if render_mode is not None:
            self._all.append(Games(game, self.protocol, num_envs, same_step, threads, colour=True))
            self.metadata["render_fps"] = 60 / self.protocol.frame_skip
        self._make_spaces()
        self._everywhere = np.ones(num_envs, np.bool_)
        self._over: Any = None  # bool[N], where the episode has ended; None before the first reset

    def _make_spaces(self) -> None:
        self.single_observation_space = Box(0, 255, (STACK, SIDE, SIDE), np.uint8)
        self.lane_actions = Layout(len(self._games.actions))
        self.single_action_space = self.lane_actions.space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def get_action_meanings(self) -> list[str]:
        """What each action does to the joystick, as in `UPRIGHTFIRE`."""
        return list(self._games.actions)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begin an episode in every lane, or in those of `options["reset_mask"]`, bool[N].

        Without a seed a lane's stream goes on; the first reset seeds it from the operating system.
        """
        self._require_open()
        mask = self._mask((options or {}).get("reset_mask"))
        seeds = check_seeds(lane_seeds(seed, self.num_envs))
        if self._over is None:
            seeds = [secrets.randbelow(SEEDS) if one is None else one for one in seeds]
        lanes = np.flatnonzero(mask)
        chosen = np.array([-1 if seeds[i] is None else seeds[i] for i in lanes], np.int64)
        outcome, *shadows = (games.reset(lanes, chosen) for games in self._all)
        self._show(outcome, shadows)
        self._over = outcome.terminated if self._over is None else self._over & ~mask
        return outcome.observations, self._info(outcome, outcome.truncated)

    def _show(self, outcome: Outcome, shadows: list[Outcome]) -> None:
        """Keep what `render` draws, and the lives that the next step's are compared with."""
        self._observations, self._lives = outcome.observations, outcome.lives
        self._screens = [shadow.observations for shadow in shadows]

    def _mask(self, mask: Any) -> Bools:
        if mask is None:
            return self._everywhere
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask is a bool array of shape ({self.num_envs},), got {mask!r}")
        if self._over is None or not mask.any():
            reason = "comes before the first full reset" if self._over is None else "selects no lane"
            raise ValueError(f"reset_mask {reason}")
        return mask

    def step(self, actions: Any) -> tuple[NDArray[np.uint8], NDArray[np.float64], Bools, Bools, dict[str, Any]]:
        """Step every lane. Raises InvalidAction before anything has moved, ResetNeeded where a reset is missing."""
        actions = self._checked(actions)
        outcome, *shadows = (games.step(actions) for games in self._all)
        over = outcome.terminated | outcome.truncated
        info = self._info(outcome, (outcome.lives < self._lives) & ~over & ~self._over)
        self._show(outcome, shadows)
        self._over = over
        if outcome.final is not None:
            self._over = np.zeros_like(over)
            if over.any():
                info.update(self._ends(outcome, outcome.final, over))
        rewards = np.sign(outcome.scores) if self.protocol.clip_rewards else outcome.scores.copy()
        return outcome.observations, rewards, outcome.terminated, outcome.truncated, info

    def _require_open(self) -> None:
        if not self._all:
            raise ClosedEnvironmentError("the environment is closed; make another")

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        self._require_open()
        if self._over is None:
            raise ResetNeeded("the episodes have not begun; call reset() before step()")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._over.any():
            lanes = np.flatnonzero(self._over).tolist()
            raise ResetNeeded(
                f"the episodes of lanes {lanes} have ended; reset them with options={{'reset_mask': ...}}"
            )
        checked: NDArray[np.int64] = self.lane_actions.check_batch(actions, self.num_envs)[0]
        bad = (checked < 0) | (checked >= len(self._games.actions))
        if bad.any():
            lane = int(bad.argmax())
            raise InvalidAction(f"action {checked[lane]} of lane {lane} is not in {self.single_action_space}")
        return checked

    def _info(self, outcome: Outcome, lost: Bools) -> dict[str, Any]:
        info: dict[str, Any] = {"score": outcome.scores, "lives": outcome.lives, "episode_frame_number": outcome.frames}
        if self.protocol.life_loss:
            info["life_lost"] = lost
        return {**info, **{f"_{name}": self._everywhere.copy() for name in info}}

    def _ends(self, outcome: Outcome, final: NDArray[np.uint8], over: Bools) -> dict[str, Any]:
        final[~over] = outcome.observations[~over]
        info = {"score": np.where(over, outcome.scores, 0.0), "_score": over.copy()}
        return {"final_obs": final, "_final_obs": over.copy(), "final_info": info, "_final_info": over.copy()}

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """The screen of each lane, uint8[H, W, 3], with what the agent sees beside it if `show_observation`."""
        if self.render_mode is None:
            return None
        if self._over is None:
            raise ResetNeeded("there is nothing to render yet; call reset() first")
        seen = self._observations if self.show_observation else [None] * self.num_envs
        return tuple(picture(screen[0], one) for screen, one in zip(self._screens[0], seen, strict=True))

    def close_extras(self, **kwargs: Any) -> None:
        """End the emulator's threads."""
        self._all = []
        del self._games
