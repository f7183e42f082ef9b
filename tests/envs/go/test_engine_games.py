"""Games against programs: who wins when one fails, in the single environment and in the batch."""

import pickle
import shlex
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, InvalidAction

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.go import engines
from rlbench.envs.go.rules import FORFEIT, PASSES, RESIGNED
from rlbench.errors import ArgumentError
from rlbench.testing import check_env

ID = "rlbench/Go9x9-v0"
FAKE = Path(__file__).parent / "fake_engine.py"
needs_gnugo = pytest.mark.skipif(engines.missing("gnugo:1") is not None, reason=str(engines.missing("gnugo:1")))


def fake(wrong):
    """An opponent that does one thing wrong when it is asked for a move."""
    return f"gtp:{shlex.join([sys.executable, '-IS', str(FAKE), wrong])}"


@pytest.fixture
def make():
    """Makes environments, single ones and batches, that are closed at the end."""
    made = []

    def make(opponent, num_envs=None, env_id=ID, **kwargs):
        if num_envs is None:
            made.append(gymnasium.make(env_id, opponent=opponent, **kwargs))
        else:
            made.append(gymnasium.make_vec(env_id, num_envs, opponent=opponent, **kwargs))
        return made[-1]

    yield make
    for env in made:
        env.close()


FORFEITS = {
    "crashes": "crash: ",
    "is killed": "crash: ",
    "names no point": "protocol: its move is none: ",
    "speaks": "protocol: ",
    "is binary": "protocol: ",
    "refuses": "refusal: ",
    "hangs": "timeout: ",
    "moves on an occupied point": "illegal: fake 1 plays A1",
}


@pytest.mark.parametrize("wrong", FORFEITS)
def test_a_program_that_fails_forfeits_its_game_and_plays_the_next(make, monkeypatch, wrong):
    monkeypatch.setattr(engines, "SECONDS_TO_MOVE", 0.5)
    env = make(fake(wrong))
    for colour in (0, 1):
        _, info = env.reset(seed=colour, options={"colour": colour})
        assert (info["winner"], info["engine"]) == (0, "fake 1")
        over, steps = False, 0
        while not over:
            _, reward, over, truncated, info = env.step(40 + steps)
            steps += 1
        assert (reward, truncated, info["winner"], info["ending"]) == (1.0, False, 1 - 2 * colour, FORFEIT)
        assert info["forfeit"].startswith(FORFEITS[wrong])
        assert info["action_mask"].tolist() == [0] * 81 + [1]
        assert steps == 1 + (wrong.startswith("moves") and colour == 0)


@pytest.mark.parametrize("colour", [0, 1])
def test_a_program_that_resigns_has_lost(make, colour):
    env = make(fake("resigns"))
    env.reset(options={"colour": colour})
    _, reward, over, _, info = env.step(40)
    assert (reward, over, info["winner"], info["ending"]) == (1.0, True, 1 - 2 * colour, RESIGNED)
    assert "forfeit" not in info


def test_moves_of_both_sides_stand_on_the_board(make):
    env = make(fake("nothing"))  # it plays A1, B1, C1
    env.reset(options={"colour": 1})
    observation, *_ = env.step(0)
    assert np.argwhere(observation["planes"][0]).tolist() == [[0, 0]]
    assert np.argwhere(observation["planes"][1]).tolist() == [[8, 0], [8, 1]]
    assert observation["planes"][4].max() == 0


def test_two_passes_end_a_game_against_a_program(make):
    env = make(fake("passes"), komi=0.5)
    env.reset(options={"colour": 0})
    assert env.step(40)[2] is False
    _, reward, over, _, info = env.step(81)
    assert (reward, over, info["score"], info["ending"]) == (1.0, True, 80.5, PASSES)


def test_an_opening_is_told_to_the_program(make):
    env = make(fake("nothing"))
    env.reset(options={"colour": 0, "opening": 1})
    black, white = env.unwrapped.params.openings[1].tolist()
    observation, *_ = env.step(next(a for a in range(81) if a not in (black, white, 72)))
    assert observation["planes"][1].sum() == 2


def test_a_pool_may_hold_programs(make):
    env = make("random", opponents=["random", fake("resigns"), "random"])
    for number in (0, 1, 2):
        _, info = env.reset(seed=1, options={"opponent": number, "colour": 0})
        *_, info = env.step(40)
        assert ("engine" in info, info.get("ending")) == ((True, RESIGNED) if number == 1 else (False, None))


def test_a_missing_gnugo_is_a_missing_dependency(monkeypatch):
    monkeypatch.setattr(engines, "missing", None)
    monkeypatch.setattr(engines, "GAMES_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(DependencyNotInstalled, match="apt install gnugo"):
            make(ID, opponent="gnugo:1")


@pytest.mark.parametrize("opponent", ["gtp:/no/such/program", "gnugo:fast"])
def test_an_opponent_that_is_none_is_refused(opponent):
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ArgumentError, match="opponent="):
            make(ID, opponent=opponent)


