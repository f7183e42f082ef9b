"""What REINFORCE and actor-critic share: two networks that learn side by side, and the loop around an update.

An update plays with the policy as it is, learns from that, and forgets it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from baselines import checks
from baselines.data.rollout import Lanes, Step, make_lanes
from baselines.data.trajectories import play
from baselines.maths.equations import linear_schedule
from baselines.nets.distributions import Head, head
from baselines.nets.encoding import Encoding, encoding
from baselines.nets.networks import Activation, numpy_policy, perceptron, to_numpy
from baselines.nets.normalisation import ReturnScale, RunningNormalizer
from baselines.nets.optim import OPTIMISERS, FlatParameters
from baselines.templates.agent_template import Perceptron
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot, Stopwatch, Tree
from baselines.training.validation import Validation, training_seed
from rlbench.errors import UserError, unknown

FIRST_LOOK = 2_000
"""Steps played before the first update where observations are normalised."""


class Config(Protocol):
    """The settings that the shared parts read; `reinforce.Config` says what each means."""

    task: str
    agent: str
    seed: int
    device: Literal["auto", "cpu", "cuda"]
    threads: int
    lanes: int
    steps: int
    gamma: float
    hidden: tuple[int, ...]
    activation: Activation
    normalise: bool
    deviation: float
    observation_scale: tuple[float, ...]
    reward_scale: float
    optimiser: Literal["ascent", "adam"]
    learning_rate: float
    learning_rate_end: float
    critic_learning_rate: float
    most_gradient: float
    evaluate_every: int
    evaluation_episodes: int
    goal: float
    confirmation_episodes: int
    checkpoint_every: int


def check(config: Config) -> None:
    """UserError for a shared setting that makes no sense, naming it."""
    checks.seed(config.seed)
    checks.gamma(config.gamma)
    for name in ("learning_rate", "learning_rate_end", "critic_learning_rate", "reward_scale", "deviation"):
        checks.positive(name, getattr(config, name))
    for name in (
        *("threads", "lanes", "steps"),
        *("evaluate_every", "evaluation_episodes", "checkpoint_every", "confirmation_episodes"),
    ):
        checks.count(name, getattr(config, name))
    checks.nonnegative("most_gradient", config.most_gradient)
    for name, options in (("optimiser", OPTIMISERS), ("activation", get_args(Activation))):
        if getattr(config, name) not in options:
            raise unknown(name, getattr(config, name), options)
    if config.normalise and config.observation_scale:
        raise UserError("normalise finds the scale of observations itself: leave observation_scale empty")


class Learned:
    """A perceptron with its optimiser and, on a CPU, its twin in NumPy that shares its memory and acts faster.

    `more` are parameters beside the network's that are learned with them.
    """

    def __init__(
        self,
        network: torch.nn.Sequential,
        activation: Activation,
        optimiser: str,
        device: torch.device,
        more: tuple[torch.nn.Parameter, ...] = (),
    ) -> None:
        self.network, self.activation, self.device = network.to(device), activation, device
        for parameter in more:
            parameter.data = parameter.data.to(device)
        self.flat = FlatParameters(self.network, more)
        self.optimiser = OPTIMISERS[optimiser](self.flat)
        self.numpy = self.twin(Encoding(np.ones(1, np.float32))) if device.type == "cpu" else None

    def twin(self, encode: Encoding) -> Perceptron:
        """The network in NumPy, over observations that are encoded so."""
        return numpy_policy(self.network, self.activation, encode)

    def outputs(self, s: NDArray[Any]) -> NDArray[Any]:
        """Outputs [N, K] at features s[N, D], without a gradient."""
        if self.numpy is not None:
            with np.errstate(over="ignore", invalid="ignore"):  # a diverged network is reported with its update
                return self.numpy.outputs(s)
        with torch.no_grad():
            return to_numpy(self.network(self.tensor(s)))

    def tensor(self, array: NDArray[Any]) -> torch.Tensor:
        """An array on the network's device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def state(self) -> Tree:
        """What a checkpoint holds of it."""
        return {"theta": to_numpy(self.flat.theta), "optimiser": self.optimiser.state()}

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        self.flat.theta.copy_(torch.from_numpy(state["theta"]))
        self.optimiser.restore(state["optimiser"])


