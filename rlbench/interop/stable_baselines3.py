"""`sb3_vec_env`: a batch of environments as stable-baselines3's algorithms take it."""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from rlbench.interop.batches import AnyVectorEnv, batch, require


def sb3_vec_env(
    id_or_envs: str | EnvSpec | AnyVectorEnv,
    num_envs: int | None = None,
    seed: int | None = None,
    *,
    all_infos: bool = False,
    monitor: bool = True,
    **arguments: Any,
) -> Any:
    """A `VecEnv` around one batch, the same episodes as stable-baselines3's `DummyVecEnv` of N single environments.

    Args:
        id_or_envs: An environment's id, also as `module:id`, or a batch in SAME_STEP mode. An id that has no batch of
            its own is stepped one by one, by `SyncVectorEnv`.
        num_envs: N; 1 by default.
        seed: Environment i begins with `seed + i`, as after `VecEnv.seed`.
        all_infos: Whether `infos` also says what environments told whose episode goes on. Dicts are the dearest part
            of a step, and the library reads those of ended episodes alone: all others are one shared, read-only dict.
        monitor: Whether `infos` of ended episodes have `episode`, as with the wrapper `Monitor`. Leave it to
            `VecMonitor` where you want that one's file.
        **arguments: Of `gymnasium.make_vec`: those of the environment, `render_mode`, `max_episode_steps`, ...

    Returns:
        `BatchVecEnv`, a `VecEnv` of observations [N, ...], rewards float32[N], dones bool[N] and N infos.

    Raises:
        DependencyNotInstalled: stable-baselines3 is not installed, or a package that the environment needs.
        UserError: There is no such environment, it does not take these arguments, or a batch has another mode.
    """
    require("stable_baselines3", "stable-baselines3>=2.4")
    from rlbench.interop.vec_env import BatchVecEnv

    made = BatchVecEnv(batch(id_or_envs, num_envs, AutoresetMode.SAME_STEP, arguments), all_infos, monitor)
    if seed is not None:
        made.seed(seed)
    return made
