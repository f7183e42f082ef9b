"""Players behind GTP: a submission in a process of its own, and the built-in players."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from typing import Any

import gymnasium
import numpy as np

import rlbench
from rlbench import space_tree
from rlbench.envs.go import board
from rlbench.envs.go.config import SMALLEST
from rlbench.envs.go.game import Game
from rlbench.gtp.server import LoadFault, PlayerFault
from rlbench.harness.isolation.actions import ActionBounds
from rlbench.harness.isolation.agent import Act, AgentFault
from rlbench.harness.isolation.agent_process import AgentProcess, task_info
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.suite import catalogue
from rlbench.harness.tasks.task import Task

ENV_ID = "rlbench/Go9x9-v0"  # whose size is an argument
LIMITS = Limits(act=20.0)
"""Time limits where no task of the submission sets them."""


def is_builtin(name: str) -> bool:
    """Whether that is the name of a built-in player: `random`, which knows what is legal, or `mcts:<playouts>`."""
    return name == "random" or name.startswith("mcts:")


class BuiltinPlayer:
    """An opponent of the environments, which answers there to the other side's last move.

    Args:
        name: `random` or `mcts:<playouts>`.

    Raises:
        ArgumentError: There is no such opponent.
    """

    usual_size = None

    def __init__(self, name: str) -> None:
        self.name, self.version = name, rlbench.__version__
        self._seed = 0
        self._make(SMALLEST, 0.0)

    def _make(self, size: int, komi: float) -> None:
        """The environments: one in which the game is repeated, and one whose opponent answers."""
        how: dict[str, Any] = {"size": size, "komi": komi, "max_moves": 100 * size * size, "disable_env_checker": True}
        self._repeated: Any = gymnasium.make(ENV_ID, opponent=None, **how).unwrapped
        self._answering: Any = gymnasium.make(ENV_ID, opponent=self.name, **how).unwrapped
        self._made, self._actions = (size, komi), [-1]  # what has been repeated; nothing yet
        self._answering.reset(seed=self._seed)

    def plays(self, size: int) -> str | None:
        """It plays on every board."""
        return None

    def begin(self, size: int) -> None:
        """Begin a game."""

    def seed(self, seed: int) -> None:
        """Seed it."""
        self._seed = seed
        self._answering.reset(seed=seed)

    def choose(self, game: Game, colour: int) -> int:
        """Its action."""
        if self._made != (game.rows, komi := usual_komi(game)):
            self._make(game.rows, komi)
        actions = alternating(game, colour)
        if not actions:
            self._answering.reset(options={"colour": 1})  # where the opponent begins
        else:
            self._repeat(actions[:-1])
            other = board.WHITE if colour == 1 else board.BLACK
            self._answering.state = self._repeated.state._replace(agent=other, passes=0)
            self._answering.step(actions[-1])
        return int(self._answering.state.last)

    def _repeat(self, actions: list[int]) -> None:
        """Play these actions, from Black's first on, in the environment that repeats the game."""
        if self._actions != actions[: len(self._actions)]:
            self._repeated.reset()
            self._actions = []
        for action in actions[len(self._actions) :]:
            if self._repeated.state.passes:  # two passes would end the game, which goes on
                self._repeated.state = self._repeated.state._replace(passes=0)
            self._repeated.step(action)
        self._actions = list(actions)

    def close(self) -> None:
        """Nothing is left open."""


def usual_komi(game: Game) -> float:
    """The komi of a game, or the nearest that the environments take."""
    points = game.rows * game.columns
    return min(max(round(2 * game.komi) / 2, -points), points)


def alternating(game: Game, colour: int) -> list[int]:
    """The actions of a game up to a turn of `colour`, Black's first; with passes where a colour plays twice on end."""
    actions, to_play = [], 1
    for action, mover in game.moves:
        actions += [game.pass_action, action] if mover != to_play else [action]
        to_play = -mover
    return [*actions, game.pass_action] if colour != to_play else actions


