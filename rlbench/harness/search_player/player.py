"""An agent that plays Go by a search with a network of layers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlbench.envs.go import rules
from rlbench.harness.layers import player as layers
from rlbench.harness.layers.graph import GraphError
from rlbench.harness.search_player import folder as folders
from rlbench.harness.search_player.following import FollowedGame
from rlbench.search.batch import Search, SearchResult
from rlbench.search.files import SEARCH, SearchedGame


class SearchPlayer:
    """An agent of N games that searches without noise for each move: it always plays the same.

    Args:
        network: Player of the graph.
        search: For N games.
    """

    def __init__(self, network: layers.Player, search: Search) -> None:
        self._network, self._search = network, search
        params: Any = search.world.params
        self._games = [FollowedGame(params) for _ in range(search.num_envs)]
        self._result: SearchResult | None = None

    def act(self, observation: Any, first: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Actions [N] for planes [N, 5, n, n] and action_mask [N, A]; `first` [N] is true where a game begins."""
        rows = zip(self._games, observation["planes"], observation["action_mask"], first, strict=True)
        for game, planes, mask, begins in rows:
            game.see(planes, mask, bool(begins))
        fields = zip(*(game.state for game in self._games), strict=True)
        states = rules.State._make(np.array(field) for field in fields)  # arrays [N, ...]
        self._result = self._search.run(states, self.evaluate)
        for game, action in zip(self._games, self._result.action.tolist(), strict=True):
            game.play(action)
        return self._result.action

    def explain(self) -> dict[str, Any]:
        """The last search: visits, their shares, expected moves, and values as the probability of a win.

        The value is that of the action taken: the mean of a search that halves its candidates holds all the worse ones.
        """
        result = self._result
        if result is None:
            return {}
        total = np.maximum(result.visits.sum(axis=1, keepdims=True), 1)
        q = np.where(result.visits > 0, result.q, result.value[:, None])
        taken = q[np.arange(len(q)), result.action]
        return {
            "action_values": 0.5 + 0.5 * q,
            "probabilities": result.visits / total,
            "value": 0.5 + 0.5 * taken,
            "visits": result.visits,
            "variation": result.pv,
        }

    def evaluate(
        self, planes: NDArray[np.uint8], mask: NDArray[np.int8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network: logits [M, A] and values [M]."""
        self._network.act({"planes": planes, "action_mask": mask}, np.zeros(len(planes), np.bool_))
        outputs = self._network.outputs()
        return outputs[folders.POLICY], outputs[folders.VALUE].reshape(len(planes))


def load(folder: str | Path, env_id: str, env_kwargs: Mapping[str, Any], num_envs: int) -> SearchPlayer:
    """The agent in a folder, for N games of a task; a GraphError where it does not fit them."""
    graph, tensors, game = folders.read(folder)
    params = params_of(env_id, env_kwargs)
    check_game(game, params)
    search = Search(params, num_envs, game.settings)
    observation = search.world.observations
    one = observation.as_gymnasium([np.zeros((1, *leaf.shape), leaf.dtype) for leaf in observation.leaves.values()])
    layers.Player(graph, tensors).check(one)
    player = SearchPlayer(layers.Player(graph, tensors), search)
    check_outputs(player, one, search.num_actions)
    return player


def params_of(env_id: str, env_kwargs: Mapping[str, Any]) -> rules.Params:
    """Params of a task's games, without opponents; a GraphError for a task of another game."""
    import rlbench  # noqa: F401  # registers the environments

    try:
        spec = gymnasium.spec(env_id)
    except gymnasium.error.Error:
        spec = None
    if spec is None or not env_id.startswith("rlbench/Go"):
        raise GraphError(f"rlbench:search plays Go, and not {env_id or 'a task without an environment'}")
    given = {**spec.kwargs, **env_kwargs, "opponent": None, "opponents": None}
    known = inspect.signature(rules.configure).parameters
    return rules.configure(**{name: value for name, value in given.items() if name in known})


def check_game(game: SearchedGame, params: rules.Params) -> None:
    """A GraphError where a network was trained for another game."""
    played = {"size": params.rows, "komi": params.komi, "suicide": params.suicide}
    for name, value in played.items():
        if (own := getattr(game, name)) != value:
            raise GraphError(f"{SEARCH}: the network is for {name} {own}, the game has {name} {value}")


def check_outputs(player: SearchPlayer, observation: Mapping[str, Any], actions: int) -> None:
    """A GraphError where the outputs of the network have other shapes than a search takes."""
    try:
        logits, values = player.evaluate(observation["planes"], observation["action_mask"])
        fits = logits.shape == (1, actions) and values.shape == (1,)
    except ValueError:
        fits = False
    if not fits:
        raise GraphError(f"{folders.POLICY} gives {actions} logits, and {folders.VALUE} one number, for each position")
