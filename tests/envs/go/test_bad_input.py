"""Bad input: arguments that cannot be are refused in one line, and moves that cannot be change nothing."""

import gymnasium
import numpy as np
import pytest
from gymnasium.error import InvalidAction, ResetNeeded
from hypothesis import given, settings
from hypothesis import strategies as st

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.go import rules
from rlbench.envs.go.config import checked_komi, opening_table
from rlbench.envs.go.game import OCCUPIED, OFF_THE_BOARD, OVER, SUICIDE, SUPERKO, Game, IllegalMoveError
from rlbench.errors import ArgumentError, shortened
from rlbench.testing import same

WRONG = [
    ({"size": 1}, "size is an integer 2 to 19, got 1"),
    ({"size": 20}, "size is an integer 2 to 19, got 20"),
    ({"size": 9.0}, "size is an integer 2 to 19, got 9.0"),
    ({"komi": float("nan")}, "komi is a number from -25 to 25, got nan"),
    ({"komi": float("inf")}, "got inf"),
    ({"komi": 25.5}, "got 25.5"),
    ({"komi": 0.3}, "komi is a multiple of 0.5, got 0.3"),
    ({"suicide": 1}, "suicide is True or False, got 1"),
    ({"illegal": "pass"}, "illegal is 'lose' or 'raise', got 'pass'"),
    ({"illegal": "loose"}, "illegal is 'lose' or 'raise', got 'loose'"),
    ({"illegal": None}, "illegal is 'lose' or 'raise', got None"),
    ({"max_moves": 0}, "max_moves is an integer 1 to 2500, got 0"),
    ({"opponent": "mcts"}, "opponent is one of None"),
    ({"opponent": "mcts:0"}, "mcts:PLAYOUTS takes an integer 1 to 1000000, got 'mcts:0'"),
    ({"opponent": "mcts:-5"}, "got 'mcts:-5'"),
    ({"opponent": "mcts:" + "9" * 5000}, "takes an integer"),
    ({"opponent": "mcts:\u0663"}, "takes an integer"),
    ({"opponent": "mcts:05"}, "takes an integer"),
    ({"opponent": 3}, "opponent is one of None"),
    ({"opponents": ()}, "opponents is a tuple of names, at least one"),
    ({"opponents": "random"}, "opponents is a tuple of names"),
    ({"opponents": ("random", None)}, "opponent is one of None"),
    ({"opponents": ("random",), "opponent": "mcts:5"}, "give one of them"),
    ({"opponents": ("random",), "opponent": None}, "give one of them"),
]


@pytest.mark.parametrize(("kwargs", "message"), WRONG)
def test_arguments(kwargs, message):
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ArgumentError) as error:
            make("rlbench/Go5x5-v0", **kwargs)
        assert message in str(error.value)
        assert "\n" not in str(error.value)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 20, -1, 2**31, 2**63, 2**64, 10**400]),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=200),
    st.binary(max_size=9),
    st.lists(st.one_of(st.integers(), st.text(max_size=9)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([np.uint64(2**63), np.float32(3), np.float64("nan"), np.array(5), np.zeros((2, 2)), np.str_("x")]),
    st.sampled_from(["mcts:", "mcts:1e3", "mcts:+1", "gnugo:", "gnugo:21", "gtp:", "gtp:'", "submission:", "Random"]),
    st.sampled_from(["\n", "a\r\nb", "\x00", "\ud800", "x" * 10_000, object(), int, len]),
)
NAMES = ("size", "komi", "suicide", "opponent", "opponents", "illegal", "max_moves")


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(NAMES), value=ODD)
def test_any_argument_is_taken_or_refused_in_one_line_that_names_it(name, value):
    """And names the value, and what would be right."""
    try:
        rules.configure(**{"size": 5, name: value})
    except ArgumentError as error:
        message = str(error)
        assert message.isprintable()
        assert name.rstrip("s") in message or "mcts:PLAYOUTS" in message
        assert len(message) < 300
        shown = [shortened(each) for each in (value, *(value if isinstance(value, list) else ()))]
        assert "at least one" in message or any(each in message for each in shown), message
    else:
        assert name != "illegal" or value in ("lose", "raise")


@pytest.mark.parametrize("options", [{"colour": 2}, {"colour": -1}, {"opponent": 1}, {"opening": 32}, {"opening": 0.5}])
def test_options(options):
    env = gymnasium.make("rlbench/Go5x5-v0")
    with pytest.raises(ArgumentError, match=f"option '{next(iter(options))}' takes an integer"):
        env.reset(options=options)


