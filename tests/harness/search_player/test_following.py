"""Games followed through observations: the states are those of the environment that shows them."""

import gymnasium
import numpy as np
import pytest

from rlbench.envs.go import rules
from rlbench.envs.go.game import Game
from rlbench.gtp.players import observe
from rlbench.harness.search_player.following import FollowedGame

COMPARED = ("stones", "legal", "to_move", "passes", "last", "before_last", "ending")


def known_positions(state):
    return set(state.hashes[1 + len(state.stones) :].tolist())


@pytest.mark.parametrize(("size", "suicide"), [(2, False), (3, True), (5, False)])
def test_states_are_those_of_the_environment(size, suicide):
    how = {"size": size, "suicide": suicide, "opponents": ("random", "mcts:5")}
    N, rng = 16, np.random.default_rng(3)
    envs = gymnasium.make_vec("rlbench/Go9x9-v0", num_envs=N, autoreset_mode="SameStep", **how)
    openings = np.arange(N) % min(3, len(envs.unwrapped.params.openings))
    options = {"colour": np.arange(N) % 2, "opponent": np.arange(N) // 2 % 2, "opening": openings}
    seen, _ = envs.reset(seed=7, options=options)
    games = [FollowedGame(rules.configure(size=size, suicide=suicide, opponent=None)) for _ in range(N)]
    first, episodes = np.ones(N, np.bool_), 0
    for _ in range(60):
        states = envs.unwrapped.state
        actions = (rng.random(seen["action_mask"].shape) * seen["action_mask"]).argmax(axis=1)
        for i, game in enumerate(games):
            game.see(seen["planes"][i], seen["action_mask"][i], bool(first[i]))
            for name in COMPARED:
                np.testing.assert_array_equal(getattr(game.state, name), getattr(states, name)[i], name)
            assert known_positions(game.state) == known_positions(type(states)(*(field[i] for field in states)))
            game.play(int(actions[i]))
        seen, _, terminated, truncated, _ = envs.step(actions)
        first = terminated | truncated
        episodes += first.sum()
    assert episodes > N


def test_a_board_that_was_changed_from_outside_is_set_up_as_it_is_seen():
    followed, game = FollowedGame(rules.configure(size=5, opponent=None)), Game(5, 24.5)
    for action in (0, 7, 12):  # a handicap: Black moves thrice
        game.play(action, 1)
    shown = observe(game, -1)
    followed.see(shown["planes"], shown["action_mask"], True)
    assert followed.state.to_move == 2
    assert [action for action in range(25) if not followed.state.legal[action]] == [0, 7, 12]
    followed.play(6)
    game.play(6, -1)
    game.play(11, 1)
    game.undo()
    game.undo()
    game.play(8, -1)
    game.play(16, 1)
    shown = observe(game, -1)
    followed.see(shown["planes"], shown["action_mask"], False)
    seen = rules.Observation(np.zeros_like(shown["planes"]), np.zeros_like(shown["action_mask"]))
    rules.observe(followed.state, rules.configure(size=5, opponent=None), seen, None)
    np.testing.assert_array_equal(seen.planes, shown["planes"])
    np.testing.assert_array_equal(seen.action_mask, shown["action_mask"])