def first_legal(info):
    return int(np.flatnonzero(info["action_mask"])[0])


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_batch_is_the_single_environments_side_by_side(make, mode):
    pool = {"opponents": ["random", fake("moves on an occupied point"), fake("resigns")]}
    options = {"opponent": np.array([0, 1, 2]), "colour": np.array([0, 0, 1])}
    batch = make("random", 3, autoreset_mode=gymnasium.vector.AutoresetMode(mode), **pool)
    singles = [make("random", **pool) for _ in range(3)]
    observations, infos = batch.reset(seed=5, options=options)
    singly = [
        env.reset(seed=5 + i, options={name: int(values[i]) for name, values in options.items()})
        for i, env in enumerate(singles)
    ]
    ended, total = np.zeros(3, bool), np.zeros(3)
    for _ in range(4):
        actions = np.array([first_legal(info) for _, info in singly])
        if mode == "Disabled" and ended.any():
            batch.reset(options={"reset_mask": ended})
            singly = [env.reset() if over else each for env, over, each in zip(singles, ended, singly, strict=True)]
            actions = np.array([first_legal(info) for _, info in singly])
            ended[:] = False
        observations, rewards, terminations, truncations, infos = batch.step(actions)
        for i, env in enumerate(singles):
            if mode == "NextStep" and ended[i]:
                singly[i] = env.reset()
                assert (rewards[i], terminations[i]) == (0.0, False)
            else:
                observation, reward, over, _, info = env.step(actions[i])
                assert (rewards[i], terminations[i], truncations[i]) == (reward, over, False)
                if over and mode == "SameStep":
                    final = infos["final_info"]
                    assert all(final[name][i] == info[name] for name in ("winner", "ending", "engine"))
                    assert final.get("_forfeit", [False] * 3)[i] == ("forfeit" in info)
                    np.testing.assert_array_equal(infos["final_obs"]["planes"][i], observation["planes"])
                    observation, info = env.reset()
                singly[i] = observation, info
                total[i] += over
            for name in ("planes", "action_mask"):
                np.testing.assert_array_equal(observations[name][i], singly[i][0][name])
            assert infos["winner"][i] == singly[i][1]["winner"]
            assert infos.get("_engine", [False] * 3)[i] == ("engine" in singly[i][1])
        ended = terminations.copy() if mode != "SameStep" else ended
    assert total[2] >= 1
    assert total[1] >= 1


def test_a_batch_refuses_bad_actions_before_any_game_moves(make):
    batch = make(fake("nothing"), 2, illegal="raise")
    batch.reset(seed=1, options={"colour": 0})
    batch.step(np.array([0, 1]))
    for actions, message in (([5, 82], "82 of environment 1 is not in"), ([5, 1], "1 of environment 1 is not legal")):
        with pytest.raises(InvalidAction, match=message):
            batch.step(np.array(actions))
    observations, *_ = batch.step(np.array([2, 2]))
    assert observations["planes"][:, 0].sum(axis=(1, 2)).tolist() == [2, 2]


def test_a_batch_stops_games_that_take_too_long(make):
    batch = make(fake("nothing"), 2, max_episode_steps=2)
    batch.reset(seed=1, options={"colour": 0})
    assert not batch.step(np.array([0, 1]))[3].any()
    assert batch.step(np.array([2, 3]))[3].all()


@needs_gnugo
def test_gnugo_plays_the_same_games_again(make):
    def game(env, seed, **options):
        observation, info = env.reset(seed=seed, options=options)
        for action in (30, 31, 32):
            if info["action_mask"][action]:
                observation, _, _, _, info = env.step(action)
        return observation["planes"].tobytes()

    env = make("gnugo:1", env_id="rlbench/Go7x7-v0")
    first = [game(env, 1), game(env, 2, colour=1), game(env, 3, opening=2)]
    assert env.reset()[1]["engine"] == "gnugo 3.8"
    assert first == [game(env, 1), game(env, 2, colour=1), game(env, 3, opening=2)]


@needs_gnugo
def test_gnugo_takes_dead_stones_off_before_it_passes(make):
    """Every stone counts as alive at the end, so White's lone stone must be captured for Black to own the board."""
    env = make("gnugo:1", env_id="rlbench/Go5x5-v0", komi=0.5)
    _, info = env.reset(seed=1, options={"colour": 1})
    over = False
    while not over:
        turns = env.unwrapped.state.turns
        _, reward, over, _, info = env.step(24 if turns == 1 and info["action_mask"][24] else 25)
    assert (reward, info["score"], info["ending"]) == (0.0, 24.5, PASSES)


@needs_gnugo
@pytest.mark.parametrize("how", ["set", "reset", "pickled"])
def test_a_state_against_a_program_holds_its_moves_and_goes_on_alike(make, how):
    env, twin = (make("gnugo:1", env_id="rlbench/Go5x5-v0").unwrapped for _ in range(2))
    _, info = env.reset(seed=1, options={"opening": 1})
    twin.reset(seed=2)
    for _ in range(2):
        *_, info = env.step(int(info["action_mask"][:25].argmax()))
    state = pickle.loads(pickle.dumps(env.state)) if how == "pickled" else env.state
    if how == "reset":
        twin.reset(options={"state": state})
    else:
        twin.state = state
    assert twin.state.game == state.game
    for _ in range(3):
        action = int(info["action_mask"][:25].argmax())
        (seen, *rest, info), (twin_seen, *twin_rest, _) = env.step(action), twin.step(action)
        np.testing.assert_array_equal(twin_seen["planes"], seen["planes"])
        assert twin_rest == rest


def test_a_state_without_moves_is_refused_against_a_program(make):
    env = make(fake("nothing"), env_id="rlbench/Go5x5-v0").unwrapped
    env.reset(seed=1, options={"colour": 0})
    env.step(12)
    before = env.state
    for values in (before._asdict(), before._replace(passes=0), tuple(before)):
        with pytest.raises(
            ArgumentError, match="a program knows its games by moves: against one, set a state as it was"
        ):
            env.state = values
        with pytest.raises(ArgumentError, match="a program knows its games by moves"):
            env.reset(options={"state": values})
    assert env.state.game == before.game == ((before.game.seed, ((1, 12), (-1, 20)), None))


@pytest.mark.slow
@needs_gnugo
def test_an_environment_against_a_program_keeps_all_promises():
    check_env("rlbench/Go5x5-v0", opponent="gnugo:1")
