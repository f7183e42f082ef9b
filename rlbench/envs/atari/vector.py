"""AtariVectorEnv: N copies of an Atari game, in all of Gymnasium's autoreset modes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import InvalidAction
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.core.adapter import BatchStep, Image, VectorEnvAdapter
from rlbench.core.arguments import NO_LIMIT, Check, check_known, flag, integer
from rlbench.core.autoreset import Bools, final_entries, reset_needed, with_masks
from rlbench.core.spaces import Layout
from rlbench.envs.atari.ale_bindings import SEEDS, emulator_seed
from rlbench.envs.atari.emulator import SIDE, STACK, Games, Outcome
from rlbench.envs.atari.history import STREAM_GOES_ON, State, check_state
from rlbench.envs.atari.protocol import DEFAULT, FIELDS, protocol
from rlbench.envs.atari.render import picture
from rlbench.errors import ArgumentError


class AtariVectorEnv(VectorEnvAdapter):
    """N copies of a game. Observations are uint8[N, 4, 84, 84], new arrays in every step.

    `preset` names the protocol, and each field of it is a keyword argument as well. `threads` is how many the emulator
    may use, 0 for one per core. The entries of `info`, arrays [N]:

        score                 float64, the points won in this step, also where rewards are clipped
        lives                 int32, after the step, and after a reset in the same step
        episode_frame_number  int32, likewise: frames played in the episode
        life_lost             bool, with `life_loss`: a life was lost and the game goes on
    """

    bytes_per_env = 500_000  # its screens, and the stacks of them, alone

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
        check_known(type(self), fields, FIELDS)
        super().__init__(num_envs, render_mode, autoreset_mode, max_episode_steps)
        if flag("show_observation", show_observation) and render_mode is None:
            raise ArgumentError("show_observation draws what the agent sees: give a render_mode with it")
        self.protocol = protocol(preset, fields)
        if self._limit != NO_LIMIT:
            # The emulator breaks off before the last frame is seen, Gymnasium's TimeLimit of a single game after it.
            frames = self._limit * self.protocol.frame_skip
            instead = f"give max_frames={frames}, not max_episode_steps"
            raise ArgumentError(f"Atari episodes are limited in frames: {instead}")
        self.show_observation = show_observation
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        threads = integer("threads", threads, 0)
        self._games = Games(game, self.protocol, self.num_envs, same_step, threads)
        self._emulators = [self._games]  # in step with each other
        metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}
        if render_mode is not None:
            self._emulators.append(Games(game, self.protocol, self.num_envs, same_step, threads, colour=True))
            metadata["render_fps"] = 60 / self.protocol.frame_skip
        self.actions = Layout(len(self._games.actions))
        self._describe(Box(0, 255, (STACK, SIDE, SIDE), np.uint8), self.actions.space, metadata)
        self._everywhere = np.ones(self.num_envs, np.bool_)
        self.observations: NDArray[np.uint8]

    def get_action_meanings(self) -> list[str]:
        """What each action does to the joystick, as in `UPRIGHTFIRE`."""
        return list(self._games.actions)

    def _option_checks(self) -> dict[str, Check]:
        return {**super()._option_checks(), "state": self.checked_state}

    def _checked_options(self, options: Any) -> dict[str, Any]:
        checked = super()._checked_options(options)
        if "state" in checked and not checked.get("reset_mask", self._everywhere).all():
            raise ArgumentError("option 'state' of Atari games is of all of them; leave reset_mask out")
        return checked

    def checked_state(self, values: Any) -> State:
        """The state of all games of these values; ArgumentError for what is none."""
        return check_state(values, self.num_envs, len(self._games.actions))

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        self.closed = False  # as for all environments, a reset opens it again
        chosen = np.full(self.num_envs, STREAM_GOES_ON, np.int64)
        which, new = self._new_seeds(mask, seeds)
        for i, seed in zip(which.tolist(), new, strict=True):
            chosen[i] = secrets.randbelow(SEEDS) if seed is None else emulator_seed(seed)
        outcome, *in_colour = (games.reset(np.flatnonzero(mask), chosen[mask]) for games in self._emulators)
        self._keep(outcome, in_colour)
        self._done = self._done & ~mask
        if "state" in options:
            outcome = self._restore(options["state"])
        return outcome.observations, self._info(outcome, np.zeros_like(mask))

    def _keep(self, outcome: Outcome, in_colour: list[Outcome]) -> None:
        """Keep what `render` draws, and the lives that the next step's are compared with."""
        self.observations, self._lives = outcome.observations, outcome.lives
        self._screens = [each.observations for each in in_colour]

    def step(self, actions: Any) -> BatchStep:
        """Hold actions, int[N], for `frame_skip` frames."""
        actions = self._checked(actions)
        outcome, *in_colour = (games.step(actions) for games in self._emulators)
        ended = outcome.terminated | outcome.truncated
        info = self._info(outcome, (outcome.lives < self._lives) & ~ended & ~self._done)
        self._keep(outcome, in_colour)
        if outcome.final is None:
            self._done = ended
        elif ended.any():
            outcome.final[~ended] = outcome.observations[~ended]
            score = with_masks({"score": np.where(ended, outcome.scores, 0.0)}, ended)
            info.update(final_entries(outcome.final, score, ended))
        rewards = np.sign(outcome.scores) if self.protocol.clip_rewards else outcome.scores.copy()
        return outcome.observations, rewards, outcome.terminated, outcome.truncated, info

    @property
    def state(self) -> State | None:
        """The state of all games, their random streams included; None before the first reset. It can be set.

        The emulator cannot save its games: a state is the history since all were last seeded, and setting it plays
        that again. So copies and pickles do, too.
        """
        return self._games.state if self._has_begun else None

    @state.setter
    def state(self, values: Any) -> None:
        self._restore(self.checked_state(values))

    def _restore(self, state: State) -> Outcome:
        outcome, *in_colour = (games.restore(state) for games in self._emulators)
        self._keep(outcome, in_colour)
        self._has_begun = self._was_seeded = True
        if outcome.final is None:
            self._done = outcome.terminated
        return outcome

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        if not self._has_begun or (self._never_resets and self._done.any()):
            raise reset_needed(self._has_begun, self._done)
        checked: NDArray[np.int64] = self.actions.check_batch(actions, self.num_envs)[0]
        bad = (checked < 0) | (checked >= len(self._games.actions))
        if bad.any():
            i = int(bad.argmax())
            raise InvalidAction(f"action {checked[i]} of environment {i} is not in {self.single_action_space}")
        return checked

    def _info(self, outcome: Outcome, lost: Bools) -> dict[str, Any]:
        info: dict[str, Any] = {"score": outcome.scores, "lives": outcome.lives, "episode_frame_number": outcome.frames}
        if self.protocol.life_loss:
            info["life_lost"] = lost
        return with_masks(info, self._everywhere)

    def _frames(self) -> Iterator[Image]:
        """The screens, uint8[H, W, 3], with what the agent sees beside them if `show_observation`."""
        seen = self.observations if self.show_observation else [None] * self.num_envs
        return (picture(screen[0], one) for screen, one in zip(self._screens[0], seen, strict=True))

    def close_extras(self, **kwargs: Any) -> None:
        """End the emulator's threads."""
        for games in self._emulators:
            games.close()
