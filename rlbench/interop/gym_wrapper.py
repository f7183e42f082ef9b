"""BatchGymWrapper: TorchRL's GymWrapper, which also takes batches whose actions are a Dict."""

from __future__ import annotations

from typing import Any

from torchrl.data import Composite
from torchrl.envs import GymWrapper


class BatchGymWrapper(GymWrapper):  # type: ignore[misc]  # without stubs it is Any
    """A Gymnasium batch in mode DISABLED as TorchRL's `EnvBase` of batch size [N]."""

    @property
    def action_spec(self) -> Any:
        """What an action [N, ...] may be."""
        return super().action_spec

    @action_spec.setter
    def action_spec(self, spec: Any) -> None:
        """Set by GymWrapper, which leaves the batch size of a Dict empty and then refuses it."""
        if isinstance(spec, Composite) and spec.shape != self.batch_size:
            spec = spec.clone()
            spec.shape = self.batch_size
        GymWrapper.action_spec.fset(self, spec)
