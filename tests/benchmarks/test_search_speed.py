"""Searches of AlphaZero's self-play: how much they take beside their network, and how fast they are without one.

The first is a turn of many games at once, as in a training run, against the bare network on the very same leaves, on
one thread. The second has no network: every position is even and every action as likely, for the peer as for us.
OpenSpiel's search for networks is the one in Python; that in C++ takes no evaluation of others.
"""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings

GAMES, SHORT_GAMES = 16, 2
RANDOM_MOVES = 20
"""Before the search: neither the empty board nor a full one."""


def in_the_middle(envs, moves=RANDOM_MOVES):
    """The states of games after some random legal moves."""
    random = np.random.default_rng(0)
    observation, _ = envs.reset(seed=0)
    for _ in range(moves):
        mask = observation["action_mask"]
        observation, *_ = envs.step((random.random(mask.shape) * mask)[:, :-1].argmax(axis=1))
    return envs.unwrapped.state


@pytest.mark.benchmark(group="Search")
@pytest.mark.parametrize("preset", ["go5", "go9"])
def test_a_search_takes_little_longer_than_its_network(preset, compare, size):
    pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")
    from baselines.algorithms.alphazero import PRESETS, AlphaZero
    from baselines.training.loop import computing

    settings = PRESETS[preset]
    games = size(settings.num_envs, SHORT_GAMES)
    with computing():
        learner = AlphaZero(replace(settings, device="cpu", num_envs=games, evaluation_games=1, window=1_000))
        states, leaves = in_the_middle(learner.env, moves=6), []
        network = learner.model.evaluate

        def evaluate(*leaf):
            leaves.append(leaf)
            return network(*leaf)

        learner.search.run(states, evaluate, np.random.default_rng(0))
        what = f"{settings.task}: a search of {settings.simulations} simulations in {games} games"
        compare(
            what,
            "its network alone on the same positions",
            lambda: learner.search.run(states, network, np.random.default_rng(0)),
            lambda: [network(*leaf) for leaf in leaves],
            least=0.75,
            limit="the network: 1 would be its speed",
        )
        learner.close()


def openspiel(simulations, games):
    """OpenSpiel's search for networks, in Python, a game after the other."""
    pyspiel = pytest.importorskip("pyspiel", reason="pip install 'rlbench[peers]'")
    from open_spiel.python.algorithms import mcts

    class Even(mcts.Evaluator):
        def evaluate(self, state):
            return np.zeros(2)

        def prior(self, state):
            actions = state.legal_actions()
            return [(action, 1 / len(actions)) for action in actions]

    random, state = np.random.default_rng(0), pyspiel.load_game("go", {"board_size": 9}).new_initial_state()
    for _ in range(RANDOM_MOVES):
        state.apply_action(random.choice(state.legal_actions()[:-1]))
    select = mcts.SearchNode.puct_value
    bot = mcts.MCTSBot(state.get_game(), 1.25, simulations, Even(), random_state=random, child_selection_fn=select)
    return lambda: [bot.mcts_search(state) for _ in range(games)]


@pytest.mark.benchmark(group="Search")
def test_a_search_without_a_network(compare, size):
    games, simulations = size(GAMES, SHORT_GAMES), size(400, 16)
    theirs = openspiel(simulations, games)
    envs = gymnasium.make_vec("rlbench/Go9x9-v0", num_envs=games, opponent=None)
    search, states = Search(envs.unwrapped.params, games, SearchSettings("puct", simulations)), in_the_middle(envs)

    def even(planes, mask):
        return np.zeros(mask.shape, np.float32), np.zeros(len(mask), np.float32)

    compare(
        f"Go 9x9: searches of {simulations} simulations, no network",
        "OpenSpiel's search in Python",
        lambda: search.run(states, even),
        theirs,
        rounds=5,
        least=5.0,
        limit="the rules of Go, which each descent plays from the root on",
    )
