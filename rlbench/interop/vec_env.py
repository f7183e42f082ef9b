"""BatchVecEnv: a Gymnasium batch in SAME_STEP mode as stable-baselines3's VecEnv."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from rlbench.errors import ArgumentError
from rlbench.interop.batches import AnyVectorEnv, info_rows, singles, stacked_options

MASK = "action_mask"
"""The key of an observation that marks legal actions; as `action_masks`, sb3-contrib asks for it."""

ENDED = {"final_obs", "_final_obs", "final_info", "_final_info"}
"""What `info` holds of the episodes that ended; the rest is of those that go on or begin."""

Indices = int | Iterable[int] | None


class SharedInfo(dict[str, Any]):
    """The empty info that all environments share whose episode goes on; writing into it would write into all."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this info is shared by all environments; make them with sb3_vec_env(..., all_infos=True)")

    __setitem__ = __ior__ = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ()  # copies are plain


NO_INFO = SharedInfo()


class BatchVecEnv(VecEnv):  # type: ignore[misc]  # without stubs it is Any
    """N environments that one batch steps, in the protocol of `VecEnv`.

    Args:
        envs: The batch, in SAME_STEP mode.
        all_infos: Whether `infos` holds a dict of each environment, and not only of those whose episode ended.
        monitor: Whether `infos` of ended episodes have `episode`: return `r`, length `l`, seconds `t`.
    """

    def __init__(self, envs: AnyVectorEnv, all_infos: bool = False, monitor: bool = True) -> None:
        self.envs, self.all_infos, self.monitor = envs, all_infos, monitor
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self.metadata = envs.metadata
        self._actions = self._observations = None
        self._began = time.time()
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)

    def reset(self) -> Any:
        """Begin an episode in all environments, with the seeds and options set before; returns observations [N, ...].

        As in `DummyVecEnv`, seeds and options hold for this one reset.
        """
        seeds = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        options = stacked_options(self.envs, self._options)
        envs: Any = self.envs  # Gymnasium declares one seed for all, and takes a list
        self._observations, info = envs.reset(seed=seeds, options=options)
        self.reset_infos = info_rows(info, range(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        self._began = time.time()
        self._returns[:], self._lengths[:] = 0.0, 0
        return self._observations

    def step_async(self, actions: Any) -> None:
        """Keep the actions for `step_wait`, which steps at once."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all environments; where an episode ends, the observation is the next one's first."""
        self._observations, rewards, terminations, truncations, info = self.envs.step(self._actions)
        dones = terminations | truncations
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [NO_INFO] * self.num_envs
        if self.all_infos:
            infos = info_rows(info, range(self.num_envs))
            for each in infos:
                each["TimeLimit.truncated"] = False
        ended = np.flatnonzero(dones)
        if len(ended):
            limits = (truncations & ~terminations)[ended].tolist()
            for i, final in zip(ended.tolist(), self._final_infos(info, ended, limits), strict=True):
                infos[i] = final
            self._returns[ended], self._lengths[ended] = 0.0, 0
        return self._observations, rewards.astype(np.float32), dones, infos

    def _final_infos(
        self, info: Mapping[str, Any], ended: NDArray[np.int64], limits: Sequence[bool]
    ) -> list[dict[str, Any]]:
        """The infos of the environments whose episode ended in this step."""
        which = ended.tolist()
        rows = info_rows(info.get("final_info", {}), which)
        begun: Sequence[dict[str, Any]] = [NO_INFO] * len(which)
        if info.keys() - ENDED:  # dicts that live longer than a step are dear: the garbage collector looks at them all
            begun = info_rows(info, which)
        for i, reset_info in zip(which, begun, strict=True):
            self.reset_infos[i] = reset_info
        for row, last, limit in zip(rows, _picked(info["final_obs"], ended), limits, strict=True):
            row["TimeLimit.truncated"] = limit
            row["terminal_observation"] = last
        if self.monitor:
            seconds = round(time.time() - self._began, 6)
            totals, lengths = self._returns[ended].round(6).tolist(), self._lengths[ended].tolist()
            for row, total, length in zip(rows, totals, lengths, strict=True):
                row["episode"] = {"r": total, "l": length, "t": seconds}
        return rows

    def close(self) -> None:
        """Close the batch."""
        self.envs.close()

    def get_images(self) -> Sequence[Any]:
        """A frame uint8[H, W, 3] of each environment, with `render_mode="rgb_array"`."""
        return self.envs.render() or [None] * self.num_envs

    def action_masks(self) -> list[NDArray[np.bool_]]:
        """The legal actions of each environment, bool[A], where its observation holds `action_mask`."""
        if not isinstance(self._observations, Mapping) or MASK not in self._observations:
            raise AttributeError(f"the observations hold no {MASK}")
        return [row > 0 for row in self._observations[MASK]]

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """An attribute of each environment: its spaces, its `state`; others the batch has once for all."""
        chosen = list(self._get_indices(indices))
        if (envs := singles(self.envs)) is not None:
            return [envs[i].get_wrapper_attr(attr_name) for i in chosen]
        values = self._of_batch(attr_name)
        return [values[i] for i in chosen]

    def _of_batch(self, name: str) -> Sequence[Any]:
        if name in ("observation_space", "action_space"):
            return [getattr(self, name)] * self.num_envs
        inner: Any = self.envs.unwrapped
        if name == "state" and hasattr(inner, "states"):
            return inner.states()  # type: ignore[no-any-return]
        if name == "action_masks":
            return [self._mask_of(i) for i in range(self.num_envs) if self.action_masks()]
        owner = self.envs if hasattr(self.envs, name) else inner
        return [getattr(owner, name)] * self.num_envs

    def _mask_of(self, i: int) -> Callable[[], NDArray[np.bool_]]:
        return lambda: self.action_masks()[i]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of single environments, or of the batch, which has it once for all."""
        chosen = list(self._get_indices(indices))
        if (envs := singles(self.envs)) is not None:
            for i in chosen:
                setattr(envs[i], attr_name, value)
        elif len(chosen) < self.num_envs:
            raise ArgumentError(f"a batch has one {attr_name} for all its environments; leave out indices")
        else:
            setattr(self.envs.unwrapped, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Indices = None, **kwargs: Any) -> list[Any]:
        """Call a method of single environments; of a batch: `render`, `action_masks`, `get_wrapper_attr`.

        Raises:
            AttributeError: A batch has no such method of one environment.
        """
        chosen = list(self._get_indices(indices))
        if (envs := singles(self.envs)) is not None:
            return [envs[i].get_wrapper_attr(method_name)(*args, **kwargs) for i in chosen]
        if method_name == "render":
            return [self.get_images()[i] for i in chosen]
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[i] for i in chosen]
        if method_name == "get_wrapper_attr":
            return self.get_attr(args[0] if args else kwargs["name"], chosen)
        raise AttributeError(
            f"a batch has no method {method_name} of one environment; vectorization_mode='sync' makes single ones"
        )

    def env_is_wrapped(self, wrapper_class: type, indices: Indices = None) -> list[bool]:
        """Whether a wrapper is around each environment; `Monitor` where its entries are in `infos`."""
        chosen = list(self._get_indices(indices))
        if wrapper_class is Monitor and self.monitor:
            return [True] * len(chosen)
        from stable_baselines3.common.env_util import is_wrapped

        envs = singles(self.envs)
        return [envs is not None and is_wrapped(envs[i], wrapper_class) for i in chosen]


def _picked(final: Any, ended: NDArray[np.int64]) -> list[Any]:
    """The rows of the ended environments of `final_obs`: an array [N, ...], one of objects, or a dict of these."""
    if isinstance(final, Mapping):
        columns = [_picked(values, ended) for values in final.values()]
        return [dict(zip(final, row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(final, tuple):
        return list(zip(*(_picked(values, ended) for values in final), strict=True))
    return list(final[ended])
