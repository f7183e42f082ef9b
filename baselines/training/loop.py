"""The training loop, the same for every algorithm: iterate, evaluate, snapshot, stop.

    until the budget is spent or the goal is held:
        if one is due: a snapshot, after which every environment begins a new episode
        an iteration of the algorithm
        if one is due: an evaluation on validation seeds

The loop is a generator of events: checkpoints, learning curves and progress bars consume them (`training.runner`).
Beside it stand the settings that all training runs share, and the interface of an algorithm, `Learner`.

Environment steps are counted over all environments: a step of 16 environments is 16. Where an environment resets
itself, the row in which it does so is no transition. Budgets and schedules count it all the same, since they count
calls of the environment; reported steps leave it out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import gymnasium
import numpy as np

from baselines import checks
from baselines.data.rollout import Rollout, env_id, make_envs
from baselines.maths.optimisation import linear_schedule
from baselines.stateful import Stateful
from baselines.templates.policies import Policy
from baselines.training import memory
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot, Stopwatch
from baselines.training.memory import Need, Sizes
from baselines.training.validation import Validation, training_seed
from baselines.types import Clock, Count, CountOrZero, Discount, Number, Positive, Seed, TaskName, Threads, Tree
from rlbench.errors import UserError
from rlbench.harness.manifest import check_name
from rlbench.process import numerics, scopes


class Every(NamedTuple):
    """Periods of evaluations and snapshots on the learner's clock, and how far an iteration moves that clock."""

    evaluation: int
    snapshot: int
    stride: int = 1

    def due(self, period: int, clock: int) -> bool:
        """Whether the last iteration reached or passed a multiple of the period."""
        return clock % period < self.stride


@dataclass(frozen=True)
class RunSettings:
    """Settings of any training run."""

    task: TaskName = "cart-pole@1"
    """Task or Gymnasium id to learn; an id may name the module that registers it, `package:namespace/Name-v0`."""
    agent: str = ""
    """Name under which the trained agent is submitted."""
    seed: Seed = 0
    """Training seed: decides the weights, the actions, the episodes."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the networks compute; auto takes a GPU where there is one and the networks are large enough for it."""
    precision: Literal["float32", "tf32"] = "float32"
    """Of products of matrices on GPUs: tf32 rounds their factors to 10 bits, which is faster on some."""

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it; of names, those that a submission may not have."""
        checks.check_settings(self)
        check_name(self.agent, "agent")
        env_id(self.task)

    def check_spaces(self, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> None:
        """UnfitError for spaces that the algorithm does not take; others are found when its networks are made."""

    def env_changes(self) -> dict[str, Any]:
        """Keyword arguments of the environment that differ from the task's, in training and validation."""
        return {}

    def every(self) -> Every:
        """When evaluations and snapshots are due."""
        raise NotImplementedError


