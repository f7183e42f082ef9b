"""The turns of a game as an environment plays it, for a file in SGF."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlbench.envs.go import rules
from rlbench.envs.go.board import BLACK
from rlbench.envs.go.config import opponent_names
from rlbench.envs.go.coordinates import Shape, pass_of, to_gtp
from rlbench.envs.go.game_record import WITH_SUICIDE, WITHOUT_SUICIDE, GameRecord, result_by_score
from rlbench.envs.go.sgf import format_sgf
from rlbench.envs.go.view import GameView
from rlbench.errors import counted

NAMED = 3  # actions that a comment tells of


class GameLog:
    """Follows a game: made after the reset, told after each step.

    Args:
        env: The environment. Of the turns before the first step it knows the last two; what else stands on the board is
            the first stone of an opening, or a setup.
    """

    def __init__(self, env: Any) -> None:
        view = _view(env)
        self._turns = _latest(view, min(view.turns, 2))  # [(action, colour)]
        self._unknown = view.turns - len(self._turns)
        stones = view.stones.ravel().copy()
        stones[[action for action, _ in self._turns if action < stones.size]] = 0
        self._comments: dict[int, str] = {}
        self._setup = tuple((int(action), int(stones[action])) for action in np.flatnonzero(stones))
        self._first = view.to_move * (-1) ** len(self._turns)
        if len(self._setup) == self._unknown == 1:
            self._turns, self._setup, self._unknown = [*self._setup, *self._turns], (), 0

    def follow(self, env: Any, explanation: Any = None) -> None:
        """Take the turns since the last call: the agent's, and the opponent's answer.

        Args:
            env: The environment.
            explanation: What the agent says of its turn, which becomes the turn's comment.
        """
        view = _view(env)
        if view.ending != rules.ILLEGAL:
            words = "" if explanation is None else comment(explanation, view.shape)
            if words and self._unknown + len(self._turns) < view.turns:
                self._comments[len(self._turns)] = words
            self._turns += _latest(view, view.turns - self._unknown - len(self._turns))

    def text(self, env: Any, player: str) -> str:
        """The game so far, in SGF.

        Args:
            env: The environment.
            player: Name of who plays it.
        """
        view, params = _view(env), env.unwrapped.params
        black, white = players(env, player)
        record = GameRecord(
            shape=view.shape,
            moves=tuple(self._turns),
            setup=self._setup,
            komi=params.komi,
            to_play=self._first if self._setup else None,
            black=black,
            white=white,
            result=result(view),
            rules=WITH_SUICIDE if params.suicide else WITHOUT_SUICIDE,
            comments=self._comments,
        )
        return format_sgf(record)


def comment(explanation: Any, shape: Shape) -> str:
    """What an agent says of a turn, in words: its value, the actions that it liked best, what it expects.

    Args:
        explanation: Has `value`, `probabilities`, `action_values`, `visits` and `variation`, or none of them.
        shape: Rows and columns.
    """
    count = pass_of(shape) + 1
    parts = [] if explanation.value is None else [f"value {explanation.value:.2f}"]
    shares = explanation.visits if len(explanation.visits) == count else explanation.probabilities
    if len(shares) == count:
        best = sorted(range(count), key=lambda action: -shares[action])[:NAMED]
        parts.append(", ".join(_liked(action, explanation, shape) for action in best if shares[action] > 0))
    if expected := [to_gtp(int(action), shape) for action in explanation.variation if 0 <= action < count]:
        parts.append(f"expects {' '.join(expected)}")
    return "; ".join(part for part in parts if part)


def _liked(action: int, explanation: Any, shape: Shape) -> str:
    """An action with its visits, or its probability, and its value."""
    count = pass_of(shape) + 1
    if len(explanation.visits) == count:
        how_much = counted(round(explanation.visits[action]), "visit")
    else:
        how_much = f"{100 * explanation.probabilities[action]:.0f} %"
    value = f", value {explanation.action_values[action]:.2f}" if len(explanation.action_values) == count else ""
    return f"{to_gtp(action, shape)} ({how_much}{value})"


def _view(env: Any) -> GameView:
    return GameView.of(env.unwrapped.state, env.unwrapped.params)


def _latest(view: GameView, count: int) -> list[tuple[int, int]]:
    """The last turns, two at most, as (action, colour)."""
    return [(view.before_last, view.to_move), (view.last, -view.to_move)][2 - count :]


def players(env: Any, player: str) -> tuple[str, str]:
    """The names of Black and White.

    Args:
        env: The environment.
        player: Name of who plays it.
    """
    opponent = opponent_of(env)
    if opponent is None:
        return player, player
    return (player, opponent) if env.unwrapped.state.agent == BLACK else (opponent, player)


def opponent_of(env: Any) -> str | None:
    """The opponent of this game by name; None in self-play."""
    kwargs = env.spec.kwargs if env.spec else {}
    names = opponent_names(kwargs.get("opponent", "random"), kwargs.get("opponents"))
    return names[env.unwrapped.state.opponent] if names else None


def result(view: GameView) -> str:
    """The result as SGF has it: by score, by resignation, by forfeit; nothing while the game goes on."""
    if view.ending == rules.PLAYING:
        return ""
    if view.ending in (rules.PASSES, rules.LIMIT):
        return result_by_score(view.score)
    return f"{'B' if view.winner > 0 else 'W'}+{'R' if view.ending == rules.RESIGNED else 'F'}"
