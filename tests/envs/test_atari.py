"""Atari games: one task for `make` and `make_vec`, protocols, `info` and final observations."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import rlbench
from rlbench.envs.atari.protocol import PRESETS
from rlbench.registry import ATARI_GAMES, atari_id
from rlbench.testing import check_env, check_vector_env, same
from tests.envs.atari_games import make, make_vec

ale_py = pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")

FIVE = ("breakout", "pong", "seaquest", "space_invaders", "qbert")
SHORT = {"frame_skip": 1, "max_frames": 40, "noop_max": 3}  # episodes of 40 steps


def test_every_cartridge_for_one_player_has_the_id_that_ale_py_gives_it():
    gymnasium.register_envs(ale_py)
    theirs = {id.removeprefix("ALE/").removesuffix("-v5") for id in gymnasium.registry if id.startswith("ALE/")}
    assert {atari_id(game) for game in ATARI_GAMES} == {f"rlbench/Atari{name}-v0" for name in theirs}
    assert set(ale_py.roms.get_all_rom_ids()) - set(ATARI_GAMES) == {"combat", "joust", "maze_craze", "warlords"}
    assert {row.id for row in rlbench.ENVIRONMENTS if "atari" in row.tags} == set(map(atari_id, ATARI_GAMES))


def test_a_game_conforms():
    check_env(atari_id("pong"), noop_max=30)


def test_a_batch_conforms():
    check_vector_env(atari_id("breakout"), **SHORT, sticky=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("game", ATARI_GAMES)
def test_every_game_conforms(game):
    check_vector_env(atari_id(game), **SHORT, sticky=0.25)


def compare(game, calls, **kwargs):
    """Two games of a batch in NEXT_STEP mode against two single games, in everything that they return."""
    batch, singles = make_vec(game, 2, **kwargs), [make(game, **kwargs) for _ in range(2)]
    rng = np.random.default_rng(0)
    seen, ended = [batch.reset(seed=7)[0]], np.zeros(2, bool)
    assert same(seen[0], np.stack([env.reset(seed=7 + i)[0] for i, env in enumerate(singles)]))
    points = 0
    for _ in range(calls):
        actions = rng.integers(batch.single_action_space.n, size=2)
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            if ended[i]:
                expected = (*env.reset(), 0.0, False, False)
                expected = (expected[0], *expected[2:], expected[1])
            else:
                expected = env.step(actions[i])
            mine = {name: values[i].item() for name, values in info.items() if not name.startswith("_")}
            assert same(observations[i], expected[0])
            assert (rewards[i], terminated[i], truncated[i], mine) == expected[1:]
        ended = terminated | truncated
        points += info["score"].sum()
    return points


@pytest.mark.parametrize("preset", PRESETS)
def test_a_game_of_a_batch_is_the_single_game(preset):
    """With the least set of actions, so that random ones win points whatever the protocol."""
    assert compare("breakout", 150, preset=preset, max_frames=200, full_actions=False) > 0


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("game", FIVE)
def test_a_game_of_a_batch_is_the_single_game_for_ten_thousand_steps(game, preset):
    assert compare(game, 5_000, preset=preset) != 0


def test_a_game_does_not_depend_on_its_batch():
    wide, narrow, one_thread = make_vec("pong", 3), make_vec("pong", 1), make_vec("pong", 3, threads=1)
    assert same(wide.reset(seed=3)[0][2:], narrow.reset(seed=5)[0])
    one_thread.reset(seed=3)
    for _ in range(40):
        actions = wide.action_space.sample()
        ours = wide.step(actions)
        assert same(ours[0][2:], narrow.step(actions[2:])[0])
        assert same(ours[:4], one_thread.step(actions)[:4])


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_batch_is_ale_pys_own(mode, monkeypatch):
    monkeypatch.setattr(ale_py.AtariVectorEnv, "metadata", {})  # it writes there
    ours = make_vec("breakout", 2, mode, preset="nature2015", sticky=0.25, max_frames=120)
    theirs = ale_py.AtariVectorEnv(
        "breakout",
        2,
        repeat_action_probability=0.25,
        noop_max=31,  # of which it takes 30 at the most
        use_fire_reset=False,
        max_num_frames_per_episode=120,
        autoreset_mode=mode,
    )
    ours.action_space.seed(0)
    assert same(ours.reset(seed=3)[0], theirs.reset(seed=3)[0])
    for _ in range(70):
        actions = ours.action_space.sample()
        a, b = ours.step(actions), theirs.step(actions)
        assert same(a[0], b[0])
        assert same([a[1].astype(int), *a[2:4]], [b[1].astype(int), *b[2:4]])
        assert same(a[4]["lives"], b[4]["lives"])


def test_presets_set_what_their_papers_set():
    assert PRESETS["machado2018"].sticky == 0.25
    assert not PRESETS["machado2018"].life_loss
    assert PRESETS["nature2015"].life_loss
    assert PRESETS["nature2015"].noop_max == 30
    assert {PRESETS[name].sticky for name in ("dqn2013", "nature2015")} == {0.0}
    assert all(one.frame_skip == 4 and one.source for one in PRESETS.values())
    assert make("pong").unwrapped.protocol == PRESETS["machado2018"]
    assert make("breakout", full_actions=True).action_space.n == 18


def test_the_score_is_raw_where_rewards_are_clipped():
    envs = make_vec("space_invaders", 2, clip_rewards=True)
    envs.action_space.seed(0)
    envs.reset(seed=0)
    scores = []
    for _ in range(200):
        _, rewards, _, _, info = envs.step(envs.action_space.sample())
        assert same(rewards, np.sign(info["score"]))
        scores.append(info["score"])
    assert info["_score"].all()
    assert 5.0 in np.concatenate(scores)


def test_a_lost_life_is_marked_and_the_game_goes_on():
    env = make("breakout", life_loss=True, sticky=0.0)
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    lives, lost = info["lives"], []
    for _ in range(2_000):
        _, _, terminated, _, info = env.step(env.action_space.sample())
        if terminated:
            break
        assert info["life_lost"] == (info["lives"] < lives)
        lost.append(info["life_lost"])
        lives = info["lives"]
    assert terminated
    assert sum(lost) == 4, "the fifth life's end is the game's"
    assert "life_lost" not in make("breakout").reset(seed=0)[1]


def test_a_reset_to_fewer_lives_is_no_lost_life():
    """Lives never fall at a reset that begins another episode: here episodes are cut after a life or two."""
    envs = make_vec("breakout", 2, life_loss=True, max_frames=400)
    envs.action_space.seed(1)
    envs.reset(seed=1)
    over, marks = np.zeros(2, bool), 0
    for _ in range(250):
        _, _, terminated, truncated, info = envs.step(envs.action_space.sample())
        assert not info["life_lost"][over].any()
        assert not info["life_lost"][terminated | truncated].any()
        over = terminated | truncated
        marks += info["life_lost"].sum()
    assert marks > 0


def test_same_step_has_a_dense_final_observation_and_the_last_score():
    same_step, next_step = (make_vec("pong", 2, mode, max_frames=80) for mode in ("SameStep", "NextStep"))
    first = same_step.reset(seed=2)[0]
    next_step.reset(seed=2)
    for i in range(20):
        actions = np.array([i % 6, 3])
        ours, theirs = same_step.step(actions), next_step.step(actions)
        assert ("final_obs" in ours[4]) == (i == 19)
    assert same(ours[1:4], theirs[1:4])
    assert same(ours[4]["final_obs"], theirs[0])
    assert ours[4]["_final_obs"].all()
    assert ours[4]["_final_info"].all()
    assert same(ours[4]["final_info"]["score"], theirs[4]["score"])
    assert same(ours[0][:, :3], np.zeros_like(first[:, :3])), "a new episode begins with black frames"
    assert (ours[4]["episode_frame_number"] == 0).all()


def test_final_obs_of_a_game_that_goes_on_is_its_observation():
    envs = make_vec("breakout", 2, "SameStep")
    envs.action_space.seed(0)
    envs.reset(seed=0)
    for _ in range(1_000):
        observations, _, terminated, _, info = envs.step(envs.action_space.sample())
        if terminated.any():
            break
    assert same(info["final_obs"][~terminated], observations[~terminated])
    assert not same(info["final_obs"][terminated], observations[terminated])
    assert same(info["_final_obs"], terminated)
    assert not terminated.all()


def test_the_mode_is_on_the_instance():
    envs = make_vec("pong", 1, AutoresetMode.SAME_STEP)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert "autoreset_mode" not in type(envs.unwrapped).metadata
    assert make_vec("pong", 1).metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP


def test_a_masked_reset_leaves_the_others_alone():
    envs, twin = (make_vec("pong", 2, AutoresetMode.DISABLED, noop_max=30) for _ in range(2))
    envs.reset(seed=5), twin.reset(seed=5)
    actions = np.array([2, 3])
    for _ in range(20):
        before = envs.step(actions)[0]
        twin.step(actions)
    mask = np.array([False, True])
    after, info = envs.reset(seed=5, options={"reset_mask": mask})
    assert same(after[~mask], before[~mask])
    assert same(after[1], make("pong", noop_max=30).reset(seed=6)[0])
    assert same(envs.step(actions)[0][~mask], twin.step(actions)[0][~mask])
    assert info["episode_frame_number"][1] <= 30


def test_games_without_a_seed_differ():
    """ale-py's own batch seeds them all by the clock, so that sticky actions stick alike."""
    envs = make_vec("pong", 2, sticky=0.5)
    envs.reset()
    played = [envs.step(np.full(2, 2 + i // 5 % 2))[0] for i in range(60)]
    assert any((first != second).any() for first, second in played)
