"""N environments on a device, stepped together: what `rollout.Rollout` is to arrays, to tensors that never leave it.

Nothing here waits for the device or copies from it but what the docstring says does. All that changes from step to
step lies in tensors that stay where they are, so that steps can be captured (`training.capture`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from gymnasium.vector import VectorEnv

from baselines.data.rollout import ChooseBy, Transition, batch_takes, env_id, stacked
from baselines.nets.encoding import MASK, Encoding, MaskedEncoding
from baselines.stateful import Stateful

Encode = Callable[[Any], torch.Tensor]
"""Observations, tensors [N, ...] -> features float32[N, D]."""

ARGUMENTS = {"autoreset_mode": "SameStep", "copy": False}
"""Of environments that `TensorRollout` takes, beside the device."""


def has_kernels(task: str) -> bool:
    """Whether the environments of a task are made for a device, as those that follow rules are; simulators are not."""
    name, _ = env_id(task)
    return batch_takes(name, "device")


class TensorRollout(Stateful):
    """N environments of tensors, each step of which is a transition.

    Args:
        env: The environments, made with ARGUMENTS.
        encode: Makes features of observations.
        decode: Makes of a policy's actions what the environment takes.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("env_steps", "rows", "elapsed", "ended", "ended_return")

    def __init__(
        self, env: VectorEnv[Any, Any, Any], encode: Encode, decode: Callable[[Any], Any] = lambda a: a
    ) -> None:
        self.env, self.encode, self.decode = env, encode, decode
        self.device: torch.device = env.unwrapped.device  # type: ignore[attr-defined]  # TensorVectorEnv
        self.env_steps = self.rows = 0  # both counts of transitions; rows in which nothing but a reset happens are none
        self.elapsed, self.ended, self.ended_return = (self._zeros(()) for _ in range(3))  # rows; episodes that ended
        self.running = self._zeros((env.num_envs,))
        self.s_tm1: torch.Tensor = self._zeros(())

    def _zeros(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self.device)

    def reset(self, seed: int) -> None:
        """Begin an episode in every environment, the i-th seeded `seed + i`; waits."""
        self._continue_from(self.env.reset(seed=seed)[0])

    def _continue_from(self, observation: Any) -> None:
        """The first observations of new episodes in all environments."""
        s = self.encode(observation)
        if self.s_tm1.shape == s.shape:
            self.s_tm1.copy_(s)
        else:
            self.s_tm1 = s.clone()
        self.running.zero_()

    def step(self, a_tm1: torch.Tensor) -> Transition:
        """Act in every environment: a_tm1[N, ...] -> Transition [N, ...]."""
        observation, reward, terminated, truncated, info = self.env.step(self.decode(a_tm1))
        s_tm1, s_t, last_t = self.s_tm1.clone(), self.encode(info["final_obs"]), terminated | truncated
        self.s_tm1.copy_(self.encode(observation))
        self._count(reward, last_t)
        return Transition(s_tm1, a_tm1, reward.float(), terminated.clone(), last_t, s_t, None)

    def play(self, choose: ChooseBy, u: torch.Tensor) -> Transition:
        """The next steps of every environment, [T, N, ...], by draws u[T, N, ...]; episodes go on between calls."""
        return stacked([self.step(choose(self.s_tm1, u_t)) for u_t in u])

    def _count(self, reward: torch.Tensor, last_t: torch.Tensor) -> None:
        """Add up the running returns, and those of the episodes that end here."""
        num_envs = len(reward)
        self.env_steps += num_envs
        self.rows += num_envs
        self.elapsed += num_envs
        self.running += reward
        self.ended += last_t.sum()
        self.ended_return += (self.running * last_t).sum()
        self.running *= ~last_t

    def play_episodes(self, play: Callable[[], Transition]) -> Transition:
        """One new episode of every environment, [T, N, ...]; waits once for every call of `play`.

        Args:
            play: Plays some steps of every environment; what it returns may be overwritten by its next call.
        """
        before, ended, ended_return = self.rows, self.ended.clone(), self.ended_return.clone()
        self._continue_from(self.env.unwrapped.restart())  # type: ignore[attr-defined]  # TensorVectorEnv
        over = torch.zeros(self.env.num_envs, dtype=torch.bool, device=self.device)  # who has played its episode
        chunks, valid, playing, count = [], [], 1, 0
        while playing:
            chunks.append(Transition(*(each if each is None else each.clone() for each in play())))
            over_after = chunks[-1].last_t.cumsum(0).bool() | over
            valid.append(~torch.cat((over.unsqueeze(0), over_after[:-1])))
            over = over_after[-1]
            playing, valid_rows = torch.stack(((~over).sum(), valid[-1].sum())).cpu().tolist()
            count += valid_rows
        played, mask = Transition(*map(_joined, zip(*chunks, strict=True))), torch.cat(valid)
        self._recount(before + count, ended + self.env.num_envs, ended_return + (played.r_t * mask).sum())
        places = (~mask).flatten().to(torch.uint8).argsort(stable=True)[:count]  # the valid rows first, as they were
        return played._replace(valid=places)

    def _recount(self, rows: int, ended: torch.Tensor, ended_return: torch.Tensor) -> None:
        """Count no step after the end of an environment's episode."""
        self.rows = self.env_steps = rows
        self.elapsed.fill_(rows)
        self.ended.copy_(ended)
        self.ended_return.copy_(ended_return)

    def check(self) -> None:
        """An error where an action since the last check was invalid; waits."""
        self.env.unwrapped.check()  # type: ignore[attr-defined]  # TensorVectorEnv

    def close(self) -> None:
        """Close the environments."""
        self.env.close()

    def training_return(self) -> dict[str, float]:
        """Mean return of the training episodes that ended since the last call, where some did; waits."""
        ended, total = torch.stack((self.ended, self.ended_return)).cpu().tolist()
        self.ended.zero_()
        self.ended_return.zero_()
        return {"training return": total / ended} if ended else {}


def counts_of(rollout: Any) -> list[tuple[Any, str]]:
    """The counters of a rollout that every step raises alike, as `training.capture` takes them."""
    return [(rollout, "env_steps"), (rollout, "rows")]


def _joined(parts: tuple[Any, ...]) -> Any:
    """Tensors [T, ...] as one, along time; None of Nones."""
    return None if parts[0] is None else torch.cat(parts)


CHUNK = 64
"""Steps between questions whether all episodes have ended, each of which waits for the device."""


class TensorEncoding:
    """An encoding of observations, on tensors of a device.

    Args:
        encoding: The same of arrays.
        device: Where the observations are.
    """

    def __init__(self, encoding: Encoding | MaskedEncoding, device: torch.device) -> None:
        self.encoding = encoding
        if isinstance(encoding, Encoding):
            self.states = torch.arange(encoding.states, device=device)
            self.scale = torch.from_numpy(encoding.scale).to(device)
            shifted = encoding.shift is not None
            self.shift = torch.from_numpy(encoding.shift).to(device) if shifted else torch.zeros_like(self.scale)

    def __call__(self, observation: Any) -> torch.Tensor:
        """Observations [N, ...], or a dict of them -> features float32[N, D]."""
        if isinstance(self.encoding, MaskedEncoding):
            parts = observation[self.encoding.key], observation[MASK]
            return torch.cat([part.flatten(1).float() for part in parts], dim=1)
        if self.encoding.states:
            return (observation.unsqueeze(1) == self.states).float()
        features = (observation.flatten(1).float() - self.shift) * self.scale
        limit = self.encoding.limit
        return features.clamp(-limit, limit) if limit else features
