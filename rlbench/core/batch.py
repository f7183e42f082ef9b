"""The batch of a rules module that `gymnasium.make_vec` makes, of NumPy's arrays or of torch's tensors."""

from __future__ import annotations

from typing import Any

from rlbench.core.vector import RulesVectorEnv


def make_batch(device: Any = None, **arguments: Any) -> Any:
    """The batch for these arguments.

    Args:
        device: None for NumPy's arrays; "cpu", "cuda" or "cuda:N" for torch's tensors there.
        **arguments: Of `RulesVectorEnv` or `TensorVectorEnv`.
    """
    if device is None:
        return RulesVectorEnv(**arguments)
    from rlbench.core.tensors import TensorVectorEnv

    return TensorVectorEnv(device=device, **arguments)