@dataclass
class Learner:
    """Everything that training changes, and the environment it happens in."""

    config: Any  # the algorithm's own Config
    lanes: Lanes
    head: Head
    actor: Learned  # theta: the distribution's parameters at s
    critic: Learned  # phi: V(s)
    rng: np.random.Generator
    returns: ReturnScale
    steps: int = 0  # of the environment, over all lanes
    updates: int = 0
    b: float = 0.0  # moving average of rewards-to-go, for the estimator that has one

    def choose(self, s: NDArray[Any]) -> NDArray[Any]:
        """Actions a[N] drawn from pi(.|s) at features s[N, D]."""
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged network is reported with its update
            return self.head.sample(self.actor.outputs(s), self.rng.random((len(s), self.head.noise)))

    def values(self, s: NDArray[Any]) -> NDArray[Any]:
        """V(s), [...], at features s[..., D]."""
        return self.critic.outputs(s.reshape(-1, s.shape[-1])).reshape(s.shape[:-1])

    def begin(self) -> None:
        """An episode in every lane, from a seed that the generator draws."""
        self.lanes.reset(training_seed(self.rng))
        self.returns.reset()

    def look_around(self) -> None:
        """Play before the first update, to know what is to be normalised; nothing else is learned from it."""
        played = play(self.lanes, self.choose, -(-FIRST_LOOK // self.config.lanes))
        self.steps += played.valid.size
        self.rewards(played)
        self.renew()

    def rewards(self, played: Step) -> NDArray[Any]:
        """The rewards r_t[T, N] of what was played, as they are learned from."""
        if self.config.normalise:
            self.returns.add(played.r_t, played.last_t, played.valid)
            return self.returns.factor * played.r_t
        return np.float32(self.config.reward_scale) * played.r_t

    def renew(self) -> None:
        """What was seen in this update tells how the next one sees."""
        if isinstance(self.lanes.encode, RunningNormalizer):
            self.lanes.encode.renew()
            self.lanes.s_tm1 = self.lanes.encode.encoding(self.lanes.seen)

    def policy(self) -> Perceptron:
        """The policy as an exported agent holds it: without chance."""
        encode = self.lanes.encode
        return self.head.greedy(self.actor.twin(encode.encoding if isinstance(encode, RunningNormalizer) else encode))

    def learning_rates(self) -> tuple[float, float]:
        """Alpha of the actor and beta of the critic at this point of the budget; both fall in proportion."""
        config = self.config
        alpha = linear_schedule(self.steps, config.learning_rate, config.learning_rate_end, config.steps)
        return alpha, config.critic_learning_rate * alpha / config.learning_rate

    def state(self) -> Tree:
        """What a checkpoint holds of it; not the lanes, which start afresh after a snapshot."""
        trees = {"actor": self.actor.state(), "critic": self.critic.state(), "rng": self.rng.bit_generator.state}
        if isinstance(self.lanes.encode, RunningNormalizer):
            trees |= {"seen": self.lanes.encode.state(), "returns": self.returns.moments.state()}
        return {**trees, "steps": self.steps, "updates": self.updates, "b": self.b}

    def restore(self, state: Tree) -> None:
        """Go on from `state()`."""
        self.actor.restore(state["actor"])
        self.critic.restore(state["critic"])
        self.rng.bit_generator.state = state["rng"]
        if isinstance(self.lanes.encode, RunningNormalizer):
            self.lanes.encode.restore(state["seen"])
            self.returns.moments.restore(state["returns"])
        self.steps, self.updates, self.b = state["steps"], state["updates"], state["b"]


def make_learner(config: Config) -> Learner:
    """A learner before its first step."""
    device = checks.device(config.device)
    torch.set_num_threads(config.threads)
    env = make_lanes(config.task, config.lanes, config.threads)
    space = env.single_observation_space
    encode = RunningNormalizer(space) if config.normalise else encoding(space, config.observation_scale)
    actions = head(env.single_action_space, config.deviation)
    generator = torch.Generator().manual_seed(checks.seed(config.seed))

    def learned(outputs: int, gain: float, more: tuple[torch.nn.Parameter, ...] = ()) -> Learned:
        sizes = (encode.size, *config.hidden, outputs)
        network = perceptron(sizes, config.activation, "orthogonal", generator, gain)
        return Learned(network, config.activation, config.optimiser, device, more)

    return Learner(
        config,
        Lanes(env, encode, actions.decode),
        actions,
        learned(actions.outputs, 0.01, actions.parameters),
        learned(1, 1.0),
        np.random.default_rng(config.seed),
        ReturnScale(config.gamma, config.lanes),
    )


def check_finite(learner: Learner, loss: float) -> None:
    """UserError where the last update's loss, or a weight after it, is no finite number."""
    if not math.isfinite(loss):
        raise UserError(f"the loss became {loss} at update {learner.updates}; try a lower learning rate")
    for learned in (learner.actor, learner.critic):
        if not bool(learned.flat.theta.isfinite().all()):
            raise UserError(f"a weight became infinite at update {learner.updates}; try a lower learning rate")


def train(
    make: Callable[[], Learner],
    update: Callable[[Learner], dict[str, float]],
    resume: Tree | None,
    clock: Callable[[], float],
) -> Iterator[Event]:
    """Update until the budget is spent or the goal is held; yields what happens and ends with Finished.

    `update` plays, learns, counts its steps, and returns figures worth plotting, `loss` among them.
    """
    watch = Stopwatch(clock)
    learner = make()
    config: Config = learner.config
    validation = Validation(
        config.task, config.evaluation_episodes, config.goal, config.confirmation_episodes, threads=config.threads
    )
    reason = ""

    def state() -> Tree:
        trees = {"learner": learner.state(), "validation": validation.state()}
        return {**trees, "reason": reason, "seconds": watch.seconds}

    def counts() -> tuple[int, int, float]:
        return learner.updates, learner.steps, watch.seconds

    if resume is not None:
        learner.restore(resume["learner"])
        validation.restore(resume["validation"])
        reason, watch = resume["reason"], Stopwatch(clock, resume["seconds"])
    while not reason:
        if learner.updates % config.checkpoint_every == 0:
            with watch.paused():
                yield Snapshot(*counts(), state)
            learner.begin()
        if config.normalise and learner.updates == 0:
            learner.look_around()
        figures = update(learner)
        learner.renew()
        learner.updates += 1
        check_finite(learner, figures["loss"])
        spent = learner.steps >= config.steps
        if spent or learner.updates % config.evaluate_every == 0:
            with watch.paused():
                yield Progress(*counts(), min(learner.steps / config.steps, 1.0), figures | recent(learner))
                yield Evaluated(*counts(), *validation.evaluate(learner.policy()))
                if validation.sustained():
                    reason = "sustained"
        reason = reason or ("budget spent" if spent else "")
    learner.lanes.env.close()
    validation.close()
    yield Finished(*counts(), validation.policy, reason, state)


def recent(learner: Learner) -> dict[str, float]:
    """Mean return of the training episodes that ended since last asked, where some did."""
    finished, learner.lanes.finished = learner.lanes.finished, []
    return {"training return": float(np.mean(finished))} if finished else {}
