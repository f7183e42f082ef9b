"""N games of Go on a device, of torch's tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlbench.core.autoreset import Bools
from rlbench.core.tensors import TensorStep, TensorVectorEnv
from rlbench.errors import ArgumentError


class GoTensorVectorEnv(TensorVectorEnv):
    """N games of Go on a device; `info` always holds `action_mask`, that of the observation, and `winner`."""

    def __init__(self, rules: str, device: Any, **arguments: Any) -> None:
        super().__init__(rules, device, **arguments)
        if not self.params.loses:
            raise ArgumentError("illegal='raise' would wait for the device in every step; with device= take 'lose'")
        self._everywhere = ~self._zeros("bool", (self.num_envs,))

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        observations, info = super()._start(mask, seeds, options)
        return observations, {**info, **self._step_info(observations)}

    def step(self, actions: Any) -> TensorStep:
        """Step all games, without a wait."""
        observations, *outcome, info = super().step(actions)
        return (observations, *outcome, {**info, **self._step_info(observations)})

    def _step_info(self, observations: Any) -> dict[str, Any]:
        winner = self._fields[self._like._fields.index("winner")].clone()
        entries = {"action_mask": observations["action_mask"], "winner": winner}
        return {**entries, **{f"_{name}": self._everywhere for name in entries}}
