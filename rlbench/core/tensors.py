"""TensorVectorEnv: N environments on a device, whose observations, actions and rewards are torch's tensors.

`gymnasium.make_vec(id, num_envs, device="cuda")` runs the kernels of `compiler.ptx` on a GPU; `device="cpu"` is the
same interface to the CPU's loops, on the tensors' own memory. A step copies nothing between devices and waits for
nothing, so an invalid action cannot raise an error there: its environment stands still, and `check` raises it later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import InvalidAction
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.core.autoreset import Bools, reset_needed
from rlbench.core.compiler.compile import MODES
from rlbench.core.compiler.ptx import Kind, action_kinds, kinds
from rlbench.core.rules import StateOf
from rlbench.core.rules_batch import RulesBatch
from rlbench.core.runners import Call, Tensor, make_runner
from rlbench.core.seeding import new_streams
from rlbench.errors import ArgumentError, counted, shortened
from rlbench.process.imports import import_library

TensorStep = tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]


class TensorVectorEnv(RulesBatch):
    """N environments that follow a rules module, on a device; as `RulesVectorEnv`, of torch's tensors.

    Arguments besides the rules' own: `device`, "cpu", "cuda" or "cuda:N"; `autoreset_mode`, NEXT_STEP or SAME_STEP;
    `parallel`, of CPUs; `copy=False` hands out the same tensors at every step, which the next step overwrites.
    """

    def __init__(self, rules: str, device: Any, num_envs: int = 1, **arguments: Any) -> None:
        self._asked_device = device
        super().__init__(rules, num_envs, **arguments)

    def _make(self) -> None:
        if self._never_resets:
            raise ArgumentError("device= takes autoreset_mode NextStep or SameStep: Disabled would wait for every step")
        if self.world.flat:
            raise ArgumentError("flat=True is for arrays of NumPy; leave out device=, or flatten the tensors")
        self._runner = make_runner(self._asked_device, self.world, self.num_envs, self._parallel)
        self.device = self._runner.device
        self._allocate()

    def _allocate(self) -> None:
        step, n = kinds(self.world, "step"), self.num_envs
        fields = [(dtype, (n, *np.shape(value))) for (dtype, _), value in self._paired(step)]
        self._fields = tuple(self._zeros(*each) for each in fields)
        self._streams = self._zeros("int64", (n, 4))  # of uint64, for which torch has few operations
        self._elapsed, self._ended = self._zeros("int64", (n,)), self._zeros("bool", (n,))
        self._refused, self._everywhere = self._zeros("bool", (n,)), ~self._zeros("bool", (n,))
        self._outputs, self._final = self._new_outputs(), self._new_observations()
        self._results = tuple(self._zeros(np.asarray(v).dtype.name, (n,)) for v in self.world.result(self._like))
        self._params = tuple(self._runner.constant(v) if np.ndim(v) else v for v in self.params)
        self._calls: tuple[Call, Call] | None = None

    def _paired(self, step: Sequence[Kind]) -> Iterator[tuple[Kind, Any]]:
        first = len(self.params)
        return zip(step[first : first + len(self._like)], self._like, strict=True)

    def _zeros(self, dtype: str, shape: tuple[int, ...]) -> Tensor:
        torch = import_library("torch")
        return torch.zeros(shape, dtype=getattr(torch, dtype), device=self.device)

    def _new_observations(self) -> tuple[Tensor, ...]:
        torch, leaves = import_library("torch"), self.world.observations.leaves.values()
        shapes = [((self.num_envs, *leaf.shape), getattr(torch, leaf.dtype.name)) for leaf in leaves]
        return tuple(torch.empty(shape, dtype=dtype, device=self.device) for shape, dtype in shapes)

    def _new_outputs(self) -> tuple[Tensor, ...]:
        """Observations, rewards, terminations, truncations."""
        torch, n = import_library("torch"), self.num_envs
        dtypes = (torch.float64, torch.bool, torch.bool)
        return (*self._new_observations(), *(torch.empty(n, dtype=dtype, device=self.device) for dtype in dtypes))

    def _prepared(self) -> tuple[Call, Call]:
        """The calls of reset and step, made at the first reset, when the limit of the id is known."""
        if self._calls is None:
            before = [*self._params, *self._fields, *self._runner.memory, self._streams, self._elapsed, self._ended]
            mask, options = self._zeros("bool", (self.num_envs,)), self.world.batch_options({}, self.num_envs)
            placed = self._defaults = [self._runner.place(each) for each in options]
            observations = self._outputs[: len(self._final)]
            reset = [*before, mask, *placed, *observations]
            actions = [self._zeros(dtype, self._action_shape(leaf)) for (dtype, _), leaf in self._action_leaves()]
            numbers = [MODES[self.autoreset_mode], self._limit, self._runner.threads]
            outputs = [*self._outputs, *self._final, *self._results]
            step = [*before, *actions, *self.world.actions.sizes, *outputs, *numbers, self._refused]
            self._first_changed = len(before)
            self._calls = self._runner.prepare("reset", reset), self._runner.prepare("step", step)
        return self._calls

    def _action_leaves(self) -> Iterator[tuple[Kind, Any]]:
        return zip(action_kinds(self.world.actions), self.world.actions.leaves.values(), strict=True)

    def _action_shape(self, leaf: Any) -> tuple[int, ...]:
        return (self.num_envs, *(leaf.shape or ()))

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        self.check()
        which, new = self._new_seeds(mask, seeds)
        if len(which):
            torch = import_library("torch")
            words = torch.from_numpy(new_streams(new).view(np.int64)).to(self.device)
            self._streams[torch.from_numpy(which).to(self.device)] = words
        observations = self._new_observations() if self.copy else self._outputs[: len(self._final)]
        self._call_reset(mask, options["Options"], observations)
        if "state" in options:
            self._set_states(options["state"], mask)
            self._call_reset(np.zeros_like(mask), options["Options"], observations)
        return self.world.observations.as_gymnasium(observations), {}

    def _call_reset(self, mask: Bools, options: Sequence[NDArray[Any]], observations: Sequence[Tensor]) -> None:
        call, _ = self._prepared()
        placed = [self._runner.place(each) for each in (mask, *options)]
        call.run(dict(enumerate([*placed, *observations], self._first_changed)))

    def restart(self, **options: Tensor) -> Any:
        """Begin new episodes in all environments, whose streams go on: `reset()` without a copy or a wait.

        Args:
            **options: Those of `reset` that the rules have, such as the images of glimpses, as tensors [N] on this
                device. Their values are not checked: that would wait.

        Returns:
            Observations [N, ...], as `reset` does.

        Raises:
            ArgumentError: There is no such option.
            ResetNeeded: The first reset, which seeds the streams, is missing.
        """
        names = () if self.world.options is None else tuple(self.world.options._asdict())
        if unknown := options.keys() - set(names):
            raise ArgumentError(f"restart takes the options {', '.join(names) or 'none'}, got {min(unknown)}")
        if not self._has_begun:
            raise reset_needed(False, self._done)
        observations = self._new_observations() if self.copy else self._outputs[: len(self._final)]
        call, _ = self._prepared()
        given = [options.get(*each) for each in zip(names, self._defaults, strict=True)]
        call.run(dict(enumerate([self._everywhere, *given, *observations], self._first_changed)))
        return self.world.observations.as_gymnasium(observations)

    def _set_states(self, states: StateOf, mask: Bools) -> None:
        chosen, terminated = self._runner.place(mask), self.world.rules.terminated
        ended = np.array([terminated(state, self.params) for state in self.world.singles(states)], np.bool_)
        for field, value in zip((*self._fields, self._ended), (*states, ended), strict=True):
            field[chosen] = self._runner.place(np.ascontiguousarray(value))[chosen]

    def step(self, actions: Any) -> TensorStep:
        """Step all environments, without a wait.

        Args:
            actions: Tensors on this device, [N, ...]; a dict of these where the action space is one.

        Returns:
            Observations [N, ...], rewards float64[N], terminations and truncations bool[N], and `info`, tensors all.
            An environment whose action is invalid stands still and returns its observation, 0 and False: see `check`.

        Raises:
            InvalidAction: The structure, a dtype, a shape or the device of the actions is wrong.
            ResetNeeded: A reset is missing.
        """
        if not self._has_begun:
            raise reset_needed(False, self._done)
        inputs, (_, call) = self._inputs(actions), self._prepared()
        outputs = self._new_outputs() if self.copy else self._outputs
        changed = dict(enumerate(inputs, self._first_changed))
        first = self._first_changed + len(inputs) + len(self.world.actions.sizes)
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        final = self._new_observations() if self.copy and same_step else self._final
        changed |= dict(enumerate([*outputs, *final], first))
        call.run(changed)
        *observations, rewards, terminations, truncations = outputs
        info = self._info(final, terminations, truncations)
        return self.world.observations.as_gymnasium(observations), rewards, terminations, truncations, info

    def _info(self, final: Sequence[Tensor], terminations: Tensor, truncations: Tensor) -> dict[str, Any]:
        """The entries of the episodes that ended in this step, which are there in every step."""
        info: dict[str, Any] = {}
        for name, values in zip(getattr(self.world.result(self._like), "_fields", ()), self._results, strict=True):
            info |= {name: values.masked_fill(~terminations, 0), f"_{name}": terminations}
        if self.autoreset_mode != AutoresetMode.SAME_STEP:
            return info
        ended = terminations | truncations
        last = self.world.observations.as_gymnasium(final)
        return {"final_obs": last, "_final_obs": ended, "final_info": info, "_final_info": ended}

    def _inputs(self, actions: Any) -> list[Tensor]:
        """The actions as the loops take them, int64 or float64, contiguous; InvalidAction for what cannot be."""
        layout = self.world.actions
        if layout.record is not None:
            layout.check_keys(actions)
        given = [actions] if layout.record is None else [actions[name] for name in layout.leaves]
        names = ["actions" if layout.record is None else f"actions {name!r}" for name in layout.leaves]
        return [self._input(*each) for each in zip(names, given, self._action_leaves(), strict=True)]

    def _input(self, what: str, tensor: Any, leaf: tuple[Kind, Any]) -> Tensor:
        torch, ((dtype, _), space) = import_library("torch"), leaf
        if not isinstance(tensor, torch.Tensor):
            raise InvalidAction(f"{what} are {shortened(tensor)}; this environment takes a tensor on {self.device}")
        if tensor.device != self.device:
            raise InvalidAction(
                f"{what} are on {tensor.device}; this environment, and its policy, are on {self.device}"
            )
        shape = self._action_shape(space)
        whole = not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool
        if tuple(tensor.shape) != shape or not (whole or (dtype == "float64" and tensor.is_floating_point())):
            wanted = "integers" if dtype == "int64" else "floats"
            raise InvalidAction(
                f"{what} are {tensor.dtype} of shape {tuple(tensor.shape)}; "
                f"this environment takes {wanted} of shape {shape}"
            )
        return tensor.detach().to(getattr(torch, dtype)).contiguous()

    def check(self) -> None:
        """Wait for the device, and raise InvalidAction if an action was invalid since the last check.

        `reset` and `close` call it.
        """
        refused = np.flatnonzero(self._refused.cpu().numpy())
        if len(refused):
            self._refused.zero_()
            found = f"{self.single_action_space} does not hold the actions of {counted(len(refused), 'environment')}"
            raise InvalidAction(f"{found}, the first of them {refused[0]}; they were not stepped")

    def close_extras(self, **kwargs: Any) -> None:
        """Check the actions of the last steps."""
        self._runner.close()
        self.check()

    def __del__(self) -> None:
        """Nothing: tensors free their memory themselves, and nobody would see the error of a check."""

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle holds: all but the compiled loops."""
        return {**self.__dict__, "_calls": None}

    @property
    def state(self) -> StateOf:
        """The current states: a State of the rules whose fields are tensors [N, ...], copied."""
        return type(self._like)(*(field.clone() for field in self._fields))

    def states(self) -> list[StateOf]:
        """One State of Python scalars per environment, as the single environment holds it."""
        return self.world.singles(type(self._like)(*(field.cpu().numpy() for field in self._fields)))
