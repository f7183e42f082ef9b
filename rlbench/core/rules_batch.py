"""RulesBatch: what batches of a rules module have in common, whether of NumPy's arrays or of torch's tensors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Literal

from gymnasium.vector import AutoresetMode

from rlbench.core.adapter import Image, VectorEnvAdapter
from rlbench.core.arguments import BATCH_RENDER_MODES, TEXT_MODE, Check, flag
from rlbench.core.rules import StateOf
from rlbench.core.world import World


class RulesBatch(VectorEnvAdapter):
    """The base of N environments that follow a rules module; a subclass allocates them, starts them, steps them."""

    metadata: dict[str, Any] = {"render_modes": [*BATCH_RENDER_MODES, TEXT_MODE]}  # noqa: RUF012  # as of RulesEnv

    def __init__(
        self,
        rules: str,
        num_envs: int = 1,
        render: str | None = None,
        render_mode: Literal["rgb_array", "ansi"] | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        parallel: bool | None = None,
        copy: bool = True,
        **params: Any,
    ) -> None:
        super().__init__(num_envs, render_mode, autoreset_mode, max_episode_steps)
        self.copy, self._parallel = flag("copy", copy), None if parallel is None else flag("parallel", parallel)
        self.world = world = World(rules, render, params, type(self))
        metadata = world.metadata(render_mode, type(self).metadata["render_modes"])
        self._describe(world.observation_space, world.action_space, metadata)
        self.params, self._like = world.params, world.example_state()
        self._make()

    @abstractmethod
    def _make(self) -> None:
        """Compile the rules, and allocate the environments, whose arguments were checked."""

    def _option_checks(self) -> dict[str, Check]:
        own = self.world.option_checks((self.num_envs,))
        return {**super()._option_checks(), **own, "state": self._checked_state}

    def _checked_options(self, options: Any) -> dict[str, Any]:
        checked = super()._checked_options(options)
        return {**checked, "Options": self.world.batch_options(checked, self.num_envs)}

    def _checked_state(self, values: Any) -> StateOf:
        return self.world.make_states(values, self._like, self.num_envs)

    @abstractmethod
    def states(self) -> list[StateOf]:
        """One State of Python scalars per environment, as the single environment holds it."""

    def _frames(self) -> Iterator[Image | str]:
        return map(self.world.text if self.render_mode == TEXT_MODE else self.world.frame, self.states())
