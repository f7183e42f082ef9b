"""Searches in N games at once, whose positions are evaluated together.

Each simulation descends in every game to a position that is not in its tree. These leaves are evaluated in one batch,
then put into the trees and backed up. Descents, rules and backups are compiled; `evaluate` is any function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rlbench.core.arguments import check_memory
from rlbench.core.compiler.compile import working_memory
from rlbench.core.world import World
from rlbench.errors import ArgumentError, shortened
from rlbench.search.compiled import compiled_search
from rlbench.search.descent import Constants, Root
from rlbench.search.nodes import SearchNode, list_nodes
from rlbench.search.settings import SearchSettings
from rlbench.search.tree import SearchTree

VARIATION = 10  # actions of the principal variation

Evaluate: TypeAlias = Callable[..., "tuple[NDArray[np.float32], NDArray[np.float32]]"]
"""(*leaves of the observation [M, ...]) -> logits float32[M, A], value float32[M] in [-1, 1] of the player to move.

For Go the leaves are planes uint8[M, 5, n, n] and action_mask int8[M, A]; 1 <= M <= N. Logits of illegal actions are
not read. Logits beyond 1e9, values beyond 1, and what is no number are cut to these bounds.
"""


class SearchResult(NamedTuple):
    """What N searches come to."""

    action: NDArray[np.int64]  # [N], gumbel: the winner of sequential halving; puct: the most visited one
    pi: NDArray[np.float32]  # [N, A], what the policy should learn: the improved policy; the shares of the visits
    visits: NDArray[np.int32]  # [N, A] of the root's actions; their sum is the number of simulations
    q: NDArray[np.float32]  # [N, A], Q(s, a) in [-1, 1] of the player to move; NaN where there was no visit
    value: NDArray[np.float32]  # [N], mean of all values backed up to the root, of the player to move
    pv: NDArray[np.int32]  # [N, VARIATION], the principal variation; padded with -1


class Search:
    """Searches in N games of the same rules and parameters.

    The rules are any with `turn(state, action, params, scratch)`, two players who alternate, and states with `to_move`
    (1 or 2) and `winner` (1 the player numbered 1, -1 the other, 0 nobody); their last action is always legal after the
    end.

    Args:
        params: Params of the rules.
        num_envs: N.
        settings: Of the search.
        rules: Dotted name of the rules module.

    Raises:
        ArgumentError: N is no positive integer.
        TooLargeError: The trees do not fit into memory.
    """

    def __init__(
        self,
        params: Any,
        num_envs: int,
        settings: SearchSettings | None = None,
        rules: str = "rlbench.envs.go.rules",
    ) -> None:
        if type(num_envs) is not int or num_envs < 1:
            raise ArgumentError(f"num_envs of a search is a positive integer, got {shortened(num_envs)}")
        self.settings = SearchSettings() if settings is None else settings
        self.num_envs = num_envs
        self.world = World.with_params(rules, params)
        (self.num_actions,) = self.world.actions.sizes
        self._allocate()
        self._loops: Any = compiled_search(self.world)

    def _allocate(self) -> None:
        """The trees, the roots, a state to play on, and observations of leaves."""
        n, a, k = self.num_envs, self.num_actions, self.settings.simulations + 1
        check_memory(f"num_envs={n} with {k - 1:,} simulations", n * k * (24 * a + 33))
        edges, nodes = (n, k, a), (n, k)
        self._tree = SearchTree(
            N=np.zeros(edges, np.int32),
            W=np.zeros(edges),
            P=np.zeros(edges, np.float32),
            logits=np.zeros(edges, np.float32),
            child=np.zeros(edges, np.int32),
            v=np.zeros(nodes),
            ended=np.zeros(nodes, np.int8),
            path=np.zeros((n, 2, k), np.int64),
            sizes=np.zeros((n, 2), np.int32),
        )
        self._root = Root(np.zeros((n, a)), np.zeros((n, k), np.int32), np.zeros((n, a)))
        state = self.world.example_state()
        self._copies = tuple(np.array(value) for value in state if np.ndim(value))
        self._memory = working_memory(self.world)
        self._leaves = self.world.observations.empty_batch(n)
        self._mask_leaf = list(self.world.observations.leaves).index("action_mask")
        s = self.settings
        is_gumbel = s.algorithm == "gumbel"
        constants = Constants(is_gumbel, s.considered, s.c_visit, s.c_scale, s.c_base, s.c_init, s.noise)
        self._constants = tuple(constants)

    @property
    def module(self) -> str:
        """Name of the generated module that holds the compiled loops."""
        return str(self._loops.__name__)

    def run(
        self,
        states: Any,
        evaluate: Evaluate,
        random: np.random.Generator | None = None,
        simulations: NDArray[np.integer[Any]] | int | None = None,
        explore: NDArray[np.bool_] | None = None,
    ) -> SearchResult:
        """Search for a move in every game; games that have ended take part without any simulation.

        Args:
            states: A State of the rules whose fields are arrays [N, ...]; it is not written to.
            evaluate: The network.
            random: Draws the noise at the roots: one array [N, A] of the Gumbel distribution, or of a gamma
                distribution for Dirichlet noise; None for no noise, as in a match.
            simulations: [N], or one number for all, 1 to that of the settings, which is the default.
            explore: bool[N], in which games there is noise; in all by default.

        Raises:
            ArgumentError: The states are not N, or a number of simulations cannot be.
        """
        fields = self._checked_fields(states)
        budget = self._checked_budget(simulations)
        explores = np.full(self.num_envs, random is not None)
        if random is not None and explore is not None:
            explores &= explore
        self._root.noise[:] = 0.0 if random is None else self._noise(random, states.legal)
        self._tree.sizes[:] = 0
        spent, games = np.zeros(self.num_envs, np.int64), np.zeros(self.num_envs, np.int64)
        arrays = (*self.world.params, *self._copies, *self._memory, *fields, *self._tree, *self._root, spent, budget)
        while rows := self._loops.search_until_leaves(*arrays, self._constants, games, *self._leaves):
            leaves = tuple(leaf[:rows].copy() for leaf in self._leaves)
            logits, values = self._checked_evaluation(evaluate(*leaves), rows)
            self._loops.take_evaluations(
                *self._tree,
                *self._root,
                spent,
                budget,
                explores,
                self._constants,
                games,
                logits,
                values,
                leaves[self._mask_leaf],
            )
        return self._results()

    def tree(self, i: int = 0) -> list[SearchNode]:
        """The tree of game i after the last search; the root is node 0, and parents stand before their children."""
        return list_nodes(SearchTree._make(array[i] for array in self._tree))

    def _checked_fields(self, states: Any) -> tuple[NDArray[Any], ...]:
        """The fields of the states as arrays [N, ...] of the rules' own types."""
        like = self.world.example_state()
        if getattr(states, "_fields", None) != like._fields:
            raise ArgumentError(f"states of a search are a State of {self.world.name}, got {shortened(states)}")
        fields = []
        for name, value, one in zip(like._fields, states, like, strict=True):
            wanted = (self.num_envs, *np.shape(one))
            if np.shape(value) != wanted:
                raise ArgumentError(
                    f"field {name!r} of the states has shape {np.shape(value)}; this search takes {wanted}"
                )
            fields.append(np.ascontiguousarray(value, np.asarray(one).dtype))
        return tuple(fields)

    def _checked_budget(self, simulations: Any) -> NDArray[np.int64]:
        """Simulations of each game, int64[N]."""
        most = self.settings.simulations
        if simulations is None:
            return np.full(self.num_envs, most)
        given = np.asarray(simulations)
        fits = given.dtype.kind in "iu" and given.shape in ((), (self.num_envs,))
        if not fits or (given < 1).any() or (given > most).any():
            raise ArgumentError(
                f"simulations are integers 1 to {most}, one or {self.num_envs}, got {shortened(simulations)}"
            )
        return np.broadcast_to(given, self.num_envs).astype(np.int64)

    def _noise(self, random: np.random.Generator, legal: NDArray[np.int8]) -> NDArray[np.float64]:
        """Draws for the roots, [N, A]."""
        shape = (self.num_envs, self.num_actions)
        if self.settings.algorithm == "gumbel":
            return random.gumbel(size=shape)
        count = np.maximum(legal.sum(axis=1, keepdims=True), 1)
        alpha = np.broadcast_to(self.settings.alpha or 10 / count, shape)
        return random.standard_gamma(alpha)

    def _checked_evaluation(self, evaluation: Any, rows: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits and values of so many rows."""
        logits, values = (np.ascontiguousarray(each, np.float32) for each in evaluation)
        if logits.shape != (rows, self.num_actions) or values.shape != (rows,):
            raise ArgumentError(
                f"evaluate returned logits {logits.shape} and values {values.shape}; "
                f"{(rows, self.num_actions)} and {(rows,)} were wanted"
            )
        return logits, values

    def _results(self) -> SearchResult:
        n, a = self.num_envs, self.num_actions
        result = SearchResult(
            action=np.zeros(n, np.int64),
            pi=np.zeros((n, a), np.float32),
            visits=np.zeros((n, a), np.int32),
            q=np.zeros((n, a), np.float32),
            value=np.zeros(n, np.float32),
            pv=np.zeros((n, VARIATION), np.int32),
        )
        self._loops.write_results(*self._tree, *self._root, self._constants, *result)
        return result
