"""Atari games against Gymnasium's AtariPreprocessing and FrameStackObservation on ale-py's single game, to the pixel.

With the same seed, the same number of frames without action and black frames before the first, there is no
difference. Three of Gymnasium's habits are taken out to show it; they are what users of both should know:

* It does not give the emulator the seed itself, but a word of a SeedSequence made of it.
* It draws 1 to `noop_max` frames without action from NumPy's generator; ale-py's loop draws from a Mersenne Twister
  and may take none. Here the loop's number is read from `info["episode_frame_number"]`.
* It fills the missing frames of the first observations with the first one; `padding_type="zero"` leaves them black.

Gymnasium counts the frames without action towards `max_num_frames_per_episode`, too.
"""

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

from rlbench.envs.atari.protocol import PRESETS, protocol
from rlbench.registry import atari_id
from rlbench.testing import same

ale_py = pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
pytest.importorskip("cv2", reason="pip install 'rlbench[test]'")


class Noops:
    """A generator that draws a given number."""

    def integers(self, low, high):
        return high - 1


class FireFirst(gymnasium.ActionWrapper):
    """A game in which the first action of an episode is FIRE, whatever is asked for."""

    def reset(self, **kwargs):
        self.waiting = True
        return super().reset(**kwargs)

    def action(self, action):
        asked, self.waiting = (1 if self.waiting else action), False
        return asked


class Theirs:
    """Gymnasium's wrappers around one game, which begin an episode with a given number of frames without action."""

    def __init__(self, game, rules):
        gymnasium.register_envs(ale_py)
        self.core = gymnasium.make(
            atari_id(game).replace("rlbench/Atari", "ALE/").replace("-v0", "-v5"),
            frameskip=1,
            repeat_action_probability=rules.sticky,
            full_action_space=rules.full_actions,
            max_num_frames_per_episode=None if rules.noop_max else rules.max_frames,
        )
        self.core.unwrapped.seed_game = self.seed
        core = FireFirst(self.core) if rules.fire_reset else self.core
        self.frames = AtariPreprocessing(core, frame_skip=rules.frame_skip)
        self.stack = FrameStackObservation(self.frames, 4, padding_type="zero")
        self.ale = self.core.unwrapped.ale

    def seed(self, seed):
        self.core.unwrapped._np_random = Noops()
        self.ale.setInt("random_seed", seed)
        return seed, seed

    def reset(self, frames, seed=None):
        """Begin an episode of which so many frames have been played: a few games open with some of their own."""
        if seed is not None:
            self.core.reset(seed=seed)
            self.opening = self.ale.getEpisodeFrameNumber()
        self.frames.noop_max = frames - self.opening
        return self.stack.reset(seed=seed)[0]


def compare(game, steps, seed=11, **kwargs):
    """Play both side by side; returns how many episodes ended and the points won."""
    rules = protocol(kwargs.get("preset", "machado2018"), {k: v for k, v in kwargs.items() if k != "preset"})
    ours, theirs = gymnasium.make(atari_id(game), **kwargs), Theirs(game, rules)
    observation, info = ours.reset(seed=seed)
    assert same(observation, theirs.reset(info["episode_frame_number"], seed))
    actions = np.random.default_rng(seed).integers(ours.action_space.n, size=steps).tolist()
    ends, points = 0, 0.0
    for action in actions:
        observation, reward, terminated, truncated, info = ours.step(action)
        expected, score, *ended, theirs_info = theirs.stack.step(action)
        assert same(observation, expected)
        assert [terminated, truncated] == ended
        assert (info["score"], info["lives"]) == (score, theirs_info["lives"])
        assert info["episode_frame_number"] == theirs_info["episode_frame_number"]
        assert reward == (np.sign(score) if rules.clip_rewards else score)
        points += abs(score)
        if terminated or truncated:
            ends += 1
            observation, info = ours.reset()
            assert same(observation, theirs.reset(info["episode_frame_number"]))
    return ends, points


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_gymnasiums_to_the_pixel(preset):
    ends, points = compare("breakout", 300, seed=2, preset=preset)
    assert ends > 0
    assert points > 0


@pytest.mark.parametrize(
    "kwargs",
    [
        {"frame_skip": 1, "sticky": 0.0},
        {"frame_skip": 3, "sticky": 0.5, "full_actions": True},
        {"frame_skip": 4, "max_frames": 102},  # ends within a step
        {"frame_skip": 5, "noop_max": 7, "clip_rewards": True},
        {"fire_reset": True, "noop_max": 5},
    ],
)
def test_single_fields_are_gymnasiums_to_the_pixel(kwargs):
    compare("space_invaders", 100, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("game", ["breakout", "pong", "seaquest", "space_invaders", "qbert"])
def test_five_games_are_gymnasiums_for_ten_thousand_steps(game, preset):
    ends, points = compare(game, 10_000, preset=preset)
    assert ends > 0
    assert points > 0


@pytest.mark.slow
@pytest.mark.parametrize("game", ["air_raid", "journey_escape", "ms_pacman", "enduro", "beam_rider", "tic_tac_toe_3d"])
def test_screens_of_other_sizes_are_gymnasiums_too(game):
    compare(game, 1_000)


def test_without_a_maximum_an_observation_is_the_last_frame():
    """Gymnasium's wrapper always takes it, so this one reads the emulator's screen."""
    import cv2

    ours, theirs = gymnasium.make(atari_id("pong"), max_pool=False), Theirs("pong", PRESETS["machado2018"])
    ours.reset(seed=4), theirs.reset(0, 4)
    screen = np.empty(theirs.ale.getScreenDims(), np.uint8)
    for i in range(40):
        observation = ours.step(i % 6)[0]
        theirs.stack.step(i % 6)
        theirs.ale.getScreenGrayscale(screen)
        assert same(observation[-1], cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA))


def test_pictures_are_the_emulators_screen():
    ours, theirs = (
        gymnasium.make(atari_id("seaquest"), render_mode="rgb_array"),
        Theirs("seaquest", PRESETS["machado2018"]),
    )
    ours.reset(seed=9), theirs.reset(0, 9)
    assert same(ours.render(), theirs.ale.getScreenRGB())
    for i in range(60):
        ours.step(i % 18), theirs.stack.step(i % 18)
        assert same(ours.render(), theirs.ale.getScreenRGB())
