"""`torchrl_env`: a batch of environments as TorchRL's collectors and losses take it."""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from rlbench.interop.batches import AnyVectorEnv, batch, require


def torchrl_env(
    id_or_envs: str | EnvSpec | AnyVectorEnv,
    num_envs: int | None = None,
    seed: int | None = None,
    *,
    categorical_action_encoding: bool = False,
    **arguments: Any,
) -> Any:
    """TorchRL's environment around one batch, of batch size [N], on the CPU.

    The batch is in mode DISABLED: TorchRL itself asks for the resets. In SAME_STEP it reads the last observations
    of N environments one by one at every step (measured at 4,096 cart-poles: 16 times as slow).

    Args:
        id_or_envs: An environment's id, also as `module:id`, or a batch in mode DISABLED. An id that has no batch of
            its own is stepped one by one, by `SyncVectorEnv`.
        num_envs: N; 1 by default.
        seed: Environment i begins with `seed + i`.
        categorical_action_encoding: As of TorchRL's `GymEnv`: actions of a Discrete space as integers, not one-hot.
        **arguments: Of `gymnasium.make_vec`: those of the environment, `render_mode`, `max_episode_steps`, ...

    Raises:
        DependencyNotInstalled: TorchRL is not installed, or a package that the environment needs.
        UserError: There is no such environment, it does not take these arguments, or a batch has another mode.
    """
    require("torchrl", "torchrl>=0.14")
    from rlbench.interop.gym_wrapper import BatchGymWrapper

    envs = batch(id_or_envs, num_envs, AutoresetMode.DISABLED, arguments)
    made = BatchGymWrapper(envs, categorical_action_encoding=categorical_action_encoding)
    if seed is not None:
        made.set_seed(seed)
    return made