@dataclass(frozen=True)
class TrainingSettings(RunSettings):
    """Settings of algorithms that learn from episodes."""

    threads: Threads = 1
    """Threads that PyTorch may use, and the environment where it takes a number of them."""
    num_envs: Count = 1
    """Environments stepped together."""
    total_env_steps: Count = 50_000
    """Budget: rows of the batch over all environments, those in which an environment only begins its next episode
    included, so that fewer steps than this are reported; training ends with the update that reaches it."""
    gamma: Discount = 0.99
    """Discount."""
    learning_rate: Positive = 1e-3
    """Step size at the start."""
    learning_rate_end: Positive = 1e-3
    """Step size at the end of the budget, reached on a line."""
    evaluation_episodes: Count = 20
    """Greedy episodes per evaluation, on validation seeds."""
    evaluation_steps: CountOrZero = 0
    """Steps after which an evaluation stops counting, 0 for none; scored episodes are not cut."""
    goal: Number = math.inf
    """Mean return that three evaluations in a row must reach to end the training run."""
    confirmation_episodes: Count = 100
    """Further greedy episodes, on other validation seeds, in which the best weights must then reach the goal."""

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs: here, of the environments."""
        return {
            "num_envs": self.num_envs * sizes.bytes,
            "evaluation_episodes": self.evaluation_episodes * sizes.bytes,
        }


@dataclass(frozen=True)
class OffPolicySettings(TrainingSettings):
    """Settings of off-policy algorithms, whose evaluations and snapshots are so many environment steps apart."""

    eval_every_env_steps: Count = 1_000
    """Rows of the batch between evaluations, counted as the budget is."""
    checkpoint_every_env_steps: Count = 10_000
    """Rows between snapshots, counted as the budget is; every environment begins a new episode there, so that no
    simulator need be stored."""

    def every(self) -> Every:
        """In rows of the batch, of which an iteration takes one per environment."""
        return Every(self.eval_every_env_steps, self.checkpoint_every_env_steps, self.num_envs)


@dataclass(frozen=True)
class OnPolicySettings(TrainingSettings):
    """Settings of on-policy algorithms, whose evaluations and snapshots are so many updates apart."""

    eval_every_updates: Count = 10
    """Updates between evaluations: between them the policy does not change, and an update of whole episodes has no
    fixed number of steps."""
    checkpoint_every_updates: Count = 50
    """Updates between snapshots; every environment begins a new episode there, so that no simulator need be stored."""

    def every(self) -> Every:
        """In updates."""
        return Every(self.eval_every_updates, self.checkpoint_every_updates)


class Learner(Stateful):
    """Base of the algorithms: everything that training changes, the environments, and the methods that the loop calls.

    The methods here suit algorithms that step environments in `rollout`; others override them. A checkpoint does not
    hold the environments, which begin new episodes after a snapshot.
    """

    settings: Any
    """Settings of the algorithm."""
    rollout: Rollout
    """Training environments."""
    validation: Validation | None
    """Evaluates policies; None for an algorithm whose result is unique."""
    rng: Any  # Draws
    updates: int
    """Learning steps so far."""

    def __init__(self, settings: Any, threads: int | None = None) -> None:
        """Settings, generator and validation environments; `threads` as in `make_envs`, for the latter."""
        self.settings, self.updates = settings, 0
        self.rng = np.random.default_rng(settings.seed)
        env = make_envs(settings.task, settings.evaluation_episodes, threads, **settings.env_changes())
        goal, confirmation = settings.goal, settings.confirmation_episodes
        self.validation = Validation(env, settings.evaluation_episodes, goal, confirmation, settings.evaluation_steps)

    def iterate(self) -> None:
        """One iteration of the algorithm."""
        raise NotImplementedError

    def policy(self) -> Policy:
        """The policy to evaluate."""
        raise NotImplementedError

    def final_policy(self) -> Policy:
        """The policy to submit: the best on validation seeds."""
        if self.validation is None:
            raise RuntimeError("the training has no validation seeds, hence no best policy on them")
        return self.validation.policy

    def wait(self) -> None:
        """Wait for the device, so that its work counts as time of training."""

    def metrics(self) -> dict[str, float]:
        """Metrics for the learning curve, of the iterations since the last call."""
        return {}

    def check_finite(self) -> None:
        """UserError where a loss or a weight is no finite number."""

    @property
    def env_steps(self) -> int:
        """Transitions so far, over all environments."""
        return self.rollout.env_steps

    def clock(self) -> int:
        """How far training is, in the unit in which evaluations and snapshots are due: rows of the batch."""
        return self.rollout.rows

    def progress(self) -> float:
        """The part of the budget that is spent; 1 or more ends training."""
        return self.rollout.rows / int(self.settings.total_env_steps)

    def learning_rate(self) -> Any:
        """The step size at this point of the budget; a tensor where the rollout counts on a device."""
        settings, rows = self.settings, self.rollout.elapsed
        return linear_schedule(rows, settings.learning_rate, settings.learning_rate_end, settings.total_env_steps)

    def converged(self) -> bool:
        """Whether there is nothing left to learn."""
        return False

    def begin_episodes(self) -> None:
        """Begin a new episode in every environment."""
        self.rollout.reset(training_seed(self.rng))

    def close(self) -> None:
        """Close the environments."""
        self.rollout.close()
        if self.validation is not None:
            self.validation.close()


@contextmanager
def computing(threads: int = 1, precision: str = "float32") -> Iterator[None]:
    """A scope in which NumPy and PyTorch compute as the algorithms expect, whatever is set outside; restored after.

    NumPy has one thread, so that the weights do not depend on the number of cores.

    Args:
        threads: that PyTorch may use. Nothing of PyTorch is touched where it is not imported, as by tables.
        precision: of its products of matrices on GPUs, float32 or tf32.
    """
    with ExitStack() as stack:
        stack.enter_context(np.errstate(under="ignore"))
        stack.enter_context(numerics.one_blas_thread())
        if "torch" in sys.modules:
            stack.enter_context(numerics.torch_defaults())
            stack.enter_context((numerics.torch_tf32 if precision == "tf32" else numerics.torch_float32)())
            stack.enter_context(numerics.torch_threads(threads))
        yield


def loop(make: Callable[[Any], Learner], settings: RunSettings, resume: Tree | None, clock: Clock) -> Iterator[Event]:
    """Train until the budget is spent, the goal is held, or nothing changes any more; the last event is Finished.

    Each event is computed in a scope of its own, so that a consumer finds the process as it left it.

    Args:
        make: the algorithm's class, a subclass of Learner.
        settings: the algorithm's own.
        resume: the state of an earlier Snapshot, or of Finished; None to begin.
        clock: seconds, for the learning curve.

    Raises:
        UserError: for a setting that makes no sense, a loss or a weight that is no finite number.
    """
    settings.check()
    threads = getattr(settings, "threads", 1)
    yield from scopes.within(lambda: computing(threads, settings.precision), _events(make, settings, resume, clock))


def _events(
    make: Callable[[Any], Learner], settings: RunSettings, resume: Tree | None, clock: Clock
) -> Iterator[Event]:
    """The events of `loop`; the environments are closed when it ends, is dropped, or raises."""
    memory.check(settings)
    stopwatch, every, reason = Stopwatch(clock), settings.every(), ""

    def state() -> Tree:
        return {"learner": learner.state(), "reason": reason, "seconds": stopwatch.seconds}

    def counts() -> tuple[int, int, float]:
        return learner.updates, learner.env_steps, stopwatch.seconds

    with closing(make(settings)) as learner:
        if resume is not None:
            restore(learner, resume["learner"])
            reason, stopwatch = resume["reason"], Stopwatch(clock, resume["seconds"])
        while not reason:
            if every.due(every.snapshot, learner.clock()):
                with stopwatch.paused():
                    learner.check_finite()
                    yield Snapshot(*counts(), state)
                learner.begin_episodes()
            learner.iterate()
            spent = learner.progress() >= 1
            if spent or every.due(every.evaluation, learner.clock()):
                learner.wait()
                with stopwatch.paused():
                    yield Progress(*counts(), min(learner.progress(), 1.0), learner.metrics())
                    if learner.validation is not None:
                        yield Evaluated(*counts(), *learner.validation.evaluate(learner.policy()))
                        reason = "sustained" if learner.validation.sustained() else ""
            reason = reason or ("converged" if learner.converged() else "budget spent" if spent else "")
    yield Finished(*counts(), learner.final_policy(), reason, state)


def restore(learner: Learner, state: Tree) -> None:
    """Go on from a learner's state; UserError where it is that of another version of the algorithm."""
    try:
        learner.restore(state)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"the checkpoint does not fit this version of the algorithm ({reason}); begin anew") from None
