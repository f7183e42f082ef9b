"""AlphaZero: a network learns from games that its own search plays, and makes that search stronger.

Silver et al. (2017), "Mastering the game of Go without human knowledge"; Silver et al. (2018), "A general
reinforcement learning algorithm that masters chess, shogi, and Go through self-play". An iteration plays games in which
a tree search, guided by the network (p, v) = f_theta(s), chooses every move; then it moves p towards the policy pi of
the search, and v towards the outcome z of the game. By default the search is that of Danihelka et al. (2022), "Policy
improvement by planning with Gumbel", which learns with few simulations; `--search puct` is that of the papers.

Departures from the papers, beside those of the network (`nets.residual`): games and updates alternate, theirs run at
the same time on thousands of machines; Adam and half a cosine in place of momentum and three steps; whole games by one
network, so no evaluator decides whether a new one plays; games begin from the environment's openings, too (`openings`);
no game is resigned; the weights submitted are those that did best against a fixed opponent on validation seeds. Playout
cap randomization, Wu (2019), is an option (`fast_simulations`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np
import torch

from baselines.data.position_replay import PositionReplay
from baselines.data.rollout import env_id, make_envs
from baselines.data.self_play import SelfPlay, Turns, play_games
from baselines.maths.equations import alphazero_losses, l2_gradient
from baselines.maths.optimisation import cosine_schedule
from baselines.nets.devices import chosen_device
from baselines.nets.optim import check_loss, check_weights
from baselines.nets.residual import PolicyValueNetwork, residual_graph, residual_network
from baselines.templates.policies import SearchPolicy
from baselines.training.checkpoint import WAYS
from baselines.training.events import Event
from baselines.training.game_validation import GameValidation, PastSelves, num_openings
from baselines.training.loop import Every, Learner, RunSettings, loop
from baselines.training.memory import FLOAT, Need, Sizes
from baselines.types import Clock, Count, CountOrZero, NonNegative, Positive, Probability, TaskName, Threads, Tree
from rlbench.errors import UnfitError, UserError
from rlbench.registry import ENVIRONMENTS, GO
from rlbench.search.batch import Search
from rlbench.search.files import SearchedGame, parse, search_text
from rlbench.search.settings import SearchSettings


@dataclass(frozen=True)
class AlphaZeroSettings(RunSettings):
    """Settings of a training run. An iteration plays `num_envs` games to their ends, and then learns."""

    task: TaskName = "go5@1"
    agent: str = "alphazero"
    threads: Threads = 1
    """Threads that PyTorch may use."""
    search: Literal["gumbel", "puct"] = "gumbel"
    """Gumbel root selection with sequential halving, or AlphaZero's PUCT with Dirichlet noise."""
    simulations: Count = 16
    """Simulations per turn of self-play."""
    considered: Count = 8
    """Actions that Gumbel's search considers at the root."""
    fast_simulations: CountOrZero = 0
    """Playout cap randomization: simulations of the turns that are played but not learned from; 0 for none of these."""
    full_share: Probability = 0.25
    """Share of turns that are searched in full all the same, where there are fast ones."""
    sampled_moves: CountOrZero = 8
    """With PUCT: turns of a game whose action is drawn from the visits; later the most visited is played."""
    openings: Probability = 0.75
    """Share of games that begin from one of the environment's openings, the others from the empty board."""
    num_envs: Count = 128
    """Games per iteration, played side by side."""
    iterations: Count = 200
    """Budget."""
    blocks: Count = 3
    """Residual blocks."""
    channels: Count = 32
    """Filters of every 3 x 3 convolution."""
    value_hidden: Count = 64
    """Units of the value head's hidden layer."""
    channels_last: bool = False
    """PyTorch's channels-last memory layout: faster; go5 was trained without, and roundings differ."""
    window: Count = 100_000
    """Most recent positions, from which is learned."""
    batch_size: Count = 256
    """Positions per update."""
    replay_ratio: Positive = 4.0
    """How often a position is learned from, on average; it decides how many updates an iteration has."""
    learning_rate: Positive = 2e-3
    """Adam's step size at the start; it falls to 0 on half a cosine."""
    weight_decay: NonNegative = 1e-4
    """The factor c of c |theta|^2."""
    opponent: str = "mcts:1000"
    """Opponent of the validation games, "random" or "mcts:PLAYOUTS"."""
    evaluation_games: Count = 64
    """Validation games per evaluation; as many are played against each of the last networks, for the Elo rating."""
    evaluation_simulations: Count = 64
    """Simulations per turn in these games, and of the submission."""
    eval_every_iterations: Count = 20
    """Iterations between evaluations."""
    checkpoint_every_iterations: Count = 5
    """Iterations between snapshots."""

    def check(self) -> None:
        """UserError for a setting that makes no sense, naming it."""
        super().check()
        if self.fast_simulations >= self.simulations:
            raise UserError(
                f"fast_simulations={self.fast_simulations} must be below simulations={self.simulations}, or 0 for none"
            )
        if self.opponent != "random" and not self.opponent.startswith("mcts:"):
            raise UserError(f'opponent is "random" or "mcts:PLAYOUTS", not {self.opponent!r}')

    def env_changes(self) -> dict[str, Any]:
        """Self-play."""
        return {"opponents": None, "opponent": None} if plays_go(self.task) else {}

    def check_spaces(self, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> None:
        """UnfitError for an environment that is no game which a search can play."""
        if not plays_go(self.task):
            known = ", ".join(row.id for row in ENVIRONMENTS if row.rules == GO)
            raise UnfitError(f"{self.task} is no game of two players; environments that are: {known}")

    def every(self) -> Every:
        """In iterations."""
        return Every(self.eval_every_iterations, self.checkpoint_every_iterations)

    def memory(self, sizes: Sizes) -> Need:
        """Bytes that each setting costs."""
        A, points, C = sizes.actions, sizes.actions - 1, self.channels
        planes = (sizes.features - A) // points
        convolution = 9 * FLOAT * C**2
        return {
            "num_envs": self.num_envs * (sizes.bytes + FLOAT * points * C),
            "simulations": self.num_envs * self.simulations * FLOAT * A,
            "evaluation_games": 2 * self.evaluation_games * (sizes.bytes + FLOAT * points * C),
            "evaluation_simulations": self.evaluation_games * self.evaluation_simulations * FLOAT * A,
            "window": PositionReplay.bytes(self.window, planes, math.isqrt(points)),
            "batch_size": self.batch_size * FLOAT * (A + 2 * self.blocks * points * C),
            "channels": 8 * self.blocks * convolution,  # weights, gradients, Adam's moments
            "blocks": 8 * self.blocks * convolution,
            "value_hidden": 4 * FLOAT * self.value_hidden * points,
        }


def plays_go(task: str) -> bool:
    """Whether a task, or an environment by its id, follows the rules of Go."""
    name, kwargs = env_id(task)
    rules = {**gymnasium.spec(name).kwargs, **kwargs}.get("rules")
    return bool(rules == GO)


class AlphaZero(Learner):
    """The network f_theta, the window of positions, and the games."""

    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("model", "replay", "past", "validation", "rng"),
        *("iteration", "updates", "moves", "plotted"),
    )
    settings: AlphaZeroSettings

    def iterate(self) -> None:
        """Games of self-play, then as many updates as their positions are worth."""
        games = self.play()
        self.replay.add(games.positions)
        updates = round(self.settings.replay_ratio * len(games.positions.z) / self.settings.batch_size)
        losses = [self.update() for _ in range(max(updates, 1) if len(self.replay) else 0)]
        self.iteration += 1
        self.moves += games.moves
        check_weights(self.updates, self.model)
        self.plotted.append([*np.mean(losses, axis=0), games.moves / len(games.winner), np.mean(games.winner == 1)])

    def play(self) -> SelfPlay:
        """A game of every environment: the search plays both sides."""
        shape = self.settings.num_envs
        opening = 1 + self.rng.integers(num_openings(self.env) - 1, size=shape)
        openings = np.where(self.rng.random(shape) < self.settings.openings, opening, 0)
        return play_games(self.env, self.search, self.model.evaluate, self.turns, openings, self.rng)

    def update(self) -> tuple[float, float]:
        """One step down the loss l = (z - v)^2 - pi^T log p + c |theta|^2; returns the first two terms."""
        settings, model = self.settings, self.model
        planes, pi, z = self.replay.sample(settings.batch_size, self.rng)
        logits, v = model.outputs(planes)
        value_loss, policy_loss = alphazero_losses(logits, v, model.tensor(pi), model.tensor(z))
        (value_loss + policy_loss).backward()
        model.flat.grad.add_(l2_gradient(model.theta, settings.weight_decay))
        model.optimizer.step(cosine_schedule(self.iteration, settings.learning_rate, settings.iterations))
        self.updates += 1
        check_loss(float(value_loss.detach() + policy_loss.detach()), self.updates)
        return float(value_loss.detach()), float(policy_loss.detach())

    def policy(self) -> SearchPolicy:
        """The network and the search that plays it."""
        return SearchPolicy(self.model.network.graph, self.model.network.tensors(), self.game)

    def metrics(self) -> dict[str, float]:
        """Means over the iterations since the last call, and the rating against the network's own past."""
        value_loss, policy_loss, moves, black = np.mean(self.plotted, axis=0).tolist()
        self.plotted.clear()
        metrics = {"value loss": value_loss, "policy loss": policy_loss, "moves": moves, "black wins": black}
        return {**metrics, "elo": self.past.rate()}

    def state(self) -> Tree:
        """What training changes, and the game that it is about, which the name of a task does not say for good."""
        return {**super().state(), "game": search_text(self.game)}

    def restore(self, state: Tree) -> None:
        """Go on from `state()`; UserError for one of another board, komi or rule of suicide."""
        if "game" in state:  # older ones do not say
            check_same_game(parse(state["game"]), self.game)
        super().restore(state)

    def clock(self) -> int:
        """Iterations."""
        return self.iteration

    def progress(self) -> float:
        """The part of the budget that is spent."""
        return self.iteration / self.settings.iterations

    @property
    def env_steps(self) -> int:
        """Moves and passes so far, of all games."""
        return self.moves

    def begin_episodes(self) -> None:
        """Nothing: every iteration begins its own games."""

    def close(self) -> None:
        """Close the environments."""
        for env in (self.env, self.past.env, self.validation.env):
            env.close()

    def __init__(self, settings: AlphaZeroSettings) -> None:
        self.settings, self.rng = settings, np.random.default_rng(settings.seed)
        task, games, changes = settings.task, settings.evaluation_games, settings.env_changes()
        self.env = make_envs(task, settings.num_envs, settings.threads, **changes)
        planes, size, _ = self.env.single_observation_space["planes"].shape
        params = self.env.unwrapped.params  # type: ignore[attr-defined]  # RulesVectorEnv
        graph = residual_graph(planes, size, settings.blocks, settings.channels, settings.value_hidden)
        device, generator = chosen_device(settings), torch.Generator().manual_seed(int(settings.seed))
        self.model, earlier = (PolicyValueNetwork(residual_network(graph, generator), device) for _ in range(2))
        if settings.channels_last:
            self.model.memory_format = earlier.memory_format = torch.channels_last
        self.replay = PositionReplay(settings.window, planes, size)
        kind = {"algorithm": settings.search, "considered": settings.considered}
        self.search = Search(params, settings.num_envs, SearchSettings(simulations=settings.simulations, **kind))
        self.turns = Turns(
            settings.simulations,
            settings.fast_simulations,
            settings.full_share,
            settings.sampled_moves if settings.search == "puct" else 0,
        )
        played = SearchSettings(simulations=settings.evaluation_simulations, **kind)
        self.game = SearchedGame(params.rows, params.komi, params.suicide, played)
        search = Search(params, games, played)
        self.past = PastSelves(make_envs(task, games, settings.threads, **changes), search, self.model, earlier)
        env = make_envs(task, games, settings.threads, opponents=(settings.opponent,))
        self.validation: GameValidation = GameValidation(env, search, self.model.evaluate)
        self.iteration = self.updates = self.moves = 0
        self.plotted: list[list[float]] = []  # losses, lengths and winners of games, for the learning curve


