"""N games of Go against programs, stepped one by one: the batch for opponents that no loop can compile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from gymnasium.error import InvalidAction
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import concatenate, create_empty_array
from numpy.typing import NDArray

from rlbench.core.adapter import BatchStep, Image, VectorEnvAdapter
from rlbench.core.arguments import BATCH_RENDER_MODES, Check, flag
from rlbench.core.autoreset import Bools, final_entries, reset_needed
from rlbench.envs.go.config import opponent_names
from rlbench.envs.go.engines import is_program
from rlbench.envs.go.env import GoEnv, GoVectorEnv
from rlbench.errors import ArgumentError

RESULT = ("winner", "score", "ending", "engine", "forfeit")
"""What `info` holds at the end of a game, as far as the game has it."""


def make_batch(device: Any = None, **arguments: Any) -> VectorEnvAdapter:
    """The batch for these arguments: compiled, or one by one where an opponent is a program; of tensors on a device."""
    names = opponent_names(arguments.get("opponent", "random"), arguments.get("opponents"))
    if device is not None:
        from rlbench.envs.go.tensor_env import GoTensorVectorEnv

        if programs := [name for name in names if is_program(name)]:
            raise ArgumentError(f"opponent={programs[0]!r} is a program, which plays no tensors; leave out device=")
        return GoTensorVectorEnv(device=device, **arguments)
    return (GoEngineVectorEnv if any(map(is_program, names)) else GoVectorEnv)(**arguments)


class GoEngineVectorEnv(VectorEnvAdapter):
    """N games of Go, of which some may be against programs; `info` is that of `GoEnv`, as arrays [N, ...]."""

    def __init__(
        self,
        rules: str,
        num_envs: int = 1,
        render: str | None = None,
        render_mode: Literal["rgb_array"] | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        parallel: bool | None = None,
        copy: bool = True,
        **params: Any,
    ) -> None:
        super().__init__(num_envs, render_mode, autoreset_mode, max_episode_steps)
        self.copy = flag("copy", copy)  # every step makes new arrays
        self._games = [GoEnv(rules, render, None, **params) for _ in range(self.num_envs)]
        self.world = world = self._games[0].world
        metadata = world.metadata(render_mode, BATCH_RENDER_MODES)
        self._describe(world.observation_space, world.action_space, metadata)
        self._elapsed = np.zeros(self.num_envs, np.int64)
        self._observations: list[Any] = [None] * self.num_envs
        self._infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]

    def _option_checks(self) -> dict[str, Check]:
        return {**super()._option_checks(), **self.world.option_checks((self.num_envs,)), "state": _refuse_state}

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        which, new = self._new_seeds(mask, seeds)
        seeded = dict(zip(which.tolist(), new, strict=True))
        for i in np.flatnonzero(mask).tolist():
            self._begin(i, seeded.get(i), {name: int(values[i]) for name, values in options.items()})
        return self._stacked(self._observations), self._joined(self._infos)

    def _begin(self, i: int, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin a game in environment i."""
        self._observations[i], self._infos[i] = self._games[i].reset(seed=seed, options=options)
        self._elapsed[i], self._done[i] = 0, False

    def step(self, actions: Any) -> BatchStep:
        """Step all games, one after the other."""
        if not self._has_begun or (self._never_resets and self._done.any()):
            raise reset_needed(self._has_begun, self._done)
        (array,) = self.world.actions.check_batch(actions, self.num_envs)
        self._check(array)
        rewards, terminations = np.zeros(self.num_envs), np.zeros(self.num_envs, np.bool_)
        truncations = np.zeros(self.num_envs, np.bool_)
        for i, game in enumerate(self._games):
            if self._done[i]:  # NEXT_STEP: it begins anew instead
                self._begin(i)
                continue
            self._observations[i], rewards[i], terminations[i], _, self._infos[i] = game.step(int(array[i]))
            self._elapsed[i] += 1
            truncations[i] = self._elapsed[i] >= self._limit
        info = self._ended(terminations, truncations)
        return self._stacked(self._observations), rewards, terminations, truncations, info

    def _ended(self, terminations: Bools, truncations: Bools) -> dict[str, Any]:
        """The `info` of a step, after which the games that it has ended begin anew in mode SAME_STEP."""
        ended = terminations | truncations
        if not ended.any() or self.autoreset_mode != AutoresetMode.SAME_STEP:
            self._done = ended
            return self._joined(self._infos)
        final = [{k: v for k, v in each.items() if k in RESULT} for each in self._infos]
        finals = [each if over else {} for each, over in zip(final, terminations.tolist(), strict=True)]
        entries = final_entries(self._stacked(self._observations), self._joined(finals), ended)
        for i in np.flatnonzero(ended).tolist():
            self._begin(i)
        return {**entries, **self._joined(self._infos)}

    def _check(self, actions: NDArray[Any]) -> None:
        """Raise InvalidAction for an action that a game would refuse, before any game has moved."""
        for i, game in enumerate(self._games):
            if not 0 <= actions[i] < len(self._infos[i]["action_mask"]):
                raise InvalidAction(f"action {actions[i]} of environment {i} is not in {self.single_action_space}")
            if not game.params.loses and not self._done[i] and not self._infos[i]["action_mask"][actions[i]]:
                raise InvalidAction(f"action {actions[i]} of environment {i} is not legal; see info['action_mask']")

    def _stacked(self, observations: list[Any]) -> Any:
        """Observations of all games, arrays [N, ...]."""
        out: Any = create_empty_array(self.single_observation_space, self.num_envs)
        return concatenate(self.single_observation_space, observations, out)

    def _joined(self, infos: list[dict[str, Any]]) -> dict[str, Any]:
        """The `info` of all games, as arrays [N, ...], each with its mask."""
        joined: dict[str, Any] = {}
        for name in dict.fromkeys(name for info in infos for name in info):
            there = np.array([name in info for info in infos], np.bool_)
            like = np.asarray(next(info[name] for info in infos if name in info))
            text = like.dtype.kind == "U"
            values = np.full((self.num_envs, *like.shape), "" if text else 0, object if text else like.dtype)
            for i in np.flatnonzero(there).tolist():
                values[i] = infos[i][name]
            joined |= {name: values, f"_{name}": there}
        return joined

    def _frames(self) -> Iterator[Image]:
        return (self.world.frame(game.state) for game in self._games)

    def close_extras(self, **kwargs: Any) -> None:
        """End the programs."""
        for game in self._games:
            game.close()


def _refuse_state(values: Any) -> Any:
    raise ArgumentError("no state can be set where an opponent is a program, which knows its games by moves")
