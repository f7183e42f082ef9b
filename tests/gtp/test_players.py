"""Players behind GTP: what a submission sees and may do, and built-in players on positions of every kind."""

import gymnasium
import numpy as np
import pytest

from rlbench.envs.go.game import Game
from rlbench.errors import ArgumentError
from rlbench.gtp.players import BuiltinPlayer, SubmissionPlayer, alternating, observe, usual_komi
from rlbench.gtp.server import PlayerFault
from rlbench.harness import submission

FIRST_LEGAL = "return mask.argmax(axis=1)"


@pytest.mark.parametrize("size", [2, 5, 9])
def test_a_player_sees_what_the_environment_shows(size):
    env = gymnasium.make("rlbench/Go9x9-v0", size=size, opponent=None)
    rng = np.random.default_rng(size)
    for seed in range(3):
        game, over = Game(size), False
        observation, _ = env.reset(seed=seed)
        while not over:
            seen = observe(game, game.to_play)
            assert seen.keys() == observation.keys()
            for name, value in seen.items():
                assert value.dtype == observation[name].dtype
                np.testing.assert_array_equal(value, observation[name])
            action = int(rng.choice(np.flatnonzero(observation["action_mask"])))
            game.play(action)
            observation, _, over, _, _ = env.step(action)
    env.close()


@pytest.fixture
def player(submit):
    """Makes players of submissions, which are closed at the end."""
    made = []

    def make(choose, **fields):
        made.append(SubmissionPlayer(submission.read(submit(choose, **fields))))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_submission_plays_both_colours_and_any_size(player):
    agent = player(FIRST_LEGAL)
    for size in (5, 9):
        assert agent.plays(size) is None
        game = Game(size)
        assert [(agent.choose(game, 1), game.play(0)), (agent.choose(game, -1), game.play(1))] == [(0, None), (1, None)]


def test_a_submission_to_other_tasks_is_refused(player):
    assert player(FIRST_LEGAL, tasks=["cart-pole@1"]).plays(5).endswith("is submitted to no Go")


def test_a_submission_is_told_where_a_game_begins_and_is_loaded_once(player):
    agent = player("return np.array([10 * self.calls + int(first[0])])")
    game, seen = Game(9), []
    for _ in range(2):
        agent.begin(9)
        seen += [agent.choose(game, 1), agent.choose(game, 1)]
    assert seen == [11, 20, 31, 40]
    agent.seed(5)
    assert agent.choose(game, 1) == 11


def test_a_submission_gets_its_seed(player):
    agent = player("return np.array([self.seed])")
    assert agent.choose(Game(9), 1) == 0
    agent.seed(17)
    assert agent.choose(Game(9), 1) == 17


FAULTS = {
    "raise ValueError('no idea')": "probe: crash: ValueError: no idea",
    "os._exit(3)": "probe: crash: the agent's process exited with code 3",
    "return np.array([82])": r"probe: invalid_action: .*82",
    "return np.array([0.5])": "probe: invalid_action: action must be integers, got float64",
}


@pytest.mark.parametrize("choose", FAULTS)
def test_a_fault_is_raised_and_the_next_game_is_played_anew(player, choose):
    agent = player(f"if self.seed == 1: {choose}\n{FIRST_LEGAL}")
    agent.seed(1)
    with pytest.raises(PlayerFault, match=FAULTS[choose]):
        agent.choose(Game(9), 1)
    agent.seed(0)
    agent.begin(9)
    assert agent.choose(Game(9), 1) == 0


def test_a_submission_that_cannot_be_loaded_for_a_size_does_not_play_it(player):
    agent = player(FIRST_LEGAL, load="if spaces.action.n != 26: raise ValueError('I know 5x5')")
    assert agent.plays(5) is None
    assert "load_error: ValueError: I know 5x5" in agent.plays(9)
    assert agent.plays(5) is None


def test_a_word_twice_on_end_is_a_pass_of_the_other():
    game = Game(5)
    for action, colour in ((0, 1), (1, 1), (2, -1)):
        game.play(action, colour)
    assert alternating(game, 1) == [0, 25, 1, 2]
    assert alternating(game, -1) == [0, 25, 1, 2, 25]
    assert alternating(Game(5), -1) == [25]


def test_random_plays_legal_moves_whoever_has_moved():
    agent, rng = BuiltinPlayer("random"), np.random.default_rng(1)
    agent.begin(5)
    game, moves = Game(5), []
    for _ in range(100):
        colour = int(rng.choice([-1, 1]))
        action = agent.choose(game, colour)
        assert game.is_legal(action, colour)
        game.play(action, colour)
        moves.append(action)
        if game.is_over:
            game = Game(5)
        elif rng.random() < 0.2:
            game.undo()
    assert len(set(moves)) > 15


def test_a_builtin_player_plays_the_same_for_the_same_seed():
    def moves(seed):
        agent, game = BuiltinPlayer("random"), Game(9)
        agent.seed(seed)
        agent.begin(9)
        for _ in range(10):
            game.play(agent.choose(game, game.to_play))
        return game.moves

    assert moves(1) == moves(1) != moves(2)


def test_a_search_knows_the_komi():
    def moves(komi):
        agent, game = BuiltinPlayer("mcts:100"), Game(5, komi)
        agent.begin(5)
        for _ in range(4):
            game.play(agent.choose(game, game.to_play))
        return game.moves

    assert moves(0.5) == moves(0.5) != moves(20.5)
    assert [usual_komi(Game(5, komi)) for komi in (0.3, 7.5, 1e9, -1e9)] == [0.5, 7.5, 25, -25]


def test_a_builtin_player_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match="mcts"):
        BuiltinPlayer("mcts:none")