class SubmissionPlayer:
    """A submission behind the process boundary.

    It has the time limits of its task for loading and for one call of `act`, and plays any number of games in one
    process, as in an evaluation. A new seed, another board and a fault start a new process.

    Args:
        entrant: The submission.
    """

    def __init__(self, entrant: Submission) -> None:
        self._entrant = entrant
        self.name, self.version = entrant.name, f"{entrant.version} {entrant.digest[:12]}"
        self._seed, self._is_first = 0, True
        self._loaded_for: tuple[int, float | None] | None = None  # size and komi
        self._act: Act | None = None
        self._bounds: ActionBounds | None = None
        self._resources = contextlib.ExitStack()

    @property
    def usual_size(self) -> int | None:
        """The size of the first task of Go that it lists; None where it lists none."""
        return None if "*" in self._entrant.tasks else next(iter(self._tasks()), None)

    def _tasks(self) -> dict[int, Task]:
        """Its tasks of Go, by the size of the board."""
        mine = [task for task in catalogue().tasks.values() if self._entrant.plays(task)]
        return {size: task for task in mine if (size := size_of(task)) is not None}

    def plays(self, size: int) -> str | None:
        """Why it plays no board of that size: it is submitted to other tasks only, or cannot be loaded for it."""
        sizes = self._tasks()
        if self._entrant.tasks and "*" not in self._entrant.tasks and size not in sizes:
            boards = " and ".join(f"{each}x{each}" for each in sizes)
            return f"{self.name} is submitted to tasks on {boards}" if sizes else f"{self.name} is submitted to no Go"
        try:
            self._load(size)
        except PlayerFault as fault:
            return str(fault)
        return None

    def begin(self, size: int) -> None:
        """Begin a game."""
        self._is_first = True

    def seed(self, seed: int) -> None:
        """Load it anew for the next game, with this seed."""
        self.close()
        self._seed = seed

    def choose(self, game: Game, colour: int) -> int:
        """Its action."""
        act = self._load(game.rows, usual_komi(game))
        observation = {name: value[None] for name, value in observe(game, colour).items()}
        try:
            leaves = act(observation, np.array([self._is_first]))
        except AgentFault as fault:
            self.close()
            raise PlayerFault(f"{self.name}: {fault}") from None
        self._is_first = False
        if self._bounds is not None and self._bounds.violations(leaves) is not None:
            raise PlayerFault(f"{self.name}: invalid_action: {self._bounds.message(leaves)}")
        return int(leaves[0][0])

    def close(self) -> None:
        """End its process."""
        self._act = None
        self._resources.close()

    def _load(self, size: int, komi: float | None = None) -> Act:
        """Its `act` for boards of a size, and a komi if not the usual one; LoadFault where it cannot be loaded."""
        wanted = size, komi if self._entrant.player else None  # code of its own is not told the komi
        if self._act is None or self._loaded_for != wanted:
            self.close()
            task = self._tasks().get(size) or Task(f"go{size}", 0, ENV_ID, {"size": size}, limits=LIMITS)
            limits = dataclasses.replace(task.limits, run=math.inf)  # which is for a block of episodes
            task = dataclasses.replace(task, env_kwargs={**task.env_kwargs, "komi": wanted[1]})
            spaces = describe_spaces(size)
            copied = self._resources.enter_context(private_copy(self._entrant))
            process = AgentProcess(copied, task_info(task, 1), *spaces, self._seed, limits)
            self._resources.enter_context(process)
            try:
                self._act = process.load()
            except AgentFault as fault:
                self.close()
                raise LoadFault(f"{self.name}: {fault}") from None
            self._loaded_for, self._bounds, self._is_first = wanted, ActionBounds(spaces[1]), True
        return self._act


def size_of(task: Task) -> int | None:
    """The size of the board that a task is played on; None for tasks on other environments."""
    if not task.env_id.startswith("rlbench/Go"):
        return None
    size: int = {**gymnasium.spec(task.env_id).kwargs, **task.env_kwargs}["size"]
    return size


def describe_spaces(size: int) -> tuple[space_tree.Description, space_tree.Description]:
    """Descriptions of the observation and the action space on boards of a size."""
    env = gymnasium.make(ENV_ID, size=size, opponent=None)
    try:
        return space_tree.describe(env.observation_space), space_tree.describe(env.action_space)
    finally:
        env.close()


def observe(game: Game, colour: int) -> dict[str, Any]:
    """A game as an agent of that colour would see it in the environment, to move now."""
    rows, columns = game.rows, game.columns
    planes = np.zeros((5, rows, columns), np.uint8)
    planes[0], planes[1], planes[4] = game.board == colour, game.board == -colour, colour == 1
    for plane, (action, _) in zip((2, 3), reversed(game.moves[-2:]), strict=False):
        if action != game.pass_action:
            planes[plane, action // columns, action % columns] = 1
    return {"planes": planes, "action_mask": game.legal_mask(colour)}
