"""Go for Gymnasium: the single environment and the batch, whose `info` holds the legal actions and the winner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium.error import InvalidAction
from numpy.typing import NDArray

from rlbench.core.adapter import BatchStep, Step
from rlbench.core.autoreset import Bools, with_masks
from rlbench.core.compiled_env import CompiledRulesEnv
from rlbench.core.compiler.single import CompiledSingle
from rlbench.core.spaces import Arrays
from rlbench.core.vector import RulesVectorEnv
from rlbench.envs.go.board import BLACK, EMPTY
from rlbench.envs.go.config import opponent_names
from rlbench.envs.go.engine_opponent import Answer, EngineGame, EngineOpponents, EngineState
from rlbench.envs.go.rules import CONTINUE, PLAYING, Scratch
from rlbench.errors import ArgumentError

PROGRESS = Scratch._fields.index("progress")

PLAYOUTS_AT_ONCE = 1000
"""Of a search, at most 0.2 s of work; after as many, Python handles signals, such as Ctrl-C."""


class InterruptibleSingle(CompiledSingle):
    """The compiled rules of one game, in which a long search comes back to Python now and then."""

    def begin(self, draws: NDArray[np.float64], options: Any, fresh: bool = True) -> Arrays:
        """Begin a game; the opponent has made its first move if it has Black."""
        seen = super().begin(draws, options, fresh)
        return self.advance(CONTINUE, draws)[0] if fresh and self._is_searching else seen

    def advance(self, action: Any, draws: NDArray[np.float64]) -> tuple[Arrays, float, bool]:
        """One turn, and the opponent's."""
        outcome = super().advance(action, draws)
        while self._is_searching:
            outcome = super().advance(CONTINUE, draws)
        return outcome

    @property
    def _is_searching(self) -> bool:
        return bool(self._memory[PROGRESS][0, 0])


