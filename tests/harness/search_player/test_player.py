"""The player of submissions that search: the same moves behind the boundary and in this process, and its refusals."""

import dataclasses
import json
import re

import gymnasium
import numpy as np
import pytest

from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.blocks import environment_and_agent
from rlbench.harness.isolation import explain
from rlbench.harness.layers.graph import GraphError
from rlbench.harness.play import make_env, play
from rlbench.harness.search_player import player
from rlbench.harness.tasks.suite import TASKS
from rlbench.search.files import SearchedGame, parse, search_text
from rlbench.search.settings import SearchSettings
from tests.search import networks

GAME = SearchedGame(5, 24.5, False, SearchSettings(simulations=8))
TASK = TASKS["go5@1"]


@pytest.fixture
def folder(tmp_path):
    return networks.write(tmp_path / "searcher", GAME)


def in_process(agent):
    return lambda observation, first: [np.array(agent.act(observation, first))]


def test_episodes_behind_the_boundary_are_those_in_this_process(folder):
    indices = range(4)
    short = dataclasses.replace(TASK, num_envs=4)
    with environment_and_agent(short, submission.read(folder), indices, seed=0) as (env, process):
        isolated, fault = play(env, process.load(), short, indices)
    assert fault is None
    env = make_env(short, 4, indices)
    agent = player.load(folder, short.env_id, short.env_kwargs, 4)
    here, _ = play(env, in_process(agent), short, indices)
    env.close()
    assert isolated == here


def test_a_search_that_knows_nothing_beats_random_moves(tmp_path):
    game = SearchedGame(3, 0.5, False, SearchSettings("puct", 300))
    folder = networks.write(tmp_path / "searcher", game)
    networks.save_weights(folder, {name: 0 * tensor for name, tensor in networks.weights(3).items()})
    N = 20
    agent = player.load(folder, "rlbench/Go9x9-v0", {"size": 3, "komi": 0.5}, N)
    envs = gymnasium.make_vec("rlbench/Go9x9-v0", num_envs=N, size=3, komi=0.5, opponent="random")
    observation, _ = envs.reset(seed=0, options={"colour": np.arange(N) % 2})
    first, won, over = np.ones(N, np.bool_), np.zeros(N), np.zeros(N, np.bool_)
    while not over.all():
        observation, reward, terminated, _, _ = envs.step(agent.act(observation, first))
        won += np.where(over, 0, reward)
        first, over = terminated & False, over | terminated
    assert won.sum() >= 0.9 * N


def test_an_explanation_is_the_last_search(folder):
    agent = player.load(folder, TASK.env_id, TASK.env_kwargs, 2)
    assert agent.explain() == {}
    envs = gymnasium.make_vec(TASK.env_id, num_envs=2, opponent=None)
    observation, _ = envs.reset(seed=0)
    actions = agent.act(observation, np.ones(2, np.bool_))
    rows = explain.decode(explain.encode(agent.explain()), 2)
    for row, action in zip(rows, actions, strict=True):
        assert row.error == ""
        assert sum(row.visits) == GAME.settings.simulations
        assert row.visits[action] == max(row.visits)
        assert row.probabilities == pytest.approx(np.array(row.visits) / sum(row.visits), rel=1e-5)
        assert all(0 <= value <= 1 for value in (*row.action_values, row.value))
        assert row.variation[0] == action
        assert row.value == row.action_values[action]


WRONG = {
    "simulations": ({"search": {"simulations": 0}}, "simulations is an integer 1 to 1000000, got 0"),
    "algorithm": ({"search": {"algorithm": "uct"}}, "algorithm of a search is gumbel or puct, got 'uct'"),
    "unknown": ({"search": {"simulation": 8}}, "unknown field of search 'simulation'; did you mean simulations?"),
    "number": ({"search": {"c_init": float("inf")}}, "c_init is a number 0 to 1e+06, got inf"),
    "size": ({"size": 1}, "size is an integer 2 to 19, got 1"),
    "komi": ({"komi": 0.3}, "komi is a multiple of 0.5 within 25 points, got 0.3"),
    "suicide": ({"suicide": 1}, "suicide is true or false, got 1"),
    "game": ({"game": "chess"}, "format 1 of 'chess' is not format 1 of 'go', the one that is played"),
    "missing": ({"size": None}, "it has no size"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_search_that_cannot_be_is_refused_by_the_harness(folder, case):
    changes, message = WRONG[case]
    data = {**json.loads((folder / "search.json").read_text(encoding="utf-8")), **changes}
    data = {name: value for name, value in data.items() if value is not None}
    (folder / "search.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(f"{folder}: search.json: {message}")):
        submission.read(folder)


def test_files_that_are_missing_or_no_json_are_refused(folder):
    (folder / "search.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"search.json: it is no JSON: Expecting property name"):
        submission.read(folder)
    (folder / "search.json").unlink()
    with pytest.raises(UserError, match=r"search.json: it is missing"):
        submission.read(folder)


def test_a_graph_without_a_value_is_refused(folder):
    graph = networks.graph(5)
    del graph["outputs"]["value"]
    (folder / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
    with pytest.raises(UserError, match="a search needs the outputs policy and value; there is no value"):
        submission.read(folder)


OTHER = {
    "size": ("rlbench/Go9x9-v0", {}, "the network is for size 5, the game has size 9"),
    "komi": ("rlbench/Go5x5-v0", {"komi": 0.5}, "the network is for komi 24.5, the game has komi 0.5"),
    "suicide": ("rlbench/Go5x5-v0", {"suicide": True}, "the network is for suicide False, the game has suicide True"),
    "another": ("rlbench/CartPole-v0", {}, "rlbench:search plays Go, and not rlbench/CartPole-v0"),
}


@pytest.mark.parametrize("case", OTHER)
def test_another_game_is_refused(folder, case):
    env_id, env_kwargs, message = OTHER[case]
    with pytest.raises(GraphError, match=message):
        player.load(folder, env_id, env_kwargs, 1)


def test_a_network_of_another_board_is_refused(tmp_path):
    folder = networks.write(tmp_path / "searcher", dataclasses.replace(GAME, size=4, komi=1.5))
    (folder / "search.json").write_text(search_text(GAME), encoding="utf-8")
    with pytest.raises(GraphError, match=r"node 'logits' \(linear\) does not fit its inputs"):
        player.load(folder, TASK.env_id, TASK.env_kwargs, 1)


def test_what_is_written_is_read_again():
    settings = SearchSettings("puct", 100, 7, 25.0, 0.5, 1e4, 2.0, 0.3, 0.1)
    game = SearchedGame(9, 7.0, True, settings)
    assert parse(search_text(game)) == game