def test_komi_by_size():
    assert [checked_komi(None, size) for size in (5, 7, 8, 9, 13, 19)] == [24.5, 8.5, 7.0, 7.0, 7.0, 7.0]


@pytest.mark.parametrize("size", range(2, 20))
def test_openings_are_pairs_of_different_points(size):
    openings = opening_table(size, size)[1:]
    assert len({tuple(pair) for pair in openings.tolist()}) == len(openings) == (12 if size == 2 else 31)
    assert (openings[:, 0] != openings[:, 1]).all()
    rows, columns = np.divmod(openings, size)
    assert min(rows.min(), columns.min()) >= size // 5
    assert max(rows.max(), columns.max()) < size - size // 5


@pytest.mark.parametrize("illegal", ["lose", "raise"])
def test_illegal_moves_corrupt_nothing(illegal):
    """Random games in which every kind of bad move is tried; the next game is that of an environment without them."""
    made = {"opponent": None, "illegal": illegal, "suicide": False}
    env, twin = (gymnasium.make("rlbench/Go5x5-v0", **made) for _ in range(2))
    draw = np.random.default_rng(1)
    for seed in range(8):
        _, info = env.reset(seed=seed)
        for _ in range(int(draw.integers(1, 60))):
            legal = np.flatnonzero(info["action_mask"])
            env.step(int(draw.choice(legal[:-1] if len(legal) > 1 else legal)))
            state = env.unwrapped.state
            info = {"action_mask": state.legal}
            if state.ending:
                break
        bad = np.flatnonzero(state.legal == 0)
        if len(bad) and not state.ending:
            action = int(draw.choice(bad))
            if illegal == "raise":
                with pytest.raises(InvalidAction):
                    env.step(action)
                assert same(tuple(env.unwrapped.state), tuple(state))
            else:
                assert env.step(action)[2]
                after = env.unwrapped.state
                assert same((after.stones, after.chains, after.hashes), (state.stones, state.chains, state.hashes))
        if env.unwrapped.state.ending:
            with pytest.raises(ResetNeeded):
                env.step(0)
        assert same(env.reset(seed=seed)[0], twin.reset(seed=seed)[0])
        for action in (12, 7, 3, 18):
            assert same(env.step(action)[:3], twin.step(action)[:3])
            assert same(tuple(env.unwrapped.state), tuple(twin.unwrapped.state))


def test_states_that_cannot_be_are_refused():
    env = gymnasium.make("rlbench/Go5x5-v0", opponent=None)
    env.reset(seed=1)
    env.step(12), env.step(13)
    state = env.unwrapped.state
    stones = state.stones.copy()
    stones[stones == 1] = 0
    head = state.chains.copy()
    head[1, state.stones == 1] = 0
    for wrong in ({"stones": stones}, {"chains": head}, {"to_move": 3}, {"agent": 1}, {"legal": state.legal * 0}):
        with pytest.raises(ArgumentError, match="cannot be a state"):
            env.unwrapped.state = state._replace(**wrong)
    assert same(tuple(env.unwrapped.state), tuple(state))


def test_a_game_says_why_a_move_is_illegal():
    game = Game(3)
    for action, reason in ((-1, OFF_THE_BOARD), (10, OFF_THE_BOARD)):
        assert game.illegal_because(action) == reason
    game.play(4)
    with pytest.raises(IllegalMoveError, match="action 4 is illegal: occupied") as error:
        game.play(4)
    assert error.value.reason == OCCUPIED
    game.play(9), game.play(9)
    assert (game.illegal_because(0), game.illegal_because(9)) == (OVER, OVER)
    game.undo()
    assert (game.to_play, game.is_over, game.moves) == (1, False, [(4, 1), (9, -1)])
    assert {SUICIDE, SUPERKO}.isdisjoint({game.illegal_because(action) for action in range(10)})
    for wrong in ({"size": 0}, {"size": (3, -1)}, {"komi": float("nan")}, {"size": 2.5}):
        with pytest.raises(ArgumentError):
            Game(**wrong)


def test_a_copy_goes_on_by_itself_and_undo_brings_positions_back():
    game = Game((2, 3), 0.5)
    game.play(0), game.play(1)
    other = game.copy()
    other.play(3)
    assert len(game.moves) == 2
    other.undo()
    assert other.board.tolist() == game.board.tolist()
    assert other.legal_mask().tolist() == game.legal_mask().tolist()
    with pytest.raises(ArgumentError, match="there is no move to take back"):
        Game(3).undo()