def check_same_game(theirs: SearchedGame, ours: SearchedGame) -> None:
    """UserError where a checkpoint is of another game than this training run's."""
    for name in ("size", "komi", "suicide"):
        if getattr(theirs, name) != getattr(ours, name):
            raise UserError(
                f"the checkpoint is of games with {name}={getattr(theirs, name)}, these have "
                f"{name}={getattr(ours, name)}; {WAYS}"
            )


def train(
    settings: AlphaZeroSettings, *, resume: Tree | None = None, clock: Clock = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields events and ends with Finished. `resume` is the state of an earlier Snapshot."""
    yield from loop(AlphaZero, settings, resume, clock)


PRESETS: dict[str, AlphaZeroSettings] = {
    "go5": AlphaZeroSettings(),
    # An iteration of go9-short takes 55 s of one core, 74 s with channels_last=False; one of go9 a third more. Games
    # have 92 moves at the start and become longer. In all 1.5 core-hours for go9-short, two for go7, eight for go9.
    "go7": AlphaZeroSettings(task="rlbench/Go7x7-v0", blocks=4, channels=48, window=200_000, channels_last=True),
    "go9-short": AlphaZeroSettings(
        task="go9@1", iterations=90, window=150_000, channels_last=True, eval_every_iterations=30
    ),
    "go9": AlphaZeroSettings(task="go9@1", blocks=4, iterations=400, window=300_000, channels_last=True),
    # The one that aims at GNU Go: more of everything, for a GPU.
    "go9-gpu": AlphaZeroSettings(
        task="go9@1",
        simulations=64,
        considered=16,
        num_envs=1024,
        iterations=1000,
        blocks=10,
        channels=128,
        value_hidden=128,
        window=1_000_000,
        batch_size=1024,
        evaluation_games=128,
        checkpoint_every_iterations=10,
    ),
}