class GoEnv(CompiledRulesEnv):
    """One game of Go.

    `info` holds at every reset and step `action_mask`, int8[n n + 1], 1 for what is legal, and `winner`: 1 Black, -1
    White, 0 nobody, so far or in a draw. At the end it holds `score`, Black's area less White's and komi, and `ending`,
    one of the numbers PASSES to FORFEIT of the rules. In games against a program it also holds `engine`, its name and
    version, and where that has forfeited the game, `forfeit`, the reason.

    A reset or a step that an exception ends, such as that of Ctrl-C, leaves no game to go on with: reset again.
    """

    def __init__(self, rules: str, render: str | None = None, render_mode: str | None = None, **params: Any) -> None:
        super().__init__(rules, render, render_mode, **params)
        self.world.params = self.params = self.params._replace(playouts_at_once=PLAYOUTS_AT_ONCE)
        names = opponent_names(params.get("opponent", "random"), params.get("opponents"))
        self._engines = EngineOpponents(names, self.params)
        self._failed: Answer | None = None  # the program's first turn, where the game has ended by it

    @cached_property
    def _single(self) -> CompiledSingle:
        return InterruptibleSingle(self.world)

    @property
    def state(self) -> Any:
        """The current state, as for all rules; in games against a program an EngineState, which holds their moves."""
        state = super().state
        against_program = state is not None and self._engines.is_one(state.opponent)
        return EngineState.of(state, self._engines.game(self._failed)) if against_program else state

    @state.setter
    def state(self, values: Any) -> None:
        CompiledRulesEnv.state.fset(self, values)  # type: ignore[attr-defined]  # mypy knows no setters of classes

    def _checked_state(self, values: Any) -> Any:
        state, game = super()._checked_state(values), getattr(values, "game", None)
        if not self._engines.is_one(state.opponent):
            return state
        if not isinstance(game, EngineGame):
            raise ArgumentError(
                "a program knows its games by moves: against one, set a state as it was read from such a game"
            )
        return EngineState.of(state, game)

    def _set_state(self, state: Any) -> None:
        super()._set_state(state)
        if self._engines:
            game = state.game if isinstance(state, EngineState) else EngineGame(0, (), None)
            self._engines.begin(state.opponent, game.seed, game.moves)
            self._failed = game.failed

    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        self._has_ended = True  # unless an episode has begun
        self._failed = None
        info = super()._start(seed, options)
        if not self._engines:
            return info
        if "state" in options:
            return self._step_info()
        opening = self.params.openings[int(options["Options"].opening)].tolist()
        moves = [(colour, action) for colour, action in zip((1, -1), opening, strict=True) if action >= 0]
        self._engines.begin(self._state.opponent, self._engine_seed(), moves)
        if self._awaits_engine:
            answer = self._engine_answer()
            self._failed = None if answer.ending == PLAYING else answer
            # An episode cannot end before its first step: a program that has failed passes.
            self._take(self.params.rows * self.params.columns if self._failed else answer.action)
        return self._step_info()

    def _engine_seed(self) -> int:
        """A seed that the stream of random numbers decides, without a number being drawn from it."""
        state: Any = self.np_random.bit_generator.state
        return int(state["state"]["state"]) >> 97  # the upper 31 bits

    @property
    def _awaits_engine(self) -> bool:
        """Whether it is a program's turn."""
        state = self._state
        playing = state.ending == PLAYING and state.agent != EMPTY and state.to_move != state.agent
        return playing and self._engines.version is not None

    def _engine_answer(self, last: int | None = None) -> Answer:
        self._has_ended = True  # unless it answers
        return self._engines.answer(1 if self._state.to_move == BLACK else -1, self._state.legal, last)

    def _take(self, action: int) -> tuple[float, bool]:
        """The program's action: reward, and whether the game has ended."""
        self._seen, reward, ended = self._single.advance(action, np.zeros(self._draws[1]))
        self._state, self._has_ended = self._single.state, ended
        return reward, ended

    def step(self, action: Any) -> Step:
        """The agent's move and the opponent's answer."""
        if not self.params.loses and not self._has_ended:
            checked = self.world.actions.check(action)
            if not self._state.legal[checked]:
                raise InvalidAction(f"action {checked} is not legal here; see info['action_mask']")
        return super().step(action)

    def _advance(self, action: Any) -> Step:
        self._has_ended = True  # unless the step comes to its end
        if not self._engines:
            return super()._advance(action)
        if self._failed is None:
            observation, reward, ended, truncated, info = super()._advance(action)
            if not self._awaits_engine:
                return observation, reward, ended, truncated, self._with_reason(info, "")
            answer = self._engine_answer(action)
        else:
            self.np_random.random(self._draws[1])
            answer = self._failed
        if answer.ending == PLAYING:
            reward, ended = self._take(answer.action)
        else:
            reward, ended = self._win(answer.ending)
        if self.render_mode == "human":
            self.render()
        info = {**self._step_info(), **(self._info() if ended else {})}
        return self._observation(), reward, ended, False, self._with_reason(info, answer.reason)

    def _with_reason(self, info: dict[str, Any], reason: str) -> dict[str, Any]:
        if self._has_ended:
            self._engines.close()
        return {**info, "forfeit": reason} if reason else info

    def _win(self, ending: int) -> tuple[float, bool]:
        """The agent wins, as the program has resigned or failed: reward, and that the game has ended."""
        legal = np.zeros_like(self._state.legal)
        legal[-1] = 1
        winner = 1 if self._state.agent == BLACK else -1
        super()._set_state(self._state._replace(ending=ending, winner=winner, legal=legal))
        return 1.0, True

    def _step_info(self) -> dict[str, Any]:
        info = {"action_mask": self._state.legal.copy(), "winner": self._state.winner}
        version = self._engines.version
        return info if version is None else {**info, "engine": version}

    def close(self) -> None:
        """Close the window, if one is open, and end the program, if one plays."""
        self._engines.close()
        super().close()


class GoVectorEnv(RulesVectorEnv):
    """N games of Go, with the same `info` as arrays [N, ...]."""

    def _start(
        self, mask: Bools, seeds: Sequence[int | None], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        observations, info = super()._start(mask, seeds, options)
        return observations, {**info, **self._step_info()}

    def step(self, actions: Any) -> BatchStep:
        """Step all games in the compiled loop."""
        if not self.params.loses and self._has_begun:
            self._check_legal(actions)
        *outcome, info = super().step(actions)
        return (*outcome, {**info, **self._step_info()})

    def _check_legal(self, actions: Any) -> None:
        """Raise InvalidAction for an action that is not legal, before any game has moved."""
        (array,) = self.world.actions.check_batch(actions, self.num_envs)
        legal = self._field("legal")
        within = (array >= 0) & (array < legal.shape[1])  # the loop says what is wrong with the others
        refused = within & ~self._done & (legal[np.arange(self.num_envs), np.where(within, array, 0)] == 0)
        if refused.any():
            i = int(refused.argmax())
            raise InvalidAction(f"action {array[i]} of environment {i} is not legal; see info['action_mask']")

    def _step_info(self) -> dict[str, Any]:
        entries = {"action_mask": self._field("legal").copy(), "winner": self._field("winner").copy()}
        return with_masks(entries, np.ones(self.num_envs, np.bool_))

    def _field(self, name: str) -> Any:
        return self._fields[self._like._fields.index(name)]
