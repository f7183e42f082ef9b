"""What agents that learn from a replay share: the loop around a step, and what is looked at now and then.

A step acts in every lane, remembers what came of it, and learns from what is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from baselines.data.rollout import Lanes
from baselines.templates.policies import Policy
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot, Stopwatch, Tree
from baselines.training.validation import Validation
from rlbench.errors import UserError


class Learner(Protocol):
    """What the loop needs of a learner: everything that training changes, and the environment it happens in."""

    config: Any  # the algorithm's own Config
    lanes: Lanes
    validation: Validation
    step: int  # of every lane
    updates: int
    reason: str  # why training has ended
    losses: list[torch.Tensor]  # since they were last looked at

    def weights(self) -> tuple[torch.Tensor, ...]:
        """The vectors of parameters that are learned."""

    def state(self) -> Tree:
        """What a checkpoint holds of it."""

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""


def mean_loss(learner: Learner) -> float:
    """Mean loss since last asked; UserError at the first one that is not finite. Waits for the device."""
    losses, learner.losses = torch.stack(learner.losses or [torch.zeros(())]).cpu(), []
    if not bool(losses.isfinite().all()):
        first = int((~losses.isfinite()).nonzero()[0])
        update = learner.updates - len(losses) + 1 + first
        value = losses[first].item()
        raise UserError(f"the loss became {value} at update {update}; try a lower learning rate")
    if not all(bool(theta.isfinite().all()) for theta in learner.weights()):
        raise UserError(f"a weight became infinite at update {learner.updates}; try a lower learning rate")
    return float(losses.mean())


def figures(learner: Learner) -> dict[str, float]:
    """What is worth plotting since last asked."""
    finished, learner.lanes.finished = learner.lanes.finished, []
    plotted = {"loss": mean_loss(learner)}
    return plotted | ({"training return": float(np.mean(finished))} if finished else {})


def evaluation(learner: Learner, policy: Policy, updates: int, steps: int, seconds: float) -> Iterator[Event]:
    """Where training stands with the policy that it has reached, and whether it may stop."""
    config, validation = learner.config, learner.validation
    yield Progress(updates, steps, seconds, learner.step / config.steps, figures(learner))
    yield Evaluated(updates, steps, seconds, *validation.evaluate(policy))
    if validation.sustained():
        learner.reason = "sustained"
    elif learner.step >= config.steps:
        learner.reason = "budget spent"


class Algorithm(NamedTuple):
    """What an algorithm does with its learner."""

    make: Callable[[], Any]
    """A learner before its first step."""
    begin: Callable[[Any], None]
    """New episodes in every lane; nothing that comes follows from what came before."""
    advance: Callable[[Any], None]
    """One step of every lane, and the updates that belong to it."""
    policy: Callable[[Any], Policy]
    """The policy to evaluate and to submit."""


def train(algorithm: Algorithm, resume: Tree | None, clock: Callable[[], float]) -> Iterator[Event]:
    """Advance until the budget is spent or the goal is held; yields what happens and ends with Finished."""
    watch = Stopwatch(clock)
    learner: Learner = algorithm.make()
    config = learner.config

    def state() -> Tree:
        return {"learner": learner.state(), "seconds": watch.seconds}

    def counts() -> tuple[int, int, float]:
        return learner.updates, learner.step * config.lanes, watch.seconds

    if resume is not None:
        learner.restore(resume["learner"])
        watch = Stopwatch(clock, resume["seconds"])
    while not learner.reason:
        if learner.step % config.checkpoint_every == 0:
            with watch.paused():
                mean_loss(learner)  # else a snapshot might hold weights that are no numbers
                yield Snapshot(*counts(), state)
            algorithm.begin(learner)
        algorithm.advance(learner)
        if learner.step % config.evaluate_every == 0 or learner.step >= config.steps:
            with watch.paused():
                yield from evaluation(learner, algorithm.policy(learner), *counts())
    learner.lanes.env.close()
    learner.validation.close()
    yield Finished(*counts(), learner.validation.policy, learner.reason, state)
